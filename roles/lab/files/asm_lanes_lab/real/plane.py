"""A real control plane: one etcd, two API servers with a prefix each, and their controllers."""

from __future__ import annotations

import asyncio
import shutil
import ssl
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import aiohttp

from ..binaries import CONTROL_PLANE, check, minor
from ..binaries.recipes import API_SERVER, CONTROLLERS, ETCD
from ..client import Cluster, ClusterError
from ..errors import LabError
from ..files import write_secret_yaml
from ..kubelet.agent import ProcessInfo
from ..objects import condition
from ..plane import Announce, PodLog
from ..supervisor import Part, PartError, Supervisor
from . import programs
from .kubelet_api import KubeletApi
from .scheduler import Scheduler
from .secrets import Secrets
from .service import Service, free_port

if TYPE_CHECKING:
    from ..settings import Settings

#: Controllers of each of the two APIs.
SIDES: Mapping[str, tuple[str, ...]] = {
    "cluster": programs.CLUSTER_CONTROLLERS,
    "mesh": programs.MESH_CONTROLLERS,
}
#: Seconds that the servers may take to come up, on a busy machine too.
PATIENCE = 120.0
LOOK = 0.1
#: Namespaces that the lab has from the start, beside Kubernetes' own.
NAMESPACES = ("istio-system",)


class RealPlane:
    """Starts the programs and keeps them running."""

    def __init__(
        self,
        settings: Settings,
        crds: Mapping[str, list[dict[str, Any]]],
        sides: Mapping[str, tuple[str, ...]] | None = None,
    ) -> None:
        """*crds* of ``cluster`` and ``mesh``.

        *sides*: controllers of each API, by default SIDES; one without controllers has no manager.
        """
        self._settings = settings
        self._crds = crds
        self._sides = SIDES if sides is None else sides
        self._folder = settings.files.control_plane
        self._services: dict[str, Service] = {}
        self._supervisor: Supervisor | None = None
        self._ports: dict[str, int] = {}
        self._kubelet_api = KubeletApi(settings.api_address)
        self.secrets: Secrets | None = None

    # --- life -----------------------------------------------------------------------------------------------

    async def start(self, announce: Announce) -> None:
        """Bring all programs up, install the CRDs, write the kubeconfigs. Raises LabError."""
        files = {name: found.file for name, found in check(CONTROL_PLANE).items()}
        address = self._settings.api_address
        self.secrets = Secrets.make(self._folder, self._settings.state_dir, address)
        (self._folder / "data").mkdir(mode=0o700, exist_ok=True)  # etcd wants it to be its owner's alone
        await self._kubelet_api.start(self.secrets)
        for name in self._sides:
            self._ports[name] = getattr(self._settings, f"{name}_api_port") or free_port(address)
            write_secret_yaml(self.kubeconfig(name), self.secrets.admin(name, self.url(name)))
        self._services = dict(self._make_services(files))
        await self._up()
        for name in self._sides:
            announce(name, self.url(name), self._ports[name])

    def _make_services(self, files: Mapping[str, Path]) -> Iterator[tuple[str, Service]]:
        assert self.secrets
        yield self._service("etcd", programs.etcd(files[ETCD.name]))
        for name, controllers in self._sides.items():
            address, port = self._settings.api_address, self._ports[name]
            argv = programs.api_server(files[API_SERVER.name], name, self._folder, address, port)
            yield self._service(f"{name}-apiserver", argv)
            if controllers:
                config = self.secrets.controllers(name, self.url(name))
                program = files[CONTROLLERS.name]
                argv = programs.controllers(program, self._folder, config, controllers, minor(program))
                yield self._service(f"{name}-controllers", argv)

    def _service(self, name: str, argv: list[str]) -> tuple[str, Service]:
        return name, Service(name, argv, self._folder, self._folder / f"{name}.log")

    async def _up(self) -> None:
        for name, service in self._services.items():
            if name.endswith("-controllers"):  # which end when they do not find their API server
                service.after.clear()
            else:
                service.after.set()
        self._supervisor = Supervisor(_part(service) for service in self._services.values())
        self._supervisor.start()
        waiting: asyncio.Future[Any] = asyncio.gather(*(self._ready(name) for name in self._sides))
        failing = asyncio.create_task(self._supervisor.failed())
        both: list[asyncio.Future[Any]] = [waiting, failing]
        await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
        try:
            if failing.done():
                waiting.cancel()
                raise LabError(f"the control plane does not come up: {failing.result()}")
            await waiting
        finally:
            failing.cancel()

    async def _ready(self, name: str) -> None:
        """Wait until one API serves, and put into it what the lab has from the start."""
        assert self.secrets
        deadline = time.monotonic() + PATIENCE
        context = ssl.create_default_context(cadata=self.secrets.authority.pem)
        headers = {"Authorization": f"Bearer {self.secrets.token}"}
        connector = aiohttp.TCPConnector(ssl=context)
        async with aiohttp.ClientSession(headers=headers, connector=connector) as session:
            while not await _says_ok(session, f"{self.url(name)}/readyz"):
                if time.monotonic() > deadline:
                    log = self._services[f"{name}-apiserver"].log
                    raise LabError(f"the {name} API server is not ready after {PATIENCE:g} s; see {log}")
                await asyncio.sleep(LOOK)
        if controllers := self._services.get(f"{name}-controllers"):
            controllers.after.set()
        cluster = await Cluster.connect(self.kubeconfig(name), name)
        try:
            await _plant(cluster, self._crds.get(name, []), deadline)
        finally:
            await cluster.close()

    async def stop(self) -> None:
        """End all programs."""
        if self._supervisor:
            await self._supervisor.stop()
            self._supervisor = None
        await self._kubelet_api.stop()

    async def reset(self) -> None:
        """Begin with an empty etcd, at the same addresses."""
        assert self._supervisor
        await self._supervisor.stop()
        shutil.rmtree(self._folder / "data")
        (self._folder / "data").mkdir(mode=0o700)
        await self._up()

    async def failed(self) -> PartError:
        """Wait until a program is given up."""
        assert self._supervisor
        return await self._supervisor.failed()

    # --- what the lab asks ----------------------------------------------------------------------------------

    def url(self, name: str) -> str:
        """Address of one of the APIs."""
        return f"https://{self._settings.api_address}:{self._ports[name]}"

    def kubeconfig(self, name: str) -> Path:
        """The administrator's kubeconfig file for one of the APIs."""
        file: Path = getattr(self._settings.files, f"{name}_kubeconfig")
        return file

    def parts(self, cluster: Cluster) -> list[Part]:
        """Pods are made by kube-controller-manager; what is left is to say where they run."""
        return [Part("scheduler", lambda: Scheduler(cluster, self._kubelet_api.port))]

    def own_parts(self) -> list[Part]:
        """The programs."""
        return self._supervisor.parts if self._supervisor else []

    def processes(self) -> Iterator[ProcessInfo]:
        """The programs that run now."""
        for service in self._services.values():
            if service.process:
                yield ProcessInfo("control-plane", service.name, service.process.pid, service.log)

    def serve_logs(self, find: PodLog) -> None:
        """``kubectl logs``: the API server asks the node's kubelet."""
        self._kubelet_api.find = find


