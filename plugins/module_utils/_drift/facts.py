# Copyright (c) 2026, asm.lanes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What was read of the mesh and the cluster, as the servers sent it. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from .._asm.backend import Observed
from .._lanes.routing import GROUP_LABEL

Object = dict[str, Any]

DESTINATION_RULE, VIRTUAL_SERVICE = "DestinationRule", "VirtualService"
CUSTOM_RESOURCE = "custom_resource"  # source of a group that tells all of it
PROPAGATION, TRAFFIC_LABEL = "ASMHeaderPropagation", "TrafficLabel"


@dataclass(frozen=True)
class Mesh:
    """Of the mesh's control plane.

    groups: names of all lane groups. objects: by kind; a kind that the server does not know is missing.
    """

    groups: frozenset[str] = frozenset()
    objects: Mapping[str, Sequence[Object]] = field(default_factory=dict)

    def of(self, kind: str) -> Sequence[Object]:
        return self.objects.get(kind, ())

    def generated(self, kind: str, group: str) -> list[Object]:
        """The objects that carry the label of a lane group (documented for TrafficLabels, else inferred)."""
        return [obj for obj in self.of(kind) if labels_of(obj).get(GROUP_LABEL) == group]


@dataclass(frozen=True)
class Cluster:
    """Of the cluster that runs the services, in the namespaces of the group's services."""

    services: Sequence[Object] = ()
    pods: Sequence[Object] = ()

    def selectors(self) -> dict[str, dict[str, str]]:
        """What each Service selects its pods by, by ``namespace/name``; {} when it selects none."""
        return {name_of(service): service["spec"].get("selector") or {} for service in self.services}


@dataclass(frozen=True)
class Facts:
    """Everything that was read.

    observed: the group, None when there is none. source: ``openapi`` or ``custom_resource``.
    mesh, cluster: None when not read, for the reason that ``no_mesh`` and ``no_cluster`` tell.
    """

    observed: Observed | None
    source: str
    mesh: Mesh | None = None
    cluster: Cluster | None = None
    no_mesh: str = ""
    no_cluster: str = ""


def name_of(obj: Object) -> str:
    """``namespace/name`` of an object."""
    metadata = obj["metadata"]
    return f"{metadata.get('namespace')}/{metadata['name']}"


def labels_of(obj: Object) -> Mapping[str, str]:
    return obj["metadata"].get("labels") or {}


def spec_of(obj: Object) -> Object:
    return obj.get("spec") or {}


def gateways_of(virtual_service: Object) -> list[str]:
    """``mesh``, or ``namespace/name`` of a gateway; a bare name is in the VirtualService's own namespace."""
    own = virtual_service["metadata"].get("namespace")
    references = spec_of(virtual_service).get("gateways") or ["mesh"]
    return [ref if ref == "mesh" or "/" in ref else f"{own}/{ref}" for ref in references]


def full_host(host: str, namespace: str) -> str:
    """A host as Istio understands it: a name without a dot is a Service of the object's namespace."""
    return host if "." in host or host == "*" else f"{host}.{namespace}.svc.cluster.local"
