"""How each kind of drift comes about. Each function spoils one case and says which objects must be told."""

from __future__ import annotations

import copy

from .cases import Case, Mutation, gateway, pod, virtual_service

ASM = "istio.alibabacloud.com/v1beta1"


# --- the group and its lanes: ASM keeps working -------------------------------------------------


async def group_gone(case: Case) -> list[str] | None:
    for lane in case.group.lanes or ():
        await case.remove(await case.lane(lane.name))
    await case.remove(await case.resource())
    return [case.title]


async def lane_gone(case: Case) -> list[str] | None:
    await case.remove(await case.lane("green"))
    return [case.lane_title("green")]


async def lane_added(case: Case) -> list[str] | None:
    lane = await case.lane("blue")
    lane["metadata"] = {
        "name": f"{case.group.name}-extra",
        "labels": {"swimlane-group": case.group.name, "swimlane-name": "extra"},
    }
    lane["spec"] = {"labelSelector": {"version": "v1"}, "services": lane["spec"]["services"]}
    await case.put(lane)
    return [case.lane_title("extra")]


async def lane_narrowed(case: Case) -> list[str] | None:
    if not case.group.permissive:
        return None
    lane = await case.lane("green")
    lane["spec"]["services"] = lane["spec"]["services"][:1]
    await case.put(lane)
    return [case.lane_title("green")]


async def group_narrowed(case: Case) -> list[str] | None:
    """A whole service leaves; the group's lanes follow, since ASM would object else."""
    last = case.services[-1]
    told = [case.title]
    for lane in case.group.lanes or ():
        resource = await case.lane(lane.name)
        left = [ref for ref in resource["spec"]["services"] if ref["name"] != last]
        if left != resource["spec"]["services"]:
            resource["spec"]["services"] = left
            await case.put(resource)
            told.append(case.lane_title(lane.name))
    group = await case.resource()
    group["spec"]["services"] = [ref for ref in group["spec"]["services"] if ref["name"] != last]
    await case.put(group)
    return told


async def selector_changed(case: Case) -> list[str] | None:
    name = ("base", "blue", "green")[case.index % 3]
    lane = await case.lane(name)
    lane["spec"]["labelSelector"] = {"version": "v1" if name == "green" else "v3"}
    await case.put(lane)
    return [case.lane_title(name)]


async def selector_narrowed(case: Case) -> list[str] | None:
    """One more label, which the pods of one service carry only; so the lane has that one alone."""
    lane = await case.lane("blue")
    lane["spec"]["labelSelector"]["app"] = "a"
    for service in case.services[1:]:
        extra = pod(service, case.namespace, "v2")
        extra["metadata"]["name"] += "-a"
        extra["metadata"]["labels"]["app"] = "a"
        await case.put(extra, in_cluster=True)
    await case.put(lane)
    return [case.lane_title("blue")]


async def weight_changed(case: Case) -> list[str] | None:
    return await _weight(case, weight=77)


async def weight_zero(case: Case) -> list[str] | None:
    return await _weight(case, weight=0)


async def weight_port(case: Case) -> list[str] | None:
    return await _weight(case, portNum=5001)


async def weight_removed(case: Case) -> list[str] | None:
    return await _weight(case)


async def _weight(case: Case, weight: int | None = None, **target: int) -> list[str] | None:
    lane = await case.lane("blue")
    entry = lane["spec"].get("ingressWeight")
    if not entry:
        return None
    if weight is not None:
        entry["weight"] = weight
    entry["destination"].update(target)
    if weight is None and not target:
        del lane["spec"]["ingressWeight"]
    await case.put(lane)
    return [case.lane_title("blue")]


async def rule_edited(case: Case) -> list[str] | None:
    lane = await case.lane("blue")
    if not lane["spec"].get("ingressRules"):
        return None
    lane["spec"]["ingressRules"][0]["match"] = {"uri": {"prefix": "/beta"}}
    await case.put(lane)
    return [case.lane_title("blue")]


async def rule_gone(case: Case) -> list[str] | None:
    lane = await case.lane("green")
    if not lane["spec"].get("ingressRules"):
        return None
    lane["spec"]["ingressRules"] = []
    await case.put(lane)
    return [case.lane_title("green")]


async def rule_offline(case: Case) -> list[str] | None:
    lane = await case.lane("green")
    if not lane["spec"].get("ingressRules"):
        return None
    lane["spec"]["ingressRules"][0]["online"] = False
    await case.put(lane)
    return [case.lane_title("green")]


async def rule_added(case: Case) -> list[str] | None:
    if case.index % 3 == 1:
        return None
    lane = await case.lane("base")
    host = f"a.{case.namespace}.svc.cluster.local"
    rule = {
        "name": "by-hand",
        "online": True,
        "hosts": ["by-hand.example"],
        "match": {"headers": {"x-debug": {"exact": "1"}}},
        "route": {"destination": {"host": host, "portNum": 5000}},
    }
    lane["spec"]["ingressRules"] = [*(lane["spec"].get("ingressRules") or []), rule]
    await case.put(lane)
    return [case.lane_title("base")]


