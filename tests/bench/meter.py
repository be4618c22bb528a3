"""A proxy between a client and an API: counts requests and adds latency, changes nothing.

HTTP on a loopback port of its own; the API behind it may be HTTPS. Signatures stay valid, for the Host
header is handed on as it came.
"""

from __future__ import annotations

import asyncio
import ssl
import threading
from collections import Counter
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any

from aiohttp import ClientSession, ClientTimeout, TCPConnector, web

#: Headers that belong to one connection.
_HOP = {"connection", "keep-alive", "transfer-encoding", "content-length"}
_WRITES = {"POST", "PUT", "PATCH", "DELETE"}


class Meter:
    """One proxy. requests: count by method and path; latency: seconds added to every request."""

    def __init__(self, target: str, headers: dict[str, str] | None = None, ca: str | None = None) -> None:
        """target: URL of the API. headers: to add, such as a token. ca: PEM text of who vouches for it."""
        self.latency = 0.0
        self.requests: Counter[str] = Counter()
        self._target, self._headers = target.rstrip("/"), headers or {}
        self._trust = ssl.create_default_context(cadata=ca) if ca else None
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self.port: int = self._wait(self._start())

    @property
    def address(self) -> str:
        """Host and port."""
        return f"127.0.0.1:{self.port}"

    def take(self) -> Counter[str]:
        """The counts since the last time."""
        taken, self.requests = self.requests, Counter()
        return taken

    def stop(self) -> None:
        """End the proxy."""
        self._wait(self._end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        self._loop.close()

    def _wait(self, job: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(job, self._loop).result(20)

    async def _start(self) -> int:
        connector = TCPConnector(ssl=self._trust or True, limit=0)
        self._session = ClientSession(
            connector=connector, timeout=ClientTimeout(total=None), auto_decompress=False
        )
        app = web.Application(client_max_size=2**26)
        app.router.add_route("*", "/{path:.*}", self._handle)
        self._runner = web.AppRunner(app, shutdown_timeout=0.2)  # who watches is not waited for
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        return int(self._runner.addresses[0][1])

    async def _end(self) -> None:
        await self._runner.cleanup()
        await self._session.close()
        left = asyncio.all_tasks() - {asyncio.current_task()}  # those of who watched
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        self.requests[f"{request.method} {request.path}"] += 1
        await asyncio.sleep(self.latency)
        headers = [(k, v) for k, v in request.headers.items() if k.lower() not in _HOP]
        answer = await self._session.request(
            request.method,
            self._target + request.raw_path,
            headers=[*headers, *self._headers.items()],
            data=await request.read() or None,
            skip_auto_headers=("Content-Type", "User-Agent", "Accept", "Accept-Encoding"),
            allow_redirects=False,
        )
        async with answer:
            kept = {k: v for k, v in answer.headers.items() if k.lower() not in _HOP}
            response = web.StreamResponse(status=answer.status, headers=kept)
            await response.prepare(request)
            with suppress(ConnectionError):  # who watches may leave at any time
                async for piece in answer.content.iter_any():
                    await response.write(piece)
        return response


def writes(requests: Counter[str]) -> int:
    """How many of the requests of a Kubernetes API may have written; dry runs count, too."""
    return sum(number for name, number in requests.items() if name.split()[0] in _WRITES)
