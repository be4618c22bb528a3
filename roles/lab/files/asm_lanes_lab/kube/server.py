"""The HTTPS server: tokens, routes, bodies in, answers out."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hmac
import json
import logging
import re
from collections import deque
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path
from typing import Any

import yaml
from aiohttp import web

from . import crds, errors, openapi, reviews, tables
from .api import Api
from .call import APPLY, Call
from .errors import ApiError
from .lifecycle import Janitor
from .pki import Authority
from .resources import CRDS, Registry
from .store import Event, Store
from .watch import watch

Obj = dict[str, Any]
SYSTEM_NAMESPACES = ("default", "kube-system", "kube-public", "istio-system")
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


class KubeApiServer:
    """One Kubernetes API endpoint.

    *name*: for messages and the kubeconfig. *crds*: CustomResourceDefinition objects, served from the start
    and kept by ``reset``. *tokens*: bearer token -> user name. *data_dir*: where the CA is kept (``ca.crt``,
    ``ca.key``), so that several servers and restarts share it; without it every server makes its own.
    """

    def __init__(
        self,
        name: str,
        crds: Iterable[Obj] = (),
        tokens: dict[str, str] | None = None,
        data_dir: Path | None = None,
    ) -> None:
        self.name = name
        self.host, self.port = "", 0
        self.pod_log: PodLog | None = None
        self.tokens = dict(tokens or {})
        self.store = Store()
        self.registry = Registry()
        self.api = Api(self.store, self.registry)
        self._crds = list(crds)
        self._authority = Authority.at(data_dir) if data_dir else Authority.create()
        self._requests: dict[str, int] = {}
        self._runner: web.AppRunner | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._streams: set[asyncio.Task[Any]] = set()
        self.store.listen(self._follow_crds)
        self._seed()

    # --- life -----------------------------------------------------------------------------------------------

    @property
    def ca_pem(self) -> str:
        """The certificate of the CA that signed the server's certificate."""
        return self._authority.pem

    @property
    def url(self) -> str:
        """``https://host:port``."""
        return f"https://{self.host}:{self.port}"

    @property
    def stats(self) -> Obj:
        """Requests by verb, their sum, and writes that changed the store, since the start."""
        return {
            "requests": dict(self._requests),
            "total": sum(self._requests.values()),
            "writes": self.store.writes,
        }

    def kubeconfig(self, token: str) -> Obj:
        """A kubeconfig for this server and one token."""
        user = self.tokens.get(token, "user")
        certificate = base64.b64encode(self.ca_pem.encode()).decode()
        return {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [
                {
                    "name": self.name,
                    "cluster": {"server": self.url, "certificate-authority-data": certificate},
                }
            ],
            "users": [{"name": user, "user": {"token": token}}],
            "contexts": [{"name": self.name, "context": {"cluster": self.name, "user": user}}],
            "current-context": self.name,
            "preferences": {},
        }

    async def start(self, host: str, port: int) -> None:
        """Serve on *host*:*port* (0: a free one, see ``port``).

        Raises ``OSError`` naming server, address and what to do when the port is taken.
        """
        app = web.Application(client_max_size=16 * 1024 * 1024)
        app.router.add_route("*", "/{path:.*}", self._handle)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
        await self._runner.setup()
        context = self._authority.server_context(host, "localhost", "kubernetes", "kubernetes.default.svc")
        site = web.TCPSite(self._runner, host, port, ssl_context=context)
        try:
            await site.start()
        except OSError as error:
            await self._runner.cleanup()
            self._runner = None
            message = (
                f"the Kubernetes API '{self.name}' cannot listen on {host}:{port}: {error.strerror}; "
                f"stop what uses that port, or set {self.name}_api_port to another one (0: any free one)"
            )
            raise OSError(error.errno, message) from error
        self.host, self.port = host, self._runner.addresses[0][1]
        self._tasks = [asyncio.create_task(Janitor(self.api).run(), name=f"kube-{self.name}-janitor")]

    async def stop(self) -> None:
        """End all streams and close the port."""
        for task in [*self._tasks, *self._streams]:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks = []
        if self._runner:
            await self._runner.cleanup()
            self._runner = None

    def reset(self) -> None:
        """Forget all but the built-in namespaces and the CRDs given at the start. Watchers see deletions."""
        for table, rows in self.store.tables():
            if table != CRDS:
                for key in rows:
                    self.store.remove(table, key)
        wanted = {crd["metadata"]["name"] for crd in self._crds}
        for key, _ in self.store.rows(CRDS):
            if key[1] not in wanted:
                self.store.remove(CRDS, key)
        self._seed()

    def _seed(self) -> None:
        namespaces = self.registry.find("", "v1", "namespaces")
        definitions = self.registry.find("apiextensions.k8s.io", "v1", "customresourcedefinitions")
        assert namespaces and definitions
        for name in SYSTEM_NAMESPACES:
            self.api.create(Call(namespaces, manager="lab"), {"metadata": {"name": name}})
        for crd in self._crds:
            if self.store.get(CRDS, ("", crd["metadata"]["name"])) is None:
                self.api.create(Call(definitions, manager="lab"), crd)

    def _follow_crds(self, event: Event) -> None:
        if event.table == CRDS:
            served = crds.resources(event.new) if event.new else []
            self.registry.set_custom(event.obj["metadata"]["name"], served)

    # --- requests -------------------------------------------------------------------------------------------

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        try:
            self._authenticate(request)
            return await self._route(request)
        except ApiError as error:
            headers = {"WWW-Authenticate": 'Bearer realm="kubernetes"'} if error.code == 401 else {}
            return web.json_response(error.status, status=error.code, headers=headers)
        except (ConnectionError, asyncio.CancelledError):
            raise
        except Exception:
            log.exception("%s: %s %s", self.name, request.method, request.path)
            failure = ApiError(500, "InternalError", "Internal error occurred: the lab's log file says more")
            return web.json_response(failure.status, status=500)

    def _authenticate(self, request: web.Request) -> None:
        if request.path in _HEALTH:
            return
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        known = [hmac.compare_digest(token.encode(), one.encode()) for one in self.tokens]
        if scheme.lower() != "bearer" or not any(known):
            raise errors.unauthorized()

    async def _route(self, request: web.Request) -> web.StreamResponse:
        path = request.path.rstrip("/") or "/"
        fixed = self._fixed(path)
        if fixed is not None:
            self._count("get")
            return fixed
        if found := _RESOURCE_PATH.match(path):
            return await self._resource(request, found)
        raise errors.no_route()

    def _fixed(self, path: str) -> web.Response | None:
        """Everything that does not depend on objects."""
        if path in _HEALTH:
            return web.Response(text="ok")
        documents: dict[str, Callable[[], Obj]] = {
            "/version": lambda: VERSION,
            "/lab/stats": lambda: self.stats,
            "/api": lambda: {"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": []},
            "/apis": self.registry.api_groups,
            "/openapi/v3": lambda: openapi.index(self.registry),
        }
        document: Obj | None = None
        if path in documents:
            document = documents[path]()
        elif path == "/openapi/v2":
            raise errors.not_implemented("serve OpenAPI v2; use /openapi/v3")
        elif found := _OPENAPI_PATH.match(path):
            document = openapi.document(
                self.registry, found["group"] or "", found["core"] or found["version"]
            )
        elif found := _GROUP_PATH.match(path):
            version = found["core"] or found["version"]
            group = found["group"] or ""
            document = (
                self.registry.api_resources(group, version) if version else self.registry.api_group(group)
            )
        return web.json_response(document) if document is not None else None

    async def _resource(self, request: web.Request, found: re.Match[str]) -> web.StreamResponse:
        resource = self.registry.find(
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
        raise errors.no_route()

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

    async def _get(self, _: web.Request, call: Call) -> tuple[Obj, int]:
        return self.api.get(call), 200

    async def _list(self, _: web.Request, call: Call) -> tuple[Obj, int]:
        return self.api.collection(call), 200

    async def _create(self, request: web.Request, call: Call) -> tuple[Obj, int]:
        body = await _body(request)
        if call.resource.namespaced and not call.namespace:
            raise errors.method_not_allowed()
        if call.resource.kind in reviews.KINDS:
            return reviews.answer(call, body), 201
        return self.api.create(call, body), 201

    async def _update(self, request: web.Request, call: Call) -> tuple[Obj, int]:
        return self.api.update(call, await _body(request)), 200

    async def _patch(self, request: web.Request, call: Call) -> tuple[Obj, int]:
        content_type = request.content_type
        obj, created = self.api.patch(call, await _body(request, patch=True), content_type)
        return obj, 201 if created else 200

    async def _delete(self, request: web.Request, call: Call) -> tuple[Obj, int]:
        return self.api.delete(call, await _body(request, optional=True)), 200

    async def _delete_collection(self, request: web.Request, call: Call) -> tuple[Obj, int]:
        return self.api.delete_collection(call, await _body(request, optional=True)), 200

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
        self.api.selector(call)  # a bad selector is an error before the stream begins
        include = _table_wanted(request)
        response = web.StreamResponse(headers={"Content-Type": "application/json"})
        await response.prepare(request)
        task = asyncio.current_task()
        assert task
        self._streams.add(task)
        try:
            async with contextlib.aclosing(watch(self.api, call)) as events:
                async for event in events:
                    if include and event["type"] not in ("ERROR", "BOOKMARK"):
                        obj = event["object"]
                        version = {"resourceVersion": obj["metadata"]["resourceVersion"]}
                        event = {**event, "object": tables.table(call.resource, [obj], version, include)}
                    await response.write(json.dumps(event, ensure_ascii=False).encode() + b"\n")
        except ConnectionError:
            log.debug("%s: a watcher of %s went away", self.name, call.resource.table)
        except asyncio.CancelledError:
            if self._runner and task.cancelling() == 0:
                raise
        finally:
            self._streams.discard(task)
        return response

    async def _log(self, request: web.Request, call: Call) -> web.StreamResponse:
        self.api.get(Call(call.resource, call.namespace, call.name))
        container = call.query.get("container")
        path = self.pod_log(call.namespace, call.name, container) if self.pod_log else None
        if path is None or not path.exists():
            words = f'container "{container or "app"}" in pod "{call.name}" has written no log yet'
            raise errors.bad_request(words)
        response = web.StreamResponse(headers={"Content-Type": "text/plain; charset=utf-8"})
        await response.prepare(request)
        task = asyncio.current_task()
        assert task
        self._streams.add(task)
        try:
            with path.open("rb") as file:
                lines = call.query.get("tailLines")
                await response.write(b"".join(deque(file, int(lines)) if lines else file))
                while call.query.get("follow") in ("true", "1") and self.store.get("pods", call.key):
                    await response.write(file.read())
                    await asyncio.sleep(0.2)
        finally:
            self._streams.discard(task)
        return response

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
        raise errors.unsupported_media_type(["application/json", "application/yaml"])
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
