"""Calls per second: the bucket alone on a clock of the test's, and the client over HTTP."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from ansible_collections.asm.lanes.plugins.module_utils._asm.budget import CallBudget, SharedBuckets
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


def take_turns(file, number: int) -> list[float | None]:
    """What one task does, while time stands still."""
    budget = CallBudget(10, 4, lambda: 5.0, SharedBuckets(file), "asm.example")
    return [budget.take(60) for _number in range(number)]


PROCESS = """
import json, pathlib, sys
from ansible_collections.asm.lanes.plugins.module_utils._asm.budget import CallBudget, SharedBuckets
budget = CallBudget(10, 4, lambda: 5.0, SharedBuckets(pathlib.Path(sys.argv[1])), "asm.example")
print(json.dumps([budget.take(600) for _number in range(150)]))
"""


def test_processes_share_one_budget(tmp_path):
    """Time stands still, so that every turn of all processes is to be seen, and none twice."""
    command = [sys.executable, "-c", PROCESS, str(tmp_path / "cache" / "calls.json")]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    running = [subprocess.Popen(command, env=environment, stdout=subprocess.PIPE) for _number in range(3)]
    turns = [turn for process in running for turn in json.loads(process.communicate(timeout=60)[0])]
    paced = [number / 10 for number in range(1, 447)]
    assert sorted(turns) == pytest.approx([0.0] * 4 + paced)


def test_endpoints_have_budgets_of_their_own_and_are_forgotten(tmp_path):
    clock, shared = Clock(), SharedBuckets(tmp_path / "calls.json")
    for name in ("one", "two"):
        budget = CallBudget(1, 1, clock, shared, name)
        assert (budget.take(60), budget.take(60)) == (0.0, 1.0)
    clock.now = 1000
    assert budget.take(60) == 0.0
    assert list(json.loads((tmp_path / "calls.json").read_text())) == ["two"]


@pytest.mark.parametrize("content", ["", "{", "[1]", '{"asm.example": 3}', '{"asm.example": [0, 1e9]}'])
def test_a_file_that_makes_no_sense_is_begun_anew(tmp_path, content):
    """The last is of another start of the machine: it has a time to come."""
    file = tmp_path / "calls.json"
    file.write_text(content)
    assert take_turns(file, 5) == pytest.approx([0, 0, 0, 0, 0.1])


def test_without_a_place_for_the_file_a_client_paces_itself(tmp_path):
    (tmp_path / "file").write_text("")
    assert take_turns(tmp_path / "file" / "calls.json", 5) == pytest.approx([0, 0, 0, 0, 0.1])


def client(endpoint: str, seconds: float, rate: float) -> AsmClient:
    connection = Connection("AK", "secret", endpoint=endpoint, protocol="http", calls_per_second=rate)
    return AsmClient(connection, "m-1", Deadline(seconds))


def test_threads_of_one_client_share_the_budget():
    calls = [expect("GetSwimLaneGroupList", answers())] * 24
    with playing(*calls) as script:
        asm = client(script.endpoint, 10, 20)
        began = time.monotonic()
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(lambda _number: asm.call("GetSwimLaneGroupList", "mesh m-1"), range(24)))
        assert time.monotonic() - began >= 4 / 20 - 0.01


def test_a_turn_after_the_deadline_is_one_clear_error_at_once():
    with playing(*[expect("GetSwimLaneGroupList", answers())] * 20) as script:
        asm = client(script.endpoint, 5, 0.1)
        for _number in range(20):
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
