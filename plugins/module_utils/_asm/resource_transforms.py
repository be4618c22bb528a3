# Copyright (c) 2026, asm.lanes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Between the lane domain and the lane custom resources of the mesh's control plane. Pure.

Documented (CRD reference and Go types): kinds, fields, the label ``swimlane-group``. Assumed:
the name ``<group>-<lane>`` and the label ``swimlane-name`` of lanes that ASM makes; a lane
without that label has its resource's own name. A resource that exists keeps every field
that is not part of the domain, and list entries keep what they have beyond it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from .._lanes.ingress import (
    WEIGHTED,
    IngressError,
    IngressRouting,
    IngressRule,
    IngressWeight,
    match_as_spec,
    parse_routing,
    parse_rule,
    parse_weight,
)
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
from .ingress_wire import service_of_host
from .transforms import AnswerError, Cluster, Objection, objections_from_messages

API_VERSION = "istio.alibabacloud.com/v1"
GROUP_KIND = "ASMSwimLaneGroup"
LANE_KIND = "ASMSwimLane"
GROUP_LABEL = "swimlane-group"
NAME_LABEL = "swimlane-name"
MANAGER_LABEL = "app.kubernetes.io/managed-by"
MANAGER = "asm.lanes"
DEFAULT_GATEWAY_NAMESPACE = "istio-system"  # the OpenAPI's documented example; its default is inferred

Resource = dict[str, Any]


# --- reading ------------------------------------------------------------------------------


def lane_name(lane: Mapping[str, Any]) -> str:
    """The lane's name: its label, or the resource's own name where it has none."""
    metadata = lane["metadata"]
    return str((metadata.get("labels") or {}).get(NAME_LABEL) or metadata["name"])


def lanes_by_name(lanes: Iterable[Resource]) -> dict[str, Resource]:
    """The lanes of one group; of several with one name the oldest, the one that counts (inferred)."""
    found: dict[str, Resource] = {}
    for lane in sorted(
        lanes, key=lambda r: (r["metadata"].get("creationTimestamp", ""), r["metadata"]["name"])
    ):
        found.setdefault(lane_name(lane), lane)
    return found


def is_ours(resource: Mapping[str, Any]) -> bool:
    """Whether the resource says that this collection made it."""
    return (resource["metadata"].get("labels") or {}).get(MANAGER_LABEL) == MANAGER


def group_from_resources(group: Mapping[str, Any], lanes: Iterable[Resource]) -> LaneGroup:
    """A current group from its resource and those of its lanes. Raises AnswerError."""
    spec = group["spec"]
    permissive = bool(spec.get("isPermissive"))
    settings = (spec.get("permissiveModeConfiguration") or {}) if permissive else {}
    gateway = (spec.get("ingress") or {}).get("gateway") or {}
    routing = routing_from_spec(spec)
    weighted = routing is None or routing.strategy == WEIGHTED
    return make_group(
        name=group["metadata"]["name"],
        mode=PERMISSIVE if permissive else STRICT,
        route_header=settings.get("routeHeader") or None,
        trace_header=settings.get("traceHeader") or None,
        gateway_rule=GatewayRule(gateway["name"], gateway.get("namespace")) if gateway.get("name") else None,
        services=_services(spec, GROUP_KIND),
        baseline=settings.get("fallbackTarget") or None,
        service_fallback=_fallbacks(settings.get("serviceLevelFallbackTarget") or {}),
        ingress_routing=routing,
        lanes=[_lane(name, lane["spec"], weighted) for name, lane in lanes_by_name(lanes).items()],
    )


def _lane(name: str, spec: Mapping[str, Any], weighted: bool) -> Lane:
    # What is there but not in force counts as unknown: it is neither shown nor compared, and only
    # a change of the strategy sweeps it away.
    rules, weight = rules_from_spec(spec), weight_from_spec(spec)
    return make_lane(
        name,
        spec.get("labelSelector") or {},
        _services(spec, f"{LANE_KIND} {name}"),
        None if weighted and rules else rules,
        None if not weighted and weight else weight,
    )


def _services(spec: Mapping[str, Any], where: str) -> list[ServiceRef]:
    found = []
    for reference in spec.get("services") or ():
        text = f"{reference.get('namespace')}/{reference.get('name')}"
        service = parse_service(text)
        if service is None:
            raise AnswerError(f"{where} has the service {text!r}, which is no namespace/name")
        found.append(service)
    return found


def _fallbacks(targets: Mapping[str, Any]) -> dict[ServiceRef, str]:
    found = {}
    for key, lane in targets.items():
        service = parse_service(str(key))
        if service is None:
            raise AnswerError(f"serviceLevelFallbackTarget has the key {key!r} instead of namespace/name")
        found[service] = str(lane)
    return found


