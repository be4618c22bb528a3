# Copyright (c) 2026, asm.lanes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The four actions on lane groups."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from . import errors, records, wire
from .context import Context, Resource, check_syntax, find_lane
from .params import Params

DEFAULT_GATEWAY_NAMESPACE = "istio-system"  # assumed, from the documented example
_PERMISSIVE_SINCE = (1, 18, 2, 111)  # documented
_GATEWAY_NAMESPACE_SINCE = (1, 17, 2, 28)  # documented
_SERVICE_FALLBACK_SINCE = (1, 21)  # documented

Reply = dict[str, Any]


async def create(context: Context, params: Params) -> Reply:
    """CreateSwimLaneGroup."""
    name = params.need("GroupName")
    permissive = bool(params.flag("IsPermissive"))
    namespace = params.text("IngressGatewayNamespace")
    if namespace:
        context.need_version(_GATEWAY_NAMESPACE_SINCE, "IngressGatewayNamespace")
    if params.need("IngressType") != "ASM":
        raise errors.invalid("IngressType", "only ASM is supported")
    headers = _headers(params, permissive)
    gateway = {
        "name": params.need("IngressGatewayName"),
        "namespace": namespace or DEFAULT_GATEWAY_NAMESPACE,
        "type": "ASM",
    }
    _check_group(name, gateway, headers)
    spec: dict[str, Any] = {
        "services": wire.services_in("ServicesList", params.need("ServicesList"), context.clusters),
        "ingress": {"gateway": gateway, "ingressRouting": {"ingressRoutingStrategy": "rule_based"}},
        "isPermissive": permissive,
    }
    if permissive:
        _check_permissive(context)
        spec["permissiveModeConfiguration"] = headers
    if await context.mesh.get(records.API_VERSION, records.GROUP_KIND, name):
        raise errors.already_exists("SwimLaneGroup", name)
    await context.mesh.create(
        {
            "apiVersion": records.API_VERSION,
            "kind": records.GROUP_KIND,
            "metadata": {"name": name},
            "spec": spec,
        }
    )
    return {}


def _headers(params: Params, permissive: bool) -> dict[str, str]:
    values = {"traceHeader": params.text("TraceHeader"), "routeHeader": params.text("RouteHeader")}
    given = {field: value for field, value in values.items() if value}
    if permissive:
        for field, parameter in (("traceHeader", "TraceHeader"), ("routeHeader", "RouteHeader")):
            if field not in given:
                raise errors.missing(parameter)
    elif given:
        raise errors.invalid("RouteHeader", "TraceHeader and RouteHeader are of permissive mode only")
    return given


def _check_group(name: str, gateway: Mapping[str, str], headers: Mapping[str, str]) -> None:
    check_syntax(
        {
            "name": name,
            "gateway_rule": {"name": gateway["name"], "namespace": gateway["namespace"]},
            "route_header": headers.get("routeHeader"),
            "trace_header": headers.get("traceHeader"),
        },
        {
            "gateway_rule.name": "IngressGatewayName",
            "gateway_rule.namespace": "IngressGatewayNamespace",
            "name": "GroupName",
            "route_header": "RouteHeader",
            "trace_header": "TraceHeader",
        },
    )


def _check_permissive(context: Context) -> None:
    context.need_version(_PERMISSIVE_SINCE, "Permissive mode")
    if context.settings.mesh_edition == "standard":
        raise errors.conflict("Permissive mode needs an instance of edition enterprise or ultimate.")


async def update(context: Context, params: Params) -> Reply:
    """UpdateSwimLaneGroup: omitted parameters keep their values."""
    services = params.text("ServicesList")
    references = None if services is None else wire.services_in("ServicesList", services, context.clusters)
    baseline = params.text("FallbackTarget")
    fallbacks = params.text("ServiceLevelFallbackTarget")
    strategy, rule = params.text("IngressRoutingStrategy"), params.text("WeightedIngressRule")
    if fallbacks:
        context.need_version(_SERVICE_FALLBACK_SINCE, "ServiceLevelFallbackTarget")

    def change(group: Resource, lanes: list[Resource]) -> None:
        if references is not None:
            group["spec"]["services"] = references
        _change_routing(group, strategy, rule)
        if baseline is not None:
            _change_baseline(group, lanes, baseline)
        if fallbacks is not None:
            targets = wire.fallbacks_in("ServiceLevelFallbackTarget", fallbacks) if fallbacks else {}
            _change_fallbacks(group, lanes, targets)

    await context.edit_group(params.need("GroupName"), change)
    return {}


