"""The lab as one process: Kubernetes APIs, ASM OpenAPI, controllers, kubelet, mesh; pods are its children."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import logging
import os
import secrets
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from . import seed
from .asm import AsmApi, Credential
from .checks import check_envoy, check_ports, lease
from .client import Cluster
from .controllers.gateways import GatewayController
from .controllers.lanes import LaneController
from .controllers.namespaces import NamespaceController
from .errors import LabError
from .files import Lock, remove, write_json, write_secret_yaml
from .kubelet.agent import Kubelet, ProcessInfo
from .mesh.controller import MeshController
from .plane import ISTIO, Plane
from .plane import make as make_plane
from .settings import Settings
from .status import Report, Watcher
from .supervisor import Part, PartError, Supervisor

if TYPE_CHECKING:
    from .istio.mesh import IstioMesh

LOG = logging.getLogger("asm_lanes_lab.daemon")

CRDS = Path(__file__).parent / "crds"


class Lab:
    """A lab, from its start to its end."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._report = Report(settings)
        self._stop = asyncio.Event()
        self._reset = asyncio.Event()
        self._kubelet: Kubelet | None = None
        self._istio: IstioMesh | None = None

    async def run(self) -> None:
        """Serve until SIGTERM or SIGINT; SIGHUP resets. Raises LabError; leaves no process behind."""
        lock = Lock(self._settings.files)
        if not lock.acquire():
            raise LabError(f"a lab runs in {self._settings.state_dir} already (pid {lock.holder()})")
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGTERM, self._stop.set)
        loop.add_signal_handler(signal.SIGINT, self._stop.set)
        loop.add_signal_handler(signal.SIGHUP, self._reset.set)
        try:
            async with AsyncExitStack() as stack:
                await self._serve(stack)
        except (LabError, PartError, OSError) as error:
            self._report.error, self._report.ready = str(error), False
            self._report.write()
            raise LabError(str(error)) from error

    async def _serve(self, stack: AsyncExitStack) -> None:
        settings = self._settings
        check_envoy(settings)
        check_ports(settings)
        stack.enter_context(lease(settings))
        plane = make_plane(settings, crds(settings))
        stack.push_async_callback(plane.stop)
        self._report.processes = lambda: self._processes(plane)
        await plane.start(self._announce)
        cluster = await stack.enter_async_context(_connected(settings.files.cluster_kubeconfig, "cluster"))
        mesh = await stack.enter_async_context(_connected(settings.files.mesh_kubeconfig, "mesh"))
        await plant(settings, cluster, mesh)
        await self._asm_api(stack, cluster, mesh)
        plane.serve_logs(self._pod_log)
        supervisor = Supervisor([*plane.parts(cluster), *self._parts(cluster, mesh)])
        self._report.parts = lambda: [*plane.own_parts(), *supervisor.parts]
        supervisor.start()
        try:
            while not await self._asked_to_stop(supervisor, plane):
                LOG.info("reset")
                self._report.ready = False
                await supervisor.stop()
                await plane.reset()
                remove(*settings.files.xds.glob("*"), *settings.files.pods.glob("*"), settings.files.faults)
                await plant(settings, cluster, mesh)
                supervisor.start()
                self._report.resets += 1
        finally:
            await supervisor.stop()
        LOG.info("stopped")

    async def _asked_to_stop(self, supervisor: Supervisor, plane: Plane) -> bool:
        """Wait for the next wish; whether it is to stop rather than to reset. Raises PartError."""
        self._reset.clear()
        failures: list[asyncio.Task[PartError]] = [
            asyncio.create_task(supervisor.failed()),
            asyncio.create_task(plane.failed()),
        ]
        waits: list[asyncio.Task[Any]] = [
            asyncio.create_task(self._stop.wait()),
            asyncio.create_task(self._reset.wait()),
            *failures,
        ]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
            for failure in failures:
                if failure.done():
                    raise failure.result()
            return self._stop.is_set()
        finally:
            for wait in waits:
                wait.cancel()

    def _announce(self, name: str, url: str, port: int) -> None:
        """Note where an API has come up."""
        self._choose(f"{name}_api_port", port)
        self._report.step(f"{name} API", url)

    def _processes(self, plane: Plane) -> Iterator[ProcessInfo]:
        yield from plane.processes()
        if self._istio:
            yield from self._istio.processes()
        if self._kubelet:
            yield from self._kubelet.processes()

    async def _asm_api(self, stack: AsyncExitStack, cluster: Cluster, mesh: Cluster) -> None:
        settings = self._settings
        key = Credential(f"LTAI{secrets.token_hex(8)}", secrets.token_urlsafe(24))
        api = AsmApi(settings, mesh, cluster, [key])
        await api.start(settings.api_address, settings.asm_api_port)
        stack.push_async_callback(api.stop)
        self._choose("asm_api_port", api.port)
        files = self._settings.files
        write_json(
            files.credentials,
            {
                "access_key_id": key.access_key_id,
                "access_key_secret": key.access_key_secret,
                "lab_token": api.token,
            },
            0o600,
        )
        write_secret_yaml(
            files.inventory, seed.inventory(self._settings, key.access_key_id, key.access_key_secret)
        )
        self._report.step("ASM OpenAPI", f"http://{settings.api_address}:{api.port}")

    def _choose(self, name: str, port: int) -> None:
        """Note the port that was really taken."""
        chosen: dict[str, Any] = {name: port}
        self._settings = self._report.settings = dataclasses.replace(self._settings, **chosen)
        write_json(self._settings.files.settings, self._settings.as_dict())

    def _parts(self, cluster: Cluster, mesh: Cluster) -> list[Part]:
        settings = self._settings
        return [
            Part("kubelet", lambda: self._new_kubelet(cluster)),
            Part(
                "namespaces",
                lambda: NamespaceController(cluster, mesh, settings),
            ),
            Part(
                "gateways",
                lambda: GatewayController(cluster, mesh, settings),
            ),
            Part("lanes", lambda: LaneController(cluster, mesh, settings)),
            *self._mesh_parts(cluster, mesh),
            Part("status", lambda: Watcher(cluster, self._report)),
        ]

    def _mesh_parts(self, cluster: Cluster, mesh: Cluster) -> list[Part]:
        if self._settings.mesh == ISTIO:
            from .istio.mesh import IstioMesh

            self._istio = IstioMesh(self._settings)
            return self._istio.parts(cluster, mesh)
        return [Part("mesh", lambda: MeshController(cluster, mesh, self._settings))]

    def _new_kubelet(self, cluster: Cluster) -> Kubelet:
        self._kubelet = Kubelet(cluster, self._settings)
        return self._kubelet

    def _pod_log(self, namespace: str, name: str, container: str | None) -> Path | None:
        return self._kubelet.log_of(f"{namespace}/{name}", container) if self._kubelet else None


