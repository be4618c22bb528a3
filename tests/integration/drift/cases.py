"""Twenty lane groups that differ, and every kind of drift that can befall them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from ansible_collections.asm.lanes.plugins.module_utils._lanes import model, words

from .world import ISTIO, LANES, Obj, World

SYSTEM = "istio-system"
VERSIONS = ("v1", "v2", "v3")
TRACES = ("baggage", "x-lane", "traceparent")
Mutation = Callable[["Case"], Awaitable[list[str] | None]]
"""Spoils a case; the objects that must be told, or None when the group is not of the sort for it."""


# --- the groups -------------------------------------------------------------------------------


def groups() -> list[model.LaneGroup]:
    """Permissive and strict, in all pass-through modes, with rules, weights, both hosts and neither."""
    return [_group(index) for index in range(20)]


def _group(index: int) -> model.LaneGroup:
    name, strict = f"g{index}", index in (4, 9, 14)
    services = [f"n{index}/{service}" for service in ("a", "b", "c")[: 3 if index % 5 == 0 else 2]]
    lanes = [_lane(name, index, services) for name in ("base", "blue", "green")]
    if strict:
        lanes = [{**lane, "services": services} for lane in lanes]
    permissive = {
        "route_header": "x-lane",
        "trace_header": TRACES[index % 3],
        "baseline": "base",
        "service_fallback": {services[0]: "blue"} if index % 3 == 0 else {},
    }
    return words.parse(
        {
            "name": name,
            "mode": "strict" if strict else "permissive",
            "gateway_rule": {"name": "gw", "namespace": f"n{index}"},
            "services": services,
            "ingress_routing": _routing(index),
            "lanes": lanes,
            **({"service_fallback": {}} if strict else permissive),
        }
    )


def _routing(index: int) -> Obj:
    if index % 3 != 1:
        return {"strategy": "rule_based"}
    matches = [{"uri": {"prefix": "/shop"}}] if index % 2 else []
    return {"strategy": "weighted", "hosts": _hosts(index), "matches": matches}


def _hosts(index: int) -> list[str]:
    return ["*"] if index % 2 else ["www.shop.example", "*.cart.example"]


def _lane(name: str, index: int, services: list[str]) -> Obj:
    place = ("base", "blue", "green").index(name)
    target = {"service": services[0], "port": 5000}
    rule = {
        "name": "r1",
        "hosts": _hosts(index),
        "match": {"headers": {"x-user": {"exact": name}}},
        "destination": target,
    }
    return {
        "name": name,
        "label_selector": {"version": VERSIONS[place]},
        "services": services if name != "green" else services[:2],
        "ingress_rules": [rule] if index % 3 == 0 else [],
        "ingress_weight": {"weight": 10 * (place + 1), "destination": target} if index % 3 == 1 else {},
    }


# --- a group to spoil ---------------------------------------------------------------------------


class Case:
    """One group as it should be; whatever is done to it can be undone."""

    def __init__(self, world: World, group: model.LaneGroup) -> None:
        self.world = world
        self.group = group
        self.namespace = (group.services or ())[0].namespace
        self.services = [service.name for service in group.services or ()]
        self._undo: list[tuple[Any, Obj, bool]] = []

    @property
    def index(self) -> int:
        return int(self.group.name[1:])

    @property
    def title(self) -> str:
        return f"lane group {self.group.name}"

    def lane_title(self, lane: str) -> str:
        return f"lane {lane} of lane group {self.group.name}"

    async def resource(self) -> Obj:
        return await self._get(LANES, "ASMSwimLaneGroup", self.group.name)

    async def lane(self, name: str) -> Obj:
        return await self._get(LANES, "ASMSwimLane", f"{self.group.name}-{name}")

    async def generated(self, kind: str, name: str, api: str = ISTIO) -> Obj | None:
        namespace = SYSTEM if api == ISTIO else self.namespace
        return await self.world.mesh.get(api, kind, name, namespace)

    async def _get(self, api: str, kind: str, name: str) -> Obj:
        found = await self.world.mesh.get(api, kind, name)
        assert found, f"there is no {kind} {name}"
        return found

    def rule_name(self, service: str, kind: str = "vs") -> str:
        return f"trafficlabel-{kind}-{self.group.name}-{self.namespace}-{service}"

    async def put(self, obj: Obj, in_cluster: bool = False) -> None:
        server = self.world.cluster if in_cluster else self.world.mesh
        metadata = obj["metadata"]
        there = await server.get(obj["apiVersion"], obj["kind"], metadata["name"], metadata.get("namespace"))
        self._undo.append((server, there or obj, there is None))
        await self.world.put(server, obj)

    async def remove(self, obj: Obj, in_cluster: bool = False) -> None:
        server = self.world.cluster if in_cluster else self.world.mesh
        self._undo.append((server, obj, False))
        await self.world.remove(server, obj)

    async def undo(self) -> None:
        for server, obj, added in reversed(self._undo):
            await (self.world.remove(server, obj) if added else self.world.put(server, obj))
        self._undo.clear()


# --- what surrounds the groups --------------------------------------------------------------------


async def surround(world: World, group: model.LaneGroup) -> None:
    """Gateways, Services and a ready pod of every version."""
    namespace = (group.services or ())[0].namespace
    for name in (namespace, f"elsewhere-{namespace}"):
        await world.mesh.create(namespace_object(name))
    await world.cluster.create(namespace_object(namespace))
    for name in ("gw", "gw2"):
        await world.mesh.create(gateway(name, namespace))
    for name in ("a", "b", "c"):
        await world.cluster.create(service(name, namespace))
        for version in VERSIONS:
            made = await world.cluster.create(pod(name, namespace, version))
            await world.cluster.patch_status(made, pod(name, namespace, version)["status"])


def namespace_object(name: str) -> Obj:
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}


def gateway(name: str, namespace: str) -> Obj:
    server = {"port": {"number": 80, "name": "http", "protocol": "HTTP"}, "hosts": ["*"]}
    return _object(ISTIO, "Gateway", name, namespace, {"selector": {"istio": "gw"}, "servers": [server]})


def service(name: str, namespace: str) -> Obj:
    spec = {"selector": {"app": name}, "ports": [{"name": "http", "port": 5000, "protocol": "TCP"}]}
    return _object("v1", "Service", name, namespace, spec)


def pod(service: str, namespace: str, version: str, ready: str = "True") -> Obj:
    spec = {"containers": [{"name": "app", "image": "app:1"}]}
    made = _object("v1", "Pod", f"{service}-{version}", namespace, spec, app=service, version=version)
    made["status"] = {"phase": "Running", "conditions": [{"type": "Ready", "status": ready}]}
    return made


def virtual_service(name: str, namespace: str, spec: Obj, **labels: str) -> Obj:
    return _object(ISTIO, "VirtualService", name, namespace, spec, **labels)


def _object(api: str, kind: str, name: str, namespace: str, spec: Obj, **labels: str) -> Obj:
    metadata: Obj = {"name": name, "namespace": namespace}
    if labels:
        metadata["labels"] = {key.replace("_", "-"): value for key, value in labels.items()}
    return {"apiVersion": api, "kind": kind, "metadata": metadata, "spec": spec}
