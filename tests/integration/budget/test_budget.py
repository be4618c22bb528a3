"""What an unchanged replay may cost, counted and not timed: requests, writes, tasks, forks, imports."""

from __future__ import annotations

import re
from collections import Counter

import pytest
from bench.replay import BENCH, minimum, world


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_an_unchanged_replay_keeps_its_budget() -> None:
    with world() as here:
        first = here.run("ours")
        assert first.writes > 0, "the counting is blind"
        file = here.folder / "processes"
        again = here.run("ours", PYTHONPATH=str(BENCH / "counting"), COUNT_PROCESSES=str(file))
        lines = [line.split() for line in file.read_text().splitlines()]
        recap = dict(
            word.split("=") for word in re.findall(r"\w+=\d+", (here.folder / "ours.log").read_text())
        )
    started = Counter(kind for kind, _value in lines)
    tasks = sum(int(recap[outcome]) for outcome in ("ok", "skipped"))
    assert recap["changed"] == "0"
    assert again.writes == 0
    assert again.requests <= 2 * minimum()
    assert tasks <= 7
    # ansible-playbook alone: a second Python is a module that is not run by the module hosts. These are two
    # forks, and need none for a module where the play has one host.
    assert started["python"] == 1
    assert started["fork"] <= tasks + 2
    assert sum(int(value) for kind, value in lines if kind == "modules") <= 1500
    assert started["template"] <= 40
