"""Who moves between two groups, worked out by hand and by the truth table."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from ansible_collections.asm.lanes.plugins.module_utils._lanes import model, moves, routing, words
from hypothesis import given
from unit.lanes.strategies import groups, pairs

TARGET = {"service": "default/wsk-svc", "port": 5000}


def group(spec: dict[str, Any], **change: Any) -> model.LaneGroup:
    return model.merge(None, words.parse({**spec, **change}))


def weighted(spec: dict[str, Any], **weights: int) -> model.LaneGroup:
    lanes = [
        {**lane, "ingress_weight": {"weight": weights[lane["name"]], "destination": TARGET}}
        for lane in spec["lanes"]
    ]
    return group(spec, lanes=lanes, ingress_routing={"strategy": "weighted"})


@given(pair=pairs())
def test_what_moves_is_what_differs_in_the_truth_tables(
    pair: tuple[model.LaneGroup, model.LaneGroup],
) -> None:
    one, other = pair
    told = {(move.entry, move.service) for move in moves.moves(one, other)}
    tables = [
        {(row.entry, row.service): (row.lane, dict(row.labels)) for row in routing.truth_table(state)}
        for state in pair
    ]
    both = tables[0].keys() & tables[1].keys()
    assert {key for key in both if tables[0][key] != tables[1][key]} == told & both


@given(one=groups())
def test_nothing_moves_where_nothing_changes(one: model.LaneGroup) -> None:
    assert moves.moves(one, one) == ()
    assert [shift for shift in moves.shifts(one, one) if shift.moves] == []


def test_a_new_group_moves_everything_and_a_service_that_is_gone_too(guide_spec: dict[str, Any]) -> None:
    guide = group(guide_spec)
    assert len(moves.moves(None, guide)) == len(routing.truth_table(guide)) == 8
    smaller = {**guide_spec, "services": ["default/wsk-svc"], "lanes": [guide_spec["lanes"][0]]}
    smaller["lanes"] = [{**smaller["lanes"][0], "services": ["default/wsk-svc"]}]
    gone = moves.moves(guide, group(smaller))
    assert {str(move.service) for move in gone} == {"default/helloworld"}
    assert {move.after for move in gone} == {None}


def test_a_new_label_moves_the_requests_of_its_lane(guide_spec: dict[str, Any]) -> None:
    lanes = [*guide_spec["lanes"][:2], {**guide_spec["lanes"][2], "label_selector": {"version": "v3"}}]
    [move] = moves.moves(group(guide_spec), group(guide_spec, lanes=lanes))
    assert move.as_dict() == {
        "entry": "v2",
        "service": "default/helloworld",
        "before": {"lane": "v2", "labels": {"version": "v2"}},
        "after": {"lane": "v2", "labels": {"version": "v3"}},
    }


def test_the_share_that_moves(guide_spec: dict[str, Any]) -> None:
    one, other = weighted(guide_spec, base=80, v1=0, v2=20), weighted(guide_spec, base=1, v1=1, v2=2)
    hello, wsk = moves.shifts(one, other)
    assert hello.moves == Fraction(55, 100)  # base 80 -> 25, v1 0 -> 25, v2 20 -> 50
    assert hello.as_dict()["after"] == {"base": 25.0, "v1": 25.0, "v2": 50.0}
    assert wsk.as_dict() == {
        "service": "default/wsk-svc",
        "before": {"base": 100.0},
        "after": {"base": 100.0},
        "moves": 0.0,
    }


def test_weights_begin_from_the_baseline(guide_spec: dict[str, Any]) -> None:
    hello = moves.shifts(group(guide_spec), weighted(guide_spec, base=3, v1=0, v2=1))[0]
    assert hello.as_dict() == {
        "service": "default/helloworld",
        "before": {"base": 100.0},
        "after": {"base": 75.0, "v2": 25.0},
        "moves": 25.0,
    }
    assert moves.shifts(group(guide_spec), group(guide_spec)) == ()
