"""Requests at the same time: results in order, and an error only when all have ended."""

from __future__ import annotations

import time
from collections.abc import Sequence

import pytest
from ansible_collections.asm.lanes.plugins.module_utils._at_once import CONNECTIONS, at_once


@pytest.mark.parametrize("items", [range(0), range(1), range(2), range(2 * CONNECTIONS)])
def test_results_are_in_order(items: Sequence[int]) -> None:
    def work(number: int) -> int:
        time.sleep(0.01 * (number % 2))
        return -number

    assert at_once(work, items) == [-number for number in items]


def test_the_error_comes_when_all_have_ended_and_is_that_of_the_first() -> None:
    ended = []

    def work(number: int) -> None:
        time.sleep(0.02 * (4 - number))
        if number in (1, 2):
            raise ValueError(number)
        ended.append(number)

    with pytest.raises(ValueError, match="1"):
        at_once(work, range(4))
    assert sorted(ended) == [0, 3]
