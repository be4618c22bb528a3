"""What the mesh understands of Services and Pods."""

from __future__ import annotations

import ipaddress
import json
from dataclasses import dataclass
from typing import Any

from .findings import Ref, RefusedError
from .istio import Labels
from .reader import header_name
from .refs import ref_of

SIDECAR_ANNOTATION = "sidecar.istio.io/status"
"""On a Pod: it was injected (Istio's own annotation)."""

GATEWAY_LABEL = "lab.asm.lanes/gateway"
"""On a Pod: it is a gateway proxy; the value is the IstioGateway's name."""

ADMIN_ANNOTATION = "lab.asm.lanes/admin"
"""On a gateway's Pod: `ip:port` of its Envoy's admin interface."""


DROP_HEADERS_ANNOTATION = "lab.asm.lanes/drop-headers"
"""On a Pod, a fault: headers that its proxy takes off, as `inbound=baggage` or `outbound=baggage,version`."""

ENDPOINTS_ANNOTATION = "lab.asm.lanes/endpoints"
"""On a Service, a fault: `[{"ip": ..., "labels": {...}}]`, taken for its pods, whatever pods there are."""


@dataclass(frozen=True)
class ServicePort:
    """A port of a Service. protocol: http, http2 or tcp; target: a number or the name of a container port."""

    name: str
    number: int
    protocol: str
    target: int | str


@dataclass(frozen=True)
class Service:
    """A Service with a selector. claimed: pods that the proxies take for its own, whatever pods there are."""

    ref: Ref
    selector: Labels
    ports: tuple[ServicePort, ...]
    claimed: tuple[Pod, ...] | None = None

    @property
    def host(self) -> str:
        """Its full name."""
        return f"{self.ref.name}.{self.ref.namespace}.svc.cluster.local"

    def port(self, number: int) -> ServicePort | None:
        """The port of that number."""
        return next((port for port in self.ports if port.number == number), None)


@dataclass(frozen=True)
class Pod:
    """A Pod that has an address.

    ready: may get traffic (Ready and not being deleted). sidecar: has a proxy in front. gateway: name of the
    IstioGateway that it belongs to, else "". admin: where its Envoy's admin interface listens.
    drops: direction and header of what its proxy takes off requests.
    """

    ref: Ref
    labels: Labels
    ip: str
    ready: bool
    ports: tuple[tuple[str, int], ...] = ()
    sidecar: bool = False
    gateway: str = ""
    admin: str = ""
    drops: tuple[tuple[str, str], ...] = ()

    @property
    def proxy_name(self) -> str:
        """The folder of its proxy's configuration."""
        return f"{self.ref.namespace}.{self.ref.name}"

    def target(self, port: ServicePort) -> int | None:
        """The pod's port behind a Service port; None when it has no port of that name."""
        if isinstance(port.target, int):
            return port.target
        return dict(self.ports).get(port.target)


def protocol(name: str, app_protocol: str = "") -> str:
    """Istio's explicit protocol selection: appProtocol first, then the port name up to its first dash."""
    given = (app_protocol or name).lower()
    chosen = (
        "grpc-web" if given.startswith("grpc-web") else given if app_protocol else given.partition("-")[0]
    )
    if chosen in ("http2", "grpc", "kubernetes.io/h2c"):
        return "http2"
    return "http" if chosen in ("http", "grpc-web", "kubernetes.io/ws") else "tcp"


def service(obj: dict[str, Any]) -> Service | None:
    """A Service that has pods of its own; None for one without a selector or for an alias (ExternalName)."""
    spec = obj.get("spec") or {}
    if not spec.get("selector") or spec.get("type") == "ExternalName":
        return None
    ports = (port for port in spec.get("ports") or () if port.get("protocol", "TCP") == "TCP")
    return Service(
        ref=ref_of(obj),
        selector=frozenset(spec["selector"].items()),
        ports=tuple(
            ServicePort(
                port.get("name", ""),
                port["port"],
                protocol(port.get("name", ""), port.get("appProtocol") or ""),
                port.get("targetPort") or port["port"],
            )
            for port in ports
        ),
        claimed=_claimed(obj),
    )


def _claimed(obj: dict[str, Any]) -> tuple[Pod, ...] | None:
    """Raises RefusedError for an annotation that cannot be read."""
    text = (obj["metadata"].get("annotations") or {}).get(ENDPOINTS_ANNOTATION)
    if text is None:
        return None
    try:
        return tuple(
            Pod(
                Ref("Pod", obj["metadata"]["namespace"], one["ip"]),
                frozenset(one["labels"].items()),
                str(ipaddress.IPv4Address(one["ip"])),
                ready=True,
            )
            for one in json.loads(text)
        )
    except (ValueError, TypeError, KeyError, AttributeError):
        where = f"metadata.annotations[{ENDPOINTS_ANNOTATION}]"
        raise RefusedError(where, 'expected [{"ip": "...", "labels": {...}}, ...]', "Invalid") from None


def _drops(annotation: str) -> tuple[tuple[str, str], ...]:
    """Raises RefusedError for another form than `inbound=baggage`."""
    direction, _unused, names = annotation.partition("=")
    where = f"metadata.annotations[{DROP_HEADERS_ANNOTATION}]"
    if annotation and direction not in ("inbound", "outbound"):
        raise RefusedError(where, "expected inbound=HEADER or outbound=HEADER", "Invalid")
    return tuple((direction, header_name(name.strip(), where)) for name in names.split(",") if name.strip())


def pod(obj: dict[str, Any]) -> Pod | None:
    """A Pod as far as the mesh is concerned; None as long as it has no address, and once it is over."""
    meta, spec, status = obj["metadata"], obj.get("spec") or {}, obj.get("status") or {}
    if not status.get("podIP") or status.get("phase") in ("Succeeded", "Failed"):
        return None
    conditions = {item["type"]: item["status"] for item in status.get("conditions") or ()}
    annotations, labels = meta.get("annotations") or {}, meta.get("labels") or {}
    ports = (port for container in spec.get("containers") or () for port in container.get("ports") or ())
    return Pod(
        ref=ref_of(obj),
        labels=frozenset(labels.items()),
        ip=status["podIP"],
        ready=conditions.get("Ready") == "True" and not meta.get("deletionTimestamp"),
        ports=tuple((port.get("name", ""), port["containerPort"]) for port in ports),
        sidecar=SIDECAR_ANNOTATION in annotations,
        gateway=labels.get(GATEWAY_LABEL, ""),
        admin=annotations.get(ADMIN_ANNOTATION, ""),
        drops=_drops(annotations.get(DROP_HEADERS_ANNOTATION, "")),
    )


def in_network(ip: str, network: str) -> bool:
    """Whether an address belongs to a network."""
    return ipaddress.ip_address(ip) in ipaddress.IPv4Network(network)


def app_address(pod_ip: str, pod_network: str, app_network: str) -> str:
    """Where the app of an injected pod listens: the same host part in the other network."""
    pods, apps = ipaddress.IPv4Network(pod_network), ipaddress.IPv4Network(app_network)
    offset = int(ipaddress.IPv4Address(pod_ip)) - int(pods.network_address)
    return str(apps.network_address + offset)
