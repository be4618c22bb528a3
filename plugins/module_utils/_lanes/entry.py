# Copyright (c) 2026, asm.lanes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""At the gateway: which lane a request enters, and the VirtualServices that see to it.

Documented: rules of a lane send what matches into it; with weights the gateway splits,
and in both cases it sets the route header to the lane's name. Inferred: the names, the
number and the bodies of the VirtualServices. Istio looks only at the most specific host,
so every host gets a VirtualService of its own that repeats the rules of wider hosts.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from .ingress import WEIGHTED, Destination, IngressRule, match_as_spec
from .model import Lane, LaneGroup, ServiceRef
from .routing import (
    GENERATED_NAMESPACE,
    ISTIO_API_VERSION,
    Resource,
    answering_lane,
    group_resource,
    service_target,
)


def entry_shares(
    group: LaneGroup, host: str, path: str, headers: Mapping[str, str]
) -> dict[str | None, Fraction]:
    """Which share of such requests enters which lane; None stands for no lane.

    host: of the request, without port. headers: names in lower case. The shares sum to 1.
    Where no rule matches, the route header that the request brings along decides.
    """
    hosts = _hosts(group)
    own = next((h for h in sorted(hosts, key=_width) if covers(h, host)), None)
    for names, weights in _candidates(group, own, path, headers):
        total = sum(weights)
        if total:
            return {n: Fraction(w, total) for n, w in zip(names, weights, strict=True) if w}
    carried = headers.get((group.route_header or "").lower()) if group.route_header else None
    lane = group.lane(carried)
    return {lane.name if lane else None: Fraction(1)}


def ingress_virtual_services(group: LaneGroup) -> list[Resource]:
    """The gateway's VirtualServices of a group, one per host; [] without rules and weights."""
    rule = group.gateway_rule
    if rule is None:
        return []
    made = []
    for index, host in enumerate(_hosts(group)):
        spec = {
            "hosts": [host],
            "gateways": [f"{rule.namespace or GENERATED_NAMESPACE}/{rule.name}"],
            "http": _weighted_routes(group) if _weighted(group) else _rule_routes(group, host),
        }
        name = f"swimlane-ingress-vs-{group.name}-{index}"
        made.append(
            group_resource(ISTIO_API_VERSION, "VirtualService", name, GENERATED_NAMESPACE, group, spec)
        )
    return made


def covers(host: str, name: str) -> bool:
    """Whether a rule's host (``*``, ``*.example.com``, ``example.com``) covers a name or a narrower host."""
    if host in ("*", name):
        return True
    return host.startswith("*.") and name.endswith(host[1:]) and name != host


def _width(host: str) -> tuple[int, int]:
    """Sorts hosts from the most specific to ``*``: exact names, then longer suffixes."""
    return (host.startswith("*"), -len(host))


def _weighted(group: LaneGroup) -> bool:
    return group.ingress_routing is not None and group.ingress_routing.strategy == WEIGHTED


def _hosts(group: LaneGroup) -> list[str]:
    if _weighted(group) and group.ingress_routing:
        return list(group.ingress_routing.hosts) if _weights(group) else []
    return sorted({host for _lane, rule in _rules(group) for host in rule.hosts})


def _rules(group: LaneGroup, host: str | None = None) -> list[tuple[Lane, IngressRule]]:
    """All rules, or those that hold for one host, the most specific first; lanes and rules by name."""
    found = [(lane, rule) for lane in group.lanes or () for rule in lane.ingress_rules or ()]
    if host is None:
        return found

    def rank(entry: tuple[Lane, IngressRule]) -> tuple[tuple[int, int], str, str]:
        lane, rule = entry
        return min(_width(h) for h in rule.hosts if covers(h, host)), lane.name, rule.name

    return sorted(
        (entry for entry in found if any(covers(h, host) for h in entry[1].hosts)),
        key=rank,
    )


def _weights(group: LaneGroup) -> list[tuple[Lane, int, Destination]]:
    return [
        (lane, weight.weight, weight.destination)
        for lane in group.lanes or ()
        for weight in lane.ingress_weight or ()
    ]


def _candidates(
    group: LaneGroup, host: str | None, path: str, headers: Mapping[str, str]
) -> list[tuple[list[str], list[int]]]:
    """(lanes, weights) of every rule that matches the request, in order."""
    if host is None:
        return []
    if _weighted(group) and group.ingress_routing:
        matches = group.ingress_routing.matches
        if matches and not any(match.matches(path, headers) for match in matches):
            return []
        weights = _weights(group)
        return [([lane.name for lane, *_rest in weights], [weight for _lane, weight, _to in weights])]
    return [([lane.name], [1]) for lane, rule in _rules(group, host) if rule.match.matches(path, headers)]


def _rule_routes(group: LaneGroup, host: str) -> list[Resource]:
    routes = []
    for lane, rule in _rules(group, host):
        route: Resource = {"name": f"{lane.name}-{rule.name}"}
        match = match_as_spec(rule.match)
        if match:
            route["match"] = [match]
        routes.append({**route, "route": [_leg(group, lane, rule.destination)]})
    return routes


def _weighted_routes(group: LaneGroup) -> list[Resource]:
    matches = (
        [match_as_spec(match) for match in group.ingress_routing.matches] if group.ingress_routing else []
    )
    legs = [{**_leg(group, lane, to), "weight": weight} for lane, weight, to in _weights(group)]
    route: Resource = {"route": legs}
    return [{"match": matches, **route} if all(matches) and matches else route]


def _leg(group: LaneGroup, lane: Lane, destination: Destination) -> Resource:
    namespace, _slash, name = destination.service.partition("/")
    service = ServiceRef(namespace, name)
    subset = answering_lane(group, service, lane.name) if group.permissive else lane.name
    target: dict[str, Any] = {**service_target(service, subset), "port": {"number": destination.port}}
    leg: Resource = {"destination": target}
    if group.route_header:
        leg["headers"] = {"request": {"set": {group.route_header: lane.name}}}
    return leg
