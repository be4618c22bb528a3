"""Reading answers and judging them."""

from __future__ import annotations

import re
from typing import Any

import pytest
from ansible_collections.asm.lanes.plugins.module_utils import _table
from ansible_collections.asm.lanes.plugins.module_utils._probe import verdict
from ansible_collections.asm.lanes.plugins.module_utils._probe.cases import Case
from ansible_collections.asm.lanes.plugins.module_utils._probe.client import Observation
from ansible_collections.asm.lanes.plugins.module_utils._probe.failures import REFUSED, STATUS, Failure
from ansible_collections.asm.lanes.plugins.module_utils._probe.reading import DEFAULT_PATTERN, Reader

HELLO = "default/helloworld"
CHAIN = r"(?P<service>[\w-]+)=(?P<version>[\w.]+)"
V1, V2 = "Hello version: v1, instance: a", "Hello version: v2, instance: b"
CASE = Case("lane v2", "v2", {HELLO: "v2"}, {HELLO: "v1"})
RULES = verdict.Rules("version", Reader.parse(DEFAULT_PATTERN, [HELLO]), timeout=3)


def seen(**changes: Any) -> Observation:
    """What a connection in lane v2 sees when all is well, changed."""
    good: dict[str, Any] = {
        "sent": 2,
        "own": [V2, V2],
        "broadcasts": [V1, V1],
        "acks_asked": 2,
        "acks_sent": 2,
    }
    return Observation("lane v2", "v2", **{**good, **changes})


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
        ({"own": [V2], "acks_sent": 1}, "1 of 2 own messages unanswered within 3 s"),
        ({"own": [V2] * 3, "acks_sent": 3}, "3 answers to 2 own messages"),
        ({"broadcasts": []}, "1 of 1 connections heard no broadcast in 3 s"),
        ({"acks_sent": 0}, "2 of 2 answers did not ask for an acknowledgement"),
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
    failed = seen(own=[], broadcasts=[], acks_sent=0, failure=Failure(STATUS, "503"))
    message = verdict.failure_message(judged(seen(), failed), "http://gateway")
    assert message.splitlines() == [
        "1 of 1 cases differ from what the lanes promise at http://gateway:",
        f"  - lane v2: 1 of 2 connections: {Failure(STATUS, '503')}",
    ]


def test_no_observation_is_no_proof() -> None:
    assert judged()["passed"] is False
    assert verdict.judge([], [], RULES)["passed"] is False


def test_what_the_application_does_not_do_is_not_missed() -> None:
    rules = verdict.Rules("version", RULES.reader, acknowledged=False, broadcasts=False)
    assert judged(seen(broadcasts=[], acks_sent=0), rules=rules)["passed"] is True


def test_a_gateway_that_is_down_is_one_line() -> None:
    down = {"sent": 0, "own": [], "broadcasts": [], "acks_sent": 0, "failure": Failure(REFUSED)}
    message = verdict.failure_message(judged(seen(**down), seen(**down)), "http://gateway:1")
    assert message.startswith("The lanes cannot be proven at http://gateway:1: connection refused")
    assert "\n" not in message


def test_long_answers_are_shortened_and_shown_harmlessly() -> None:
    proof = judged(seen(own=["\x1b[2J" + "x" * 5000] * 2))
    message = verdict.failure_message(proof, "http://gateway")
    assert len(message) < 400
    assert "\x1b" not in message


def test_answers_of_a_chain() -> None:
    reader = Reader.parse(CHAIN, ["shop/orders", "shop/stock"])
    answer = "Hello version: v3, instance: x [orders=v3 stock=v1 price=v4]"
    assert reader.versions(answer) == [("shop/orders", "v3"), ("shop/stock", "v1"), ("price", "v4")]
    expected = {"shop/orders": "v3", "shop/stock": "v2"}
    proof = verdict.judge(
        [Case("lane v3", "v3", expected, {})],
        [Observation("lane v3", "v3", sent=1, own=[answer], acks_sent=1)],
        verdict.Rules("version", reader, broadcasts=False),
    )
    assert proof["cases"][0]["differences"] == ["own messages: shop/stock v1 answered 1 of 1, expected v2"]
    assert "price v4 x1, orders v3 x1, stock v1 x1" in proof["table"][-1]


@pytest.mark.parametrize(
    ("pattern", "services", "said"),
    [
        ("(", [HELLO], "is not a regular expression"),
        ("v1", [HELLO], "has no group named version"),
        (DEFAULT_PATTERN, [HELLO, "default/x"], "no group named service"),
        (CHAIN, ["a/x", "b/x"], "two services of one name"),
    ],
)
def test_unusable_patterns(pattern: str, services: list[str], said: str) -> None:
    with pytest.raises(ValueError, match=re.escape(said)):
        Reader.parse(pattern, services)


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
