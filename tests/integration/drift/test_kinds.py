"""Every kind of drift, twenty times each: found and rightly named; nothing on twenty clean groups.

``DRIFT_CASES`` sets another number of cases of each kind.
"""

from __future__ import annotations

import asyncio
import os

import pytest

from .cases import Case, Mutation
from .mutations import WAYS
from .world import World

CASES = int(os.environ.get("DRIFT_CASES", "20"))

# What a seeded drift entails besides. ASM warns of a lane without pods, and has nothing left to object to
# in a group that is gone.
ENTAILED = {"subset_without_pods": {("validation_message", "warning")}}


def check_clean(world: World, cases: list[Case]) -> None:
    for case in cases:
        drift = world.drift(case.group)
        assert drift.findings == (), [finding.as_dict() for finding in drift.findings]
        assert drift.skips == ()


def test_nothing_on_twenty_clean_groups(world: World, cases: list[Case]) -> None:
    assert len(cases) == 20
    check_clean(world, cases)


@pytest.mark.parametrize("kind", WAYS)
def test_every_case(world: World, cases: list[Case], kind: str) -> None:
    asm_works, ways = WAYS[kind]
    count = 0
    try:
        for way in ways:
            count += one_round(world, cases, kind, way, asm_works, CASES - count)
    finally:
        world.start_asm()
        world.settle()
    assert count == CASES


def one_round(world: World, cases: list[Case], kind: str, way: Mutation, asm_works: bool, wanted: int) -> int:
    """Spoil all groups in one way, look at some, undo it; at how many of ``wanted`` it could look."""
    if not wanted:
        return 0
    world.stop_asm()  # also where it works: one look at all changes is cheaper than a look at each

    async def spoil() -> list[list[str] | None]:
        return await asyncio.gather(*(way(case) for case in cases))

    async def undo() -> None:
        await asyncio.gather(*(case.undo() for case in cases))

    try:
        told = world.wait(spoil())
        if asm_works:
            world.start_asm()
            world.settle()
        spoilt = [(case, objects) for case, objects in zip(cases, told, strict=True) if objects][:wanted]
        for case, objects in spoilt:
            check(world, case, kind, objects)
    finally:
        world.stop_asm()
        world.wait(undo())
    return len(spoilt)


def check(world: World, case: Case, kind: str, objects: list[str]) -> None:
    found = [finding.as_dict() for finding in world.drift(case.group).findings]
    mine = [finding for finding in found if finding["kind"] == kind]
    others = {(f["kind"], f["severity"]) for f in found if f["kind"] != kind}
    assert others <= ENTAILED.get(kind, set()), found
    assert set(objects) <= {finding["object"] for finding in mine}, found
    assert all(finding["remedy"] and finding["wanted"] != finding["found"] for finding in mine)
