"""Many groups in one run: a read for each and one for their list, and writes only where something differs."""

from __future__ import annotations

from dataclasses import replace

import pytest
from ansible_collections.asm.lanes.plugins.module_utils._asm.lane_group import Wish
from ansible_collections.asm.lanes.plugins.module_utils._lanes.model import make_lane
from ansible_collections.asm.lanes.plugins.module_utils._lanes.problems import SpecError
from ansible_collections.asm.lanes.plugins.module_utils._lanes.words import parse
from bench.lanes import make_groups, run_all, seed

GROUPS, LANES = 12, 3


@pytest.fixture
def groups(asm):
    made = make_groups(GROUPS, LANES)
    seed(asm, made)
    return made


def test_an_unchanged_run_reads_each_group_once(asm, groups):
    runs, _seconds = run_all(asm, [Wish(group, purge_lanes=True) for group in groups])
    assert [run.plan.changed for run in runs] == [False] * GROUPS
    stats = asm.api.stats.as_dict()
    assert stats["actions"] == {"GetSwimLaneGroupList": 1, "GetSwimLaneList": GROUPS}
    assert stats["writes"] == 0


def test_only_what_differs_is_written(asm, lanes, groups):
    new = make_lane("new", {"version": "new"}, groups[4].services)
    runs, _seconds = run_all(
        asm, [Wish(group) for group in [*groups[:4], groups[4].with_lane(new), *groups[5:]]]
    )
    assert [run.plan.changed for run in runs] == [number == 4 for number in range(GROUPS)]
    assert asm.writes == 1
    assert lanes.read("g4").lane("new").labels == {"version": "new"}


def test_nothing_is_written_when_one_wish_makes_no_sense(asm, groups):
    wishes = [Wish(replace(groups[0], lanes=())), Wish(parse({"name": "g1", "baseline": "nowhere"}))]
    with pytest.raises(SpecError, match="there is no lane 'nowhere'"):
        run_all(asm, [replace(wish, purge_lanes=True) for wish in wishes])
    assert asm.writes == 0
