# Copyright (c) 2026, asm.lanes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The HTTP server of the lab's ASM OpenAPI: from request to action and back."""

from __future__ import annotations

import asyncio
import hmac
import json
import logging
import secrets
import uuid
from collections.abc import Awaitable, Callable, Iterable, Mapping
from datetime import datetime, timezone
from typing import Any
from urllib.parse import parse_qsl

from aiohttp import web

from asm_lanes_lab.client import Cluster, ClusterError
from asm_lanes_lab.settings import Settings

from . import errors, groups, instance, lanes
from .context import Behaviour, Context, from_cluster_error
from .coverage import Operation, load
from .credentials import Credential, CredentialStore
from .errors import ApiError
from .faults import Fault, Faults, inject
from .params import Params, parse
from .signature import SignedRequest, Verifier
from .stats import Call, Stats

VERSION = "2020-01-11"
TOKEN_HEADER = "x-lab-token"
_MAX_BODY = 1 << 20  # bytes
_log = logging.getLogger("asm_lanes_lab.asm")

Action = Callable[[Context, Params], Awaitable[dict[str, Any]]]

ACTIONS: Mapping[str, Action] = {
    "CreateSwimLaneGroup": groups.create,
    "UpdateSwimLaneGroup": groups.update,
    "DeleteSwimLaneGroup": groups.delete,
    "GetSwimLaneGroupList": groups.list_all,
    "CreateSwimLane": lanes.create,
    "UpdateSwimLane": lanes.update,
    "DeleteSwimLane": lanes.delete,
    "GetSwimLaneList": lanes.list_all,
    "GetSwimLaneDetail": lanes.detail,
    "DescribeServiceMeshes": instance.describe_all,
    "DescribeServiceMeshDetail": instance.describe,
    "DescribeClustersInServiceMesh": instance.clusters,
    "DescribeServiceMeshKubeconfig": instance.kubeconfig,
    "DescribeGuestClusterNamespaces": instance.namespaces,
    "UpdateIstioInjectionConfig": instance.update_injection,
}


class AsmApi:
    """The OpenAPI endpoint of one ASM instance.

    Everything it knows of lanes are custom resources, read from and written to ``mesh``;
    so it shows what others write there. ``GET /lab/stats`` counts calls, ``PUT /lab/faults``
    sets faults; both need the header ``x-lab-token`` with ``token``.
    """

    def __init__(
        self,
        settings: Settings,
        mesh: Cluster,
        cluster: Cluster,
        credentials: Iterable[Credential],
        behaviour: Behaviour | None = None,
        token: str | None = None,
    ) -> None:
        """mesh, cluster: the two Kubernetes APIs. token: of the ``/lab`` paths, random by default."""
        self.credentials = CredentialStore(credentials)
        self.stats = Stats()
        self.faults = Faults()
        self.token = token or secrets.token_urlsafe(24)
        self.port = 0
        self._context = Context(settings, mesh, cluster, behaviour or Behaviour())
        self._verifier = Verifier(self.credentials)
        self._writing = asyncio.Lock()  # a change checks, then writes: one at a time
        self._runner: web.AppRunner | None = None

    async def start(self, host: str, port: int) -> None:
        """Listen on host and port; 0 chooses a free one, ``port`` then has it.

        Raises OSError that names the address when it is taken.
        """
        load()  # the first call need not wait for it
        app = web.Application(client_max_size=_MAX_BODY)
        app.router.add_get("/lab/stats", self._get_stats)
        app.router.add_delete("/lab/stats", self._reset_stats)
        app.router.add_get("/lab/faults", self._get_faults)
        app.router.add_put("/lab/faults", self._put_faults)
        app.router.add_route("*", "/{path:.*}", self._call)
        runner = web.AppRunner(app, access_log=None, handler_cancellation=False, shutdown_timeout=1.0)
        await runner.setup()
        site = web.TCPSite(runner, host, port)
        try:
            await site.start()
        except OSError as error:
            await runner.cleanup()
            raise OSError(
                error.errno,
                f"the ASM OpenAPI cannot listen on {host}:{port}: {error.strerror}; "
                "stop what uses this port, or choose another asm_api_port",
            ) from None
        self._runner = runner
        self.port = runner.addresses[0][1]
        _log.info("ASM OpenAPI listens on %s:%s", host, self.port)

    async def stop(self) -> None:
        """Close the port; calls that still run get a second."""
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    # --- calls of the OpenAPI -------------------------------------------------------------

    async def _call(self, request: web.Request) -> web.StreamResponse:
        call = _Call(request)
        fault = self.faults.take(call.action)
        try:
            return await inject(fault, request, lambda: self._answer(call))
        except ApiError as error:
            return call.failed(error)
        finally:
            if fault and not call.status:
                call.code = f"fault {fault.kind}"
            self._record(call)

    async def _answer(self, call: _Call) -> web.Response:
        try:
            return call.succeeded(await self._perform(call))
        except ApiError as error:
            return call.failed(error)
        except ClusterError as error:
            return call.failed(from_cluster_error(error, call.action))
        except Exception:
            _log.exception("%s failed (request %s)", call.action, call.request_id)
            return call.failed(errors.internal())

    async def _perform(self, call: _Call) -> dict[str, Any]:
        signed = await call.read()
        credential = self._verifier.verify(signed, datetime.now(timezone.utc))
        call.operation = operation = _operation(call)
        if credential.permissions == "none":
            raise errors.ram_forbidden(operation.name)
        call.params = params = parse(operation, call.parameters)
        self._check_instance(operation, params, credential)
        action = ACTIONS[operation.name]
        if operation.access == "read":
            return await action(self._context, params)
        async with self._writing:
            return await action(self._context, params)

    def _check_instance(self, operation: Operation, params: Params, credential: Credential) -> None:
        settings = self._context.settings
        if "ServiceMeshId" in operation.parameters:
            mesh_id = params.need("ServiceMeshId")
            if mesh_id != settings.mesh_id:
                raise errors.mesh_not_found(mesh_id)
        if operation.access == "write":
            if credential.permissions == "readonly":
                raise errors.mesh_forbidden(operation.name)
            if settings.mesh_state != "running":
                raise errors.initializing(settings.mesh_id, settings.mesh_state)

    def _record(self, call: _Call) -> None:
        self.stats.add(call.record())
        _log.info(
            "%s %s %s request=%s",
            call.action or "(no action)",
            call.status or "-",
            call.code or "OK",
            call.request_id,
        )

    # --- the lab's own paths --------------------------------------------------------------

    async def _get_stats(self, request: web.Request) -> web.Response:
        self._check_token(request)
        return web.json_response(self.stats.as_dict())

    async def _reset_stats(self, request: web.Request) -> web.Response:
        self._check_token(request)
        self.stats.reset()
        return web.json_response(self.stats.as_dict())

    async def _get_faults(self, request: web.Request) -> web.Response:
        self._check_token(request)
        return web.json_response(self.faults.as_list())

    async def _put_faults(self, request: web.Request) -> web.Response:
        self._check_token(request)
        try:
            data = await request.json()
            if not isinstance(data, list):
                raise ValueError("faults: a JSON array is expected")
            self.faults.set([Fault.from_mapping(entry) for entry in data])
        except (ValueError, TypeError) as error:
            raise web.HTTPBadRequest(text=f"{error}\n") from None
        return web.json_response(self.faults.as_list())

    def _check_token(self, request: web.Request) -> None:
        given = request.headers.get(TOKEN_HEADER, "")
        if not hmac.compare_digest(given.encode(), self.token.encode()):
            raise web.HTTPForbidden(text=f"The header {TOKEN_HEADER} must carry the lab's token.\n")


