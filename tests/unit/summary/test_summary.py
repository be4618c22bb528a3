"""What the callback says at the end of a playbook."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible_collections.asm.lanes.plugins.callback.summary import (
    AFTER_BAD_PROOF,
    NEXT,
    Step,
    next_step,
    summary,
)

PLAYBOOKS = Path(__file__).parents[3] / "playbooks"
PROOF = {"passed": True, "summary": "9 of 9 cases passed"}


def step(seconds: float = 0.0, changed: int = 0, failed: int = 0) -> Step:
    made = Step()
    made.seconds, made.changed, made.failed = seconds, changed, failed
    return made


def test_changes_steps_and_proof_in_plain_ascii() -> None:
    steps = {"": step(9), "lane_group": step(1.25, changed=1), "lane_proof": step(0.4)}
    told = {"asm_lanes_plan": ["create lane v2"], "asm_lanes_proof": PROOF}
    lines = list(summary("site", steps, {"localhost": told}, check_mode=False))
    assert lines[:6] == [
        "",
        "LANES site",
        "  lane_group         CHANGED     1.2 s",
        "  lane_proof         ok          0.4 s",
        "  changed: create lane v2",
        "  proof: 9 of 9 cases passed",
    ]
    assert lines[6].startswith("  next: asm.lanes.drift")
    assert all(line.isascii() for line in lines)


def test_check_mode_says_that_nothing_was_written() -> None:
    told = {"localhost": {"asm_lanes_plan": ["x"]}}
    lines = list(summary("site", {"lane_group": step(changed=1)}, told, check_mode=True))
    assert lines[1] == "LANES site (check mode: nothing was written)"
    assert "  would change: x" in lines
    assert lines[-1] == "  next: the same without --check"


@pytest.mark.parametrize(
    ("told", "failed", "words"),
    [
        ({"asm_lanes_proof": {"passed": False}}, 1, "asm.lanes.rollback goes back"),
        ({"asm_lanes_proof": {"passed": False}, "asm_lanes_rollback": {}}, 1, "find out what went wrong"),
        ({"asm_lanes_drift": {"counts": {"error": 1}}}, 0, "site --check --diff"),
        ({"asm_lanes_drift": {"counts": {"error": 0, "info": 2}}}, 0, "no drift"),
        ({}, 1, "run the same again"),
        ({"asm_lanes_awx": {"workflow": "w"}}, 0, "launch the workflow 'w' in AWX"),
    ],
)
def test_what_to_do_next(told: dict[str, Any], failed: int, words: str) -> None:
    assert words in next_step("drift", {"some_role": step(failed=failed)}, {"one": told}, check_mode=False)


def test_every_host_is_told_of_and_one_bad_proof_decides() -> None:
    bad = {"asm_lanes_proof": {"passed": False, "summary": "2 of 9 cases differ"}}
    told = {"staging": bad, "production": {"asm_lanes_proof": PROOF}}
    lines = list(summary("prove", {"lane_proof": step(failed=1)}, told, check_mode=False))
    assert lines[3:] == [
        "  staging: proof: 2 of 9 cases differ",
        "  production: proof: 9 of 9 cases passed",
        f"  next: {AFTER_BAD_PROOF}",
    ]


def test_every_playbook_says_what_is_next() -> None:
    # The lab's role says it itself, asm.lanes.awx by what it hands over, and changes is a step of a workflow.
    assert {file.stem for file in PLAYBOOKS.glob("*.yml")} == set(NEXT) | {"lab", "awx", "changes"}
