"""Istiod as a part of the lab: its files, its process, and the controller that tells it of the pods."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from ..files import write_json
from ..kubelet.agent import ProcessInfo
from ..real.service import Service, free_port
from ..supervisor import Part
from . import programs
from .binary import program
from .controller import IstioController

if TYPE_CHECKING:
    from ..client import Cluster
    from ..settings import Settings


class IstioMesh:
    """What runs in place of the lab's own mesh. Its addresses stay the same when istiod restarts."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._folder = settings.files.istio
        address = settings.api_address
        self._grpc, self._http = (address, free_port(address)), (address, free_port(address))
        self._service: Service | None = None

    def parts(self, cluster: Cluster, mesh: Cluster) -> list[Part]:
        """Istiod, and who tells it of pods."""
        return [
            Part("istiod", self._istiod),
            Part(
                "mesh",
                lambda: IstioController(cluster, mesh, self._settings, self._folder, self._grpc, self._http),
            ),
        ]

    def processes(self) -> Iterator[ProcessInfo]:
        """Istiod, while it runs."""
        if self._service and self._service.process:
            yield ProcessInfo("mesh", "istiod", self._service.process.pid, self._service.log)

    def _istiod(self) -> Service:
        folder = self._folder
        prepare(folder, self._settings)
        argv = programs.istiod(
            program(), folder, self._settings.files.mesh_kubeconfig, _text(self._grpc), _text(self._http)
        )
        self._service = Service(
            "istiod", argv, folder, folder / "istiod.log", environment=programs.environment(folder)
        )
        self._service.after.set()
        return self._service


def prepare(folder: Path, settings: Settings) -> None:
    """Write what istiod reads when it starts; objects for it come later, into the folder ``config``."""
    for name in ("config", "clusters"):
        (folder / name).mkdir(parents=True, exist_ok=True, mode=0o700)
    write_json(folder / "mesh.yaml", programs.mesh_config(folder))
    write_json(folder / "networks.yaml", {"networks": {}})
    shutil.copy(settings.files.cluster_kubeconfig, folder / "clusters" / "cluster.yaml")


def _text(address: tuple[str, int]) -> str:
    return f"{address[0]}:{address[1]}"
