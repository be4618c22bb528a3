"""HTTP in and out: routes, tokens, bodies, tables, streams. What objects do is decided in ``api``."""

from __future__ import annotations

import asyncio
import contextlib
import hmac
import json
import logging
import re
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import yaml
from aiohttp import web

from . import errors, openapi, reviews, tables
from .api import Api
from .call import APPLY, Call
from .errors import ApiError
from .watch import watch

Obj = dict[str, Any]
PodLog = Callable[[str, str, str | None], Path | None]
"""(namespace, pod name, container or None) -> the pod's log file, or None."""

VERSION = {
    "major": "1",
    "minor": "37",
    "gitVersion": "v1.37.0+asm.lanes.lab",
    "gitCommit": "0000000000000000000000000000000000000000",
    "gitTreeState": "clean",
    "buildDate": "1970-01-01T00:00:00Z",
    "goVersion": "none",
    "compiler": "none",
    "platform": "linux/amd64",
}
_RESOURCE_PATH = re.compile(
    r"^/(?:api/(?P<core>v1)|apis/(?P<group>[^/]+)/(?P<version>[^/]+))"
    r"(?:/namespaces/(?P<namespace>[^/]+)(?=/(?!(?:status|finalize)$)[^/]+))?"
    r"/(?P<plural>[^/]+)(?:/(?P<name>[^/]+)(?:/(?P<sub>.+))?)?$"
)
_GROUP_PATH = re.compile(r"^/(?:api/(?P<core>v1)|apis/(?P<group>[^/]+)(?:/(?P<version>[^/]+))?)$")
_OPENAPI_PATH = re.compile(r"^/openapi/v3/(?:api/(?P<core>v1)|apis/(?P<group>[^/]+)/(?P<version>[^/]+))$")
LOG_SECONDS = 0.2
"""How often a followed log is looked at."""
_HEALTH = ("/healthz", "/readyz", "/livez")
_NOT_DONE = {
    "exec": "run commands in pods (exec)",
    "attach": "attach to pods",
    "portforward": "forward ports; pods have loopback addresses of their own, connect to those",
    "proxy": "proxy to pods and services",
    "eviction": "evict pods; delete them",
    "binding": "bind pods; there is no scheduler",
    "ephemeralcontainers": "run ephemeral containers",
    "resize": "resize pods",
    "token": "issue service account tokens",
    "finalize": "serve namespaces/finalize; namespaces finish by themselves",
}

log = logging.getLogger("asm_lanes_lab.kube")


