"""The stand-in apps as processes, without a mesh: socket.io and HTTP, baggage, failures, shutdown."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import aiohttp
import pytest
import socketio
from aiohttp import web
from lab_fixture import LAB_FILES, free_loopback, until

PORT = 5000


async def port_open(host: str) -> bool:
    try:
        _unused, writer = await asyncio.open_connection(host, PORT)
    except OSError:
        return False
    writer.close()
    return True


@asynccontextmanager
async def app(name: str, **env: str) -> AsyncIterator[tuple[str, asyncio.subprocess.Process]]:
    """Run a stand-in on an address of its own; yields ``http://address:5000`` and the process."""
    host = free_loopback(PORT)
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", f"asm_lanes_lab.apps.{name}"),
        env={"PYTHONPATH": str(LAB_FILES), "HOST": host, "PORT": str(PORT), **env},
    )
    try:
        await until(lambda: port_open(host), f"{name} listens")
        yield f"http://{host}:{PORT}", process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


@asynccontextmanager
async def recorder(status: int = 200) -> AsyncIterator[tuple[str, list[list[str]]]]:
    """An upstream that notes the ``baggage`` headers of each call; yields its URL and the notes."""
    seen: list[list[str]] = []

    async def hello(request: web.Request) -> web.Response:
        seen.append(request.headers.getall("baggage", []))
        return web.Response(
            status=status, text=f"Hello number: {len(seen)}" if status < 400 else "no\nupstream"
        )

    application = web.Application()
    application.router.add_get("/hello", hello)
    runner = web.AppRunner(application)
    await runner.setup()
    host = free_loopback(PORT)
    await web.TCPSite(runner, host, PORT).start()
    try:
        yield f"http://{host}:{PORT}/hello", seen
    finally:
        await runner.cleanup()


class Client:
    """The guide's client: acknowledges ``hello``, collects both kinds of message."""

    def __init__(self) -> None:
        self.io = socketio.AsyncClient(reconnection=False)
        self.messages: asyncio.Queue[tuple[str, Any]] = asyncio.Queue()
        self.io.on("hello", self._hello)
        self.io.on("okok", self._okok)

    async def _hello(self, text: str) -> str:
        await self.messages.put(("hello", text))
        return "got it"

    async def _okok(self, text: str) -> None:
        await self.messages.put(("okok", text))

    async def exchange(self, count: int = 2) -> dict[str, str]:
        await self.io.emit("test000", "client-1")
        return dict([await asyncio.wait_for(self.messages.get(), 10) for _unused in range(count)])


@asynccontextmanager
async def client(url: str, **headers: str) -> AsyncIterator[Client]:
    connected = Client()
    await connected.io.connect(url, headers=headers, transports=["websocket"])
    try:
        yield connected
    finally:
        await connected.io.disconnect()


async def test_wsk_answers_in_the_clients_context_and_broadcasts_in_none() -> None:
    async with AsyncExitStack() as stack:
        upstream, seen = await stack.enter_async_context(recorder())
        url, _unused = await stack.enter_async_context(app("wsk", HELLO_URL=upstream))
        asking = await stack.enter_async_context(client(url, Baggage="version=v2,user=a%20b;meta=1"))
        listening = await stack.enter_async_context(client(url))
        assert await asking.exchange() == {"hello": "Hello number: 1", "okok": "Hello number: 2"}
        assert seen == [["version=v2,user=a+b%3Bmeta%3D1"], []]
        assert await asyncio.wait_for(listening.messages.get(), 5) == ("okok", "Hello number: 2")
        assert listening.messages.empty()


async def test_wsk_acknowledges_and_bears_clients_that_leave() -> None:
    async with AsyncExitStack() as stack:
        upstream, seen = await stack.enter_async_context(recorder())
        url, process = await stack.enter_async_context(app("wsk", HELLO_URL=upstream))
        async with client(url) as asking:
            await asking.io.emit("test000")  # without an id, and gone before the answer
        async with client(url) as asking:
            assert await asyncio.wait_for(asking.io.call("test000", "client-1"), 10) in (None, [])
            assert "hello" in await asking.exchange(count=4)
        assert process.returncode is None
        assert seen