async def routing_changed(case: Case) -> list[str] | None:
    """Another strategy, where there is nothing yet to route by, or other hosts of the weighted one."""
    group = await case.resource()
    routing = group["spec"]["ingress"].setdefault("ingressRouting", {})
    if case.index % 3 == 0:
        return None
    if case.index % 3 == 1:
        routing["weightedRoutingRule"]["hosts"] = ["other.example"]
    else:
        routing["ingressRoutingStrategy"] = "weighted"
        routing["weightedRoutingRule"] = {"hosts": ["*"], "requestMatches": []}
    await case.put(group)
    return [case.title]


async def match_changed(case: Case) -> list[str] | None:
    if case.index % 3 != 1:
        return None
    group = await case.resource()
    rule = group["spec"]["ingress"]["ingressRouting"]["weightedRoutingRule"]
    rule["requestMatches"] = [{"headers": {"x-beta": {"exact": "1"}}}]
    await case.put(group)
    return [case.title]


async def baseline_moved(case: Case) -> list[str] | None:
    return await _permissive(case, fallbackTarget="blue")


async def baseline_cleared(case: Case) -> list[str] | None:
    return await _permissive(case, fallbackTarget="")


async def fallback_set(case: Case) -> list[str] | None:
    """To another lane, or where there is none."""
    now = case.group.service_fallback
    name = f"{case.namespace}/{case.services[0]}"
    return await _permissive(case, serviceLevelFallbackTarget={name: "green" if now else "blue"})


async def fallback_elsewhere(case: Case) -> list[str] | None:
    name = f"{case.namespace}/{case.services[1]}"
    return await _permissive(case, serviceLevelFallbackTarget={name: "blue"})


async def route_header_changed(case: Case) -> list[str] | None:
    return await _permissive(case, routeHeader="x-other")


async def trace_header_changed(case: Case) -> list[str] | None:
    return await _permissive(case, traceHeader="my-trace-id")


async def mode_changed(case: Case) -> list[str] | None:
    if case.group.permissive:
        return None
    group = await case.resource()
    group["spec"]["isPermissive"] = True
    settings = {"routeHeader": "x-lane", "traceHeader": "baggage", "fallbackTarget": "base"}
    group["spec"]["permissiveModeConfiguration"] = settings
    await case.put(group)
    return [case.title]


async def _permissive(case: Case, **settings: object) -> list[str] | None:
    if not case.group.permissive:
        return None
    group = await case.resource()
    group["spec"]["permissiveModeConfiguration"].update(settings)
    await case.put(group)
    return [case.title]


async def gateway_rule_renamed(case: Case) -> list[str] | None:
    return await _gateway(case, name="gw2")


async def gateway_rule_moved(case: Case) -> list[str] | None:
    return await _gateway(case, namespace="elsewhere")


async def _gateway(case: Case, **changes: str) -> list[str] | None:
    group = await case.resource()
    group["spec"]["ingress"]["gateway"].update(changes)
    await case.put(group)
    return [case.title]


async def gateway_gone(case: Case) -> list[str] | None:
    """ASM itself objects."""
    await case.remove(gateway("gw", case.namespace))
    return [case.title]


async def pods_not_ready(case: Case) -> list[str] | None:
    """The lane's pods exist, so that ASM is content, but none is ready."""
    await case.put(pod("a", case.namespace, "v2", ready="False"), in_cluster=True)
    return [case.lane_title("blue")]


async def pods_gone(case: Case) -> list[str] | None:
    await case.remove(pod("b", case.namespace, "v3"), in_cluster=True)
    return [case.lane_title("green")]


# --- objects of the mesh: ASM is stopped, since the lab's undoes edits ----------------------------


async def lane_objection(case: Case) -> list[str] | None:
    """Such as ASM may raise for reasons that only it knows."""
    lane = await case.lane("blue")
    message = {"code": "Whatever", "level": "error", "message": "something is wrong with the lane"}
    lane["status"] = {"error": "", "validationMessage": [message]}
    await case.put(lane)
    return [case.lane_title("blue")]


async def subset_edited(case: Case) -> list[str] | None:
    rule = await _of(case, "DestinationRule", case.rule_name("a", "dr"))
    subsets = rule["spec"]["subsets"]
    if case.index % 2:
        subsets[case.index % len(subsets)]["labels"] = {"version": "by-hand"}
    else:
        subsets.pop(case.index % len(subsets))
    await case.put(rule)
    return [f"DestinationRule istio-system/{case.rule_name('a', 'dr')}"]


async def route_edited(case: Case) -> list[str] | None:
    route = await _of(case, "VirtualService", case.rule_name("b"))
    http = route["spec"]["http"]
    if case.index % 4 == 0:
        http[0]["route"][0]["destination"]["subset"] = "elsewhere"
    elif case.index % 4 == 1:
        http.pop(0)
    elif case.index % 4 == 2:
        http.insert(0, http.pop())  # the route for all else comes first
    else:
        http.insert(0, {"match": [{"headers": {"x-debug": {"exact": "1"}}}], "route": http[-1]["route"]})
        http[0]["route"][0]["destination"]["subset"] = "green"
    await case.put(route)
    return [f"VirtualService istio-system/{case.rule_name('b')}"]


