# Copyright (c) 2026, asm.lanes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Requests at the same time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")

CONNECTIONS = 8
"""At most so many at the same time."""


def at_once(work: Callable[[T], R], items: Sequence[T]) -> list[R]:
    """Do some work for each of the items, none of which depends on another; the results in order.

    Raises what the first of them raises that fails, when all have ended.
    """
    if len(items) < 2:
        return [work(item) for item in items]
    with ThreadPoolExecutor(min(len(items), CONNECTIONS)) as pool:
        return list(pool.map(work, items))
