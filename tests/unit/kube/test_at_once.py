"""Requests at the same time: results in order, and an error only when all have ended."""

from __future__ import annotations

import time
from collections.abc import Sequence

import pytest
from ansible_collections.asm.lanes.plugins.module_utils._kube.objects import FEW, _at_once


@pytest.mark.parametrize("items", [range(FEW - 1), range(FEW), range(20)])
def test_results_are_in_order(items: Sequence[int]) -> None:
    def work(number: int) -> int:
        time.sleep(0.01 * (number % 2))
        return -number

    assert _at_once(work, items) == [-number for number in items]


def test_the_error_comes_when_all_have_ended_and_is_that_of_the_first() -> None:
    ended = []

    def work(number: int) -> None:
        time.sleep(0.02 * (FEW - number))
        if number in (1, 2):
            raise ValueError(number)
        ended.append(number)

    with pytest.raises(ValueError, match="1"):
        _at_once(work, range(FEW))
    assert sorted(ended) == [0, 3]


def test_so_few_that_connections_would_cost_more_come_one_after_the_other() -> None:
    begun = []

    def work(number: int) -> None:
        begun.append(number)
        raise ValueError(number)

    with pytest.raises(ValueError, match="0"):
        _at_once(work, range(FEW - 1))
    assert begun == [0]
