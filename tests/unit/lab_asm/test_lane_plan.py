# Copyright (c) 2026, asm.lanes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The lane controller's decisions: they arrive, in an order that never routes to a missing subset."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import pytest
from ansible_collections.asm.lanes.plugins.module_utils._lanes.words import as_spec
from asm_lanes_lab.asm import records
from asm_lanes_lab.controllers import lane_objects
from asm_lanes_lab.controllers.lane_plan import Meanings, View, decide
from asm_lanes_lab.controllers.lane_status import merge_patch
from asm_lanes_lab.domain import ingress, model, routing, words
from asm_lanes_lab.kube import patches
from hypothesis import given, settings
from hypothesis import strategies as st
from unit.lanes import strategies

NEW = (1, 22, 6, 90)
OLD = (1, 21, 6, 53)

Obj = dict[str, Any]


def ours(group: Any) -> model.LaneGroup:
    """A group drawn by the domain's strategies, in the lab's own import of the domain."""
    return words.parse(as_spec(group))


GROUPS = strategies.groups().map(ours)
PAIRS = strategies.pairs().map(lambda pair: (ours(pair[0]), ours(pair[1])))


def resources(group: model.LaneGroup) -> list[Obj]:
    """A group and its lanes as custom resources."""
    assert group.gateway_rule
    spec: Obj = {
        "services": [_reference(service) for service in group.services or ()],
        "ingress": {
            "gateway": {
                "name": group.gateway_rule.name,
                "namespace": group.gateway_rule.namespace,
                "type": "ASM",
            },
            "ingressRouting": _routing(group.ingress_routing or ingress.IngressRouting()),
        },
        "isPermissive": group.permissive,
    }
    if group.permissive:
        spec["permissiveModeConfiguration"] = {
            "routeHeader": group.route_header,
            "traceHeader": group.trace_header,
            "fallbackTarget": group.baseline,
            "serviceLevelFallbackTarget": {str(s): lane for s, lane in group.service_fallback or ()},
        }
    return [
        {"kind": records.GROUP_KIND, "metadata": {"name": group.name}, "spec": spec},
        *(_lane(group, lane) for lane in group.lanes or ()),
    ]


def _routing(found: ingress.IngressRouting) -> Obj:
    rule = {"hosts": list(found.hosts), "requestMatches": [ingress.match_as_spec(m) for m in found.matches]}
    weighted = {"weightedRoutingRule": rule} if found.strategy == ingress.WEIGHTED else {}
    return {"ingressRoutingStrategy": found.strategy, **weighted}


def _reference(service: model.ServiceRef) -> Obj:
    return {"name": service.name, "namespace": service.namespace, "cluster": {"id": "c-lab", "name": "lab"}}


def _lane(group: model.LaneGroup, lane: model.Lane) -> Obj:
    spec: Obj = {
        "labelSelector": lane.labels,
        "services": [_reference(service) for service in lane.services],
        "ingressRules": [
            {
                "name": rule.name,
                "hosts": list(rule.hosts),
                "match": ingress.match_as_spec(rule.match),
                "route": {"destination": _destination(rule.destination)},
            }
            for rule in lane.ingress_rules or ()
        ],
    }
    for weight in lane.ingress_weight or ():
        spec["ingressWeight"] = {"weight": weight.weight, "destination": _destination(weight.destination)}
    labels = {records.GROUP_LABEL: group.name, records.NAME_LABEL: lane.name}
    return {
        "kind": records.LANE_KIND,
        "metadata": {"name": f"{group.name}-{lane.name}", "labels": labels},
        "spec": spec,
    }


def _destination(destination: ingress.Destination) -> Obj:
    namespace, _unused, name = destination.service.partition("/")
    return {"host": f"{name}.{namespace}.svc.cluster.local", "portNum": destination.port}


def service(ref: model.ServiceRef, **selector: str) -> Obj:
    return {
        "kind": "Service",
        "metadata": {"namespace": ref.namespace, "name": ref.name},
        "spec": {"selector": selector or {"app": ref.name}},
    }


def pod(namespace: str, name: str, **labels: str) -> Obj:
    return {"metadata": {"namespace": namespace, "name": name, "labels": labels}}