class Frontend:
    """Handles every request of one server. *tokens*: bearer token -> user name."""

    def __init__(self, name: str, api: Api, tokens: dict[str, str]) -> None:
        self.name = name
        self.pod_log: PodLog | None = None
        self._api = api
        self._tokens = tokens
        self._requests: dict[str, int] = {}
        self._streams: set[asyncio.Task[Any]] = set()

    @property
    def stats(self) -> Obj:
        """Requests by verb, their sum, and writes that changed the store, since the start."""
        requests = dict(self._requests)
        return {"requests": requests, "total": sum(requests.values()), "writes": self._api.store.writes}

    def end_streams(self) -> None:
        """Break all watches and followed logs off."""
        for task in self._streams:
            task.cancel()

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answer one request; errors become Status documents."""
        try:
            user = self._authenticate(request)
            return await self._route(request, user)
        except ApiError as error:
            headers = {"WWW-Authenticate": 'Bearer realm="kubernetes"'} if error.code == 401 else {}
            return web.json_response(error.status, status=error.code, headers=headers)
        except ConnectionError:
            raise
        except Exception:
            log.exception("%s: %s %s", self.name, request.method, request.path)
            failure = ApiError(500, "InternalError", "Internal error occurred: the lab's log file says more")
            return web.json_response(failure.status, status=500)

    def _authenticate(self, request: web.Request) -> str:
        """The user whose token it is; 401 if it is nobody's. Health checks need none."""
        if request.path in _HEALTH:
            return ""
        scheme, _unused, token = request.headers.get("Authorization", "").partition(" ")
        users = [
            user
            for known, user in self._tokens.items()
            if hmac.compare_digest(token.encode(), known.encode())
        ]
        if scheme.lower() != "bearer" or not users:
            raise errors.unauthorized()
        return users[0]

    async def _route(self, request: web.Request, user: str) -> web.StreamResponse:
        path = request.path.rstrip("/") or "/"
        fixed = self._fixed(path)
        if fixed is not None:
            self._count("get")
            return fixed
        if found := _RESOURCE_PATH.match(path):
            return await self._resource(request, found, user)
        raise errors.no_route()

    def _fixed(self, path: str) -> web.Response | None:
        """Everything that does not depend on objects."""
        if path in _HEALTH:
            return web.Response(text="ok")
        documents: dict[str, Callable[[], Obj]] = {
            "/version": lambda: VERSION,
            "/lab/stats": lambda: self.stats,
            "/api": lambda: {"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": []},
            "/apis": self._api.registry.api_groups,
            "/openapi/v3": lambda: openapi.index(self._api.registry),
        }
        document: Obj | None = None
        if path in documents:
            document = documents[path]()
        elif path == "/openapi/v2":
            raise errors.not_implemented("serve OpenAPI v2; use /openapi/v3")
        elif found := _OPENAPI_PATH.match(path):
            document = openapi.document(
                self._api.registry, found["group"] or "", found["core"] or found["version"]
            )
        elif found := _GROUP_PATH.match(path):
            version = found["core"] or found["version"]
            group = found["group"] or ""
            document = (
                self._api.registry.api_resources(group, version)
                if version
                else self._api.registry.api_group(group)
            )
        return web.json_response(document) if document is not None else None

    async def _resource(self, request: web.Request, found: re.Match[str], user: str) -> web.StreamResponse:
        resource = self._api.registry.find(
            found["group"] or "", found["core"] or found["version"], found["plural"]
        )
        if resource is None or (found["namespace"] and not resource.namespaced):
            raise errors.no_route()
        call = Call(
            resource,
            found["namespace"] or "",
            found["name"] or "",
            found["sub"] or "",
            dict(request.query),
            request.query.get("fieldManager") or _agent(request),
            user,
        )
        if resource.namespaced and call.name and not call.namespace:
            raise errors.no_route()
        self._check_subresource(call)
        verb = _verb(request, call)
        self._count(verb)
        if call.query.get("dryRun", "All") != "All":
            raise errors.bad_request(
                f'Invalid value: "{call.query["dryRun"]}": dryRun supports only the value All'
            )
        if verb == "watch":
            return await self._watch(request, call)
        if call.subresource == "log":
            return await self._log(request, call)
        handler = self._verbs()[verb]
        document, status = await handler(request, call)
        return self._answer(request, call, document, status)

    def _check_subresource(self, call: Call) -> None:
        sub, resource = call.subresource, call.resource
        served = not sub or (sub == "status" and resource.status) or (sub == "scale" and resource.scale)
        if served or (sub == "log" and resource.kind == "Pod"):
            return
        what = _NOT_DONE.get(sub.partition("/")[0])
        if what and not resource.custom:
            raise errors.not_implemented(what)
        raise call.missing() if resource.custom else errors.no_route()

    def _verbs(self) -> dict[str, Callable[[web.Request, Call], Awaitable[tuple[Obj, int]]]]:
        return {
            "get": self._get,
            "list": self._list,
            "create": self._create,
            "update": self._update,
            "patch": self._patch,
            "delete": self._delete,
            "deletecollection": self._delete_collection,
        }

    async def _get(self, _unused: web.Request, call: Call) -> tuple[Obj, int]:
        return self._api.get(call), 200

    async def _list(self, _unused: web.Request, call: Call) -> tuple[Obj, int]:
        return self._api.collection(call), 200

    async def _create(self, request: web.Request, call: Call) -> tuple[Obj, int]:
        body = await _body(request)
        if call.resource.namespaced and not call.namespace:
            raise errors.method_not_allowed()
        if call.resource.kind in reviews.KINDS:
            return reviews.answer(call, body), 201
        return self._api.create(call, body), 201

    async def _update(self, request: web.Request, call: Call) -> tuple[Obj, int]:
        obj, created = self._api.update(call, await _body(request))
        return obj, 201 if created else 200

    async def _patch(self, request: web.Request, call: Call) -> tuple[Obj, int]:
        content_type = request.content_type
        obj, created = self._api.patch(call, await _body(request, patch=True), content_type)
        return obj, 201 if created else 200

    async def _delete(self, request: web.Request, call: Call) -> tuple[Obj, int]:
        return self._api.delete(call, await _body(request, optional=True)), 200

    async def _delete_collection(self, request: web.Request, call: Call) -> tuple[Obj, int]:
        return self._api.delete_collection(call, await _body(request, optional=True)), 200

    def _answer(self, request: web.Request, call: Call, document: Obj, status: int) -> web.Response:
        include = _table_wanted(request)
        if include and document.get("kind") not in ("Status", "Scale"):
            if "items" in document:
                document = tables.table(call.resource, document["items"], document["metadata"], include)
            else:
                metadata = {"resourceVersion": document["metadata"].get("resourceVersion", "")}
                document = tables.table(call.resource, [document], metadata, include)
        response = web.json_response(document, status=status)
        for text in call.warnings:
            response.headers.add("Warning", "299 - " + json.dumps(text))
        return response

    async def _watch(self, request: web.Request, call: Call) -> web.StreamResponse:
        self._api.selector(call)  # a bad selector is an error before the stream begins
        include = _table_wanted(request)
        events = contextlib.aclosing(watch(self._api, call))
        async with self._stream(request, "application/json") as response, events as stream:
            async for event in stream:
                if include and event["type"] not in ("ERROR", "BOOKMARK"):
                    obj = event["object"]
                    version = {"resourceVersion": obj["metadata"]["resourceVersion"]}
                    event = {**event, "object": tables.table(call.resource, [obj], version, include)}
                await response.write(json.dumps(event, ensure_ascii=False).encode() + b"\n")
        return response

    async def _log(self, request: web.Request, call: Call) -> web.StreamResponse:
        self._api.get(Call(call.resource, call.namespace, call.name))
        container = call.query.get("container")
        path = self.pod_log(call.namespace, call.name, container) if self.pod_log else None
        if path is None or not path.exists():
            words = f'container "{container or "app"}" in pod "{call.name}" has written no log yet'
            raise errors.bad_request(words)
        with path.open("rb") as file:
            # Read before the answer begins: what is written from then on is what "follow" shows.
            tail = b"".join(deque(file, call.number("tailLines")))
            async with self._stream(request, "text/plain; charset=utf-8") as response:
                await response.write(tail)
                while call.flag("follow") and self._api.store.get(call.resource.table, call.key):
                    await response.write(file.read())
                    await asyncio.sleep(LOG_SECONDS)
        return response

    @contextlib.asynccontextmanager
    async def _stream(self, request: web.Request, content_type: str) -> AsyncIterator[web.StreamResponse]:
        """A response without end that ``end_streams`` can end."""
        task = asyncio.current_task()
        assert task
        self._streams.add(task)
        try:
            response = web.StreamResponse(headers={"Content-Type": content_type})
            await response.prepare(request)
            yield response
        finally:
            self._streams.discard(task)

    def _count(self, verb: str) -> None:
        self._requests[verb] = self._requests.get(verb, 0) + 1


