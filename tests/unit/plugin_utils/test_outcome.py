"""What a replay says in the end, hands over, and fails for."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.asm.lanes.plugins.plugin_utils._outcome import Outcome, lines, statistics

CASE = {
    "name": "lane v2",
    "kind": "lane",
    "header": "v2",
    "passed": True,
    "observed": {
        "own": {"default/b": {"v2": 2}, "default/a": {"v2": 1, "v1": 1}},
        "broadcast": {"a": {"v1": 9}},
    },
}
PROOF: dict[str, Any] = {
    "passed": True,
    "reached": True,
    "summary": "1 of 1 cases passed",
    "message": "",
    "table": ["case", "----", "lane v2"],
    "lane_group": {"route_header": "version"},
    "cases": [CASE, {**CASE, "name": "no header", "kind": "none", "header": None}],
    "findings": [],
}
GROUP = {"name": "ws"}
CHANGE = {"description": "create lane v2"}
READY = {"deployments": [{"name": "d", "message": "1 of 1 replicas available"}]}


def replay(**parts: Any) -> Outcome:
    unchanged: dict[str, Any] = {
        "sample_app": {"written": [], **READY},
        "gateway_routing": {"written": []},
        "lane_group": {"plan": [], "lane_group": GROUP},
        "lane_proof": {"proof": PROOF},
    }
    return Outcome(**{**unchanged, **parts})


def test_an_unchanged_replay() -> None:
    assert lines(replay(), check_mode=False) == [
        "application: unchanged",
        "gateway routing: unchanged",
        "lane group ws: unchanged",
        "Deployment d: 1 of 1 replicas available",
        "case",
        "----",
        "lane v2",
        "1 of 1 cases passed",
        "version: v2: own messages -> a v2 and v1, own messages -> b v2, broadcasts -> a v1",
    ]
    assert replay().failures == []


@pytest.mark.parametrize(("check_mode", "done"), [(False, ""), (True, "would be ")])
def test_changes(check_mode: bool, done: str) -> None:
    outcome = replay(
        sample_app={"written": ["Service a", "Service b"], **READY},
        lane_group={"plan": [CHANGE], "lane_group": GROUP},
        lane_proof={},
    )
    assert lines(outcome, check_mode=check_mode) == [
        f"application: Service a, Service b {done}written",
        "gateway routing: unchanged",
        f"lane group ws: {done}changed",
        "  create lane v2",
        "Deployment d: 1 of 1 replicas available",
    ]
    assert statistics(outcome, with_plan=True, check_mode=check_mode) == {
        "asm_lanes_plan": ["Service a", "Service b", "create lane v2"]
    }


def test_deployments_are_as_the_proof_saw_them() -> None:
    both = [{"name": "c", "message": "ready"}, {"name": "d", "message": "0 of 1 replicas available"}]
    outcome = Outcome(sample_app={"written": [], "deployments": both}, lane_proof=READY)
    assert lines(outcome, check_mode=False) == [
        "application: unchanged",
        "Deployment c: ready",
        "Deployment d: 1 of 1 replicas available",
    ]


def test_what_did_not_take_place_is_not_told_of() -> None:
    assert lines(Outcome(), check_mode=False) == []
    assert statistics(Outcome(), with_plan=False, check_mode=False) == {}
    assert statistics(Outcome(), with_plan=True, check_mode=False) == {"asm_lanes_plan": []}
    skipped = {"changed": False, "skipped": True}
    assert lines(Outcome(lane_proof=skipped), check_mode=False) == []


def test_a_gateway_that_was_not_reached_has_no_table_but_a_verdict() -> None:
    proof = {**PROOF, "passed": False, "reached": False, "message": "connection refused"}
    outcome = Outcome(lane_proof={"proof": proof})
    assert lines(outcome, check_mode=False) == []
    assert outcome.failures == ["connection refused"]
    verdict = statistics(outcome, with_plan=False, check_mode=False)["asm_lanes_proof"]
    assert verdict == {
        "passed": False,
        "reached": False,
        "summary": "1 of 1 cases passed",
        "message": "connection refused",
        "cases": {"lane v2": True, "no header": True},
        "report": {},
        "findings": [],
    }


def test_check_mode_proves_nothing() -> None:
    foretold = {**PROOF, "passed": None, "reached": None}
    outcome = Outcome(lane_proof={"proof": foretold})
    assert lines(outcome, check_mode=True)[:4] == ["case", "----", "lane v2", "1 of 1 cases passed"]
    assert outcome.failures == []
    assert statistics(outcome, with_plan=False, check_mode=True) == {}


@pytest.mark.parametrize(
    ("audit", "findings", "failures"),
    [
        (None, [], []),
        ({"passed": True}, [], []),
        ({"passed": None}, [], []),
        ({"passed": False}, [], ["lost\nat b"]),
        ({"passed": True}, [{"object": "x"}], ["lost\nat b"]),
    ],
)
def test_the_audit(audit: dict[str, Any] | None, findings: list[Any], failures: list[str]) -> None:
    proof = {**PROOF, "audit": audit, "findings": findings}
    outcome = replay(lane_proof={"proof": proof, "audit_table": ["way"], "audit_message": "lost\nat b"})
    assert outcome.failures == failures
    assert lines(outcome, check_mode=False)[-3:] == ["way", "lost", "at b"]


def test_an_audit_that_could_not_be_made_is_told_and_no_failure() -> None:
    outcome = replay(lane_proof={"proof": PROOF, "audit_table": [], "audit_message": "not audited: no logs"})
    assert outcome.failures == []
    assert lines(outcome, check_mode=False)[-1] == "not audited: no logs"


def test_the_report() -> None:
    files = {"json": "/r/p.json", "html": "/r/p.html"}
    written = replay(files=files)
    assert lines(written, check_mode=False)[-1] == "report: /r/p.html (json, html)"
    assert statistics(written, with_plan=False, check_mode=False)["asm_lanes_proof"]["report"] == files
    assert replay(trouble="disk full").failures == ["The report could not be written: disk full"]
