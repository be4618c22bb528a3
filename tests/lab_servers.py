"""The lab's API servers and ASM APIs inside a test's own process: no lab to start, nothing to wait for."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from pathlib import Path
from typing import Any, TypeVar

import yaml
from asm_lanes_lab.asm import AsmApi, Credential
from asm_lanes_lab.client import Cluster
from asm_lanes_lab.kube import KubeApiServer
from asm_lanes_lab.settings import Settings
from lab_fixture import LAB_FILES

TOKEN = "t0p-5ecret-token-of-the-servers"
_T = TypeVar("_T")


def mesh_crds() -> list[dict[str, Any]]:
    """What the control plane of a mesh serves beyond Kubernetes."""
    files = sorted((LAB_FILES / "asm_lanes_lab" / "crds").glob("*.yaml"))
    return [crd for file in files for crd in yaml.safe_load_all(file.read_text(encoding="utf-8"))]


class LabServers:
    """Servers in a thread of their own, so that tests may block. To be closed."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self._thread.start()
        self._stops: list[Callable[[], Awaitable[None]]] = []

    def wait(self, coroutine: Coroutine[Any, Any, _T]) -> _T:
        """Run a coroutine where the servers live."""
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(60)

    def kube(self, name: str, kubeconfig: Path) -> KubeApiServer:
        """A Kubernetes API server: ``mesh`` with the mesh's kinds, ``cluster``; writes its kubeconfig."""
        crds = mesh_crds() if name == "mesh" else []
        server = KubeApiServer(name, crds, {TOKEN: "admin"})
        self.wait(server.start("127.0.0.1", 0))
        self._stops.append(server.stop)
        kubeconfig.write_text(yaml.safe_dump(server.kubeconfig(TOKEN)))
        return server

    def connection(self, name: str, kubeconfig: Path) -> Cluster:
        """The lab's own client to a server."""
        cluster = self.wait(Cluster.connect(kubeconfig, name))
        self._stops.append(cluster.close)
        return cluster

    def started(self, name: str, kubeconfig: Path) -> Cluster:
        """A server as ``kube`` starts it, and a client to it."""
        self.kube(name, kubeconfig)
        return self.connection(name, kubeconfig)

    def openapi(
        self, settings: Settings, mesh: Cluster, cluster: Cluster, credentials: Iterable[Credential]
    ) -> AsmApi:
        """The ASM OpenAPI of an instance."""
        api = AsmApi(settings, mesh, cluster, credentials)
        self.wait(api.start("127.0.0.1", 0))
        self._stops.append(api.stop)
        return api

    def close(self) -> None:
        """Stop everything, the last that was started first."""
        for stop in reversed(self._stops):
            self.wait(_awaited(stop()))
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join()
        self.loop.close()


async def _awaited(thing: Awaitable[None]) -> None:
    await thing
