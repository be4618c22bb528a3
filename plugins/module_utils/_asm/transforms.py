# Copyright (c) 2026, asm.lanes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Between the lane domain and the OpenAPI's parameters and answers. Pure.

Facts (SDK 3.4.0 and its API pages): requests say ``ServicesList``, the List actions answer
``ServiceList``; a service is ``cluster name/cluster id/namespace/name`` in a JSON array in a
string (documented). A lane is selected by one label (documented: key and value). The
gateway rule's namespace is not returned, a lane's ingress rules and weight are not writable.
``ServiceLevelFallbackTarget`` as a JSON map ``namespace/name`` -> lane is inferred from the
custom resource.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from .._lanes.ingress import WEIGHTED
from .._lanes.model import (
    PERMISSIVE,
    STRICT,
    GatewayRule,
    Lane,
    LaneGroup,
    ServiceRef,
    make_group,
    make_lane,
    parse_service,
)
from .._lanes.plan import (
    CREATE_GROUP,
    CREATE_LANE,
    DELETE_GROUP,
    DELETE_LANE,
    UPDATE_GROUP,
    UPDATE_LANE,
    Change,
)
from .ingress_wire import routing_from_answer, routing_parameters, rules_from_answer, weight_from_answer

ACTIONS = {
    CREATE_GROUP: "CreateSwimLaneGroup",
    UPDATE_GROUP: "UpdateSwimLaneGroup",
    DELETE_GROUP: "DeleteSwimLaneGroup",
    CREATE_LANE: "CreateSwimLane",
    UPDATE_LANE: "UpdateSwimLane",
    DELETE_LANE: "DeleteSwimLane",
}


class AnswerError(ValueError):
    """A field of an answer that cannot be understood; the text names field and value."""


@dataclass(frozen=True)
class Cluster:
    """A Kubernetes cluster of the mesh."""

    name: str
    id: str

    def __str__(self) -> str:
        return f"{self.name} ({self.id})"


@dataclass(frozen=True)
class Call:
    """One API call: action, the object for people, parameters in the SDK's snake_case."""

    action: str
    object: str
    parameters: dict[str, Any]


def call_for(
    change: Change, group: str, cluster: Cluster | None, kept: Mapping[str, str] | None = None
) -> Call:
    """The call that carries a change out.

    group: name of the lane group. cluster: where the services are; not needed to delete.
    kept: what an update of the group sends along unchanged (see ``kept_parameters``).
    """
    parameters: dict[str, Any] = {"group_name": group}
    if isinstance(change.after, LaneGroup):
        parameters["services_list"] = _services_text(change.after.services or (), cluster)
        if change.action == CREATE_GROUP:
            parameters.update(_creation_parameters(change.after))
        else:
            parameters.update(_update_parameters(change.after, change.fields, kept or {}))
    elif isinstance(change.after, Lane):
        key, value = next(iter(change.after.label_selector))
        parameters.update(label_selector_key=key, label_selector_value=value)
        parameters["services_list"] = _services_text(change.after.services, cluster)
    on_lane = change.action in (CREATE_LANE, UPDATE_LANE, DELETE_LANE)
    if on_lane:
        parameters["swim_lane_name"] = change.name
    subject = f"lane {change.name} of lane group {group}" if on_lane else f"lane group {group}"
    return Call(ACTIONS[change.action], subject, parameters)


def _creation_parameters(group: LaneGroup) -> dict[str, Any]:
    rule = group.gateway_rule or GatewayRule("")
    return {
        "ingress_type": "ASM",  # the only documented value
        "ingress_gateway_name": rule.name,
        "ingress_gateway_namespace": rule.namespace,
        "is_permissive": group.permissive,
        "route_header": group.route_header,
        "trace_header": group.trace_header,
    }


def _update_parameters(group: LaneGroup, fields: tuple[str, ...], kept: Mapping[str, str]) -> dict[str, Any]:
    # Whether an omitted parameter means "keep" or "clear" is unknown: so everything is stated, except
    # fallbacks that neither exist nor change, which an instance before 1.21 would not know.
    parameters: dict[str, Any] = {"fallback_target": group.baseline}
    if group.service_fallback or "service_fallback" in fields:
        targets = {str(service): lane for service, lane in group.fallbacks.items()}
        parameters["service_level_fallback_target"] = _json(targets)
    routing = group.ingress_routing
    if routing is None:
        parameters.update(kept)
    elif kept or "ingress_routing" in fields or routing.strategy == WEIGHTED:
        parameters.update(routing_parameters(routing))
    return parameters