def _part(service: Service) -> Part:
    return Part(service.name, lambda: service)


async def _says_ok(session: aiohttp.ClientSession, url: str) -> bool:
    try:
        async with session.get(url, timeout=aiohttp.ClientTimeout(total=5)) as answer:
            return answer.status == 200
    except (aiohttp.ClientError, asyncio.TimeoutError, OSError):
        return False


async def _plant(cluster: Cluster, crds: list[dict[str, Any]], deadline: float) -> None:
    for name in NAMESPACES:
        await cluster.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}, "lab")
    for crd in crds:
        try:
            await cluster.apply(crd, "lab")
        except ClusterError as error:
            raise LabError(f"CRD {crd['metadata']['name']}: {error}") from error
    for crd in crds:
        await _established(cluster, crd, deadline)
        for version in crd["spec"]["versions"]:
            await _listed(cluster, f"{crd['spec']['group']}/{version['name']}", crd, deadline)


async def _listed(cluster: Cluster, api_version: str, crd: dict[str, Any], deadline: float) -> None:
    """An established kind may still be answered with 429 ("storage is (re)initializing") for a moment."""
    while True:
        try:
            await cluster.list(api_version, crd["spec"]["names"]["kind"])
        except ClusterError as error:
            if error.status not in (404, 429) or time.monotonic() > deadline:
                raise LabError(f"CRD {crd['metadata']['name']} is not served: {error}") from error
        else:
            return
        await asyncio.sleep(LOOK)


async def _established(cluster: Cluster, crd: dict[str, Any], deadline: float) -> None:
    name = crd["metadata"]["name"]
    while True:
        found = await cluster.get(crd["apiVersion"], crd["kind"], name)
        if found and (condition(found, "Established") or {}).get("status") == "True":
            return
        if time.monotonic() > deadline:
            raise LabError(f"CRD {name} is not served: {(found or {}).get('status')}")
        await asyncio.sleep(LOOK)
