# Copyright (c) 2026, asm.lanes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The five actions on lanes."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Iterable, Mapping
from typing import Any

from . import errors, records, wire
from .context import Context, Resource, check_syntax, find_lane
from .params import Params

DEFAULT_LABEL = "ASM_TRAFFIC_TAG"  # documented as fixed; that it may be another one is inferred

Reply = dict[str, Any]


async def create(context: Context, params: Params) -> Reply:
    """CreateSwimLane. The first lane of a permissive group becomes its baseline."""
    group_name, name = params.need("GroupName"), params.need("SwimLaneName")
    labels = {params.text("LabelSelectorKey") or DEFAULT_LABEL: params.need("LabelSelectorValue")}
    references = wire.services_in("ServicesList", params.need("ServicesList"), context.clusters)
    _check_lane(name, labels)
    (group, lanes), resource_name = await asyncio.gather(
        context.group_and_lanes(group_name), _resource_name(context, group_name, name)
    )
    if find_lane(lanes, name):
        raise errors.already_exists("SwimLane", f"{group_name}/{name}")
    lane = {
        "apiVersion": records.API_VERSION,
        "kind": records.LANE_KIND,
        "metadata": {
            "name": resource_name,
            "labels": {records.GROUP_LABEL: group_name, records.NAME_LABEL: name},
        },
        "spec": {"labelSelector": labels, "services": references},
    }
    _check_services(group, lane)
    if records.is_permissive(group) and find_lane(lanes, records.baseline(group)) is None:
        # Before the lane exists, so that it never routes without a baseline.
        await context.edit_group(
            group_name, lambda group, lanes: _default_baseline(group, lanes, name), (group, lanes)
        )
    await context.mesh.create(lane)
    return {}


async def _resource_name(context: Context, group: str, lane: str) -> str:
    """``<group>-<lane>``; with a hash where that is taken (group a-b, lane c; group a, lane b-c)."""
    name = records.lane_resource_name(group, lane)
    if await context.mesh.get(records.API_VERSION, records.LANE_KIND, name) is None:
        return name
    return f"{name}-{hashlib.sha256(f'{group}/{lane}'.encode()).hexdigest()[:8]}"


def _default_baseline(group: Resource, lanes: list[Resource], name: str) -> None:
    if find_lane(lanes, records.baseline(group)) is None:
        group["spec"].setdefault("permissiveModeConfiguration", {})["fallbackTarget"] = name


def _check_lane(name: str, labels: Mapping[str, str]) -> None:
    check_syntax(
        {"name": "group", "lanes": [{"name": name, "label_selector": labels, "services": []}]},
        {
            ".name": "SwimLaneName",
            ".label_selector": "LabelSelectorKey",
            "]": "LabelSelectorValue",
        },
    )


def _check_services(group: Resource, lane: Resource) -> None:
    known, chosen = records.services(group), records.services(lane)
    outside = [str(service) for service in chosen if service not in known]
    if outside:
        raise errors.invalid(
            "ServicesList",
            f"{', '.join(outside)} is not in lane group {group['metadata']['name']}",
            "Add it to the group first, or leave it out of the lane.",
        )
    lacking = [str(service) for service in known if service not in chosen]
    if lacking and not records.is_permissive(group):
        raise errors.invalid(
            "ServicesList",
            f"lacks {', '.join(lacking)}",
            "In strict mode every lane contains every service of the group.",
        )


async def update(context: Context, params: Params) -> Reply:
    """UpdateSwimLane: omitted parameters keep their values."""
    group_name, name = params.need("GroupName"), params.need("SwimLaneName")
    key, value = params.text("LabelSelectorKey"), params.text("LabelSelectorValue")
    services = params.text("ServicesList")
    references = None if services is None else wire.services_in("ServicesList", services, context.clusters)

    def change(group: Resource, lane: Resource) -> None:
        if key or value:
            old_key, old_value = _label(lane)
            labels = {key or old_key: value or old_value}
            _check_lane(name, labels)
            lane["spec"]["labelSelector"] = labels
        if references is not None:
            lane["spec"]["services"] = references
            _check_services(group, lane)
            _check_dependents(group, name, set(map(str, records.services(lane))))

    await context.edit_lane(group_name, name, change)
    return {}