def _change_baseline(group: Resource, lanes: list[Resource], name: str) -> None:
    _need_permissive(group, "FallbackTarget")
    settings = group["spec"].setdefault("permissiveModeConfiguration", {})
    if not name:
        settings.pop("fallbackTarget", None)
        return
    if find_lane(lanes, name) is None:
        raise errors.invalid("FallbackTarget", f"the group has no lane {name!r}", "Create the lane first.")
    settings["fallbackTarget"] = name


def _change_fallbacks(group: Resource, lanes: list[Resource], targets: Mapping[str, str]) -> None:
    _need_permissive(group, "ServiceLevelFallbackTarget")
    known = {str(service) for service in records.services(group)}
    for service, name in targets.items():
        lane = find_lane(lanes, name)
        if service not in known:
            raise errors.invalid("ServiceLevelFallbackTarget", f"{service} is not a service of the group")
        if lane is None or service not in {str(s) for s in records.services(lane)}:
            raise errors.invalid(
                "ServiceLevelFallbackTarget", f"the group has no lane {name!r} that contains {service}"
            )
    settings = group["spec"].setdefault("permissiveModeConfiguration", {})
    settings["serviceLevelFallbackTarget"] = dict(targets)


def _need_permissive(group: Resource, parameter: str) -> None:
    if not records.is_permissive(group):
        raise errors.invalid(parameter, "the group is in strict mode, which has no fallback")


def _change_routing(group: Resource, strategy: str | None, rule: str | None) -> None:
    routing = group["spec"]["ingress"].setdefault("ingressRouting", {})
    if strategy is not None:
        if strategy not in wire.STRATEGIES:
            raise errors.invalid(
                "IngressRoutingStrategy", f"{strategy!r} is none of {', '.join(wire.STRATEGIES)}"
            )
        routing["ingressRoutingStrategy"] = wire.STRATEGIES[strategy]
    if rule:
        if routing.get("ingressRoutingStrategy") != "weighted":
            raise errors.invalid("WeightedIngressRule", "only with IngressRoutingStrategy weighted")
        routing["weightedRoutingRule"] = wire.weighted_rule_in("WeightedIngressRule", rule)
    elif rule is not None:
        routing.pop("weightedRoutingRule", None)


async def delete(context: Context, params: Params) -> Reply:
    """DeleteSwimLaneGroup."""
    name = params.need("GroupName")
    group, lanes = await context.group_and_lanes(name)
    if lanes and context.behaviour.group_delete == "refuse":
        raise errors.conflict(f"Lane group {name} still has lanes.", "Delete its lanes first.")
    # The baseline last: the others fall back to it as long as they route.
    for lane in sorted(lanes, key=lambda lane: records.lane_name(lane) == records.baseline(group)):
        await context.mesh.delete(records.API_VERSION, records.LANE_KIND, lane["metadata"]["name"])
    await context.mesh.delete(records.API_VERSION, records.GROUP_KIND, name)
    return {}


async def list_all(context: Context, params: Params) -> Reply:
    """GetSwimLaneGroupList."""
    return {"SwimLaneGroupList": [_item(context, group) for group in await context.groups()]}


def _item(context: Context, group: Resource) -> Reply:
    spec, settings = group["spec"], records.permissive_settings(group)
    gateway = spec["ingress"]["gateway"]
    routing = spec["ingress"].get("ingressRouting") or {}
    strategy = routing.get("ingressRoutingStrategy") or "rule_based"
    summary = (group.get("status") or {}).get("servicesInSwimLaneGroup") or {}
    item = {
        "FallbackTarget": settings.get("fallbackTarget") or "",
        "GroupName": group["metadata"]["name"],
        "IngressGatewayName": gateway["name"],
        "IngressRoutingStrategy": next(k for k, value in wire.STRATEGIES.items() if value == strategy),
        "IngressType": gateway["type"],
        "IsPermissive": records.is_permissive(group),
        "RouteHeader": settings.get("routeHeader") or "",
        "ServiceLevelFallbackTarget": wire.dump(settings.get("serviceLevelFallbackTarget") or {}),
        "ServiceList": wire.services_out(spec["services"], context.default_cluster),
        "SwimLaneLabels": wire.dump(summary.get("commonLabels") or {}),
        "TraceHeader": settings.get("traceHeader") or "",
    }
    if strategy == "weighted":
        item["WeightedIngressRule"] = wire.weighted_rule_out(routing.get("weightedRoutingRule") or {})
    return item