def _agent(request: web.Request) -> str:
    """The field manager of a client that names none: its program name."""
    return request.headers.get("User-Agent", "unknown").partition("/")[0][:128] or "unknown"


def _verb(request: web.Request, call: Call) -> str:
    many = not call.name
    if request.method in ("GET", "HEAD"):
        watching = call.query.get("watch", "").lower() in ("true", "1")
        if watching:
            if call.name:
                call.query["fieldSelector"] = f"metadata.name={call.name}"
            return "watch"
        return "list" if many else "get"
    verbs = {"POST": "create"} if many else {"PUT": "update", "PATCH": "patch"}
    verbs["DELETE"] = "deletecollection" if many else "delete"
    if many and call.resource.custom and request.method in ("PUT", "PATCH"):
        raise errors.bad_request("name must be provided")
    if request.method not in verbs or (request.method == "DELETE" and call.subresource):
        raise errors.method_not_allowed()
    return verbs[request.method]


async def _body(request: web.Request, *, optional: bool = False, patch: bool = False) -> Any:
    """The decoded body; {} if there is none and it is *optional*."""
    raw = await request.read()
    if not raw.strip():
        if optional:
            return {}
        raise errors.bad_request("the request has no body")
    kind = request.content_type
    if not patch and kind not in ("application/json", "application/yaml", "application/octet-stream"):
        error = errors.unsupported_media_type(["application/json", "application/yaml"])
        if kind == "application/vnd.kubernetes.protobuf":
            error.message += "; the lab does not read protobuf; use files: kubectl create -f"
        raise error
    try:
        if kind in ("application/yaml", APPLY):
            return json.loads(raw) if raw.lstrip().startswith(b"{") else yaml.safe_load(raw)
        return json.loads(raw)
    except (ValueError, yaml.YAMLError) as error:
        raise errors.bad_request(f"the body of the request cannot be parsed: {error}") from error


def _table_wanted(request: web.Request) -> str:
    """How much of each object a table is to carry; empty if no table is wanted."""
    first = request.headers.get("Accept", "").partition(",")[0]
    if "as=Table" not in first or "v=v1beta1" in first:
        return ""
    return request.query.get("includeObject", "Metadata")
