"""The plan: it arrives, it never passes through nonsense, and it converges from anywhere."""

from __future__ import annotations

import functools

import pytest
from ansible_collections.asm.lanes.plugins.module_utils._lanes import model, plan, problems, words
from hypothesis import given
from unit.lanes.strategies import groups, pairs


def states(steps: plan.Plan) -> list[model.LaneGroup | None]:
    """Every state that the plan passes through, the first and the last included."""
    seen = [steps.before]
    for change in steps.changes:
        seen.append(plan.apply_change(seen[-1], change))
    return seen


def dangling(group: model.LaneGroup) -> list[str]:
    """References that lead nowhere: what an intermediate state must never contain."""
    found = [
        f"{lane.name} has foreign {service}"
        for lane in group.lanes or ()
        for service in lane.services
        # A strict group narrows before its lanes (see the module): what a lane still has is then unused.
        if group.permissive and service not in (group.services or ())
    ]
    if group.baseline and not group.lane(group.baseline):
        found.append(f"baseline {group.baseline} does not exist")
    for service, name in group.service_fallback or ():
        lane = group.lane(name)
        if lane is None or service not in lane.services:
            found.append(f"fallback {service} -> {name}")
    return found


@given(groups())
def test_creation_arrives_and_is_then_unchanged(wanted: model.LaneGroup) -> None:
    steps = plan.make_plan(None, wanted)
    assert states(steps)[-1] == wanted
    assert plan.make_plan(wanted, wanted).changes == ()


@given(pairs())
def test_update_arrives_and_returns(pair: tuple[model.LaneGroup, model.LaneGroup]) -> None:
    one, other = pair
    assert states(plan.make_plan(one, other, purge_lanes=True))[-1] == other
    assert states(plan.make_plan(other, one, purge_lanes=True))[-1] == one


@given(pairs())
def test_no_state_on_the_way_refers_to_nothing(pair: tuple[model.LaneGroup, model.LaneGroup]) -> None:
    for state in states(plan.make_plan(*pair, purge_lanes=True)):
        assert state is not None
        assert dangling(state) == []


@given(pairs())
def test_a_strict_lane_is_only_written_with_all_services_of_its_group(
    pair: tuple[model.LaneGroup, model.LaneGroup],
) -> None:
    steps = plan.make_plan(*pair, purge_lanes=True)
    for state, change in zip(states(steps)[1:], steps.changes, strict=True):
        assert state is not None
        if not state.permissive and isinstance(change.after, model.Lane):
            assert change.after.services == state.services


@given(pairs())
def test_every_prefix_converges(pair: tuple[model.LaneGroup, model.LaneGroup]) -> None:
    one, other = pair
    for state in states(plan.make_plan(one, other, purge_lanes=True)):
        assert states(plan.make_plan(state, other, purge_lanes=True))[-1] == other
    for state in states(plan.make_plan(None, other)):
        assert states(plan.make_plan(state, other, purge_lanes=True))[-1] == other


@given(pairs())
def test_a_permissive_group_keeps_a_complete_baseline(pair: tuple[model.LaneGroup, model.LaneGroup]) -> None:
    """Once a baseline answers for a service that both groups have, it answers at every step."""
    one, other = pair
    shared = set(one.services or ()) & set(other.services or ())
    for state in states(plan.make_plan(one, other, purge_lanes=True)):
        assert state is not None
        if state.permissive:
            baseline = state.lane(state.baseline)
            assert baseline is not None
            assert shared <= set(baseline.services)


@given(groups())
def test_removal_ends_with_the_group_and_the_baseline_goes_last(group: model.LaneGroup) -> None:
    steps = plan.make_absent_plan(group)
    assert states(steps)[-1] is None
    assert steps.changes[-1].action == plan.DELETE_GROUP
    if group.baseline:
        assert steps.changes[-2].name == group.baseline
    assert plan.make_absent_plan(None).changes == ()


@given(groups())
def test_no_lane_is_removed_while_something_falls_back_to_it(group: model.LaneGroup) -> None:
    for state in states(plan.make_absent_plan(group))[:-1]:
        assert state is not None
        assert {lane for _service, lane in state.service_fallback or ()} <= {
            lane.name for lane in state.lanes or ()
        }


@given(pairs())
def test_without_purge_foreign_lanes_stay(pair: tuple[model.LaneGroup, model.LaneGroup]) -> None:
    one, other = pair
    try:
        steps = plan.make_plan(one, other)
    except problems.SpecError:
        return  # a kept lane may not fit the wanted services: refused, see the test below
    assert {lane.name for lane in one.lanes or ()} <= {lane.name for lane in steps.after.lanes or ()}  # type: ignore[union-attr]
    assert plan.DELETE_LANE not in {change.action for change in steps.changes}


def test_the_guide_in_five_changes(guide_spec: dict[str, object]) -> None:
    steps = plan.make_plan(None, words.parse(guide_spec))
    assert [change.describe() for change in steps.changes] == [
        "create group ws",
        "create lane base",
        "update group ws: baseline none -> base",
        "create lane v1",
        "create lane v2",
    ]


def test_one_more_service_is_said_in_one_line(guide_spec: dict[str, object]) -> None:
    current = words.parse(guide_spec)
    lanes = [dict(lane) for lane in guide_spec["lanes"]]  # type: ignore[attr-defined]
    lanes[2]["services"] = ["default/helloworld", "default/wsk-svc"]
    steps = plan.make_plan(current, words.parse({"name": "ws", "lanes": lanes}))
    assert [change.describe() for change in steps.changes] == ["update lane v2: services +default/wsk-svc"]


def test_omitted_fields_are_left_alone(guide_spec: dict[str, object]) -> None:
    current = words.parse(guide_spec)
    assert plan.make_plan(current, words.parse({"name": "ws"})).changes == ()


def test_create_only_fields_are_refused_with_both_values(guide_spec: dict[str, object]) -> None:
    current = words.parse(guide_spec)
    with pytest.raises(plan.CreateOnlyError) as refused:
        plan.make_plan(current, words.parse({**guide_spec, "route_header": "x-lane"}))
    assert refused.value.fields == (("route_header", "version", "x-lane"),)


def test_a_namespace_that_cannot_be_read_back_is_no_difference(guide_spec: dict[str, object]) -> None:
    current = functools.reduce(plan.apply_change, plan.make_plan(None, words.parse(guide_spec)).changes, None)
    unread = model.make_group(
        **{**vars(current), "gateway_rule": model.GatewayRule("ws-gateway", None)},
    )
    assert plan.make_plan(unread, words.parse(guide_spec)).changes == ()
