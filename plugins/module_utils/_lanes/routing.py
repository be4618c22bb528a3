# Copyright (c) 2026, asm.lanes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Who answers: entry x service -> lane, and the resources that a lane group means.

Documented: the semantics of permissive and strict mode, subset name = lane name, one
VirtualService and one DestinationRule per service, the VirtualService's name and
namespace, ``fallback`` on a route. Inferred: the DestinationRule's name, the bodies of
both, the names of the propagation objects in baggage mode.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .model import BAGGAGE, Lane, LaneGroup, ServiceRef

GENERATED_NAMESPACE = "istio-system"  # documented
ISTIO_API_VERSION = "networking.istio.io/v1beta1"
GROUP_LABEL = "swimlane-group"  # documented

Resource = dict[str, Any]


@dataclass(frozen=True)
class Row:
    """One line of the truth table.

    entry: what the request carries: in permissive mode the value of the route header,
    None for a request without it (or with a value that names no lane); in strict mode the
    lane of the caller. lane: the lane that answers, None when no lane is chosen and any
    pod of the service may. labels: the labels of the pods that answer.
    """

    entry: str | None
    service: ServiceRef
    lane: str | None
    labels: Mapping[str, str]

    def as_dict(self) -> dict[str, Any]:
        return {
            "entry": self.entry,
            "service": str(self.service),
            "lane": self.lane,
            "labels": dict(self.labels),
        }


def answering_lane(group: LaneGroup, service: ServiceRef, entry: str | None) -> str | None:
    """The lane that answers a call to ``service``; see Row for ``entry`` and the result."""
    lane = group.lane(entry)
    if lane and lane.contains(service):
        return lane.name
    return fallback_lane(group, service)


def fallback_lane(group: LaneGroup, service: ServiceRef) -> str | None:
    """The lane that answers where the request's own has nothing: the service's fallback, else the baseline.

    None in strict mode, and where the lane in question does not contain the service.
    """
    if not group.permissive:
        return None
    name = group.fallbacks.get(service) or group.baseline
    lane = group.lane(name)
    return lane.name if lane and lane.contains(service) else None


def truth_table(group: LaneGroup) -> tuple[Row, ...]:
    """All rows: no entry first, then every lane; services in order.

    A strict group has no row without entry: what comes from outside its lanes is not laned.
    """
    entries: list[str | None] = [None] if group.permissive else []
    entries += [lane.name for lane in group.lanes or ()]
    rows = []
    for entry in entries:
        for service in group.services or ():
            name = answering_lane(group, service, entry)
            lane = group.lane(name)
            rows.append(Row(entry, service, name, lane.labels if lane else {}))
    return tuple(rows)


# --- Istio and ASM resources --------------------------------------------------------------


def destination_rules(group: LaneGroup) -> list[Resource]:
    """One DestinationRule for each service that a lane contains: one subset per lane (inferred body)."""
    return [
        group_resource(
            ISTIO_API_VERSION,
            "DestinationRule",
            f"trafficlabel-dr-{_suffix(group, service)}",
            GENERATED_NAMESPACE,
            group,
            {
                "host": service.host,
                "subsets": [{"name": lane.name, "labels": lane.labels} for lane in lanes],
            },
        )
        for service, lanes in _laned_services(group)
    ]


def virtual_services(group: LaneGroup) -> list[Resource]:
    """One VirtualService for each service that a lane contains (name documented, body inferred)."""
    return [
        group_resource(
            ISTIO_API_VERSION,
            "VirtualService",
            f"trafficlabel-vs-{_suffix(group, service)}",
            GENERATED_NAMESPACE,
            group,
            {"hosts": [service.host], "http": _http_routes(group, service, lanes)},
        )
        for service, lanes in _laned_services(group)
    ]


def header_propagations(
    group: LaneGroup, selectors: Mapping[ServiceRef, Mapping[str, str]]
) -> list[Resource]:
    """Baggage mode: one ASMHeaderPropagation per service (kind documented; name, place, selector inferred).

    selectors: each Service's own pod selector; services that are missing or select
    nothing get none. In the other pass-through modes the list is empty.
    """
    if not group.permissive or (group.trace_header or "").lower() != BAGGAGE:
        return []
    return [
        group_resource(
            "istio.alibabacloud.com/v1beta1",
            "ASMHeaderPropagation",
            f"asm-swimlane-{group.name}-{service.name}",
            service.namespace,
            group,
            {"workloadSelector": {"labels": dict(selectors[service])}, "headers": [group.route_header]},
        )
        for service in group.services or ()
        if selectors.get(service)
    ]


def traffic_labels(group: LaneGroup, selectors: Mapping[ServiceRef, Mapping[str, str]]) -> list[Resource]:
    """Trace-id mode: one TrafficLabel per service (documented: name, place, labels, rule).

    The mode is recognised by its pair of headers: a trace header that is neither
    ``baggage`` nor the route header itself (documented).
    """
    trace, route = (group.trace_header or "").lower(), (group.route_header or "").lower()
    if not group.permissive or trace in (BAGGAGE, route, ""):
        return []
    value = f"$getExternalInboundRequestHeader({group.route_header}, {group.trace_header})"
    return [
        group_resource(
            "istio.alibabacloud.com/v1beta1",
            "TrafficLabel",
            f"asm-swimlane-{group.name}-{service.name}",
            service.namespace,
            group,
            {
                "workloadSelector": {"labels": dict(selectors[service])},
                "rules": [{"labels": [{"name": "asm-label", "valueFrom": [value]}]}],
            },
        )
        for service in group.services or ()
        if selectors.get(service)
    ]


def _laned_services(group: LaneGroup) -> list[tuple[ServiceRef, list[Lane]]]:
    pairs = [(s, [lane for lane in group.lanes or () if lane.contains(s)]) for s in group.services or ()]
    return [(service, lanes) for service, lanes in pairs if lanes]


def _http_routes(group: LaneGroup, service: ServiceRef, lanes: list[Lane]) -> list[Resource]:
    default = fallback_lane(group, service)
    if not group.permissive:
        # Strict: the caller's pods tell the lane (documented); what comes from outside the
        # lanes is left to the service's own load balancing (inferred).
        routes = [
            {"match": [{"sourceLabels": lane.labels}], "route": [_destination(service, lane.name)]}
            for lane in lanes
        ]
        return [*routes, {"route": [_destination(service, None)]}]
    routes = [
        {
            "match": [{"headers": {group.route_header: {"exact": lane.name}}}],
            "route": [_destination(service, lane.name, fallback=default)],
        }
        for lane in lanes
        if lane.name != default
    ]
    return [*routes, {"route": [_destination(service, default)]}]


def _destination(service: ServiceRef, subset: str | None, fallback: str | None = None) -> Resource:
    route: Resource = {"destination": service_target(service, subset)}
    if fallback:
        route["fallback"] = {"target": service_target(service, fallback)}
    return route


def service_target(service: ServiceRef, subset: str | None) -> Resource:
    return {"host": service.host, "subset": subset} if subset else {"host": service.host}


def _suffix(group: LaneGroup, service: ServiceRef) -> str:
    return f"{group.name}-{service.namespace}-{service.name}"


def group_resource(
    api_version: str, kind: str, name: str, namespace: str, group: LaneGroup, spec: Resource
) -> Resource:
    return {
        "apiVersion": api_version,
        "kind": kind,
        "metadata": {
            "name": name,
            "namespace": namespace,
            "labels": {"asm-system": "true", "provider": "asm", GROUP_LABEL: group.name},
        },
        "spec": spec,
    }
