"""A mesh that is exactly as a lane group means it, for tests to spoil."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

from ansible_collections.asm.lanes.plugins.module_utils._asm.backend import Observed
from ansible_collections.asm.lanes.plugins.module_utils._drift import report
from ansible_collections.asm.lanes.plugins.module_utils._drift.facts import (
    CUSTOM_RESOURCE,
    Cluster,
    Facts,
    Mesh,
    Object,
)
from ansible_collections.asm.lanes.plugins.module_utils._drift.kinds import Finding
from ansible_collections.asm.lanes.plugins.module_utils._lanes import entry, model, routing, words


def guide(**changes: Any) -> model.LaneGroup:
    """The guide's group, with other fields."""
    both, hello = ["default/wsk-svc", "default/helloworld"], ["default/helloworld"]
    spec = {
        "name": "ws",
        "mode": "permissive",
        "route_header": "version",
        "trace_header": "baggage",
        "gateway_rule": {"name": "ws-gateway", "namespace": "default"},
        "services": both,
        "baseline": "base",
        "service_fallback": {},
        "lanes": [
            {"name": "base", "label_selector": {"version": "v1"}, "services": both, **NO_ENTRY},
            {"name": "v1", "label_selector": {"version": "v1"}, "services": hello, **NO_ENTRY},
            {"name": "v2", "label_selector": {"version": "v2"}, "services": hello, **NO_ENTRY},
        ],
    }
    return words.parse({**spec, **changes})


NO_ENTRY: dict[str, Any] = {"ingress_rules": [], "ingress_weight": {}}


def selectors(group: model.LaneGroup) -> dict[model.ServiceRef, dict[str, str]]:
    return {service: {"app": service.name} for service in group.services or ()}


def mesh_of(*groups: model.LaneGroup) -> Mesh:
    """What ASM generates for groups, as the domain infers it."""
    objects: dict[str, list[Object]] = {
        kind: [] for kind in ("DestinationRule", "VirtualService", "ASMHeaderPropagation", "TrafficLabel")
    }
    for group in groups:
        for obj in (
            *routing.destination_rules(group),
            *routing.virtual_services(group),
            *entry.ingress_virtual_services(group),
            *routing.header_propagations(group, selectors(group)),
            *routing.traffic_labels(group, selectors(group)),
        ):
            objects[obj["kind"]].append(copy.deepcopy(obj))
    return Mesh(frozenset(group.name for group in groups), objects)


def cluster_of(group: model.LaneGroup) -> Cluster:
    """The services of a group, and one ready pod for each service of each lane."""
    return Cluster(
        [
            {
                "metadata": {"name": service.name, "namespace": service.namespace},
                "spec": {"selector": selector},
            }
            for service, selector in selectors(group).items()
        ],
        [
            pod(service, {"app": service.name, **lane.labels})
            for lane in group.lanes or ()
            for service in lane.services
        ],
    )


def pod(service: model.ServiceRef, labels: dict[str, str], ready: str = "True") -> Object:
    return {
        "metadata": {"name": "pod", "namespace": service.namespace, "labels": labels},
        "status": {"conditions": [{"type": "Ready", "status": ready}]},
    }


def virtual_service(name: str, namespace: str = "default", **spec: Any) -> Object:
    return {"kind": "VirtualService", "metadata": {"name": name, "namespace": namespace}, "spec": spec}


def facts(group: model.LaneGroup, mesh: Mesh | None = None, cluster: Cluster | None = None) -> Facts:
    """Everything as it should be, but for what is given."""
    return Facts(Observed(group), CUSTOM_RESOURCE, mesh or mesh_of(group), cluster or cluster_of(group))


def spoilt(group: model.LaneGroup, kind: str, name: str, spoil: Callable[[Object], Any]) -> list[Finding]:
    """The findings after one generated object was changed."""
    mesh = mesh_of(group)
    [obj] = [one for one in mesh.of(kind) if one["metadata"]["name"] == name]
    spoil(obj["spec"])
    return list(report.check(group, facts(group, mesh)).findings)
