"""What counts as an edit of a generated object, and what is only written differently."""

from __future__ import annotations

import pytest
from ansible_collections.asm.lanes.plugins.module_utils._drift import report
from ansible_collections.asm.lanes.plugins.module_utils._drift.facts import Mesh

from .objects import facts, guide, mesh_of, spoilt

HELLO = "helloworld.default.svc.cluster.local"
ROUTES, SUBSETS = "trafficlabel-vs-ws-default-helloworld", "trafficlabel-dr-ws-default-helloworld"


def reverse_lanes(spec):
    spec["http"][:-1] = reversed(spec["http"][:-1])


def mesh_by_name(spec):
    spec["hosts"] = ["helloworld.default.svc.cluster.local"]
    spec["gateways"] = ["mesh"]


def policies(spec):
    spec["http"][0] |= {"timeout": "3s", "retries": {"attempts": 2}, "name": "lane v1"}


def base_by_name(spec):
    """The baseline's own lane by its header, which the last route would do anyway."""
    match = {"headers": {"version": {"exact": "base"}}, "uri": {"prefix": "/"}}
    spec["http"].insert(0, {"match": [match], "route": spec["http"][-1]["route"]})


def unreachable(spec):
    spec["http"].append({"route": [{"destination": {"host": "elsewhere"}}]})


def weight_of_one(spec):
    spec["http"][-1]["route"][0]["weight"] = 100


def delegated(spec):
    del spec["hosts"]


@pytest.mark.parametrize(
    "spoil", [reverse_lanes, mesh_by_name, policies, base_by_name, unreachable, weight_of_one, delegated]
)
def test_written_differently_is_no_edit(spoil):
    assert spoilt(guide(), "VirtualService", ROUTES, spoil) == []


def no_fallback(spec):
    del spec["http"][0]["route"][0]["fallback"]


def split(spec):
    route = spec["http"][-1]["route"]
    spec["http"][-1]["route"] = [
        {**route[0], "weight": 90},
        {"destination": {"host": HELLO, "subset": "v2"}, "weight": 10},
    ]


def no_default(spec):
    spec["http"].pop()


def default_first(spec):
    spec["http"].insert(0, spec["http"].pop())


def conditional(spec):
    target = {"host": HELLO, "subset": "v2"}
    spec["http"].insert(
        0, {"match": [{"headers": {"x-debug": {"exact": "1"}}}], "route": [{"destination": target}]}
    )


def other_host(spec):
    spec["hosts"] = ["other.example"]


def at_gateway(spec):
    spec["gateways"] = ["default/ws-gateway"]


@pytest.mark.parametrize(
    ("spoil", "fields"),
    [
        (no_fallback, ["http[headers.version exact v1]"]),
        (split, ["http[any other request]"]),
        (no_default, ["http[any other request]"]),
        (default_first, ["http[headers.version exact v1]", "http[headers.version exact v2]"]),
        (conditional, ["http[headers.x-debug exact 1]"]),
        (other_host, ["hosts"]),
        (at_gateway, ["gateways"]),
    ],
)
def test_edits_of_routes_are_warnings_that_name_the_place(spoil, fields):
    found = spoilt(guide(), "VirtualService", ROUTES, spoil)
    edits = [one for one in found if one.kind.name == "generated_edited"]
    assert [one.field for one in edits] == fields
    assert {(one.level, one.inferred, one.object) for one in edits} == {
        ("warning", True, f"VirtualService istio-system/{ROUTES}")
    }


def test_a_general_route_before_a_special_one_is_an_edit_of_the_order():
    target = {"service": "default/wsk-svc", "port": 5000}
    rules = [
        {"name": "a", "match": {"headers": {"x-a": {"exact": "1"}}}, "destination": target},
        {"name": "b", "match": {"headers": {"x-b": {"exact": "1"}}}, "destination": target},
    ]
    lanes = [
        {
            "name": name,
            "label_selector": {"version": name},
            "services": ["default/wsk-svc", "default/helloworld"],
            "ingress_rules": [rule],
            "ingress_weight": {},
        }
        for name, rule in zip(("base", "v2"), rules, strict=True)
    ]
    group = guide(lanes=lanes)
    [finding] = spoilt(
        group, "VirtualService", "swimlane-ingress-vs-ws-0", lambda spec: spec["http"].reverse()
    )
    assert finding.field == "http order"
    assert finding.found == ["headers.x-b exact 1", "headers.x-a exact 1"]


def test_edits_of_subsets():
    def spoil(spec):
        spec["subsets"][0]["labels"] = {"version": "v9"}
        spec["subsets"].append({"name": "mine", "labels": {}})
        spec["trafficPolicy"] = {"loadBalancer": {"simple": "LEAST_REQUEST"}}

    found = spoilt(guide(), "DestinationRule", SUBSETS, spoil)
    assert [(one.field, one.wanted, one.found) for one in found] == [
        ("subsets[base]", {"version": "v1"}, {"version": "v9"}),
        ("subsets[mine]", None, {}),
    ]


def test_edits_of_what_carries_the_lane():
    def spoil(spec):
        spec["headers"] = ["other"]
        spec["workloadSelector"]["labels"]["app"] = "other"

    found = spoilt(guide(), "ASMHeaderPropagation", "asm-swimlane-ws-helloworld", spoil)
    assert [one.field for one in found] == ["headers", "workloadSelector.labels"]
    found = spoilt(
        guide(trace_header="my-trace-id"),
        "TrafficLabel",
        "asm-swimlane-ws-helloworld",
        lambda spec: spec.update(rules=[]),
    )
    assert [(one.field, one.inferred) for one in found] == [("rules", False)]


def test_a_rule_of_another_name_for_the_same_host_counts():
    """Only the VirtualService's name is documented."""
    mesh = mesh_of(guide())
    for obj in mesh.of("DestinationRule"):
        obj["metadata"]["name"] += "-otherwise"
    assert report.check(guide(), facts(guide(), mesh)).findings == ()


def test_a_mesh_without_the_kinds_of_baggage_mode_is_not_blamed():
    whole = mesh_of(guide())
    objects = {kind: found for kind, found in whole.objects.items() if kind.endswith(("Rule", "Service"))}
    assert report.check(guide(), facts(guide(), Mesh(whole.groups, objects))).findings == ()


def test_what_is_missing_is_an_error_where_documented_else_a_warning():
    found = report.check(
        guide(), facts(guide(), Mesh(frozenset({"ws"}), {kind: [] for kind in mesh_of().objects}))
    )
    levels = {(one.object.split()[0], one.level) for one in found.findings}
    assert levels == {
        ("DestinationRule", "error"),
        ("VirtualService", "error"),
        ("ASMHeaderPropagation", "warning"),
    }
    assert {one.kind.name for one in found.findings} == {"generated_missing"}
