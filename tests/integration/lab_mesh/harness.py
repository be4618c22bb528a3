"""Real Envoys with the mesh's configuration, and small back ends behind them, on loopback addresses."""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
import sys
from collections.abc import AsyncIterator, Collection
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web
from asm_lanes_lab.mesh.options import Options
from asm_lanes_lab.mesh.snapshot import Inputs
from asm_lanes_lab.mesh.translate import Translation, translate
from asm_lanes_lab.mesh.xds import XdsWriter
from unit.lab_mesh.objects import Obj, by_kind

ENVOY = str(Path(sys.executable).parent / "envoy")


class Network:
    """Loopback addresses for one test module, drawn at random, so that runs side by side do not meet."""

    def __init__(self) -> None:
        # Clear of the lab's own default networks.
        self._first, self._second = random.randrange(104, 250, 2), random.randrange(1, 250)
        self.pods = f"127.{self._first}.{self._second}.0/24"
        self.apps = f"127.{self._first + 1}.{self._second}.0/24"
        self.gateway = self.pod(1)

    def pod(self, number: int) -> str:
        """The address of a pod."""
        return f"127.{self._first}.{self._second}.{number}"

    def app(self, number: int) -> str:
        """Where the app of that pod listens."""
        return f"127.{self._first + 1}.{self._second}.{number}"


class EnvoyProcesses:
    """The Envoys of all proxies for which there is configuration; their logs go into a folder."""

    def __init__(self, xds_dir: Path, logs: Path) -> None:
        self._xds_dir, self._logs = xds_dir, logs
        self._processes: dict[str, asyncio.subprocess.Process] = {}

    @property
    def names(self) -> list[str]:
        """The running proxies."""
        return list(self._processes)

    async def start(self, only: Collection[str] = (), seconds: float = 20) -> None:
        """Start an Envoy for each proxy that has none (of *only* these), and wait until all are live."""
        for bootstrap in self._xds_dir.glob("*/bootstrap.json"):
            name = bootstrap.parent.name
            if name not in self._processes and (not only or name in only):
                with (self._logs / f"{name}.log").open("wb") as log:
                    self._processes[name] = await asyncio.create_subprocess_exec(
                        ENVOY, "-c", str(bootstrap), "--concurrency", "1", "--disable-hot-restart",
                        "-l", "warning", "--file-flush-interval-msec", "20",
                        stdout=log, stderr=asyncio.subprocess.STDOUT,
                    )  # fmt: skip
        for name in self._processes:
            await self.admin(name, "/ready", expect="LIVE", deadline=seconds)

    async def admin(self, proxy: str, path: str, expect: str = "", deadline: float = 5.0) -> str:
        """The answer of a proxy's admin interface, once it contains the expected text."""
        config = json.loads((self._xds_dir / proxy / "bootstrap.json").read_text())
        address = config["admin"]["address"]["socket_address"]
        url = f"http://{address['address']}:{address['port_value']}{path}"
        end = asyncio.get_running_loop().time() + deadline
        async with aiohttp.ClientSession() as session:
            while True:
                text = ""
                with contextlib.suppress(aiohttp.ClientError):
                    async with session.get(url) as answer:
                        text = await answer.text()
                    if expect in text:
                        return text
                if self._processes[proxy].returncode is not None:
                    raise RuntimeError(f"{proxy} has ended: {self.log(proxy)[-1000:]}")
                if asyncio.get_running_loop().time() > end:
                    raise TimeoutError(f"{proxy}{path}: {text!r}; {self.log(proxy)}")
                await asyncio.sleep(0.01)

    async def in_force(self) -> None:
        """Wait until every Envoy has taken the clusters and route tables that were written last."""
        for proxy in self._processes:
            folder = self._xds_dir / proxy
            for file in folder.glob("rds/*.json"):
                await self.admin(proxy, "/config_dump?resource=dynamic_route_configs", expect=_version(file))
            version = _version(folder / "cds.json")
            await self.admin(proxy, "/stats?filter=cds.version_text", expect=version)

    def inotify_instances(self, proxy: str) -> int:
        """How many inotify instances a proxy holds."""
        links = Path(f"/proc/{self._processes[proxy].pid}/fd").iterdir()
        return sum("inotify" in str(link.readlink()) for link in links)

    def log(self, proxy: str) -> str:
        """What a proxy has written so far."""
        return (self._logs / f"{proxy}.log").read_text()

    def access_log(self, proxy: str) -> list[Obj]:
        """The access log of a proxy."""
        return [json.loads(line) for line in self.log(proxy).splitlines() if line.startswith("{")]

    async def stop(self) -> None:
        """Stop all Envoys."""
        for process in self._processes.values():
            with contextlib.suppress(ProcessLookupError):
                process.kill()
        for process in self._processes.values():
            await process.wait()