class Mesh:
    """What the mesh holds; changes only through the controller's writes."""

    def __init__(self, *groups: model.LaneGroup) -> None:
        self.generated: dict[lane_objects.Key, Obj] = {}
        self.pods: list[Obj] = []
        self.set(*groups)

    def set(self, *groups: model.LaneGroup) -> None:
        found = [resource for group in groups for resource in resources(group)]
        self.groups = [obj for obj in found if obj["kind"] == records.GROUP_KIND]
        self.lanes = [obj for obj in found if obj["kind"] == records.LANE_KIND]
        references = {ref for group in groups for ref in group.services or ()}
        self.services = {str(ref): service(ref) for ref in references}

    def view(self) -> View:
        return View(
            self.groups, self.lanes, {"default/gw": {}}, self.services, self.pods, dict(self.generated)
        )

    def writes(self, version: tuple[int, ...] = NEW) -> list[lane_objects.Write]:
        return decide(self.view(), Meanings(version)).writes

    def apply(self, write: lane_objects.Write) -> None:
        key = lane_objects.key_of(write.obj)
        assert (key in self.generated) == (write.verb != "create"), write
        if write.verb == "delete":
            del self.generated[key]
        else:
            self.generated[key] = copy.deepcopy(write.obj)

    def converge(self) -> Iterator[lane_objects.Write]:
        """Rounds of writes, each write applied before it is yielded, until nothing is left to do."""
        for _round in range(4):
            writes = self.writes()
            if not writes:
                return
            for write in writes:
                self.apply(write)
                yield write
        raise AssertionError(f"does not come to rest: {self.writes()}")

    def dangling(self) -> list[tuple[str, str, str]]:
        """Subsets that a route refers to and no DestinationRule has."""
        objects = list(self.generated.values())
        subsets = {
            (obj["metadata"]["labels"][routing.GROUP_LABEL], obj["spec"]["host"], subset["name"])
            for obj in objects
            if obj["kind"] == "DestinationRule"
            for subset in obj["spec"]["subsets"]
        }
        return sorted(lane_objects._referenced(objects) - subsets)


def by_key(objects: list[Obj]) -> dict[lane_objects.Key, Obj]:
    return {lane_objects.key_of(obj): obj for obj in objects}


@given(GROUPS)
@settings(max_examples=30, deadline=None)
def test_a_group_survives_the_way_through_the_resources(group: model.LaneGroup) -> None:
    first, *lanes = resources(group)
    assert records.to_group(first, lanes) == group


@given(PAIRS, st.integers(0, 30))
@settings(max_examples=40, deadline=None)
def test_every_change_arrives_and_no_route_ever_dangles(
    pair: tuple[model.LaneGroup, model.LaneGroup], stop: int
) -> None:
    before, after = pair
    mesh = Mesh(before)
    for _unused in mesh.converge():
        assert mesh.dangling() == []
    mesh.set(after)
    for number, _unused in enumerate(mesh.converge()):
        assert mesh.dangling() == []
        if number == stop:  # the controller dies here and begins anew
            break
    for _unused in mesh.converge():
        assert mesh.dangling() == []
    assert mesh.generated == by_key(lane_objects.desired(after, mesh.services, NEW))
    assert mesh.writes() == []
    mesh.set()
    for _unused in mesh.converge():
        assert mesh.dangling() == []
    assert mesh.generated == {}


GUIDE = words.parse(
    {
        "name": "ws",
        "mode": "permissive",
        "route_header": "version",
        "trace_header": "baggage",
        "gateway_rule": {"name": "gw", "namespace": "default"},
        "services": ["default/wsk-svc", "default/helloworld"],
        "baseline": "base",
        "lanes": [
            {
                "name": "base",
                "label_selector": {"version": "v1"},
                "services": ["default/wsk-svc", "default/helloworld"],
            },
            {"name": "v1", "label_selector": {"version": "v1"}, "services": ["default/helloworld"]},
            {"name": "v2", "label_selector": {"version": "v2"}, "services": ["default/helloworld"]},
        ],
    }
)


def test_what_the_guides_group_means() -> None:
    mesh = Mesh(GUIDE)
    assert [(write.verb, *lane_objects.key_of(write.obj)) for write in mesh.writes()] == [
        ("create", "DestinationRule", "istio-system", "trafficlabel-dr-ws-default-helloworld"),
        ("create", "DestinationRule", "istio-system", "trafficlabel-dr-ws-default-wsk-svc"),
        ("create", "ASMHeaderPropagation", "default", "asm-swimlane-ws-helloworld"),
        ("create", "ASMHeaderPropagation", "default", "asm-swimlane-ws-wsk-svc"),
        ("create", "VirtualService", "istio-system", "trafficlabel-vs-ws-default-helloworld"),
        ("create", "VirtualService", "istio-system", "trafficlabel-vs-ws-default-wsk-svc"),
    ]
    assert [write.obj["kind"] for write in mesh.writes(OLD)].count("ASMHeaderPropagation") == 0