def routing_from_spec(spec: Mapping[str, Any]) -> IngressRouting | None:
    """The strategy; rule based where nothing is said (inferred), None when it cannot be understood."""
    routing = (spec.get("ingress") or {}).get("ingressRouting") or {}
    if (routing.get("ingressRoutingStrategy") or "rule_based") != WEIGHTED:
        return IngressRouting()
    rule = routing.get("weightedRoutingRule") or {}
    words = {"strategy": WEIGHTED, "hosts": rule.get("hosts"), "matches": rule.get("requestMatches")}
    try:
        return parse_routing(words, "weightedRoutingRule")
    except IngressError:
        return None


def rules_from_spec(spec: Mapping[str, Any]) -> tuple[IngressRule, ...] | None:
    """The rules that are online (one that does not say so counts as online: inferred); None as above."""
    try:
        found = [_rule(rule) for rule in spec.get("ingressRules") or () if _is_online(rule)]
    except IngressError:
        return None
    return tuple(sorted(found, key=lambda rule: rule.name))


def weight_from_spec(spec: Mapping[str, Any]) -> tuple[IngressWeight, ...] | None:
    """The weight, () without one; None when it cannot be understood."""
    weight = spec.get("ingressWeight")
    if not weight:
        return ()
    words = {"weight": weight.get("weight", 0), "destination": _destination(weight)}
    try:
        return (parse_weight(words, "ingressWeight"),)
    except IngressError:
        return None


def _rule(rule: Mapping[str, Any]) -> IngressRule:
    return parse_rule({**rule, "destination": _destination(rule.get("route") or {})}, "ingressRules")


def _is_online(rule: Mapping[str, Any]) -> bool:
    return bool(rule.get("online", True))


def _destination(holder: Mapping[str, Any]) -> dict[str, Any]:
    destination = holder.get("destination") or {}
    return {"service": service_of_host(destination.get("host")), "port": destination.get("portNum")}


def objections_of(resource: Mapping[str, Any]) -> tuple[Objection, ...]:
    """What the status of a group or lane has against it."""
    status = resource.get("status") or {}
    error = status.get("error")
    mine = (Objection(str(error)),) if error else ()
    return mine + objections_from_messages(status.get("validationMessage"))


# --- writing ------------------------------------------------------------------------------


def new_group(group: LaneGroup, cluster: Cluster | None, former: Mapping[str, Any] | None = None) -> Resource:
    """The resource that makes a group. former: spec of the group that it replaces."""
    return {
        "apiVersion": API_VERSION,
        "kind": GROUP_KIND,
        "metadata": {"name": group.name, "labels": {MANAGER_LABEL: MANAGER}},
        "spec": group_spec(former or {}, group, cluster),
    }


def new_lane(
    group: str, lane: Lane, cluster: Cluster | None, former: Mapping[str, Any] | None = None
) -> Resource:
    """The resource that makes a lane. former: spec of the lane that it replaces."""
    labels = {GROUP_LABEL: group, NAME_LABEL: lane.name, MANAGER_LABEL: MANAGER}
    return {
        "apiVersion": API_VERSION,
        "kind": LANE_KIND,
        "metadata": {"name": f"{group}-{lane.name}", "labels": labels},
        "spec": lane_spec(former or {}, lane, cluster),
    }


def group_spec(spec: Mapping[str, Any], group: LaneGroup, cluster: Cluster | None) -> Resource:
    """``spec`` as it has to be for the group; what the group does not state stays as it is."""
    ingress = dict(spec.get("ingress") or {})
    if group.gateway_rule:
        ingress["gateway"] = _gateway(ingress.get("gateway") or {}, group.gateway_rule)
    ingress["ingressRouting"] = _routing(spec, group.ingress_routing)
    result = {**spec, "ingress": ingress, "isPermissive": group.permissive}
    result["services"] = _references(spec, group.services or (), cluster)
    if group.permissive:
        result["permissiveModeConfiguration"] = _settings(
            spec.get("permissiveModeConfiguration") or {}, group
        )
    else:
        result.pop("permissiveModeConfiguration", None)
    return result