class Mesh(EnvoyProcesses):
    """Objects -> files -> running Envoys. Objects are kept by name, so a later `apply` replaces them."""

    def __init__(self, folder: Path, network: Network) -> None:
        self.options = Options(
            folder / "xds",
            network.gateway,
            network.pods,
            network.apps,
            logged_headers=("version", "baggage", "x-lane"),
        )
        super().__init__(self.options.xds_dir, folder)
        self._inputs, self._writer = Inputs(), XdsWriter(self.options.xds_dir)
        self._objects: dict[tuple[str, str, str], Obj] = {}
        self._revision = 0

    def apply(self, *objects: Obj) -> Translation:
        """Put objects, and write what follows."""
        for obj in objects:
            self._revision += 1
            obj["metadata"]["resourceVersion"] = str(self._revision)
            self._objects[_key(obj)] = obj
        snapshot, refusals = self._inputs.read(by_kind(*self._objects.values()))
        result = translate(snapshot, self.options)
        self._writer.write(result)
        return Translation(result.proxies, refusals + result.findings)

    def start_over(self, *objects: Obj) -> Translation:
        """Forget all objects but these."""
        self._objects.clear()
        return self.apply(*objects)


def _version(file: Path) -> str:
    """The version of a file of configuration."""
    return str(json.loads(file.read_text())["version_info"])


def _key(obj: Obj) -> tuple[str, str, str]:
    return obj["kind"], obj["metadata"]["namespace"], obj["metadata"]["name"]


@contextlib.asynccontextmanager
async def back_end(name: str, ip: str, port: int = 5000) -> AsyncIterator[None]:
    """An app that answers with its name and what it was sent; WebSockets are echoed at /ws.

    `/call?url=...` makes a call of its own through the sidecar's proxy, with the baggage that it was sent,
    like an app that passes context on.
    """

    async def handle(request: web.Request) -> web.StreamResponse:
        if request.path == "/ws":
            return await _echo(request, name)
        if request.path == "/call":
            return await _call(request, name, ip)
        headers = {key.lower(): ",".join(request.headers.getall(key)) for key in request.headers}
        return web.json_response(
            {"app": name, "path": request.path_qs, "headers": headers}, headers={"x-app": name}
        )

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handle)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, ip, port).start()
    try:
        yield
    finally:
        await runner.cleanup()


async def _echo(request: web.Request, name: str) -> web.WebSocketResponse:
    socket = web.WebSocketResponse()
    await socket.prepare(request)
    async for message in socket:
        await socket.send_str(f"{name}:{message.data}")
    return socket


async def _call(request: web.Request, name: str, ip: str) -> web.Response:
    network = int(ip.split(".")[1]) - 1  # the pods' network is the one before the apps'
    proxy = f"http://{'.'.join(['127', str(network), *ip.split('.')[2:]])}:15001"
    carried = {key: value for key, value in request.headers.items() if key.lower() == "baggage"}
    async with (
        aiohttp.ClientSession() as session,
        session.get(request.query["url"], headers=carried, proxy=proxy) as answer,
    ):
        own = {key.lower(): ",".join(request.headers.getall(key)) for key in request.headers}
        return web.json_response(
            {"app": name, "headers": own, "called": await answer.json(content_type=None)}
        )


async def get(url: str, *, headers: Any = None, proxy: str | None = None, **more: Any) -> tuple[int, Any]:
    """Status and body (parsed when JSON) of one request on a fresh connection."""
    async with (
        aiohttp.ClientSession() as session,
        session.get(url, headers=headers, proxy=proxy, allow_redirects=False, **more) as answer,
    ):
        text = await answer.text()
        return answer.status, json.loads(text) if answer.content_type == "application/json" else text