async def generated_gone(case: Case) -> list[str] | None:
    kind, short = (("VirtualService", "vs"), ("DestinationRule", "dr"))[case.index % 2]
    name = case.rule_name("b", short)
    await case.remove(await _of(case, kind, name))
    return [f"{kind} istio-system/{name}"]


async def entry_or_carrier_gone(case: Case) -> list[str] | None:
    name = f"swimlane-ingress-vs-{case.group.name}-0"
    found = await case.generated("VirtualService", name)
    if found:
        await case.remove(found)
        return [f"VirtualService istio-system/{name}"]
    return await carrier_gone(case)


async def carrier_gone(case: Case) -> list[str] | None:
    name = f"asm-swimlane-{case.group.name}-a"
    for kind in ("ASMHeaderPropagation", "TrafficLabel"):
        found = await case.generated(kind, name, ASM)
        if found:
            await case.remove(found)
            return [f"{kind} {case.namespace}/{name}"]
    return None


async def left_over_of_a_service(case: Case) -> list[str] | None:
    kind, short = (("VirtualService", "vs"), ("DestinationRule", "dr"))[case.index % 2]
    obj = await _of(case, kind, case.rule_name("a", short))
    host = f"gone.{case.namespace}.svc.cluster.local"
    obj["metadata"]["name"] = case.rule_name("gone", short)
    obj["spec"].update({"hosts": [host]} if kind == "VirtualService" else {"host": host})
    await case.put(obj)
    return [f"{kind} istio-system/{obj['metadata']['name']}"]


async def left_over_of_a_group(case: Case) -> list[str] | None:
    obj = await _of(case, "VirtualService", case.rule_name("a"))
    obj["metadata"]["labels"]["swimlane-group"] = f"former-{case.group.name}"
    obj["metadata"]["name"] = f"former-{case.group.name}"
    obj["spec"]["hosts"] = [f"former.{case.namespace}.svc.cluster.local"]
    await case.put(obj)
    return [f"VirtualService istio-system/former-{case.group.name}"]


async def foreign_within_mesh(case: Case) -> list[str] | None:
    host = ("a", f"a.{case.namespace}", f"a.{case.namespace}.svc.cluster.local")[case.index % 3]
    spec = {"hosts": [host], "http": [{"route": [{"destination": {"host": host}}]}]}
    await case.put(virtual_service("mine", case.namespace, spec))
    return [f"VirtualService {case.namespace}/mine"]


async def foreign_at_gateway(case: Case) -> list[str] | None:
    """A catch-all for a host of the lanes' rules, else for one of the guide's own route."""
    destination = [{"destination": {"host": f"a.{case.namespace}.svc.cluster.local"}}]
    spec = {"gateways": [f"{case.namespace}/gw"], "http": [{"route": destination}]}
    if case.index % 3 == 2:
        own = copy.deepcopy(spec)
        own["hosts"] = ["*"]
        labels = {"app.kubernetes.io/managed-by": "asm.lanes"}
        await case.put(virtual_service("ws", case.namespace, own, **labels))
    spec["hosts"] = ["any.shop.example" if case.index % 2 or case.index % 3 == 2 else "www.shop.example"]
    await case.put(virtual_service("mine", "elsewhere-" + case.namespace, spec))
    return [f"VirtualService elsewhere-{case.namespace}/mine"]


async def _of(case: Case, kind: str, name: str) -> dict:
    found = await case.generated(kind, name)
    assert found, f"there is no {kind} {name}"
    return found


#: Kind -> ways to it, taken until there are twenty cases; and whether ASM keeps working meanwhile.
WAYS: dict[str, tuple[bool, list[Mutation]]] = {
    "group_missing": (True, [group_gone]),
    "lane_missing": (True, [lane_gone]),
    "lane_extra": (True, [lane_added]),
    "services": (True, [lane_narrowed, group_narrowed]),
    "selector": (True, [selector_changed]),
    "ingress_routing": (True, [routing_changed, match_changed]),
    "weight": (True, [weight_changed, weight_port, weight_removed, weight_zero]),
    "rule": (True, [rule_edited, rule_gone, rule_added, rule_offline]),
    "baseline": (True, [baseline_moved, baseline_cleared]),
    "service_fallback": (True, [fallback_set, fallback_elsewhere]),
    "headers": (True, [mode_changed, route_header_changed, trace_header_changed]),
    "gateway_rule": (True, [gateway_rule_renamed, gateway_rule_moved]),
    "validation_message": (True, [gateway_gone]),
    "subset_without_pods": (True, [pods_not_ready, pods_gone]),
    "generated_edited": (False, [subset_edited, route_edited]),
    "generated_missing": (False, [generated_gone, entry_or_carrier_gone]),
    "generated_orphaned": (False, [left_over_of_a_service, left_over_of_a_group]),
    "foreign_virtual_service": (False, [foreign_within_mesh, foreign_at_gateway]),
}