def crds(settings: Settings) -> dict[str, list[dict[str, Any]]]:
    """The CRDs of ``cluster`` and ``mesh``; with istiod those of its release in place of the lab's."""
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # libyaml's is ten times as fast
    ours = [yaml.load(file.read_text(), loader) for file in sorted(CRDS.glob("*.yaml"))]
    if settings.mesh != ISTIO:
        return {"mesh": ours}
    from .istio.crds import istio_crds

    return istio_crds(ours)


async def plant(settings: Settings, cluster: Cluster, mesh: Cluster) -> None:
    """Make what a fresh lab holds."""
    for api in (cluster, mesh):
        await api.apply(seed.namespace(), "lab")
    await cluster.apply(seed.node(), "lab")
    await cluster.patch_status(seed.node(), seed.node_status())
    await mesh.apply(seed.gateway(settings), "lab")


@contextlib.asynccontextmanager
async def _connected(kubeconfig: Path, name: str) -> AsyncIterator[Cluster]:
    cluster = await Cluster.connect(kubeconfig, name)
    try:
        yield cluster
    finally:
        await cluster.close()


def forget_proxies() -> None:
    """Proxies of the outside world have no business between the parts of a lab."""
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        os.environ.pop(name, None)
        os.environ.pop(name.lower(), None)
