"""The part of a kubelet that the API server asks: the logs of containers. For the API server alone."""

from __future__ import annotations

import asyncio
import ssl
import tempfile
from typing import TYPE_CHECKING

from aiohttp import web

from ..plane import PodLog

if TYPE_CHECKING:
    from pathlib import Path

    from .secrets import Secrets

#: Seconds between two looks at a log that is followed.
LOOK = 0.2


class KubeletApi:
    """Serves ``/containerLogs`` over TLS, to those who have a certificate of the lab's authority."""

    def __init__(self, address: str) -> None:
        self._address = address
        self._runner: web.AppRunner | None = None
        self.port = 0
        self.find: PodLog | None = None

    async def start(self, secrets: Secrets) -> None:
        """Serve on a free port."""
        app = web.Application()
        app.router.add_get("/containerLogs/{namespace}/{pod}/{container}", self._logs)
        self._runner = web.AppRunner(app, access_log=None, handler_cancellation=True, shutdown_timeout=1.0)
        await self._runner.setup()
        site = web.TCPSite(self._runner, self._address, 0, ssl_context=_context(secrets, self._address))
        await site.start()
        self.port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        """Close the port."""
        if self._runner:
            await self._runner.cleanup()
            self._runner = None

    async def _logs(self, request: web.Request) -> web.StreamResponse:
        where = request.match_info
        file = self.find(where["namespace"], where["pod"], where["container"]) if self.find else None
        if file is None or not file.exists():
            return web.Response(status=404, text=f"no log of container {where['container']}")
        response = web.StreamResponse(headers={"Content-Type": "text/plain"})
        await response.prepare(request)
        await _send(response, file, request.query)
        return response


async def _send(response: web.StreamResponse, file: Path, query: object) -> None:
    options = dict(query)  # type: ignore[call-overload]
    with file.open("rb") as log:
        data = log.read()
        if options.get("tailLines"):
            lines = data.splitlines(keepends=True)
            data = b"".join(lines[max(0, len(lines) - int(options["tailLines"])) :])
        await response.write(data)
        while options.get("follow") == "true":
            await asyncio.sleep(LOOK)
            if data := log.read():
                await response.write(data)


def _context(secrets: Secrets, address: str) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cadata=secrets.authority.pem)
    context.verify_mode = ssl.CERT_REQUIRED
    issued = secrets.authority.for_server("kubelet", address)
    with tempfile.NamedTemporaryFile("w") as file:  # the ssl module reads keys from files only
        file.write(issued.key_pem + issued.pem)
        file.flush()
        context.load_cert_chain(file.name)
    return context
