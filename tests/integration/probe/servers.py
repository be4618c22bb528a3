"""Servers to probe: a small socket.io application that lanes its answers, and servers that are broken."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import ssl
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from socket import IPPROTO_TCP, TCP_CORK
from typing import Any
from urllib.parse import unquote

import socketio
from aiohttp import WSMsgType, web

#: For servers whose clients are broken on purpose.
QUIET = logging.getLogger("asm_lanes_test_servers")
QUIET.addHandler(logging.NullHandler())
QUIET.propagate = False

Reader = asyncio.StreamReader
Writer = asyncio.StreamWriter


@dataclass
class App:
    """The guide's wsk behind a mesh, as a client sees it: the handshake's header chooses the version.

    Speaks socket.io (``test000`` -> ``hello`` and ``okok``; ``ask`` is answered in its acknowledgement;
    ``welcome`` comes unasked), a plain WebSocket at ``/ws``, and HTTP everywhere else, as text, at ``/json``
    as JSON. Every response has the version in ``x-version``, too.
    """

    #: Value of the header -> version; everything else gets `otherwise`.
    lanes: dict[str, str] = field(default_factory=lambda: {"base": "v1", "v1": "v1", "v2": "v2"})
    otherwise: str = "v1"
    broadcast_version: str = "v1"
    #: How the version is chosen; a faulty mesh chooses otherwise.
    choose: Callable[[App, str | None], str] = lambda app, header: app.lanes.get(header or "", app.otherwise)
    #: What names the lane: ``header``, ``cookie`` or ``query``.
    via: str = "header"
    text: Callable[[str], str] = lambda version: f"Hello version: {version}, instance: test"
    asks_ack: bool = True
    answers: int = 1
    broadcasts: bool = True
    welcomes: bool = True
    #: Options of socketio.AsyncServer.
    options: dict[str, Any] = field(default_factory=dict)
    #: What clients acknowledged with.
    acknowledged: list[Any] = field(default_factory=list)
    #: Headers of the handshakes, and how many connections are open.
    handshakes: list[dict[str, str]] = field(default_factory=list)
    connected: int = 0
    #: Messages that came, over any transport but HTTP.
    asked: int = 0
    #: How connections ended: what socket.io says, and the close codes of WebSockets.
    goodbyes: list[str] = field(default_factory=list)
    raw: set[web.WebSocketResponse] = field(default_factory=set)

    def version(self, request: web.BaseRequest) -> str:
        """The version that this request reaches, as a mesh would find it."""
        if self.via == "cookie":
            return self.choose(self, request.cookies.get("lane"))
        if self.via == "query":
            return self.choose(self, request.query.get("lane"))
        told = request.headers.getall("version", [])
        if told:
            return self.choose(self, ",".join(told))
        members = [member.partition(";")[0] for member in request.headers.get("baggage", "").split(",")]
        pairs = [member.partition("=") for member in members]
        named = [unquote(value.strip()) for key, _equals, value in pairs if key.strip() == "version"]
        return self.choose(self, named[-1] if named else None)

    def build(self) -> web.Application:
        server = socketio.AsyncServer(async_mode="aiohttp", **self.options)

        @web.middleware
        async def see_ends(request: web.Request, handler: Any) -> web.StreamResponse:
            response: web.StreamResponse = await handler(request)
            if isinstance(response, web.WebSocketResponse):
                self.goodbyes.append(str(response.close_code))
            return response

        app = web.Application(middlewares=[see_ends], handler_args={"access_log": None, "logger": QUIET})
        server.attach(app)
        self._events(server)
        app.router.add_get("/ws", self._talk)
        app.router.add_route("*", "/{path:.*}", self._call)

        async def tell_version(request: web.Request, response: web.StreamResponse) -> None:
            response.headers["x-version"] = self.version(request)

        app.on_response_prepare.append(tell_version)
        app.on_shutdown.append(lambda _app: server.shutdown())
        return app

    def _events(self, server: Any) -> None:
        async def connect(sid: str, environ: dict[str, Any]) -> None:
            self.connected += 1
            self.handshakes.append(dict(environ["aiohttp.request"].headers))
            await server.save_session(sid, self.version(environ["aiohttp.request"]))
            if self.welcomes:
                server.start_background_task(welcome, sid)

        async def welcome(sid: str) -> None:
            await server.emit("welcome", self.text(await server.get_session(sid)), to=sid)

        async def disconnect(_sid: str, reason: str) -> None:
            self.connected -= 1
            self.goodbyes.append(reason)

        async def test000(sid: str, _client_id: str) -> None:
            self.asked += 1
            version = await server.get_session(sid)
            callback = (lambda *said: self.acknowledged.append(said)) if self.asks_ack else None
            for _number in range(self.answers):
                await server.emit("hello", self.text(version), to=sid, callback=callback)
            if self.broadcasts:
                await server.emit("okok", self.text(self.broadcast_version))

        async def ask(sid: str, _client_id: str) -> str:
            return self.text(await server.get_session(sid))

        for handler in (connect, disconnect, test000, ask):
            server.on(handler.__name__, handler)

    async def _talk(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        self.raw.add(socket)
        self.connected += 1
        async for message in socket:
            assert message.type is WSMsgType.TEXT
            self.asked += 1
            for _number in range(self.answers):
                await socket.send_str(self.text(self.version(request)))
            if self.broadcasts:
                for each in list(self.raw):
                    await each.send_str(f"to all: {self.text(self.broadcast_version)}")
        self.raw.remove(socket)
        self.connected -= 1
        return socket

    async def _call(self, request: web.Request) -> web.Response:
        version = self.version(request)
        if request.path == "/json":
            return web.json_response({"data": [{"version": version}], "all": {"helloworld": version}})
        return web.Response(text=self.text(version))


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


async def _half_a_handshake(reader: Reader, writer: Writer) -> None:
    await reader.readline()
    writer.write(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: web")
    await writer.drain()
    writer.close()


async def _endless(reader: Reader, writer: Writer) -> None:
    await reader.readline()
    writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    while True:
        writer.write(b"10000\r\n" + b"x" * 0x10000 + b"\r\n")
        await writer.drain()


#: What an Engine.IO 4 server says first, and a socket.io server next.
OPEN = '0{"sid":"x","upgrades":[],"pingInterval":25000,"pingTimeout":20000,"maxPayload":1000000}'
CONNECTED = '40{"sid":"y"}'

#: Servers that are hardly HTTP, if at all.
RAW: dict[str, Callable[[Reader, Writer], Awaitable[None]]] = {
    "silent": _stay_silent,
    "closes": _close_at_once,
    "garbage": _garbage,
    "half": _half_a_handshake,
    "endless": _endless,
}


def answering(status: int, text: str = "no socket.io here") -> web.Application:
    """An HTTP server that has the same answer for everything."""

    async def answer(_request: web.Request) -> web.Response:
        return web.Response(status=status, text=text)

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    return app


def websocket_saying(*frames: str, then_close: bool) -> web.Application:
    """A websocket server that sends frames of its own choice, all at once: how many of them a client hears
    before it has enough does not depend on how the network cuts them."""

    async def talk(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        assert request.transport is not None
        connection = request.transport.get_extra_info("socket")
        connection.setsockopt(IPPROTO_TCP, TCP_CORK, 1)
        for frame in frames:
            await socket.send_str(frame)
        connection.setsockopt(IPPROTO_TCP, TCP_CORK, 0)
        if not then_close:
            async for message in socket:
                if message.type is WSMsgType.ERROR:
                    break
        return socket

    app = web.Application()
    app.router.add_get("/{path:.*}", talk)
    return app


@contextlib.contextmanager
def serve(
    what: web.Application | Callable[[Reader, Writer], Awaitable[None]], tls: ssl.SSLContext | None = None
) -> Iterator[str]:
    """Serve on a free loopback port in a thread of its own; yield the URL."""
    started: list[tuple[asyncio.AbstractEventLoop, asyncio.Event, int]] = []
    ready = threading.Event()

    async def run() -> None:
        async with _listening(what, tls) as port:
            stop = asyncio.Event()
            started.append((asyncio.get_running_loop(), stop, port))
            ready.set()
            await stop.wait()

    thread = threading.Thread(target=lambda: asyncio.run(run()))
    thread.start()
    assert ready.wait(10), "the test server did not start"
    loop, stop, port = started[0]
    try:
        yield f"{'https' if tls else 'http'}://127.0.0.1:{port}"
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(10)


@contextlib.asynccontextmanager
async def _listening(
    what: web.Application | Callable[[Reader, Writer], Awaitable[None]], tls: ssl.SSLContext | None
) -> AsyncIterator[int]:
    if isinstance(what, web.Application):
        runner = web.AppRunner(what, shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls)
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

    server = await asyncio.start_server(handle, "127.0.0.1", 0, ssl=tls)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