class _Call:
    """One request on its way through the server."""

    def __init__(self, request: web.Request) -> None:
        self._request = request
        self.action = request.headers.get("x-acs-action", "")
        self.request_id = str(uuid.uuid4()).upper()
        self.parameters: dict[str, str] = {}
        self.operation: Operation | None = None
        self.params: Params | None = None
        self.status = 0
        self.code = ""

    @property
    def method(self) -> str:
        return self._request.method

    @property
    def version(self) -> str:
        return self._request.headers.get("x-acs-version", "")

    @property
    def path(self) -> str:
        return self._request.path

    async def read(self) -> SignedRequest:
        """The request as it was signed; notes its parameters."""
        request = self._request
        body = await request.read()
        headers: dict[str, list[str]] = {}
        for name, value in request.headers.items():
            headers.setdefault(name.lower(), []).append(value.strip())
        query = dict(parse_qsl(request.query_string, keep_blank_values=True))
        form = {}
        if headers.get("content-type", [""])[0].startswith("application/x-www-form-urlencoded"):
            form = dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True))
        self.parameters = {**query, **form}
        joined = {name: ",".join(sorted(values)) for name, values in headers.items()}
        return SignedRequest(request.method, request.raw_path.partition("?")[0], query, joined, body)

    def succeeded(self, reply: Mapping[str, Any]) -> web.Response:
        return self._reply(200, "", {"RequestId": self.request_id, **reply})

    def failed(self, error: ApiError) -> web.Response:
        body = {
            "RequestId": self.request_id,
            "HostId": self._request.host,
            "Code": error.code,
            "Message": error.message,
            "Recommend": error.recommend,
        }
        return self._reply(error.status, error.code, body, error.headers)

    def _reply(
        self, status: int, code: str, body: Mapping[str, Any], headers: Mapping[str, str] | None = None
    ) -> web.Response:
        self.status, self.code = status, code
        return web.Response(
            status=status,
            body=json.dumps(body, ensure_ascii=False).encode(),
            content_type="application/json",
            headers={"x-acs-request-id": self.request_id, **(headers or {})},
        )

    def record(self) -> Call:
        return Call(
            action=self.action if self.action in load().operations else "(unknown)",
            status=self.status,
            code=self.code,
            request_id=self.request_id,
            write=self.operation is not None and self.operation.access == "write",
            parameters=tuple(sorted(self.parameters)) if self.operation else (),
            unread=tuple(sorted(self.params.unread)) if self.params else (),
        )


def _operation(call: _Call) -> Operation:
    operation = load().operations.get(call.action)
    if operation is None or call.version != VERSION or call.path != "/":
        raise errors.invalid_action(f"{call.action} ({call.version}) at {call.path}")
    if call.method not in (operation.method, "POST"):
        raise ApiError(
            405,
            "UnsupportedHTTPMethod",
            f"{call.action} is called with {operation.method}, not {call.method}.",
        )
    return operation
