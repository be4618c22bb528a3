"""A small asynchronous Kubernetes client for the lab's controllers, on the official ``kubernetes.aio``.

Objects are plain dicts. Any API server will do: kinds are found by discovery.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import aiohttp
from kubernetes.aio.client import ApiClient, ApiException
from kubernetes.aio.config import new_client_from_config

Obj = dict[str, Any]
Key = tuple[str | None, str]

MERGE_PATCH = "application/merge-patch+json"
APPLY = "application/apply-patch+yaml"
WATCH_SECONDS = 300
"""How long one watch lasts before the informer begins the next."""
RETRY_SECONDS = (0.05, 2.0)
"""First and longest pause of an informer between attempts to reach the server."""

log = logging.getLogger("asm_lanes_lab.client")


class ClusterError(Exception):
    """An API server refused, or could not be reached (status 0)."""

    def __init__(self, status: int, reason: str, message: str) -> None:
        super().__init__(f"{status} {reason}: {message}")
        self.status = status
        """HTTP status code; 0 when there was no answer."""
        self.reason = reason
        """Kubernetes' reason, such as ``Conflict``."""
        self.message = message


class Cluster:
    """A connection to one API server."""

    def __init__(self, api: ApiClient, name: str) -> None:
        self._api = api
        self._kinds: dict[tuple[str, str], tuple[str, bool]] = {}
        self.name = name

    @classmethod
    async def connect(cls, kubeconfig: Path, name: str) -> Cluster:
        """Use the current context of *kubeconfig*; *name* is for messages. Nothing is sent yet."""
        return cls(await new_client_from_config(str(kubeconfig), persist_config=False), name)  # type: ignore[no-untyped-call]

    async def close(self) -> None:
        """Close all connections."""
        await self._api.close()  # type: ignore[no-untyped-call]

    async def list(
        self, api_version: str, kind: str, namespace: str | None = None, label_selector: str | None = None
    ) -> list[Obj]:
        """All objects of a kind, in one namespace or in all."""
        document = await self.list_document(api_version, kind, namespace, label_selector)
        items: list[Obj] = document["items"]
        return items

    async def list_document(
        self, api_version: str, kind: str, namespace: str | None = None, label_selector: str | None = None
    ) -> Obj:
        """Like ``list``, with the list's metadata; items carry apiVersion and kind."""
        path = await self._path(api_version, kind, namespace)
        document = await self._request("GET", path, {"labelSelector": label_selector})
        document["items"] = [{"apiVersion": api_version, "kind": kind, **item} for item in document["items"]]
        return document

    async def get(self, api_version: str, kind: str, name: str, namespace: str | None = None) -> Obj | None:
        """One object, or None when there is none."""
        path = await self._path(api_version, kind, namespace, name)
        try:
            return await self._request("GET", path)
        except ClusterError as error:
            if error.status == 404:
                return None
            raise

    async def create(self, obj: Obj) -> Obj:
        """POST."""
        path = await self._path(obj["apiVersion"], obj["kind"], obj["metadata"].get("namespace"))
        return await self._request("POST", path, body=obj)

    async def replace(self, obj: Obj) -> Obj:
        """PUT; fails with status 409 if the object's resourceVersion is not the latest."""
        return await self._request("PUT", await self._path_of(obj), body=obj)

    async def patch(
        self,
        api_version: str,
        kind: str,
        name: str,
        patch: Obj,
        namespace: str | None = None,
        *,
        subresource: str | None = None,
    ) -> Obj:
        """Merge patch of an object or of a subresource such as ``status``."""
        path = await self._path(api_version, kind, namespace, name, subresource)
        return await self._request("PATCH", path, body=patch, content_type=MERGE_PATCH)

    async def patch_status(self, obj_or_ref: Obj, status: Obj) -> Obj:
        """Merge patch of ``status``; *obj_or_ref* needs apiVersion, kind and metadata only."""
        path = await self._path_of(obj_or_ref) + "/status"
        return await self._request("PATCH", path, body={"status": status}, content_type=MERGE_PATCH)

    async def apply(self, obj: Obj, field_manager: str) -> Obj:
        """Server-side apply; takes fields over from other managers."""
        query = {"fieldManager": field_manager, "force": "true"}
        return await self._request("PATCH", await self._path_of(obj), query, obj, APPLY)

    async def delete(
        self,
        api_version: str,
        kind: str,
        name: str,
        namespace: str | None = None,
        *,
        grace_period_seconds: int | None = None,
    ) -> bool:
        """Delete one object; False when it was gone. A kubelet ends a pod with *grace_period_seconds* 0."""
        path = await self._path(api_version, kind, namespace, name)
        body = None if grace_period_seconds is None else {"gracePeriodSeconds": grace_period_seconds}
        try:
            await self._request("DELETE", path, body=body)
        except ClusterError as error:
            if error.status == 404:
                return False
            raise
        return True

    async def watch(
        self,
        api_version: str,
        kind: str,
        namespace: str | None,
        label_selector: str | None,
        resource_version: str,
    ) -> AsyncIterator[Obj]:
        """Events (``type``, ``object``) after *resource_version*, until the server ends the watch."""
        query = {
            "watch": "true",
            "allowWatchBookmarks": "true",
            "timeoutSeconds": str(WATCH_SECONDS),
            "resourceVersion": resource_version,
            "labelSelector": label_selector,
        }
        path = await self._path(api_version, kind, namespace)
        response = await self._send("GET", path, query, timeout=WATCH_SECONDS + 30)
        try:
            while line := await response.content.readline():
                event: Obj = json.loads(line)
                if event["type"] == "ERROR":
                    raise _error(event["object"])
                yield event
        finally:
            response.close()

    def informer(
        self, api_version: str, kind: str, namespace: str | None = None, label_selector: str | None = None
    ) -> Informer:
        """A local cache of all objects of a kind; to be started."""
        return Informer(self, api_version, kind, namespace, label_selector)

    # --- requests -------------------------------------------------------------------------------------------

    async def _path_of(self, obj: Obj) -> str:
        metadata = obj["metadata"]
        return await self._path(obj["apiVersion"], obj["kind"], metadata.get("namespace"), metadata["name"])

    async def _path(
        self,
        api_version: str,
        kind: str,
        namespace: str | None,
        name: str | None = None,
        subresource: str | None = None,
    ) -> str:
        if (api_version, kind) not in self._kinds:
            await self._discover(api_version)
        try:
            plural, namespaced = self._kinds[(api_version, kind)]
        except KeyError:
            message = f"{self.name} does not serve {kind} of {api_version}; are its CRDs installed?"
            raise ClusterError(404, "NotFound", message) from None
        if namespaced and name and not namespace:
            raise ClusterError(400, "BadRequest", f"{kind} {name}: metadata.namespace is missing")
        parts = [_root(api_version)]
        if namespaced and namespace:
            parts += ["namespaces", quote(namespace, safe="")]
        parts.append(plural)
        parts += [quote(part, safe="") for part in (name, subresource) if part]
        return "/".join(parts)

    async def _discover(self, api_version: str) -> None:
        try:
            document = await self._request("GET", _root(api_version))
        except ClusterError as error:
            if error.status == 404:
                return
            raise
        for row in document["resources"]:
            if "/" not in row["name"]:
                self._kinds[(api_version, row["kind"])] = (row["name"], row["namespaced"])

    async def _request(
        self,
        method: str,
        path: str,
        query: dict[str, str | None] | dict[str, str] | None = None,
        body: Obj | None = None,
        content_type: str = "application/json",
    ) -> Obj:
        response = await self._send(method, path, query or {}, body, content_type)
        try:
            document: Obj = await response.json(content_type=None)
        except (aiohttp.ClientError, asyncio.TimeoutError, ValueError) as error:
            raise ClusterError(
                0, "Unreachable", f"{self.name}: the answer to {method} {path} broke off: {error}"
            ) from error
        return document

    async def _send(
        self,
        method: str,
        path: str,
        query: dict[str, str | None] | dict[str, str],
        body: Obj | None = None,
        content_type: str = "application/json",
        timeout: float = 30,
    ) -> aiohttp.ClientResponse:
        """Send a request through the official client; the answer is a 2xx whose body is still to be read."""
        given = {name: value for name, value in query.items() if value}
        request = self._api.param_serialize(
            method,
            path + (f"?{urlencode(given)}" if given else ""),
            header_params={"Accept": "application/json", "Content-Type": content_type},
            body=body,
            auth_settings=["BearerToken"],
        )
        try:
            answer = await self._api.call_api(*(await request), _request_timeout=timeout)
        except ApiException as error:
            raise ClusterError(error.status or 0, error.reason or "", f"{self.name}: {error}") from error
        except (aiohttp.ClientError, asyncio.TimeoutError, OSError) as error:
            raise ClusterError(
                0, "Unreachable", f"{self.name} cannot be reached: {error or type(error).__name__}"
            ) from error
        response: aiohttp.ClientResponse = answer.response
        if response.status >= 300:
            raise _error(await _status(response), response.status)
        return response


