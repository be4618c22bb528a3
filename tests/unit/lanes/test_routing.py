"""The truth table against the resources that shall bring it about."""

from __future__ import annotations

from typing import Any

from ansible_collections.asm.lanes.plugins.module_utils._lanes import model, routing, words
from hypothesis import given
from unit.lanes.strategies import groups

Resource = dict[str, Any]


def chosen_subset(virtual_service: Resource, headers: dict[str, str], source: dict[str, str]) -> str | None:
    """Istio's rule, written down a second time: the first route with a matching block wins."""
    for route in virtual_service["spec"]["http"]:
        blocks = route.get("match")
        if blocks is None or any(matches(block, headers, source) for block in blocks):
            subset: str | None = route["route"][0]["destination"].get("subset")
            return subset
    raise AssertionError("no default route")


def matches(block: Resource, headers: dict[str, str], source: dict[str, str]) -> bool:
    wanted = {name: rule["exact"] for name, rule in block.get("headers", {}).items()}
    return wanted.items() <= headers.items() and block.get("sourceLabels", {}).items() <= source.items()


@given(groups("permissive"))
def test_the_virtual_services_do_what_the_table_says(group: model.LaneGroup) -> None:
    by_host = {vs["spec"]["hosts"][0]: vs for vs in routing.virtual_services(group)}
    for row in routing.truth_table(group):
        headers = {} if row.entry is None else {str(group.route_header): row.entry}
        assert chosen_subset(by_host[row.service.host], headers, {}) == row.lane


@given(groups("permissive"))
def test_a_value_that_names_no_lane_is_no_value(group: model.LaneGroup) -> None:
    for service in group.services or ():
        assert routing.answering_lane(group, service, "v22") == routing.answering_lane(group, service, None)


@given(groups("strict"))
def test_strict_lanes_stay_among_themselves(group: model.LaneGroup) -> None:
    selectors = [lane.label_selector for lane in group.lanes or ()]
    for vs in routing.virtual_services(group):
        for lane in group.lanes or ():
            if selectors.count(lane.label_selector) == 1:
                assert chosen_subset(vs, {}, lane.labels) == lane.name
        assert chosen_subset(vs, {}, {"version": "other"}) is None


@given(groups())
def test_every_subset_that_is_routed_to_exists(group: model.LaneGroup) -> None:
    subsets = {
        dr["spec"]["host"]: {s["name"] for s in dr["spec"]["subsets"]}
        for dr in routing.destination_rules(group)
    }
    for vs in routing.virtual_services(group):
        for route in vs["spec"]["http"]:
            for leg in route["route"]:
                targets = [leg["destination"], *([leg["fallback"]["target"]] if "fallback" in leg else [])]
                for target in targets:
                    assert target.get("subset") is None or target["subset"] in subsets[target["host"]]


def test_the_guide(guide_spec: dict[str, Any]) -> None:
    table = {(r.entry, r.service.name): r.lane for r in routing.truth_table(words.parse(guide_spec))}
    assert table == {
        (None, "helloworld"): "base",
        (None, "wsk-svc"): "base",
        ("base", "helloworld"): "base",
        ("base", "wsk-svc"): "base",
        ("v1", "helloworld"): "v1",
        ("v1", "wsk-svc"): "base",
        ("v2", "helloworld"): "v2",
        ("v2", "wsk-svc"): "base",
    }


def test_propagation_follows_the_pair_of_headers(guide_spec: dict[str, Any]) -> None:
    selectors = {model.ServiceRef("default", "wsk-svc"): {"app": "wsk"}}

    def kinds(**change: str) -> list[str]:
        group = words.parse({**guide_spec, **change})
        made = [*routing.header_propagations(group, selectors), *routing.traffic_labels(group, selectors)]
        return [resource["kind"] for resource in made]

    assert kinds() == ["ASMHeaderPropagation"]
    assert kinds(trace_header="my-trace-id") == ["TrafficLabel"]
    assert kinds(trace_header="version") == []
