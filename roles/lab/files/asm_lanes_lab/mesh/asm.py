"""What the mesh understands of ASM's own objects.

ASMHeaderPropagation is documented: kind, group, fields, that the proxies carry the listed headers by baggage.
IstioGateway is documented: kind, group, that it lives in istio-system, `ports`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .findings import Ref, RefusedError
from .istio import ROOT_NAMESPACE, Labels
from .reader import Node, header_name
from .refs import ref_of

# These would break the request, or the very mechanism, if a client could set them through baggage.
_NEVER_PROPAGATED = ("baggage", "host", "connection", "upgrade", "content-length", "transfer-encoding", "te")


@dataclass(frozen=True)
class HeaderPropagation:
    """Headers (lower case) that the sidecars of the selected pods carry along by baggage.

    selector empty: every pod of the namespace.
    """

    ref: Ref
    selector: Labels
    headers: tuple[str, ...] = ()
    prefixes: tuple[str, ...] = ()


@dataclass(frozen=True)
class GatewayWorkload:
    """An ingress gateway that ASM runs: the labels of its pods, and the ports that its Service opens."""

    ref: Ref
    labels: Labels
    ports: tuple[tuple[str, int], ...]


def gateway_labels(name: str) -> dict[str, str]:
    """Labels of a gateway's pods, by which Istio Gateways and the Service select them."""
    return {"istio": name, "app": f"istio-{name}"}


def header_propagation(obj: dict[str, Any]) -> HeaderPropagation:
    """Raises RefusedError when nothing, or something unfit, is to be propagated."""
    spec = Node(obj.get("spec") or {}, "spec")
    spec.only("workloadSelector", "headers", "headerPrefix")
    selector = spec.child("workloadSelector") or Node({}, "spec.workloadSelector")
    selector.only("labels")
    headers, prefixes = (
        tuple(_propagated(name, f"spec.{key}[{i}]") for i, name in enumerate(spec.texts(key)))
        for key in ("headers", "headerPrefix")
    )
    if not headers and not prefixes:
        raise RefusedError("spec.headers", "headers or headerPrefix is required", "Invalid")
    return HeaderPropagation(ref_of(obj), frozenset(selector.pairs("labels")), headers, prefixes)


def traffic_label(obj: dict[str, Any]) -> None:
    """Refuses every TrafficLabel: its lanes by trace id (documented) are not emulated."""
    raise RefusedError(
        "spec.rules", "TrafficLabel is not supported by the lab's mesh; carry the route header or use baggage"
    )


def _propagated(name: str, path: str) -> str:
    clean = header_name(name, path)
    if clean in _NEVER_PROPAGATED:
        raise RefusedError(path, f"{name!r} cannot be carried by baggage", "Invalid")
    return clean


def gateway_workload(obj: dict[str, Any]) -> GatewayWorkload:
    """The part of an IstioGateway that matters to routing; other fields are left to the real ASM."""
    ref = ref_of(obj)
    spec = Node(obj.get("spec") or {}, "spec")
    if ref.namespace != ROOT_NAMESPACE:
        raise RefusedError("metadata.namespace", f"an IstioGateway must be in {ROOT_NAMESPACE}", "Invalid")
    if spec.text("gatewayType", "ingress") != "ingress":
        raise RefusedError("spec.gatewayType", "only ingress gateways are supported by the lab's mesh")
    labels = dict(spec.pairs("podLabels")) | gateway_labels(ref.name)
    ports = tuple((port.text("name"), port.number("port")) for port in spec.children("ports"))
    return GatewayWorkload(ref, frozenset(labels.items()), ports)