class Informer:
    """A local cache fed by list and watch; survives server restarts, dropped connections and 410 Gone."""

    def __init__(
        self, cluster: Cluster, api_version: str, kind: str, namespace: str | None, label_selector: str | None
    ) -> None:
        self._cluster = cluster
        self._what = (api_version, kind, namespace, label_selector)
        self._callbacks: list[Callable[[], None]] = []
        self._task: asyncio.Task[None] | None = None
        self._listed = asyncio.Event()
        self.items: dict[Key, Obj] = {}
        """(namespace or None, name) -> object. Objects are replaced on change, never changed in place."""

    def on_change(self, callback: Callable[[], None]) -> None:
        """Call *callback* after every change of ``items``; it must be cheap."""
        self._callbacks.append(callback)

    async def start(self) -> None:
        """Begin; returns after the first successful list, however long the server takes to come up."""
        self._task = asyncio.create_task(self._run(), name=f"informer-{self._cluster.name}-{self._what[1]}")
        await self._listed.wait()

    async def stop(self) -> None:
        """End; ``items`` stay as they are."""
        if self._task:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None

    async def _run(self) -> None:
        pause, longest = RETRY_SECONDS
        delay = pause
        while True:
            try:
                version = await self._list()
                delay = pause
                while True:
                    version = await self._watch(version)
            except (ClusterError, aiohttp.ClientError, asyncio.TimeoutError, OSError, ValueError) as error:
                # Expected: restarts, dropped connections, 410 Gone. The next list makes up for all of it.
                log.info(
                    "%s: watch of %s interrupted, listing again: %s", self._cluster.name, self._what[1], error
                )
            await asyncio.sleep(delay)
            delay = min(delay * 2, longest)

    async def _list(self) -> str:
        document = await self._cluster.list_document(*self._what)
        items = {_key(obj): obj for obj in document["items"]}
        changed = items != self.items
        self.items = items
        first = not self._listed.is_set()
        self._listed.set()
        if changed or first:
            self._changed()
        version: str = document["metadata"]["resourceVersion"]
        return version

    async def _watch(self, version: str) -> str:
        """Follow one watch to its end; the version reached."""
        async for event in self._cluster.watch(*self._what, version):
            obj = event["object"]
            version = obj["metadata"]["resourceVersion"]
            if event["type"] == "BOOKMARK":
                continue
            if event["type"] == "DELETED":
                self.items.pop(_key(obj), None)
            else:
                self.items[_key(obj)] = obj
            self._changed()
        return version

    def _changed(self) -> None:
        for callback in self._callbacks:
            callback()


def _key(obj: Obj) -> Key:
    return obj["metadata"].get("namespace"), obj["metadata"]["name"]


def _root(api_version: str) -> str:
    return f"/apis/{api_version}" if "/" in api_version else f"/api/{api_version}"


async def _status(response: aiohttp.ClientResponse) -> Obj:
    text = await response.text()
    try:
        document = json.loads(text)
    except ValueError:
        document = None
    return document if isinstance(document, dict) else {"message": text[:500]}


def _error(status: Obj, code: int = 500) -> ClusterError:
    return ClusterError(int(status.get("code") or code), status.get("reason", ""), status.get("message", ""))