def lane_spec(spec: Mapping[str, Any], lane: Lane, cluster: Cluster | None) -> Resource:
    """``spec`` as it has to be for the lane; what the lane does not state stays as it is."""
    result = {**spec, "labelSelector": lane.labels, "services": _references(spec, lane.services, cluster)}
    if lane.ingress_rules is not None and rules_from_spec(spec) != lane.ingress_rules:
        result["ingressRules"] = _rules(spec.get("ingressRules") or [], lane.ingress_rules)
    if lane.ingress_weight is not None and weight_from_spec(spec) != lane.ingress_weight:
        result.pop("ingressWeight", None)
        for weight in lane.ingress_weight:
            target = _target(weight.destination.service, weight.destination.port)
            result["ingressWeight"] = {"destination": target, "weight": weight.weight}
    return result


def merge_patch(old: Mapping[str, Any], new: Mapping[str, Any]) -> Resource:
    """The JSON merge patch (RFC 7386) from old to new; {} when they are equal."""
    patch: Resource = {key: None for key in old if key not in new}
    for key, value in new.items():
        before = old.get(key)
        if key in old and before == value:
            continue
        both = isinstance(value, dict) and isinstance(before, dict)
        patch[key] = merge_patch(before, value) if both else value  # type: ignore[arg-type]
    return patch


def has_to_be_placed(spec: Mapping[str, Any], services: Iterable[ServiceRef]) -> bool:
    """Whether a service is added to ``spec``, for which a cluster has to be named."""
    known = {(r.get("namespace"), r.get("name")) for r in spec.get("services") or ()}
    return any((service.namespace, service.name) not in known for service in services)


def clusters_of(resources: Iterable[Mapping[str, Any]]) -> set[Cluster]:
    """The clusters that services of these resources are in, as far as they say."""
    references = [r.get("cluster") or {} for one in resources for r in one["spec"].get("services") or ()]
    return {Cluster(str(c.get("name") or ""), str(c["id"])) for c in references if c.get("id")}


def _references(
    spec: Mapping[str, Any], services: Iterable[ServiceRef], cluster: Cluster | None
) -> list[Resource]:
    wanted = {(service.namespace, service.name): service for service in services}
    kept = [r for r in spec.get("services") or () if (r.get("namespace"), r.get("name")) in wanted]
    known = {(r["namespace"], r["name"]) for r in kept}
    place = {"cluster": {"name": cluster.name, "id": cluster.id}} if cluster else {}
    added = [
        {"name": name, "namespace": namespace, **place}
        for namespace, name in sorted(wanted)
        if (namespace, name) not in known
    ]
    return [*kept, *added]


def _gateway(now: Mapping[str, Any], rule: GatewayRule) -> Resource:
    namespace = rule.namespace or now.get("namespace") or DEFAULT_GATEWAY_NAMESPACE
    return {"type": "ASM", **now, "name": rule.name, "namespace": namespace}


def _routing(spec: Mapping[str, Any], routing: IngressRouting | None) -> Resource:
    now = dict((spec.get("ingress") or {}).get("ingressRouting") or {})
    if routing is None or (now and routing_from_spec(spec) == routing):
        return now
    now["ingressRoutingStrategy"] = routing.strategy
    now.pop("weightedRoutingRule", None)
    if routing.strategy == WEIGHTED:
        matches = [match_as_spec(match) for match in routing.matches]
        now["weightedRoutingRule"] = {"hosts": list(routing.hosts), "requestMatches": matches}
    return now


def _settings(now: Mapping[str, Any], group: LaneGroup) -> Resource:
    result = {**now, "routeHeader": group.route_header, "traceHeader": group.trace_header}
    result["fallbackTarget"] = group.baseline
    if group.service_fallback is not None:
        fallbacks = {str(service): lane for service, lane in group.service_fallback}
        result["serviceLevelFallbackTarget"] = fallbacks or None
    return {key: value for key, value in result.items() if value is not None}


def _rules(now: Iterable[Mapping[str, Any]], rules: Iterable[IngressRule]) -> list[Resource]:
    """The rules as entries. Those that are offline route nothing and stay, unless one has their name."""
    known = {rule.get("name"): rule for rule in now}
    wanted = list(rules)
    names = {rule.name for rule in wanted}
    offline = [dict(rule) for rule in now if not _is_online(rule) and rule.get("name") not in names]
    return [*(_entry(known.get(rule.name) or {}, rule) for rule in wanted), *offline]


def _entry(now: Mapping[str, Any], rule: IngressRule) -> Resource:
    route = {
        **(now.get("route") or {}),
        "destination": _target(rule.destination.service, rule.destination.port),
    }
    stated = {"name": rule.name, "online": True, "hosts": list(rule.hosts), "route": route}
    return {**now, **stated, "match": match_as_spec(rule.match)}


def _target(service: str, port: int) -> Resource:
    namespace, _slash, name = service.partition("/")
    return {"host": ServiceRef(namespace, name).host, "portNum": port}
