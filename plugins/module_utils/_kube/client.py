# Copyright (c) 2026, asm.lanes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The one adapter to the official Kubernetes Python client.

Everything of ours that reads or writes a Kubernetes API goes through `connect`, so that only this file knows
how the client differs between its versions (31 to 37: the signature of ``ApiClient.call_api`` changed,
``DynamicClient.request`` did not) and what it raises. Objects are raw dicts, as the API sends them.

How the common kinds are served is a part of their API and known here; other kinds are discovered with one
request per API group and version. The client's own discovery caches on disk by host name, and that cache
survives a server that was replaced by another one.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from .errors import (
    KubeError,
    from_exception,
    missing_kubeconfig,
    not_kubernetes,
    not_served,
    unusable_kubeconfig,
)

try:
    import kubernetes.client
    import kubernetes.config
    import kubernetes.dynamic
    import urllib3.exceptions

    IMPORT_ERROR: ImportError | None = None
except ImportError as error:  # reported by the module with missing_required_lib
    IMPORT_ERROR = error

__all__ = ["IMPORT_ERROR", "Api", "KubeError", "Resource", "connect"]

DEFAULT_TIMEOUT = 10.0
"""Seconds that a server may take to accept a connection, and again to answer a request."""

MERGE_PATCH = "application/merge-patch+json"
APPLY_PATCH = "application/apply-patch+yaml"
CREATED = 201

_RETRY_PAUSE = 0.5
"""Seconds between two attempts to watch again after a server closed the stream at once."""

_CONNECTING = threading.Lock()
"""Held while the client reads a kubeconfig: it keeps certificates as temporary files in a table that threads
share, and enters a file there before it is written. Two servers with one CA would meet at an empty file."""

Object = dict[str, Any]
Objects = list[Object]


class Resource(NamedTuple):
    """How the API serves a kind: its plural name in paths, and whether objects live in namespaces."""

    plural: str
    namespaced: bool


WELL_KNOWN: dict[tuple[str, str], Resource] = {
    ("v1", "Namespace"): Resource("namespaces", False),
    ("v1", "Service"): Resource("services", True),
    ("v1", "Pod"): Resource("pods", True),
    ("v1", "Event"): Resource("events", True),
    ("apps/v1", "Deployment"): Resource("deployments", True),
    ("apps/v1", "ReplicaSet"): Resource("replicasets", True),
    **{
        (f"networking.istio.io/{version}", kind): Resource(plural, True)
        for version in ("v1", "v1beta1")
        for kind, plural in (
            ("Gateway", "gateways"),
            ("VirtualService", "virtualservices"),
            ("DestinationRule", "destinationrules"),
        )
    },
    ("istio.alibabacloud.com/v1beta1", "IstioGateway"): Resource("istiogateways", True),
}
"""The kinds that every run of this collection needs: to ask how they are served would double its requests.
A server that does not serve one answers 404, and only then is it asked."""


def connect(
    kubeconfig: str | Path,
    context: str | None = None,
    timeout: float = DEFAULT_TIMEOUT,
) -> Api:
    """Prepare to talk to the server that a kubeconfig names; nothing is sent yet.

    Args:
        kubeconfig: path of the file; ``~`` is expanded.
        context: context to use instead of the file's current one.
        timeout: seconds for a connection, and again for an answer.

    Raises:
        KubeError: the file is missing, unreadable or no kubeconfig, or lacks the context.
    """
    path = Path(kubeconfig).expanduser()
    if not path.is_file():
        raise missing_kubeconfig(str(path))
    try:
        with _CONNECTING:
            client = kubernetes.config.new_client_from_config(  # type: ignore[no-untyped-call]
                config_file=str(path),
                context=context,
                persist_config=False,
                client_configuration=_configuration(),
            )
    except kubernetes.config.ConfigException as error:
        raise unusable_kubeconfig(str(path), _one_line(error)) from error
    # The client lets errors of YAML, of base64 and of its own code pass; all mean the same to the user.
    except Exception as error:
        raise unusable_kubeconfig(str(path), "it is not a kubeconfig") from error
    return Api(client, str(path), timeout)


def _configuration() -> Any:
    """Client settings of ours: no silent retries, which would triple every timeout."""
    configuration = type.__call__(kubernetes.client.Configuration)
    configuration.retries = False
    return configuration


def _one_line(error: object) -> str:
    """The text of an error without line breaks and without a full stop at its end."""
    return " ".join(str(error).split()).rstrip(".")


