"""Servers to probe: a small socket.io application that lanes its answers, and servers that are broken."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import socketio
from aiohttp import WSMsgType, web

Reader = asyncio.StreamReader
Writer = asyncio.StreamWriter


@dataclass
class App:
    """The guide's wsk behind a mesh, as a client sees it: the handshake's header chooses the version."""

    #: Value of the header -> version; everything else gets `otherwise`.
    lanes: dict[str, str] = field(default_factory=lambda: {"base": "v1", "v1": "v1", "v2": "v2"})
    otherwise: str = "v1"
    broadcast_version: str = "v1"
    #: How the version is chosen; a faulty mesh chooses otherwise.
    choose: Callable[[App, str | None], str] = lambda app, header: app.lanes.get(header or "", app.otherwise)
    text: Callable[[str], str] = lambda version: f"Hello version: {version}, instance: test"
    asks_ack: bool = True
    answers: int = 1
    broadcasts: bool = True
    #: What clients acknowledged with.
    acknowledged: list[Any] = field(default_factory=list)
    #: Headers of the handshakes, and how many connections are open.
    handshakes: list[dict[str, str]] = field(default_factory=list)
    connected: int = 0

    def build(self) -> web.Application:
        server = socketio.AsyncServer(async_mode="aiohttp")
        app = web.Application()
        server.attach(app)

        async def connect(sid: str, environ: dict[str, Any]) -> None:
            self.connected += 1
            self.handshakes.append(dict(environ["aiohttp.request"].headers))
            await server.save_session(sid, environ.get("HTTP_VERSION"))

        async def disconnect(_sid: str, _reason: str) -> None:
            self.connected -= 1

        async def ask(sid: str, _client_id: str) -> None:
            version = self.choose(self, await server.get_session(sid))
            callback = (lambda *said: self.acknowledged.append(said)) if self.asks_ack else None
            for _number in range(self.answers):
                await server.emit("hello", self.text(version), to=sid, callback=callback)
            if self.broadcasts:
                await server.emit("okok", self.text(self.broadcast_version))

        server.on("connect", connect)
        server.on("disconnect", disconnect)
        server.on("test000", ask)
        app.on_shutdown.append(lambda _app: server.shutdown())
        return app


async def _stay_silent(reader: Reader, _writer: Writer) -> None:
    await reader.read()


async def _close_at_once(reader: Reader, writer: Writer) -> None:
    await reader.readline()
    writer.close()


async def _garbage(reader: Reader, writer: Writer) -> None:
    await reader.readline()
    writer.write(b"\x00\xffnothing that HTTP knows\r\n\r\n")
    await writer.drain()
    writer.close()


#: Servers that are not even HTTP.
RAW: dict[str, Callable[[Reader, Writer], Awaitable[None]]] = {
    "silent": _stay_silent,
    "closes": _close_at_once,
    "garbage": _garbage,
}


def answering(status: int) -> web.Application:
    """An HTTP server that has the same answer for everything."""

    async def answer(_request: web.Request) -> web.Response:
        return web.Response(status=status, text="no socket.io here")

    app = web.Application()
    app.router.add_get("/{path:.*}", answer)
    return app


def websocket_saying(*frames: str, then_close: bool) -> web.Application:
    """A websocket server that sends frames of its own choice."""

    async def talk(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        for frame in frames:
            await socket.send_str(frame)
        if not then_close:
            async for message in socket:
                if message.type is WSMsgType.ERROR:
                    break
        return socket

    app = web.Application()
    app.router.add_get("/{path:.*}", talk)
    return app


@contextlib.contextmanager
def serve(what: web.Application | Callable[[Reader, Writer], Awaitable[None]]) -> Iterator[str]:
    """Serve on a free loopback port in a thread of its own; yield the URL."""
    started: list[tuple[asyncio.AbstractEventLoop, asyncio.Event, int]] = []
    ready = threading.Event()

    async def run() -> None:
        async with _listening(what) as port:
            stop = asyncio.Event()
            started.append((asyncio.get_running_loop(), stop, port))
            ready.set()
            await stop.wait()

    thread = threading.Thread(target=lambda: asyncio.run(run()))
    thread.start()
    assert ready.wait(10), "the test server did not start"
    loop, stop, port = started[0]
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(10)


@contextlib.asynccontextmanager
async def _listening(
    what: web.Application | Callable[[Reader, Writer], Awaitable[None]],
) -> AsyncIterator[int]:
    if isinstance(what, web.Application):
        runner = web.AppRunner(what, shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        try:
            yield runner.addresses[0][1]
        finally:
            await runner.cleanup()
        return
    tasks: set[asyncio.Task[Any]] = set()

    async def handle(reader: Reader, writer: Writer) -> None:
        tasks.add(asyncio.current_task())  # type: ignore[arg-type]
        with contextlib.suppress(ConnectionError):
            await what(reader, writer)

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
