"""What a control plane of the lab is: two Kubernetes APIs, whoever serves them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from .supervisor import Part, PartError

if TYPE_CHECKING:
    from .client import Cluster
    from .kubelet.agent import ProcessInfo
    from .settings import Settings

#: Called for each API that has come up: ``cluster`` or ``mesh``, its URL, its port.
Announce = Callable[[str, str, int], None]
#: (namespace, pod, container or None) -> the pod's log file, or None.
PodLog = Callable[[str, str, str | None], Path | None]

#: User of the kubeconfigs that the lab writes; may do everything.
ADMIN = "lab-admin"
EMULATED, REAL = "emulated", "real"
#: Who configures the proxies: the lab's own mesh, or istiod.
OWN, ISTIO = "own", "istio"


class Plane(Protocol):
    """Two Kubernetes APIs, cluster and mesh, with their kubeconfigs in the lab's folder."""

    async def start(self, announce: Announce) -> None:
        """Bring both up and write their kubeconfigs. Raises LabError."""

    async def stop(self) -> None:
        """End both; nothing is left behind."""

    async def reset(self) -> None:
        """Make both as new, at the same addresses."""

    async def failed(self) -> PartError:
        """Wait until it cannot go on."""

    def parts(self, cluster: Cluster) -> list[Part]:
        """The lab's parts that go with this control plane: what makes pods of Deployments."""

    def own_parts(self) -> list[Part]:
        """Parts that the control plane itself consists of, for the lab's status."""

    def processes(self) -> Iterator[ProcessInfo]:
        """Processes that the control plane itself consists of."""

    def serve_logs(self, find: PodLog) -> None:
        """Tell where the logs of pods are."""


def make(settings: Settings, crds: Mapping[str, list[dict[str, Any]]]) -> Plane:
    """The control plane that the settings ask for; *crds* of ``cluster`` and ``mesh``."""
    if settings.control_plane == REAL:
        from .real.plane import RealPlane

        return RealPlane(settings, crds)
    from .emulated import EmulatedPlane

    return EmulatedPlane(settings, crds)
