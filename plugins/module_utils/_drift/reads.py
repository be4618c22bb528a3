# Copyright (c) 2026, asm.lanes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Reads the lane group, the mesh's control plane and the cluster; nothing is written.

With a kubeconfig of the control plane the group comes from its custom resources, which tell all of it,
else from the OpenAPI. A kubeconfig that cannot be used is a reason to compare less, not to fail.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from .._asm.backend import LaneBackend, Observed
from .._asm.client import Record
from .._asm.custom_resource import CustomResourceLanes
from .._asm.deadline import Deadline
from .._asm.errors import AsmError
from .._asm.resource_transforms import API_VERSION as LANES_API
from .._asm.resource_transforms import GROUP_KIND
from .._asm.transforms import Cluster as AsmCluster
from .._kube.client import Api, KubeError, connect
from .._lanes.model import LaneGroup
from .facts import (
    DESTINATION_RULE,
    PROPAGATION,
    TRAFFIC_LABEL,
    VIRTUAL_SERVICE,
    Cluster,
    Facts,
    Mesh,
    Object,
)

ISTIO_APIS = ("networking.istio.io/v1", "networking.istio.io/v1beta1")
CARRIER_APIS = ("istio.alibabacloud.com/v1beta1", "istio.alibabacloud.com/v1")
_APIS = {
    DESTINATION_RULE: ISTIO_APIS,
    VIRTUAL_SERVICE: ISTIO_APIS,
    PROPAGATION: CARRIER_APIS,
    TRAFFIC_LABEL: CARRIER_APIS,
}
_NEEDED = (DESTINATION_RULE, VIRTUAL_SERVICE)

_Part = tuple["Observed | None", str, "Mesh | None", str]
"""Group, the way it came, the control plane's objects, and why there are none."""


@dataclass(frozen=True)
class Server:
    """A Kubernetes API. kubeconfig: None when the task names none. context: None for the file's own."""

    kubeconfig: str | None
    context: str | None = None

    def connect(self, timeout: float) -> Api:
        """Raises KubeError."""
        return connect(self.kubeconfig or "", self.context, timeout)


@dataclass(frozen=True)
class Sources:
    """Where to read.

    openapi: makes the way to the OpenAPI, asked only when it is needed. deadline: for the custom
    resources. timeout: seconds for one answer of a Kubernetes API.
    """

    openapi: Callable[[], LaneBackend]
    mesh: Server
    cluster: Server
    deadline: Deadline
    timeout: float


def read(sources: Sources, name: str) -> tuple[Facts, list[Record]]:
    """Everything about the lane group of that name, and the calls for its resources. Raises AsmError."""
    reader = _Reader(sources, name)
    return reader.facts(), reader.records


class _Reader:
    """One reading. records: the calls made for the custom resources of the group."""

    def __init__(self, sources: Sources, name: str) -> None:
        self.records: list[Record] = []
        self._sources = sources
        self._name = name

    def facts(self) -> Facts:
        """Raises AsmError."""
        observed, source, mesh, no_mesh = self._resources() or self._openapi("mesh_kubeconfig is not given")
        cluster, no_cluster = _read_cluster(self._sources, observed)
        return Facts(observed, source, mesh, cluster, no_mesh, no_cluster)

    def _openapi(self, no_mesh: str) -> _Part:
        backend = self._sources.openapi()
        return _first(backend, self._name), backend.name, None, no_mesh

    def _resources(self) -> _Part | None:
        """What the control plane tells; None without a kubeconfig of it."""
        if not self._sources.mesh.kubeconfig:
            return None
        try:
            api = self._sources.mesh.connect(self._sources.timeout)
            backend = CustomResourceLanes(api, self._sources.deadline, _no_cluster)
            self.records = backend.records
            observed = _first(backend, self._name)
        except (KubeError, AsmError) as error:
            return self._openapi(_unread(error))
        try:
            return observed, backend.name, _read_mesh(api), ""
        except KubeError as error:
            return observed, backend.name, None, _unread(error)


def _unread(error: Exception) -> str:
    return f"the mesh's control plane could not be read. {error}"


def _first(backend: LaneBackend, name: str) -> Observed | None:
    return next(iter(backend.observe(name)), None)


def _no_cluster() -> AsmCluster:
    raise RuntimeError("only a write asks for the cluster")


def _read_mesh(api: Api) -> Mesh:
    """Raises KubeError."""
    objects: dict[str, list[Object]] = {}
    for kind, versions in _APIS.items():
        version = next((one for one in versions if api.serves(one, kind)), None)
        if version is None and kind in _NEEDED:
            api.resource(versions[-1], kind)  # raises with the words for a kind that is not served
        if version is not None:
            objects[kind] = api.list(version, kind)
    groups = api.list(LANES_API, GROUP_KIND)
    return Mesh(frozenset(str(group["metadata"]["name"]) for group in groups), objects)


def _read_cluster(sources: Sources, observed: Observed | None) -> tuple[Cluster | None, str]:
    """The cluster, or None and why it was not read."""
    if not sources.cluster.kubeconfig:
        return None, "cluster_kubeconfig is not given"
    namespaces = _namespaces(observed.group) if observed else []
    try:
        api = sources.cluster.connect(sources.timeout)
        services = [one for namespace in namespaces for one in api.list("v1", "Service", namespace)]
        pods = [one for namespace in namespaces for one in api.list("v1", "Pod", namespace)]
    except KubeError as error:
        return None, f"the cluster could not be read. {error}"
    return Cluster(services, pods), ""


def _namespaces(group: LaneGroup) -> list[str]:
    services = [*(group.services or ()), *(one for lane in group.lanes or () for one in lane.services)]
    return sorted({service.namespace for service in services})