def kept_parameters(item: Mapping[str, Any]) -> dict[str, str]:
    """The ingress routing of a lane group as ASM wrote it, for updates where we do not understand it."""
    names = {
        "ingress_routing_strategy": "IngressRoutingStrategy",
        "weighted_ingress_rule": "WeightedIngressRule",
    }
    return {name: str(item[key]) for name, key in names.items() if item.get(key)}


def group_from_answer(item: Mapping[str, Any], lanes: Iterable[Mapping[str, Any]]) -> LaneGroup:
    """A current group from an item of GetSwimLaneGroupList and the items of GetSwimLaneList.

    Raises AnswerError.
    """
    permissive = str(item.get("IsPermissive")).lower() == "true"
    gateway = item.get("IngressGatewayName")
    routing = routing_from_answer(item)
    weighted = routing is None or routing.strategy == WEIGHTED
    return make_group(
        name=item.get("GroupName"),
        mode=PERMISSIVE if permissive else STRICT,
        route_header=item.get("RouteHeader") or None,
        trace_header=item.get("TraceHeader") or None,
        gateway_rule=GatewayRule(gateway) if gateway else None,
        services=[service for _cluster, service in services_from_answer(item)],
        baseline=(item.get("FallbackTarget") or None) if permissive else None,
        service_fallback=_fallback_from_answer(item.get("ServiceLevelFallbackTarget")) if permissive else {},
        ingress_routing=routing,
        lanes=[_lane_from_answer(lane, weighted) for lane in lanes],
    )


def services_from_answer(item: Mapping[str, Any]) -> list[tuple[Cluster, ServiceRef]]:
    """The services of a group or lane, with the cluster each is in. Raises AnswerError."""
    found = []
    for entry in _parse_json("ServiceList", item.get("ServiceList"), list):
        parts = str(entry).split("/")
        service = parse_service("/".join(parts[2:])) if len(parts) == 4 else None
        if service is None:
            raise AnswerError(f"ServiceList has {entry!r} instead of cluster name/cluster id/namespace/name")
        found.append((Cluster(parts[0], parts[1]), service))
    return found


def _lane_from_answer(item: Mapping[str, Any], weighted: bool) -> Lane:
    key = item.get("LabelSelectorKey")
    labels = {str(key): str(item.get("LabelSelectorValue") or "")} if key else {}
    services = [service for _cluster, service in services_from_answer(item)]
    rules = rules_from_answer(item.get("IngressRule"), weighted)
    return make_lane(str(item.get("Name")), labels, services, rules, weight_from_answer(item, weighted))


def _fallback_from_answer(text: Any) -> dict[ServiceRef, str]:
    targets = {}
    for key, lane in _parse_json("ServiceLevelFallbackTarget", text, dict).items():
        service = parse_service(str(key))
        if service is None:
            raise AnswerError(f"ServiceLevelFallbackTarget has the key {key!r} instead of namespace/name")
        targets[service] = str(lane)
    return targets


@dataclass(frozen=True)
class Objection:
    """What ASM has against a lane. serious: more than a warning, so that the lane cannot work."""

    text: str
    serious: bool = True


def objections_from_answer(text: Any) -> tuple[Objection, ...]:
    """The objections in a ``ValidationMessage``; () when ASM is content.

    Documented: a string, ``null`` when all is well. The custom resource has a list of
    {code, level: info|warning|error, message} instead; both are understood.
    """
    try:
        found = json.loads(text) if isinstance(text, str) and text else None
    except ValueError:
        found = text
    return objections_from_messages(found)


def objections_from_messages(found: Any) -> tuple[Objection, ...]:
    """The same from what the text stands for: messages, one message, or nothing."""
    if not found:
        return ()
    return tuple(_objection(message) for message in (found if isinstance(found, list) else [found]))


def _objection(message: Any) -> Objection:
    if not isinstance(message, dict):
        return Objection(str(message))
    text = message.get("message") or message.get("code") or message
    return Objection(str(text), message.get("level") not in ("info", "warning"))


def _services_text(services: Iterable[ServiceRef], cluster: Cluster | None) -> str:
    if cluster is None:
        raise ValueError("services are written with their cluster: it must be found first")
    return _json([f"{cluster.name}/{cluster.id}/{service}" for service in services])


def _json(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"))


def _parse_json(name: str, text: Any, kind: type) -> Any:
    try:
        value = json.loads(text) if isinstance(text, str) and text else text
    except ValueError:
        raise AnswerError(f"{name} is not JSON: {text!r}") from None
    if not value:
        return kind()
    if not isinstance(value, kind):
        raise AnswerError(f"{name} is not a JSON {kind.__name__}: {text!r}")
    return value