class Api:
    """A Kubernetes API server, used with the credentials of one kubeconfig.

    Every method raises `KubeError` when the server cannot be reached, is another one than the
    kubeconfig trusts, or refuses; the message names the server, the kubeconfig and the way out.
    """

    def __init__(self, client: Any, kubeconfig: str, timeout: float = DEFAULT_TIMEOUT) -> None:
        """Wrap an ``ApiClient``; use `connect` instead."""
        self.kubeconfig = kubeconfig
        self.server: str = client.configuration.host
        self.timeout = timeout
        self._client = kubernetes.dynamic.DynamicClient(  # type: ignore[no-untyped-call]
            client, discoverer=lambda *_unused: None
        )
        self._served: dict[str, dict[str, Resource]] = {}

    def version(self) -> Object:
        """What ``/version`` says: ``gitVersion``, ``major``, ``minor`` and more."""
        return self.request("get", "/version")

    def resource(self, api_version: str, kind: str) -> Resource:
        """How the server serves a kind.

        Raises:
            KubeError: ``failure="kind"`` when it does not.
        """
        known = WELL_KNOWN.get((api_version, kind)) or self._kinds(api_version).get(kind)
        if known is None:
            raise not_served(kind, api_version, self.server, self.kubeconfig)
        return known

    def serves(self, api_version: str, kind: str) -> bool:
        """Whether the server knows a kind at all; asks it once."""
        return kind in self._kinds(api_version)

    def _kinds(self, api_version: str) -> dict[str, Resource]:
        """The kinds of one group and version, asked for once."""
        if api_version not in self._served:
            self._served[api_version] = self._discover(api_version)
        return self._served[api_version]

    @contextmanager
    def _serving(self, api_version: str, kind: str) -> Iterator[None]:
        """Tell a kind that is not served from an object that is not there: both are a 404.

        Only the latter names an object; where none is named, the server is asked what it serves.

        Raises:
            KubeError: ``failure="kind"`` in place of the server's 404.
        """
        try:
            yield
        except KubeError as error:
            about_object = error.name or error.failure == "namespace"
            if error.status == 404 and not about_object and not self.serves(api_version, kind):
                raise not_served(kind, api_version, self.server, self.kubeconfig) from None
            raise

    def get(self, api_version: str, kind: str, name: str, namespace: str | None = None) -> Object | None:
        """One object, or None when it does not exist."""
        path = f"{self._path(api_version, kind, namespace)}/{name}"
        try:
            with self._serving(api_version, kind):
                return self.request("get", path)
        except KubeError as error:
            if error.status == 404:
                return None
            raise

    def list(
        self,
        api_version: str,
        kind: str,
        namespace: str | None = None,
        *,
        label_selector: str | None = None,
        field_selector: str | None = None,
    ) -> Objects:
        """All objects of a kind, in one namespace or (without it) in all."""
        query = _selectors(label_selector, field_selector)
        items, _version = self._list(api_version, kind, namespace, query)
        return items

    def create(self, obj: Object, field_manager: str) -> Object:
        """Create an object; the server's version of it.

        Args:
            obj: the object.
            field_manager: who the fields belong to.

        Raises:
            KubeError: status 409 when it exists.
        """
        path = self._path(obj["apiVersion"], obj["kind"], obj["metadata"].get("namespace"))
        with self._serving(obj["apiVersion"], obj["kind"]):
            return self.request("post", path, query=_writing(field_manager), body=obj)

    def patch(self, found: Object, patch: Object, field_manager: str, *, dry_run: bool = False) -> Object:
        """Lay a merge patch over an object; the server's version of it.

        Args:
            found: the object as it was found; the server refuses when it is another version by now.
            patch: the merge patch.
            field_manager: who the fields belong to.
            dry_run: let the server check and answer, but keep nothing.

        Raises:
            KubeError: status 409 when it has been changed since, 404 when it is gone.
        """
        version = {"resourceVersion": found["metadata"]["resourceVersion"]}
        body = {**patch, "metadata": {**(patch.get("metadata") or {}), **version}}
        query = _writing(field_manager, dry_run)
        return self.request("patch", self._own_path(found), query=query, body=body, content_type=MERGE_PATCH)

    def apply(
        self, obj: Object, field_manager: str, *, force: bool = False, dry_run: bool = False
    ) -> tuple[Object, bool]:
        """Make an object as stated by server-side apply, there or not.

        Fields that the server does not know are refused, not dropped.

        Args:
            obj: all that is stated about the object, and nothing else.
            field_manager: who the fields belong to.
            force: take fields over that another manager has set to something else.
            dry_run: see `patch`.

        Returns:
            The server's version of the object, and whether it is new: status 201, else 200 (documented).

        Raises:
            KubeError: ``failure="conflict"`` when another manager has set a field to something else.
        """
        query = {**_writing(field_manager, dry_run), "force": str(force).lower(), "fieldValidation": "Strict"}
        with self._serving(obj["apiVersion"], obj["kind"]):
            path = self._own_path(obj)
            response = self._send("patch", path, query, obj, self.timeout, APPLY_PATCH)
        return self._object_of(response, path), response.status == CREATED

    def delete(self, found: Object, *, exactly: bool = True) -> None:
        """Delete an object with all that it owns; nothing when it is gone already.

        Args:
            found: the object as it was found.
            exactly: refuse when the object is another version by now. Another object of the name is never
                deleted.

        What the object owns goes first (foreground), so that it is gone when the object is.

        Raises:
            KubeError: status 409 when it has been changed since, or is another one by now.
        """
        names = ("uid", "resourceVersion") if exactly else ("uid",)
        options = {
            "apiVersion": "v1",
            "kind": "DeleteOptions",
            "preconditions": {name: found["metadata"][name] for name in names},
            "propagationPolicy": "Foreground",
        }
        try:
            self.request("delete", self._own_path(found), body=options)
        except KubeError as error:
            if error.status != 404:
                raise

    def snapshots(
        self,
        api_version: str,
        kind: str,
        namespace: str,
        *,
        label_selector: str | None = None,
        timeout: float,
    ) -> Iterator[dict[str, Object]]:
        """Yield all objects of a kind in one namespace by name, at once and again after each change.

        Ends after `timeout` seconds. One list, then a watch from that list's version. When the server ends
        the watch (its own time limit, a history that is too short, a restart) the list is read again. The
        dict is kept up to date in place. At least one snapshot is yielded whatever the timeout.
        """
        deadline = time.monotonic() + timeout
        query = _selectors(label_selector, None)
        items, version = self._list(api_version, kind, namespace, query)
        while True:
            known = {item["metadata"]["name"]: item for item in items}
            yield known
            started = time.monotonic()
            try:
                for _event in self._follow(api_version, kind, namespace, query, version, known, deadline):
                    yield known
                _pause(started, deadline)
                if time.monotonic() >= deadline:
                    return
                items, version = self._list(api_version, kind, namespace, query)
            except KubeError as error:  # a server that restarts may come back in time
                _pause(started, deadline)
                if error.failure not in ("unreachable", "api") or time.monotonic() >= deadline:
                    raise

    def request(
        self,
        method: str,
        path: str,
        *,
        query: dict[str, str] | None = None,
        body: Object | None = None,
        content_type: str = "application/json",
    ) -> Object:
        """Send one request and return the JSON object that the server answered.

        Args:
            method: HTTP method, in any case.
            path: absolute path on the server.
            query: parameters of the query string.
            body: JSON body.
            content_type: what the body is.
        """
        return self._object_of(self._send(method, path, query or {}, body, self.timeout, content_type), path)

    def _object_of(self, response: Any, path: str) -> Object:
        """The JSON object of an answer."""
        try:
            answer = json.loads(response.data)
        except urllib3.exceptions.HTTPError as error:
            raise from_exception(error, self.server, self.kubeconfig) from error
        except ValueError as error:
            raise not_kubernetes(path, self.server, self.kubeconfig) from error
        if not isinstance(answer, dict):
            raise not_kubernetes(path, self.server, self.kubeconfig)
        return answer

    def text(self, path: str, query: dict[str, str]) -> str:
        """GET something that is no JSON, such as the log of a container."""
        response = self._send("get", path, query, None, self.timeout, accept="application/json, */*")
        try:
            return str(response.data.decode(errors="replace"))
        except urllib3.exceptions.HTTPError as error:
            raise from_exception(error, self.server, self.kubeconfig) from error

    def _send(
        self,
        method: str,
        path: str,
        query: dict[str, str],
        body: Object | None,
        read_timeout: float,
        content_type: str = "application/json",
        accept: str = "application/json",
    ) -> Any:
        """Send a request; the body of the answer is not read yet."""
        try:
            return self._client.request(
                method,
                path,
                body=body,
                query_params=list(query.items()),
                header_params={"Accept": accept},
                content_type=content_type,
                serialize=False,
                _request_timeout=(self.timeout, read_timeout),
            )
        except (kubernetes.client.ApiException, urllib3.exceptions.HTTPError) as error:
            raise from_exception(error, self.server, self.kubeconfig) from error

    def _discover(self, api_version: str) -> dict[str, Resource]:
        """The kinds of one group and version; none when the server does not serve that version."""
        prefix = "apis" if "/" in api_version else "api"
        try:
            answer = self.request("get", f"/{prefix}/{api_version}")
        except KubeError as error:
            if error.status == 404:
                return {}
            raise
        return {
            entry["kind"]: Resource(entry["name"], entry["namespaced"])
            for entry in answer.get("resources", [])
            if "/" not in entry["name"]  # a subresource such as deployments/status
        }

    def _path(self, api_version: str, kind: str, namespace: str | None) -> str:
        """The path of a kind's collection."""
        resource = self.resource(api_version, kind)
        prefix = "apis" if "/" in api_version else "api"
        scope = f"/namespaces/{namespace}" if resource.namespaced and namespace else ""
        return f"/{prefix}/{api_version}{scope}/{resource.plural}"

    def _own_path(self, obj: Object) -> str:
        """The path of an object."""
        metadata = obj["metadata"]
        return f"{self._path(obj['apiVersion'], obj['kind'], metadata.get('namespace'))}/{metadata['name']}"

    def _list(
        self, api_version: str, kind: str, namespace: str | None, query: dict[str, str]
    ) -> tuple[Objects, str]:
        """All objects of a kind with the version of the list."""
        with self._serving(api_version, kind):
            answer = self.request("get", self._path(api_version, kind, namespace), query=query)
        return answer.get("items") or [], answer.get("metadata", {}).get("resourceVersion", "")

    def _follow(
        self,
        api_version: str,
        kind: str,
        namespace: str | None,
        query: dict[str, str],
        version: str,
        known: dict[str, Object],
        deadline: float,
    ) -> Iterator[None]:
        """Keep `known` up to date from a watch, yielding after each change, until the stream ends."""
        remaining = deadline - time.monotonic()
        if remaining <= 0:
            return
        watch = {
            **query,
            "watch": "true",
            "resourceVersion": version,
            "timeoutSeconds": str(max(1, int(remaining))),
        }
        try:
            response = self._send("get", self._path(api_version, kind, namespace), watch, None, remaining)
        except KubeError:
            if time.monotonic() >= deadline:
                return  # nothing to report was no answer at all; time is up anyway
            raise
        try:
            for event in _events(response):
                if event["type"] == "ERROR":  # usually 410 Gone: the caller lists again
                    return
                _take(known, event)
                yield
                if time.monotonic() >= deadline:
                    return
        except (urllib3.exceptions.HTTPError, ValueError):
            return  # cut off by the deadline or by the network: the caller decides which
        finally:
            response.close()