def _check_dependents(group: Resource, name: str, services: set[str]) -> None:
    """No service may fall back to a lane that does not (any more) contain it."""
    targets = records.permissive_settings(group).get("serviceLevelFallbackTarget") or {}
    broken = sorted(service for service, lane in targets.items() if lane == name and service not in services)
    if broken:
        raise errors.conflict(
            f"{', '.join(broken)} falls back to lane {name}.", "Change ServiceLevelFallbackTarget first."
        )


async def delete(context: Context, params: Params) -> Reply:
    """DeleteSwimLane."""
    group_name, name = params.need("GroupName"), params.need("SwimLaneName")
    lane, (group, lanes) = await asyncio.gather(
        context.lane(group_name, name), context.group_and_lanes(group_name)
    )
    last = len(lanes) == 1
    is_baseline = records.is_permissive(group) and records.baseline(group) == name
    if is_baseline and not last and context.behaviour.baseline_delete == "last":
        raise errors.conflict(
            f"Lane {name} is the baseline of lane group {group_name}, which has other lanes.",
            "Delete the other lanes first, or make another lane the FallbackTarget.",
        )
    if not last:
        _check_dependents(group, name, set())
    await context.mesh.delete(records.API_VERSION, records.LANE_KIND, lane["metadata"]["name"])
    if last and records.permissive_settings(group):
        await context.edit_group(group_name, _forget_lanes)
    return {}


def _forget_lanes(group: Resource, lanes: list[Resource]) -> None:
    if not lanes:
        settings = group["spec"]["permissiveModeConfiguration"]
        settings.pop("fallbackTarget", None)
        settings.pop("serviceLevelFallbackTarget", None)


async def list_all(context: Context, params: Params) -> Reply:
    """GetSwimLaneList."""
    name = params.need("GroupName")
    groups = [group for group in await context.groups() if group["metadata"]["name"] == name]
    lanes = await context.lanes(name) if groups else []
    return {"SwimLaneList": [_item(context, groups[0], lane) for lane in lanes]}


def _item(context: Context, group: Resource, lane: Resource) -> Reply:
    reply = _common(group, lane) | {
        "GroupName": group["metadata"]["name"],
        "Name": records.lane_name(lane),
        "ServiceList": _services(context, lane["spec"]["services"]),
    }
    if _weighted(group):
        reply["WeightedIngressDestinatin"] = _weight(lane)  # sic: the API's own spelling
    return reply


async def detail(context: Context, params: Params) -> Reply:
    """GetSwimLaneDetail."""
    group = await context.group(params.need("GroupName"))
    lane = await context.lane(params.need("GroupName"), params.need("SwimLaneName"))
    reply = _common(group, lane) | {"ServicesList": _services(context, lane["spec"]["services"])}
    if _weighted(group):
        reply["WeightedIngressDestination"] = _weight(lane)
    return reply


def _common(group: Resource, lane: Resource) -> Reply:
    key, value = _label(lane)
    return {
        "IngressRule": wire.ingress_rules_out(
            lane["spec"].get("ingressRules") or (), records.lane_name(lane)
        ),
        "LabelSelectorKey": key,
        "LabelSelectorValue": value,
        "ValidationMessage": wire.validation_out((lane.get("status") or {}).get("validationMessage")),
    }


def _services(context: Context, references: Iterable[Mapping[str, Any]]) -> str:
    return wire.services_out(references, context.default_cluster)


def _label(lane: Resource) -> tuple[str, str]:
    """The label that the API shows; of several, which only the resource can have, the first (assumed)."""
    return min((lane["spec"].get("labelSelector") or {"": ""}).items())


def _weighted(group: Resource) -> bool:
    routing = group["spec"]["ingress"].get("ingressRouting") or {}
    return bool(routing.get("ingressRoutingStrategy") == "weighted")


def _weight(lane: Resource) -> str:
    return wire.ingress_weight_out(lane["spec"].get("ingressWeight") or {}, records.lane_name(lane))
