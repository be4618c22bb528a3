"""Builders for the objects that the tests of the mesh use: short to write, complete enough to be real."""

from __future__ import annotations

from typing import Any

from asm_lanes_lab.mesh.workloads import ADMIN_ANNOTATION, GATEWAY_LABEL, SIDECAR_ANNOTATION

Obj = dict[str, Any]

VERSIONS = {
    "Gateway": "networking.istio.io/v1",
    "VirtualService": "networking.istio.io/v1",
    "DestinationRule": "networking.istio.io/v1",
    "ASMHeaderPropagation": "istio.alibabacloud.com/v1beta1",
    "TrafficLabel": "istio.alibabacloud.com/v1beta1",
    "IstioGateway": "istio.alibabacloud.com/v1beta1",
    "Service": "v1",
    "Pod": "v1",
}


def make(kind: str, name: str, spec: Obj, namespace: str = "default", age: int = 0, **meta: Any) -> Obj:
    """An object; age: its creation, in seconds after an arbitrary moment."""
    return {
        "apiVersion": VERSIONS[kind],
        "kind": kind,
        "metadata": {
            "name": name,
            "namespace": namespace,
            "uid": f"{kind}-{namespace}-{name}",
            "generation": 1,
            "creationTimestamp": f"2026-01-01T00:{age // 60:02}:{age % 60:02}Z",
            **meta,
        },
        "spec": spec,
    }


def service(name: str, port: int = 5000, namespace: str = "default", **port_fields: Any) -> Obj:
    """A Service that selects `app: <name>`, with one port named http."""
    ports = [{"name": "http", "port": port, "protocol": "TCP", **port_fields}]
    return make("Service", name, {"selector": {"app": name}, "ports": ports}, namespace)


def pod(
    name: str,
    ip: str,
    labels: Obj,
    *,
    namespace: str = "default",
    ready: bool = True,
    sidecar: bool = True,
    port: int | None = 5000,
) -> Obj:
    """A Pod with one container port."""
    annotations = {SIDECAR_ANNOTATION: '{"containers":["istio-proxy"]}'} if sidecar else {}
    container: Obj = {"name": "app", "image": "example/app:1"}
    if port:
        container["ports"] = [{"name": "web", "containerPort": port, "protocol": "TCP"}]
    return make(
        "Pod", name, {"containers": [container]}, namespace, labels=labels, annotations=annotations
    ) | {
        "status": {
            "phase": "Running",
            "podIP": ip,
            "conditions": [{"type": "Ready", "status": "True" if ready else "False"}],
        }
    }


def gateway_pod(ip: str, admin: str, name: str = "ingressgateway") -> Obj:
    """The pod of an IstioGateway."""
    labels = {"istio": name, "app": f"istio-{name}", GATEWAY_LABEL: name}
    obj = pod(f"istio-{name}-1", ip, labels, namespace="istio-system", sidecar=False, port=None)
    obj["metadata"]["annotations"] = {ADMIN_ANNOTATION: admin}
    return obj


def istio_gateway(*ports: int, name: str = "ingressgateway") -> Obj:
    """An IstioGateway that opens ports."""
    spec = {"ports": [{"name": f"p{port}", "port": port, "targetPort": port} for port in ports]}
    return make("IstioGateway", name, spec, "istio-system")


def gateway(name: str, *ports: int, hosts: tuple[str, ...] = ("*",), **more: Any) -> Obj:
    """A Gateway on the ingressgateway with one HTTP server for each port."""
    servers = [
        {"port": {"number": port, "name": "http", "protocol": "HTTP"}, "hosts": list(hosts)} for port in ports
    ]
    return make("Gateway", name, {"selector": {"istio": "ingressgateway"}, "servers": servers}, **more)


def virtual_service(
    name: str, hosts: list[str], *http: Obj, gateways: list[str] | None = None, **more: Any
) -> Obj:
    """A VirtualService."""
    spec: Obj = {"hosts": hosts, "http": list(http)}
    if gateways:
        spec["gateways"] = gateways
    return make("VirtualService", name, spec, **more)


def destination_rule(name: str, host: str, *versions: str, policy: Obj | None = None, **more: Any) -> Obj:
    """A DestinationRule with a subset for each version."""
    spec: Obj = {"host": host, "subsets": [{"name": v, "labels": {"version": v}} for v in versions]}
    if policy:
        spec["trafficPolicy"] = policy
    return make("DestinationRule", name, spec, **more)


def propagation(name: str, *headers: str, labels: Obj | None = None, **more: Any) -> Obj:
    """An ASMHeaderPropagation."""
    spec: Obj = {"headers": list(headers)}
    if labels:
        spec["workloadSelector"] = {"labels": labels}
    return make("ASMHeaderPropagation", name, spec, **more)


def to(host: str, subset: str = "", weight: int | None = None, fallback: str = "", **more: Any) -> Obj:
    """A destination in a route, with a fallback to another subset."""
    target = {"host": host, "subset": subset} if subset else {"host": host}
    result: Obj = {"destination": target, **more}
    if weight is not None:
        result["weight"] = weight
    if fallback:
        result["fallback"] = {"target": {"host": host, "subset": fallback}}
    return result


def when(header: str, **match: Any) -> list[Obj]:
    """A match on one header."""
    return [{"headers": {header: match}}]


def by_kind(*objects: Obj) -> dict[str, list[Obj]]:
    """Objects as the mesh reads them."""
    result: dict[str, list[Obj]] = {}
    for obj in objects:
        result.setdefault(obj["kind"], []).append(obj)
    return result