def test_trace_ids_make_traffic_labels() -> None:
    group = words.parse({**words.as_spec(GUIDE), "trace_header": "my-trace-id"})
    kinds = [write.obj["kind"] for write in Mesh(group).writes()]
    assert (kinds.count("TrafficLabel"), kinds.count("ASMHeaderPropagation")) == (2, 0)


def converged(*groups: model.LaneGroup) -> Mesh:
    mesh = Mesh(*groups)
    assert list(mesh.converge())
    return mesh


def test_a_lane_that_goes_leaves_its_subset_until_its_route_is_gone() -> None:
    mesh = converged(GUIDE)
    mesh.set(GUIDE.without_lane("v2"))
    name = "trafficlabel-vs-ws-default-helloworld"
    [route] = mesh.writes()
    assert (route.verb, route.obj["metadata"]["name"]) == ("replace", name)
    mesh.apply(route)
    [rule] = mesh.writes()
    assert (rule.verb, rule.obj["kind"]) == ("replace", "DestinationRule")
    assert [subset["name"] for subset in rule.obj["spec"]["subsets"]] == ["base", "v1"]


def test_edits_are_undone_and_other_labels_kept() -> None:
    mesh = converged(GUIDE)
    for obj in mesh.generated.values():
        obj["metadata"]["labels"]["team"] = "a"
        obj["metadata"]["resourceVersion"] = "7"
    assert mesh.writes() == []
    edited = next(obj for obj in mesh.generated.values() if obj["kind"] == "VirtualService")
    edited["spec"]["http"] = []
    [write] = mesh.writes()
    assert write.obj["spec"]["http"]
    assert write.obj["metadata"]["labels"]["team"] == "a"
    assert write.obj["metadata"]["resourceVersion"] == "7"


def test_objects_of_others_are_left_alone() -> None:
    mesh = converged(GUIDE)
    key = ("VirtualService", "istio-system", "trafficlabel-vs-ws-default-helloworld")
    mesh.generated[key]["metadata"]["labels"] = {}
    mesh.generated[key]["spec"] = {"hosts": ["mine"]}
    assert mesh.writes() == []
    [(_unused, status), *_unused] = decide(mesh.view(), Meanings(NEW)).statuses
    assert status["status"] == "Error"
    assert "VirtualService istio-system/trafficlabel-vs-ws-default-helloworld exists" in status["error"]
    mesh.set()
    assert list(mesh.converge())
    assert list(mesh.generated) == [key]


@pytest.mark.parametrize(
    "change", [{"routeHeader": None}, {"routeHeader": "baggage"}, {"routeHeader": "a b"}]
)
def test_a_group_that_means_nothing_keeps_its_routing(change: Obj) -> None:
    mesh = converged(GUIDE)
    mesh.groups[0]["spec"]["permissiveModeConfiguration"] |= change
    assert mesh.writes() == []
    [(_unused, status), *_unused] = decide(mesh.view(), Meanings(NEW)).statuses
    assert status["status"] == "Error"
    assert "route" in status["error"]


def test_two_groups_do_not_touch_each_other() -> None:
    other = words.parse({**words.as_spec(GUIDE), "name": "other"})
    mesh = converged(GUIDE, other)
    mine = converged(GUIDE).generated
    mesh.set(GUIDE)
    assert {write.verb for write in mesh.converge()} == {"delete"}
    assert mesh.generated == mine


def statuses(mesh: Mesh) -> dict[str, Obj]:
    return {obj["metadata"]["name"]: status for obj, status in decide(mesh.view(), Meanings(NEW)).statuses}


def codes(status: Obj) -> list[tuple[str, str]]:
    return [(message["code"], message["level"]) for message in status["validationMessage"]]


