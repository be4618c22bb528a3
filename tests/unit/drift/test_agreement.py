"""Drift means what the rest of the collection means: no false alarm, and a plan where there is drift."""

from __future__ import annotations

import json

from ansible_collections.asm.lanes.plugins.module_utils._drift import compare, report
from ansible_collections.asm.lanes.plugins.module_utils._lanes import model, plan
from hypothesis import given
from unit.lanes.strategies import groups, pairs

from .objects import facts


@given(groups())
def test_a_mesh_as_the_group_means_it_has_no_drift(group):
    drift = report.check(group, facts(group))
    assert drift.findings == drift.skips == ()
    assert report.message("g", drift) == "lane group g: no drift"


@given(pairs())
def test_there_is_drift_exactly_where_there_is_a_plan(pair):
    current, wanted = pair
    found = compare.compare(wanted, current)
    assert bool(found) == plan.make_plan(current, wanted, purge_lanes=True).changed
    json.dumps([finding.as_dict() for finding in found])


@given(pairs())
def test_the_generated_objects_of_another_group_are_told_from_those_of_this_one(pair):
    """Whoever generates for other lanes is found, unless both route alike."""
    group, other = pair
    drift = report.check(group, facts(group, mesh=facts(other).mesh))
    told = {finding.kind.name for finding in drift.findings}
    assert told <= {"generated_missing", "generated_edited", "generated_orphaned"}
    if {service for lane in group.lanes for service in lane.services} != {
        service for lane in other.lanes for service in lane.services
    }:
        assert told


@given(groups())
def test_nothing_stated_is_nothing_compared(group):
    assert compare.compare(model.LaneGroup(group.name), group) == []