async def test_wsk_without_the_code_change_loses_the_context() -> None:
    async with AsyncExitStack() as stack:
        upstream, seen = await stack.enter_async_context(recorder())
        url, _unused = await stack.enter_async_context(app("wsk", HELLO_URL=upstream, FORWARD_BAGGAGE="0"))
        asking = await stack.enter_async_context(client(url, baggage="version=v2"))
        await asking.exchange()
        assert seen == [[], []]


async def test_wsk_tells_upstream_errors_and_stays() -> None:
    async with AsyncExitStack() as stack:
        upstream, _unused = await stack.enter_async_context(recorder(status=503))
        url, _unused = await stack.enter_async_context(app("wsk", HELLO_URL=upstream))
        asking = await stack.enter_async_context(client(url))
        assert await asking.exchange() == dict.fromkeys(("hello", "okok"), "Hello failed: 503 no upstream")


async def test_wsk_tells_that_nobody_listens() -> None:
    nobody = f"http://{free_loopback(PORT)}:{PORT}/hello"
    async with app("wsk", HELLO_URL=nobody) as wsk, client(wsk[0]) as asking:
        assert (await asking.exchange())["hello"].startswith("Hello failed: ClientConnectorError")


@pytest.mark.parametrize("name", ["wsk", "helloworld", "chain"])
async def test_sigterm_ends_an_app_at_once(name: str) -> None:
    async with app(name) as (url, process):
        async with aiohttp.ClientSession() as session, session.get(url + "/health") as response:
            assert (await response.json())["version"] == "v1"
        process.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(process.wait(), 3) == 0


async def test_sigterm_closes_open_sockets() -> None:
    async with app("wsk", HELLO_URL="http://127.0.0.1:1/") as wsk, client(wsk[0]) as connected:
        gone = asyncio.Event()
        connected.io.on("disconnect", lambda *_unused: gone.set())
        wsk[1].send_signal(signal.SIGTERM)
        await asyncio.wait_for(gone.wait(), 3)
        assert await asyncio.wait_for(wsk[1].wait(), 3) == 0


async def test_helloworld_and_chain_join_their_answers() -> None:
    async with AsyncExitStack() as stack:

        async def start(name: str, service: str, version: str, **env: str) -> str:
            identity = {"SERVICE": service, "VERSION": version, "POD_NAME": f"{service}-0"}
            return (await stack.enter_async_context(app(name, **identity, **env)))[0]

        price = await start("helloworld", "price", "v4") + "/hello"
        recorded, seen = await stack.enter_async_context(recorder(status=404))
        stock = await start("chain", "stock", "v1", NEXT_URL=recorded) + "/any/path"
        nobody = f"http://{free_loopback(PORT)}:{PORT}"
        orders = await start("chain", "orders", "v3", NEXT_URL=f"{stock}, {price} {nobody}")
        session = await stack.enter_async_context(aiohttp.ClientSession())
        async with session.get(orders + "/hello", headers={"baggage": "version=v3"}) as response:
            text = await response.text()
        assert text == (
            "Hello version: v3, instance: orders-0 [orders=v3 stock=v1 127=404 127=v4 127=unreachable]\n"
        )
        assert seen == [["version=v3"]]
        async with session.get(price) as response:
            assert await response.text() == "Hello version: v4, instance: price-0\n"


async def test_a_bad_port_is_named() -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "asm_lanes_lab.apps.helloworld"),
        env={"PYTHONPATH": str(LAB_FILES), "PORT": "http"},
        stderr=asyncio.subprocess.PIPE,
    )
    _unused, stderr = await process.communicate()
    assert (process.returncode, stderr.decode()) == (
        1,
        "PORT: expected a port number between 1 and 65535, got 'http'\n",
    )