def test_a_remembered_meaning_is_that_of_the_present_parts() -> None:
    mesh, meanings = Mesh(GUIDE), Meanings(NEW)

    def remembered() -> list[lane_objects.Write]:
        writes = decide(mesh.view(), meanings).writes
        assert writes == mesh.writes() == decide(mesh.view(), meanings).writes
        return writes

    assert len(remembered()) == 6
    mesh.services["default/wsk-svc"] = service(model.ServiceRef("default", "wsk-svc"), tier="front")
    selector = {"workloadSelector": {"labels": {"tier": "front"}}, "headers": ["version"]}
    assert selector in [write.obj["spec"] for write in remembered()]
    del mesh.services["default/wsk-svc"]
    assert len(remembered()) == 5
    mesh.lanes.pop()
    remembered()
    mesh.groups[0] = copy.deepcopy(mesh.groups[0])
    mesh.groups[0]["spec"]["permissiveModeConfiguration"]["routeHeader"] = "x-lane"
    assert "x-lane" in str(remembered())
    mesh.set()
    assert remembered() == []


def populated() -> Mesh:
    mesh = Mesh(GUIDE)
    mesh.pods = [
        pod("default", "wsk", app="wsk-svc", version="v1", tier="front"),
        pod("default", "hello-1", app="helloworld", version="v1", **{"pod-template-hash": "1"}),
        pod("default", "hello-2", app="helloworld", version="v2", **{"pod-template-hash": "2"}),
        pod("other", "hello-3", app="helloworld", version="v3"),
    ]
    return mesh


def test_status_of_a_sound_group() -> None:
    found = statuses(populated())
    assert found["ws"]["status"] == "Ready"
    assert found["ws"]["error"] == ""
    services = found["ws"]["servicesInSwimLaneGroup"]
    assert services["commonLabels"] == {"app": ["helloworld", "wsk-svc"], "version": ["v1", "v2"]}
    assert services["serviceSummaries"]["default/helloworld"] == {
        "serviceSelector": {"app": "helloworld"},
        "podLabels": {"app": ["helloworld"], "version": ["v1", "v2"]},
    }
    assert {name: codes(found[name]) for name in ("ws-base", "ws-v1", "ws-v2")} == {
        "ws-base": [],
        "ws-v1": [],
        "ws-v2": [],
    }


def test_status_of_lanes_with_trouble() -> None:
    mesh = populated()
    del mesh.services["default/wsk-svc"]
    mesh.pods[2]["status"] = {"phase": "Failed"}
    base, _unused, v2 = mesh.lanes
    base["spec"]["services"].append({"name": "extra", "namespace": "default"})
    found = statuses(mesh)
    assert codes(found["ws-base"]) == [("ServiceNotFound", "error"), ("ServiceNotInGroup", "error")]
    assert codes(found["ws-v2"]) == [("NoWorkload", "warning")]
    assert "version=v2" in found["ws-v2"]["validationMessage"][0]["message"]
    base["spec"]["services"] = base["spec"]["services"][:1]
    v2["spec"]["ingressRules"] = [{"name": "r1", "route": {"destination": {"host": "a.b.svc.cluster.local"}}}]
    found = statuses(mesh)
    assert ("BaselineIncomplete", "error") in codes(found["ws-base"])
    assert ("IngressRule", "error") in codes(found["ws-v2"])
    mesh.groups[0]["spec"]["isPermissive"] = False
    assert ("LaneIncomplete", "error") in codes(statuses(mesh)["ws-v2"])


def test_status_of_lanes_that_take_part_in_nothing() -> None:
    mesh = populated()
    twin = copy.deepcopy(mesh.lanes[2])
    twin["metadata"]["name"] = "zz-twin"
    lost = copy.deepcopy(mesh.lanes[2])
    lost["metadata"] = {"name": "lost", "labels": {}}
    mesh.lanes += [twin, lost]
    found = statuses(mesh)
    assert found["zz-twin"]["error"] == "lane group ws has another lane v2"
    assert found["lost"]["error"] == "lane group (none named) does not exist"
    assert found["ws-v2"]["error"] == ""


def test_a_gateway_rule_that_is_missing_is_told() -> None:
    mesh = populated()
    mesh.groups[0]["spec"]["ingress"]["gateway"]["name"] = "nowhere"
    found = statuses(mesh)
    assert found["ws"]["error"] == "gateway rule default/nowhere does not exist"
    assert mesh.writes()


JSON = st.recursive(
    st.booleans() | st.text(max_size=3) | st.lists(st.integers(), max_size=2),
    lambda inner: st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=8,
)
OBJECTS = st.dictionaries(st.sampled_from("abc"), JSON, max_size=3)


@given(OBJECTS, OBJECTS)
def test_the_status_patch_leads_from_old_to_new(old: Obj, new: Obj) -> None:
    patch = merge_patch(old, new)
    assert (patch == {}) == (old == new)
    assert patches.merge_patch(copy.deepcopy(old), patch) == new
