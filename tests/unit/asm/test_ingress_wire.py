"""The way in at the gateway, in the OpenAPI's words."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible_collections.asm.lanes.plugins.module_utils._asm import ingress_wire
from ansible_collections.asm.lanes.plugins.module_utils._lanes import ingress
from hypothesis import given
from unit.lanes.strategies import groups

HOST = "mocka.default.svc.cluster.local"
# The documented example of a rule, which has no port.
DOCUMENTED: dict[str, Any] = {
    "Domains": ["*"],
    "RouteName": "r1",
    "MatchRequest": {
        "Headers": [{"Name": "X-Tag", "MatchingMode": "exact", "MatchingContent": "s1"}],
        "URI": {"MatchingMode": "exact", "MatchingContent": "/mock"},
    },
    "RouteDestinations": [{"Destination": {"Host": HOST, "Subset": "s1"}}],
}
WITH_PORT = {**DOCUMENTED, "RouteDestinations": [{"Destination": {"Host": HOST, "Port": {"Number": 8000}}}]}


@given(group=groups())
def test_a_strategy_survives_the_way_there_and_back(group):
    parameters = ingress_wire.routing_parameters(group.ingress_routing)
    answer = {
        "IngressRoutingStrategy": parameters["ingress_routing_strategy"],
        "WeightedIngressRule": parameters.get("weighted_ingress_rule"),
    }
    assert ingress_wire.routing_from_answer(answer) == group.ingress_routing


@pytest.mark.parametrize(
    ("answer", "routing"),
    [
        ({}, ingress.IngressRouting()),
        ({"IngressRoutingStrategy": ""}, ingress.IngressRouting()),
        ({"IngressRoutingStrategy": "random"}, None),
        ({"IngressRoutingStrategy": "weighted"}, ingress.IngressRouting("weighted", ("*",))),
        ({"IngressRoutingStrategy": "weighted", "WeightedIngressRule": "["}, None),
        (
            {
                "IngressRoutingStrategy": "weighted",
                "WeightedIngressRule": '{"MatchRequests":[{"URI":{"MatchingMode":"suffix"}}]}',
            },
            None,
        ),
    ],
)
def test_strategies_that_say_little_or_cannot_be_understood(answer, routing):
    assert ingress_wire.routing_from_answer(answer) == routing


@pytest.mark.parametrize("text", [None, "", "[]", "null"])
def test_no_rules(text):
    assert ingress_wire.rules_from_answer(text, weighted=False) == ()


def test_a_rule_without_a_port_is_only_known_to_be_there():
    assert ingress_wire.rules_from_answer(json.dumps([DOCUMENTED]), weighted=False) is None


def test_a_rule_with_a_port():
    [rule] = ingress_wire.rules_from_answer(json.dumps([WITH_PORT]), weighted=False)
    assert ingress.rule_as_spec(rule) == {
        "name": "r1",
        "hosts": ["*"],
        "match": {"uri": {"exact": "/mock"}, "headers": {"x-tag": {"exact": "s1"}}},
        "destination": {"service": "default/mocka", "port": 8000},
    }


def test_rules_that_are_not_in_force_are_not_told():
    assert ingress_wire.rules_from_answer(json.dumps([WITH_PORT]), weighted=True) is None


@pytest.mark.parametrize(
    ("key", "destination", "expected"),
    [
        ("WeightedIngressDestinatin", {"Host": HOST, "Port": {"Number": 80}}, 40),
        ("WeightedIngressDestination", {"Host": HOST, "Port": {"Number": 80}}, 40),
        ("WeightedIngressDestination", {"Host": HOST}, None),
    ],
)
def test_a_weight(key, destination, expected):
    item = {key: json.dumps({"RouteDestination": destination, "Weight": 40})}
    found = ingress_wire.weight_from_answer(item, weighted=True)
    assert (found and found[0].weight) == expected
    assert ingress_wire.weight_from_answer(item, weighted=False) == ()


def test_no_weight():
    none = json.dumps({"RouteDestination": {"Host": "", "Subset": "s1"}, "Weight": 0})
    assert ingress_wire.weight_from_answer({"WeightedIngressDestinatin": none}, weighted=True) == ()
    assert ingress_wire.weight_from_answer({}, weighted=True) is None
