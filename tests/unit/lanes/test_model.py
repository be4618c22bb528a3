"""Parsing and rules: every problem is named, with the way out."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.asm.lanes.plugins.module_utils._lanes import model, problems, rules, words
from hypothesis import given
from unit.lanes.strategies import groups


@given(groups())
def test_a_group_survives_its_own_words(group: model.LaneGroup) -> None:
    assert words.parse(words.as_spec(group)) == group
    rules.validate(group)


def paths(spec: dict[str, Any]) -> list[str]:
    """Where the problems are, after parsing and checking as a whole."""
    with pytest.raises(problems.SpecError) as refused:
        rules.validate(model.merge(None, words.parse(spec)))
    assert all(problem.message and problem.remedy for problem in refused.value.problems)
    return [problem.path for problem in refused.value.problems]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"name": "Ws"}, ["name"]),
        ({"name": ""}, ["name"]),
        ({"mode": "loose"}, ["mode"]),
        ({"route_header": "baggage"}, ["route_header"]),
        ({"route_header": "TraceParent"}, ["route_header"]),
        ({"route_header": "a b"}, ["route_header"]),
        ({"trace_header": "x:y"}, ["trace_header"]),
        ({"gateway_rule": {"name": "UP", "namespace": "-"}}, ["gateway_rule.name", "gateway_rule.namespace"]),
        ({"gateway_rule": None}, ["gateway_rule"]),
        ({"services": ["helloworld"]}, ["services[0]"]),
        ({"services": []}, ["services", *[f"lanes[{x}].services" for x in ("base", "base", "v1", "v2")]]),
        ({"baseline": None}, ["baseline"]),
        ({"baseline": "v9"}, ["baseline"]),
        ({"baseline": "v2"}, ["lanes[v2].services"]),
        ({"route_header": None, "trace_header": None}, ["route_header", "trace_header"]),
        ({"service_fallback": {"default/helloworld": "v9"}}, ["service_fallback[default/helloworld]"]),
        ({"service_fallback": {"default/wsk-svc": "v2"}}, ["service_fallback[default/wsk-svc]"]),
        ({"mode": "strict", "baseline": None}, ["lanes[v1].services", "lanes[v2].services"]),
        ({"mode": "strict"}, ["baseline", "lanes[v1].services", "lanes[v2].services"]),
    ],
)
def test_each_problem_is_named_where_it_is(
    guide_spec: dict[str, Any], change: dict[str, Any], expected: list[str]
) -> None:
    assert paths({**guide_spec, **change}) == expected


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"name": "V2"}, "lanes[V2].name"),
        ({"name": "v1"}, "lanes[v1]"),
        ({"services": ["default/other"]}, "lanes[v2].services"),
        ({"label_selector": {}}, "lanes[v2].label_selector"),
        ({"label_selector": {"a b": "v2"}}, "lanes[v2].label_selector"),
        ({"label_selector": {"version": "v 2"}}, "lanes[v2].label_selector[version]"),
    ],
)
def test_each_problem_of_a_lane_is_named(
    guide_spec: dict[str, Any], change: dict[str, Any], expected: str
) -> None:
    guide_spec["lanes"][2].update(change)
    assert expected in paths(guide_spec)


def test_all_problems_come_at_once(guide_spec: dict[str, Any]) -> None:
    guide_spec.update(name="W", mode="loose", route_header="baggage")
    assert paths(guide_spec) == ["name", "mode", "route_header"]


def ingress(**change: Any) -> dict[str, Any]:
    rule = {
        "name": "r1",
        "match": {"headers": {"x-user": {"exact": "jo"}}},
        "destination": {"service": "default/wsk-svc", "port": 5000},
    }
    return {**rule, **change}


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"ingress_rules": [ingress(name="")]}, "lanes[v2].ingress_rules[].name"),
        ({"ingress_rules": [ingress(), ingress()]}, "lanes[v2].ingress_rules[r1]"),
        ({"ingress_rules": [ingress(match={"uri": {}})]}, "lanes[v2].ingress_rules[r1].match.uri"),
        (
            {"ingress_rules": [ingress(match={"uri": {"exact": "/", "prefix": "/"}})]},
            "lanes[v2].ingress_rules[r1].match.uri",
        ),
        (
            {"ingress_rules": [ingress(match={"headers": {"a": {"regex": "("}}})]},
            "lanes[v2].ingress_rules[r1].match.headers[a]",
        ),
        (
            {"ingress_rules": [ingress(destination={"service": "wsk", "port": 5000})]},
            "lanes[v2].ingress_rules[r1].destination.service",
        ),
        (
            {"ingress_rules": [ingress(destination={"service": "default/x", "port": 5000})]},
            "lanes[v2].ingress_rules[r1].destination.service",
        ),
        (
            {"ingress_rules": [ingress(destination={"service": "default/wsk-svc", "port": 0})]},
            "lanes[v2].ingress_rules[r1].destination.port",
        ),
        (
            {"ingress_weight": {"weight": -1, "destination": ingress()["destination"]}},
            "lanes[v2].ingress_weight.weight",
        ),
        (
            {"ingress_weight": {"weight": 1, "destination": ingress()["destination"]}},
            "lanes[v2].ingress_weight",
        ),
    ],
)
def test_each_problem_at_the_gateway_is_named(
    guide_spec: dict[str, Any], change: dict[str, Any], expected: str
) -> None:
    guide_spec["lanes"][2].update(change)
    assert paths(guide_spec) == [expected]


def test_a_weighted_group_needs_weights_and_no_rules(guide_spec: dict[str, Any]) -> None:
    guide_spec["lanes"][2]["ingress_rules"] = [ingress()]
    guide_spec["ingress_routing"] = {"strategy": "weighted"}
    assert paths(guide_spec) == ["lanes[v2].ingress_rules", "ingress_routing"]


def test_an_unknown_strategy_is_named(guide_spec: dict[str, Any]) -> None:
    assert paths({**guide_spec, "ingress_routing": {"strategy": "random"}}) == ["ingress_routing.strategy"]