def _pause(started: float, deadline: float) -> None:
    """Sleep when the attempt that began at `started` ended at once, but not past the deadline."""
    now = time.monotonic()
    if now - started < _RETRY_PAUSE:
        time.sleep(max(0.0, min(_RETRY_PAUSE, deadline - now)))


def _writing(field_manager: str, dry_run: bool = False) -> dict[str, str]:
    """The query parameters of a write."""
    return {"fieldManager": field_manager, **({"dryRun": "All"} if dry_run else {})}


def _selectors(label_selector: str | None, field_selector: str | None) -> dict[str, str]:
    """The query parameters for selectors that were given."""
    given = {"labelSelector": label_selector, "fieldSelector": field_selector}
    return {key: value for key, value in given.items() if value}


def _events(response: Any) -> Iterator[Object]:
    """The events of a watch: one JSON object per line, in pieces as the network delivers them."""
    buffer = b""
    for piece in response.stream(amt=None):
        buffer += piece
        *lines, buffer = buffer.split(b"\n")
        for line in lines:
            if line.strip():
                yield json.loads(line)


def _take(known: dict[str, Object], event: Object) -> None:
    """Apply one event of a watch to the objects known so far."""
    name = event["object"]["metadata"]["name"]
    if event["type"] == "DELETED":
        known.pop(name, None)
    else:
        known[name] = event["object"]
