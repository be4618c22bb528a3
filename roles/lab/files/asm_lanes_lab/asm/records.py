# Copyright (c) 2026, asm.lanes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The lane custom resources as the domain's types.

documented: kinds, fields, the label ``swimlane-group``. assumed: the label
``swimlane-name`` and the names of resources made through the OpenAPI.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any, TypeVar

from asm_lanes_lab.domain import ingress, model

API_VERSION = "istio.alibabacloud.com/v1"
GROUP_KIND = "ASMSwimLaneGroup"
LANE_KIND = "ASMSwimLane"
GROUP_LABEL = "swimlane-group"
NAME_LABEL = "swimlane-name"

Resource = dict[str, Any]
_T = TypeVar("_T")


def lane_name(lane: Mapping[str, Any]) -> str:
    """The lane's name: its label, or the resource's own name where it has none."""
    metadata = lane["metadata"]
    return str((metadata.get("labels") or {}).get(NAME_LABEL) or metadata["name"])


def lane_group_name(lane: Mapping[str, Any]) -> str:
    """The group that the lane says it belongs to; empty when it names none."""
    return str((lane["metadata"].get("labels") or {}).get(GROUP_LABEL) or "")


def lane_resource_name(group: str, lane: str) -> str:
    """The name of the resource of a lane that is made through the OpenAPI (assumed)."""
    return f"{group}-{lane}"


def services(resource: Mapping[str, Any]) -> list[model.ServiceRef]:
    """The services of a group or lane, in the order of the resource."""
    return [model.ServiceRef(ref["namespace"], ref["name"]) for ref in resource["spec"].get("services") or ()]


def is_permissive(group: Mapping[str, Any]) -> bool:
    return bool(group["spec"].get("isPermissive"))


def permissive_settings(group: Mapping[str, Any]) -> Mapping[str, Any]:
    """``permissiveModeConfiguration``; empty when there is none."""
    return group["spec"].get("permissiveModeConfiguration") or {}


def baseline(group: Mapping[str, Any]) -> str:
    """Name of the baseline lane; empty when none is set."""
    return str(permissive_settings(group).get("fallbackTarget") or "")


def to_group(group: Mapping[str, Any], lanes: Iterable[Mapping[str, Any]]) -> model.LaneGroup:
    """The domain's lane group from its resource and those of its lanes.

    Left out are what cannot be routed: services that a lane names outside its group, and
    ingress rules that do not parse (``ingress_of`` says why). Nothing else is checked here.
    """
    known = set(services(group))
    settings = permissive_settings(group) if is_permissive(group) else {}
    gateway = group["spec"].get("ingress", {}).get("gateway", {})
    return model.make_group(
        name=group["metadata"]["name"],
        mode=model.PERMISSIVE if is_permissive(group) else model.STRICT,
        route_header=settings.get("routeHeader"),
        trace_header=settings.get("traceHeader"),
        gateway_rule=model.GatewayRule(gateway.get("name", ""), gateway.get("namespace")),
        services=known,
        baseline=settings.get("fallbackTarget") or None,
        service_fallback=_fallbacks(settings.get("serviceLevelFallbackTarget") or {}),
        ingress_routing=_ingress_routing(group),
        lanes=[_lane(lane, known) for lane in lanes],
    )


def _lane(lane: Mapping[str, Any], known: set[model.ServiceRef]) -> model.Lane:
    chosen = [service for service in services(lane) if service in known]
    rules, weights, _problems = ingress_of(lane)
    return model.make_lane(lane_name(lane), lane["spec"].get("labelSelector") or {}, chosen, rules, weights)


def _fallbacks(targets: Mapping[str, str]) -> dict[model.ServiceRef, str]:
    parsed = {model.parse_service(key): lane for key, lane in targets.items()}
    return {service: lane for service, lane in parsed.items() if service is not None}


def _ingress_routing(group: Mapping[str, Any]) -> ingress.IngressRouting:
    routing = group["spec"]["ingress"].get("ingressRouting") or {}
    if routing.get("ingressRoutingStrategy") != ingress.WEIGHTED:
        return ingress.IngressRouting()
    rule = routing.get("weightedRoutingRule") or {}
    spec = {
        "strategy": ingress.WEIGHTED,
        "hosts": rule.get("hosts"),
        "matches": rule.get("requestMatches"),
    }
    try:
        return ingress.parse_routing(spec, "weightedRoutingRule")
    except ingress.IngressError:
        return ingress.IngressRouting(ingress.WEIGHTED)


def ingress_of(
    lane: Mapping[str, Any],
) -> tuple[list[ingress.IngressRule], list[ingress.IngressWeight], list[str]]:
    """A lane's rules that are online, its weight if any, and what is wrong with those that do not parse.

    A rule without ``online`` counts as online (assumed).
    """
    rules: list[ingress.IngressRule] = []
    weights: list[ingress.IngressWeight] = []
    problems: list[str] = []
    for rule in lane["spec"].get("ingressRules") or ():
        if rule.get("online", True):
            path = f"ingressRules[{rule.get('name')}]"
            spec = {**rule, "destination": _destination((rule.get("route") or {}).get("destination") or {})}
            _collect(rules, problems, partial(ingress.parse_rule, spec, path))
    weight = lane["spec"].get("ingressWeight")
    if weight:
        spec = {**weight, "destination": _destination(weight.get("destination") or {})}
        _collect(weights, problems, partial(ingress.parse_weight, spec, "ingressWeight"))
    return rules, weights, problems


def _collect(found: list[_T], problems: list[str], parse: Callable[[], _T]) -> None:
    try:
        found.append(parse())
    except ingress.IngressError as error:
        problems.append(f"{error.path}: {error}. {error.remedy}")


def _destination(destination: Mapping[str, Any]) -> dict[str, Any]:
    """``{host, portNum}`` as the domain's ``{service, port}``; the documented hosts are fully qualified."""
    name, _dot, rest = str(destination.get("host") or "").partition(".")
    namespace = rest.partition(".")[0]
    return {"service": f"{namespace}/{name}" if namespace else name, "port": destination.get("portNum")}
