# Copyright (c) 2026, asm.lanes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the later steps are going to need, and what was read about it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from .finding import Reading

#: A Kubernetes object, or a part of an answer of the ASM API, as the server sends it.
Object = dict[str, Any]

#: On every object that this collection makes.
MANAGED_BY = ("app.kubernetes.io/managed-by", "asm.lanes")


@dataclass(frozen=True)
class Wanted:
    """What the play is going to use. Services are ``namespace/name``; see the module for the options."""

    mesh_id: str
    namespace: str = "default"
    services: tuple[str, ...] = ()
    deployments: tuple[str, ...] = ()
    cluster: str = ""
    gateway_name: str = "ingressgateway"
    gateway_namespace: str = "istio-system"
    gateway_port: int = 30080
    rule_name: str = "ws-gateway"
    #: Namespace of the gateway rule as the lane group is going to state it.
    rule_namespace: str = "default"
    #: Namespace in which the Gateway and the VirtualService are going to be made.
    routing_namespace: str = "default"
    virtual_service: str = "ws"
    api_version: str = "networking.istio.io/v1beta1"
    trace_header: str = "baggage"
    allow_old_version: bool = False
    manage_namespace: bool = False
    manage_gateway_port: bool = False

    @property
    def rule(self) -> str:
        """The gateway rule as a VirtualService refers to it."""
        return f"{self.rule_namespace}/{self.rule_name}"


def _nothing() -> Reading[Any]:
    return Reading(blocked="it was not read")


@dataclass(frozen=True)
class Facts:
    """What was read.

    mesh: ``ServiceMesh`` of DescribeServiceMeshDetail. clusters: of DescribeClustersInServiceMesh.
    guest_labels: labels of the namespaces as ASM sees them (DescribeGuestClusterNamespaces), which stand in
    when the cluster itself cannot be read. cluster_server, mesh_server: URL of the API server, a problem
    when it is not the right one. istio_versions: API versions of ``networking.istio.io`` that are served.
    gateway: the IstioGateway, None when there is none. The other fields: objects as the servers sent them.
    """

    mesh: Reading[Object] = field(default_factory=_nothing)
    clusters: Reading[list[Object]] = field(default_factory=_nothing)
    guest_labels: Reading[dict[str, dict[str, str]]] = field(default_factory=_nothing)
    cluster_server: Reading[str] = field(default_factory=_nothing)
    namespace: Reading[Object] = field(default_factory=_nothing)
    services: Reading[list[Object]] = field(default_factory=_nothing)
    deployments: Reading[list[Object]] = field(default_factory=_nothing)
    mesh_server: Reading[str] = field(default_factory=_nothing)
    istio_versions: Reading[list[str]] = field(default_factory=_nothing)
    gateway: Reading[Object] = field(default_factory=_nothing)
    gateways: Reading[list[Object]] = field(default_factory=_nothing)
    virtual_services: Reading[list[Object]] = field(default_factory=_nothing)


def name_of(obj: Object) -> str:
    """``namespace/name`` of an object."""
    meta = obj.get("metadata") or {}
    return f"{meta.get('namespace')}/{meta.get('name')}"


def labels_of(obj: Object) -> dict[str, str]:
    return (obj.get("metadata") or {}).get("labels") or {}


def is_ours(obj: Object) -> bool:
    """Whether this collection made the object."""
    key, value = MANAGED_BY
    return labels_of(obj).get(key) == value


def is_generated(obj: Object) -> bool:
    """Whether ASM made the object for a lane group (documented labels of generated objects)."""
    labels = labels_of(obj)
    return labels.get("provider") == "asm" or "swimlane-group" in labels
