"""Judging what was heard, case by case."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.asm.lanes.plugins.module_utils import _table
from ansible_collections.asm.lanes.plugins.module_utils._probe import verdict
from ansible_collections.asm.lanes.plugins.module_utils._probe.cases import Case
from ansible_collections.asm.lanes.plugins.module_utils._probe.entry import by
from ansible_collections.asm.lanes.plugins.module_utils._probe.failures import (
    REFUSED,
    STATUS,
    UNSTICKY,
    Failure,
)
from ansible_collections.asm.lanes.plugins.module_utils._probe.settings import Observation

from .groups import HELLO, channel

V1, V2 = "Hello version: v1, instance: a", "Hello version: v2, instance: b"
CASE = Case(
    "lane v2",
    channel(),
    by("header", "version", "v2"),
    {"own": {HELLO: "v2"}, "broadcast": {HELLO: "v1"}},
    lane="v2",
)
RULES = verdict.Rules("version", timeout=3)


def seen(
    own: Sequence[str] = (V2, V2),
    broadcasts: Sequence[str] = (V1, V1),
    case: Case = CASE,
    **changes: Any,
) -> Observation:
    """What a connection in lane v2 sees when all is well, changed."""
    found = Observation(case.name, **{"sent": 2, "acks_asked": 2, "acks_sent": 2, **changes})
    for kind, texts in (("own", own), ("broadcast", broadcasts)):
        reader = case.channel.readers[kind]
        found.heard[kind] = Counter(reader.read(text) for text in texts)
        mute = [text for text in texts if not reader.judged(reader.read(text))]
        found.strange.update({kind: mute[0]} if mute else {})
    return found


def judged(*observations: Observation, rules: verdict.Rules = RULES) -> dict[str, Any]:
    return verdict.judge([CASE], observations, rules)


def test_all_is_well() -> None:
    proof = judged(seen(), seen())
    assert proof["passed"] is True
    (case,) = proof["cases"]
    assert case["observed"] == {"own": {HELLO: {"v2": 4}}, "broadcast": {HELLO: {"v1": 4}}}
    assert case["differences"] == []
    assert proof["table"][-1].split() == [
        "lane",
        "v2",
        "v2",
        "helloworld",
        "v2",
        "x4",
        "helloworld",
        "v1",
        "x4",
        "ok",
    ]
    assert "1 of 1 cases passed: 2 connections, 4 messages, 4 answers, 4 broadcasts" in proof["summary"]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"own": [V1, V2]}, f"own messages: {HELLO} v1 answered 1 of 2, expected v2"),
        ({"broadcasts": [V1, V2]}, f"broadcasts: {HELLO} v2 answered 1 of 2, expected v1"),
        ({"own": [V2], "acks_asked": 1}, "1 of 2 own messages unanswered within 3 s"),
        ({"own": [V2] * 3, "acks_asked": 3}, "3 answers to 2 own messages"),
        ({"broadcasts": []}, "1 of 1 connections heard no broadcast in 3 s"),
        ({"acks_asked": 0}, "2 of 2 answers did not ask for an acknowledgement"),
        ({"own": [V2, "sorry"]}, f"own messages: 1 of 2 name no version of {HELLO}, expected v2: 'sorry'"),
    ],
)
def test_each_difference_is_named(changes: Any, said: str) -> None:
    proof = judged(seen(**changes))
    assert proof["passed"] is False
    (difference,) = proof["cases"][0]["differences"]
    assert difference.startswith(said)
    assert f"lane v2: {said}" in verdict.failure_message(proof, "http://gateway")


def test_a_connection_that_failed_is_not_also_blamed_for_its_silence() -> None:
    failed = seen(own=[], broadcasts=[], acks_asked=0, failure=Failure(STATUS, "503"))
    message = verdict.failure_message(judged(seen(), failed), "http://gateway")
    assert message.splitlines() == [
        "1 of 1 cases differ from what the lanes promise at http://gateway:",
        f"  - lane v2: 1 of 2 connections: {Failure(STATUS, '503')}",
    ]


def test_no_observation_is_no_proof() -> None:
    assert judged()["passed"] is False
    assert verdict.judge([], [], RULES)["passed"] is False


def test_what_the_application_does_not_do_is_not_missed() -> None:
    mute = replace(CASE, expected={"own": {HELLO: "v2"}})
    rules = verdict.Rules("version", acknowledged=False)
    proof = verdict.judge([mute], [seen(broadcasts=[], acks_asked=0)], rules)
    assert proof["passed"] is True
    assert "broadcasts" not in proof["table"][0]


def test_a_refusal_that_is_allowed_is_as_good_as_an_answer_but_no_other_failure_is() -> None:
    case = replace(CASE, may_refuse=("400", "431"))
    silence: dict[str, Any] = {"own": [], "broadcasts": [], "sent": 0}
    for status, passed in (("431", True), ("503", False)):
        proof = verdict.judge([case], [seen(**silence, failure=Failure(STATUS, status))], RULES)
        assert proof["passed"] is passed
        assert proof["cases"][0]["counts"]["refused"] == int(passed)
    assert (
        "refused"
        in verdict.judge([case], [seen(**silence, failure=Failure(STATUS, "431"))], RULES)["table"][-1]
    )
    assert verdict.judge([case], [seen(own=[V1, V1])], RULES)["passed"] is False


def test_the_trap_of_polling_is_explained() -> None:
    failure = Failure(UNSTICKY, "400", '{"code":1,"message":"Session ID unknown"}')
    proof = judged(seen(own=[], broadcasts=[], failure=failure))
    assert proof["cases"][0]["failure_kinds"] == {"unsticky": 1}
    message = verdict.failure_message({**proof, "reached": True}, "http://gateway")
    for word in ("Session ID unknown", "different replicas", "consistentHash", "sessionAffinity"):
        assert word in message


def test_a_gateway_that_is_down_is_one_line() -> None:
    down = {"sent": 0, "own": [], "broadcasts": [], "acks_asked": 0, "failure": Failure(REFUSED)}
    message = verdict.failure_message(judged(seen(**down), seen(**down)), "http://gateway:1")
    assert message.startswith("The lanes cannot be proven at http://gateway:1: connection refused")
    assert "\n" not in message


def test_long_answers_are_shortened_and_shown_harmlessly() -> None:
    proof = judged(seen(own=["\x1b[2J" + "x" * 5000] * 2))
    message = verdict.failure_message(proof, "http://gateway")
    assert len(message) < 400
    assert "\x1b" not in message


def test_answers_of_a_chain() -> None:
    chained = replace(
        CASE,
        channel=channel("shop/orders", "shop/stock"),
        expected={"own": {"shop/orders": "v3", "shop/stock": "v2"}},
    )
    answer = "Hello version: v3, instance: x [orders=v3 stock=v1 price=v4]"
    proof = verdict.judge([chained], [seen([answer], [], chained, sent=1)], RULES)
    assert proof["cases"][0]["differences"] == ["own messages: shop/stock v1 answered 1 of 1, expected v2"]
    assert "price v4 x1, orders v3 x1, stock v1 x1" in proof["table"][-1]


def test_what_named_the_lane_is_shown() -> None:
    entries = {
        by("cookie", "lane", "v2"): "cookie lane=v2",
        by("header", "baggage", "version=v2"): "baggage: version=v2",
        by("header", "Version", ""): "(empty)",
        by("header", "version", "x" * 80): "x" * 21 + "...",
        by("query", "lane", None): "(none)",
    }
    for entry, shown in entries.items():
        case = replace(CASE, entry=entry)
        assert f"  {shown}  " in verdict.judge([case], [seen()], RULES)["table"][-1]


def test_check_mode_shows_what_is_expected() -> None:
    proof = verdict.expected([CASE], RULES)
    assert proof["passed"] is None
    assert proof["table"][-1].split() == [
        "lane",
        "v2",
        "v2",
        "helloworld",
        "v2",
        "helloworld",
        "v1",
        "not",
        "tried",
    ]


def test_tables_are_aligned_and_stay_on_one_line() -> None:
    assert _table.lines(["a", "bb"], [["one\ntwo", "x"], ["", "yy"]]) == [
        "a        bb",
        "-------  --",
        "one two  x",
        "         yy",
    ]
