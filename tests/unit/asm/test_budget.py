"""Calls per second: the bucket alone on a clock of the test's, and the client over HTTP."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from ansible_collections.asm.lanes.plugins.module_utils._asm.budget import CallBudget
from ansible_collections.asm.lanes.plugins.module_utils._asm.client import AsmClient
from ansible_collections.asm.lanes.plugins.module_utils._asm.credentials import Connection
from ansible_collections.asm.lanes.plugins.module_utils._asm.deadline import Deadline
from ansible_collections.asm.lanes.plugins.module_utils._asm.errors import AsmError, Kind
from hypothesis import given
from hypothesis import strategies as st
from unit.asm.wire import answers, expect, playing


class Clock:
    """Seconds that pass when the test says so."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_the_burst_is_free_and_the_rest_is_paced():
    budget = CallBudget(5, burst=3, clock=Clock())
    assert [budget.take(60) for _number in range(6)] == pytest.approx([0, 0, 0, 0.2, 0.4, 0.6])


def test_a_rest_gives_back_no_more_than_the_burst():
    clock = Clock()
    budget = CallBudget(2, burst=2, clock=clock)
    assert [budget.take(60), budget.take(60), budget.take(60)] == pytest.approx([0, 0, 0.5])
    clock.now = 100
    assert [budget.take(60), budget.take(60), budget.take(60)] == pytest.approx([0, 0, 0.5])


def test_a_turn_that_is_too_late_is_not_taken():
    budget = CallBudget(1, burst=1, clock=Clock())
    assert budget.take(60) == 0
    assert budget.take(1.0) is None
    assert budget.take(1.5) == 1.0


@pytest.mark.parametrize("rate", [0, -1, float("nan"), float("inf")])
def test_what_is_no_rate(rate):
    with pytest.raises(ValueError, match="above 0"):
        CallBudget(rate)


@given(st.floats(0.1, 100), st.integers(1, 20), st.lists(st.floats(0, 3, allow_subnormal=False), max_size=60))
def test_no_window_has_more_than_the_burst_and_the_rate(rate, burst, gaps):
    clock = Clock()
    budget = CallBudget(rate, burst, clock)
    turns = []
    for gap in gaps:
        clock.now += gap
        wait = budget.take(1e9)
        turns.append(clock.now + wait)
    assert turns == sorted(turns)
    for first, begin in enumerate(turns):
        for last in range(first, len(turns)):
            assert last - first + 1 <= burst + rate * (turns[last] - begin) + 1e-6


def client(endpoint: str, seconds: float, rate: float) -> AsmClient:
    connection = Connection("AK", "secret", endpoint=endpoint, protocol="http", calls_per_second=rate)
    return AsmClient(connection, "m-1", Deadline(seconds))


def test_threads_of_one_client_share_the_budget():
    calls = [expect("GetSwimLaneGroupList", answers())] * 14
    with playing(*calls) as script:
        asm = client(script.endpoint, 10, 20)
        began = time.monotonic()
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(lambda _number: asm.call("GetSwimLaneGroupList", "mesh m-1"), range(14)))
        assert time.monotonic() - began >= 4 / 20 - 0.01


def test_a_turn_after_the_deadline_is_one_clear_error_at_once():
    with playing(*[expect("GetSwimLaneGroupList", answers())] * 10) as script:
        asm = client(script.endpoint, 5, 0.1)
        for _number in range(10):
            asm.call("GetSwimLaneGroupList", "mesh m-1")
        began = time.monotonic()
        with pytest.raises(
            AsmError, match=r"at 0\.1 calls per second .* task's 5 s.*calls_per_second"
        ) as caught:
            asm.call("GetSwimLaneGroupList", "mesh m-1")
    assert caught.value.kind == Kind.DEADLINE
    assert time.monotonic() - began < 1


def test_a_rate_of_nothing_is_refused():
    with pytest.raises(AsmError, match="calls_per_second") as caught:
        client("127.0.0.1:1", 5, 0)
    assert caught.value.kind == Kind.INVALID
