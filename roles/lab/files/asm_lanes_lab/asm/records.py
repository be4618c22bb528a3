# Copyright (c) 2026, asm.lanes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The lane custom resources as the domain's types.

documented: kinds, fields, the label ``swimlane-group``. assumed: the label
``swimlane-name`` and the names of resources made through the OpenAPI.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from asm_lanes_lab.domain import model

API_VERSION = "istio.alibabacloud.com/v1"
GROUP_KIND = "ASMSwimLaneGroup"
LANE_KIND = "ASMSwimLane"
GROUP_LABEL = "swimlane-group"
NAME_LABEL = "swimlane-name"

Resource = dict[str, Any]


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

    Services that a lane names outside its group are left out: they cannot be routed, and
    the lane's status says so. Nothing else is checked here.
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
        lanes=[_lane(lane, known) for lane in lanes],
    )


def _lane(lane: Mapping[str, Any], known: set[model.ServiceRef]) -> model.Lane:
    chosen = [service for service in services(lane) if service in known]
    return model.make_lane(lane_name(lane), lane["spec"].get("labelSelector") or {}, chosen)


def _fallbacks(targets: Mapping[str, str]) -> dict[model.ServiceRef, str]:
    parsed = {model.parse_service(key): lane for key, lane in targets.items()}
    return {service: lane for service, lane in parsed.items() if service is not None}
