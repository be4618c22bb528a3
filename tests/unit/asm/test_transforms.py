"""What goes over the wire for each change, and what is made of the answers."""

from __future__ import annotations

import pytest
from ansible_collections.asm.lanes.plugins.module_utils._asm.transforms import (
    AnswerError,
    Cluster,
    Objection,
    call_for,
    group_from_answer,
    kept_parameters,
    objections_from_answer,
)
from ansible_collections.asm.lanes.plugins.module_utils._lanes.model import merge
from ansible_collections.asm.lanes.plugins.module_utils._lanes.plan import make_absent_plan, make_plan
from ansible_collections.asm.lanes.plugins.module_utils._lanes.words import as_spec, parse

CLUSTER = Cluster("demo", "c-1")
SPEC = {
    "name": "ws",
    "mode": "permissive",
    "route_header": "version",
    "trace_header": "baggage",
    "gateway_rule": {"name": "ws-gateway", "namespace": "default"},
    "services": ["default/a", "default/b"],
    "baseline": "base",
    "service_fallback": {"default/b": "v2"},
    "lanes": [
        {"name": "base", "label_selector": {"version": "v1"}, "services": ["default/a", "default/b"]},
        {"name": "v2", "label_selector": {"version": "v2"}, "services": ["default/b"]},
    ],
}
BOTH = '["demo/c-1/default/a","demo/c-1/default/b"]'
GROUP_ANSWER = {
    "GroupName": "ws",
    "IsPermissive": True,
    "RouteHeader": "version",
    "TraceHeader": "baggage",
    "IngressGatewayName": "ws-gateway",
    "ServiceList": BOTH,
    "FallbackTarget": "base",
    "ServiceLevelFallbackTarget": '{"default/b":"v2"}',
}
LANE_ANSWERS = [
    {"Name": "base", "LabelSelectorKey": "version", "LabelSelectorValue": "v1", "ServiceList": BOTH},
    {
        "Name": "v2",
        "LabelSelectorKey": "version",
        "LabelSelectorValue": "v2",
        "ServiceList": '["demo/c-1/default/b"]',
    },
]


def test_the_calls_that_make_a_group():
    calls = [call_for(change, "ws", CLUSTER) for change in make_plan(None, parse(SPEC)).changes]
    assert [(call.action, call.object, call.parameters) for call in calls] == [
        (
            "CreateSwimLaneGroup",
            "lane group ws",
            {
                "group_name": "ws",
                "services_list": BOTH,
                "ingress_type": "ASM",
                "ingress_gateway_name": "ws-gateway",
                "ingress_gateway_namespace": "default",
                "is_permissive": True,
                "route_header": "version",
                "trace_header": "baggage",
            },
        ),
        (
            "CreateSwimLane",
            "lane base of lane group ws",
            {
                "group_name": "ws",
                "swim_lane_name": "base",
                "label_selector_key": "version",
                "label_selector_value": "v1",
                "services_list": BOTH,
            },
        ),
        (
            "UpdateSwimLaneGroup",
            "lane group ws",
            {"group_name": "ws", "services_list": BOTH, "fallback_target": "base"},
        ),
        (
            "CreateSwimLane",
            "lane v2 of lane group ws",
            {
                "group_name": "ws",
                "swim_lane_name": "v2",
                "label_selector_key": "version",
                "label_selector_value": "v2",
                "services_list": '["demo/c-1/default/b"]',
            },
        ),
        (
            "UpdateSwimLaneGroup",
            "lane group ws",
            {
                "group_name": "ws",
                "services_list": BOTH,
                "fallback_target": "base",
                "service_level_fallback_target": '{"default/b":"v2"}',
            },
        ),
    ]


def test_the_calls_that_remove_a_group_need_no_cluster():
    group = parse({**SPEC, "service_fallback": {}})
    calls = [call_for(change, "ws", None) for change in make_absent_plan(group).changes]
    assert [(call.action, call.parameters) for call in calls] == [
        ("DeleteSwimLane", {"group_name": "ws", "swim_lane_name": "v2"}),
        ("DeleteSwimLane", {"group_name": "ws", "swim_lane_name": "base"}),
        ("DeleteSwimLaneGroup", {"group_name": "ws"}),
    ]


def test_fallbacks_are_cleared_before_the_lanes_go():
    calls = [call_for(change, "ws", CLUSTER) for change in make_absent_plan(parse(SPEC)).changes]
    assert [call.action for call in calls] == [
        "UpdateSwimLaneGroup",
        "DeleteSwimLane",
        "DeleteSwimLane",
        "DeleteSwimLaneGroup",
    ]
    assert calls[0].parameters["service_level_fallback_target"] == "{}"


def test_fallbacks_can_be_cleared():
    change = make_plan(parse(SPEC), parse({"name": "ws", "service_fallback": {}})).changes[0]
    assert call_for(change, "ws", CLUSTER).parameters["service_level_fallback_target"] == "{}"


def test_an_update_keeps_the_ingress_routing():
    kept = kept_parameters(
        {**GROUP_ANSWER, "IngressRoutingStrategy": "weighted", "WeightedIngressRule": "{}"}
    )
    change = make_plan(parse(SPEC), parse({"name": "ws", "service_fallback": {}})).changes[0]
    parameters = call_for(change, "ws", CLUSTER, kept).parameters
    assert parameters["ingress_routing_strategy"] == "weighted"
    assert parameters["weighted_ingress_rule"] == "{}"


def test_what_is_written_reads_back_the_same():
    wanted = {**SPEC, "gateway_rule": {"name": "ws-gateway"}}  # its namespace is not returned
    assert as_spec(group_from_answer(GROUP_ANSWER, LANE_ANSWERS)) == as_spec(merge(None, parse(wanted)))


def test_a_strict_group():
    answer = {
        "GroupName": "s",
        "IsPermissive": False,
        "RouteHeader": "",
        "ServiceList": "",
        "FallbackTarget": "",
    }
    assert as_spec(group_from_answer(answer, [])) == {
        "name": "s",
        "mode": "strict",
        "services": [],
        "service_fallback": {},
        "ingress_routing": {"strategy": "rule_based"},
        "lanes": [],
    }


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("ServiceList", "[", "ServiceList is not JSON"),
        ("ServiceList", '{"a": 1}', "ServiceList is not a JSON list"),
        ("ServiceList", '["default/a"]', "ServiceList has 'default/a'"),
        ("ServiceLevelFallbackTarget", '["a"]', "is not a JSON dict"),
        ("ServiceLevelFallbackTarget", '{"a.default": "v2"}', "has the key 'a.default'"),
    ],
)
def test_answers_that_cannot_be_understood_are_named(field, value, words):
    with pytest.raises(AnswerError, match=words):
        group_from_answer({**GROUP_ANSWER, field: value}, LANE_ANSWERS)


@pytest.mark.parametrize("text", [None, "", "null", "[]", '""'])
def test_no_objection(text):
    assert objections_from_answer(text) == ()


@pytest.mark.parametrize(
    ("text", "objections"),
    [
        ("service default/x does not exist", [Objection("service default/x does not exist")]),
        ('"quoted"', [Objection("quoted")]),
        ("[not json", [Objection("[not json")]),
        ('[{"code": "C1", "level": "error", "message": "no such service"}]', [Objection("no such service")]),
        (
            '[{"level": "warning", "message": "no pods"}, {"code": "C2"}]',
            [Objection("no pods", serious=False), Objection("C2")],
        ),
    ],
)
def test_objections(text, objections):
    assert objections_from_answer(text) == tuple(objections)
