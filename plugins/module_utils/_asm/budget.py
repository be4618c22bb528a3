# Copyright (c) 2026, asm.lanes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""How many calls per second may be made: a token bucket. It tells how long to wait, and never sleeps."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable

BURST = 10
"""Calls that may come at once: more than an unchanged run makes, so that such a run never waits."""


class CallBudget:
    """A budget that all threads of one client share; turns are given in the order of asking.

    rate: calls per second. burst: calls at once after a rest. clock: seconds that never go
    backwards. Raises ValueError when rate is not a finite number above 0.
    """

    def __init__(self, rate: float, burst: int = BURST, clock: Callable[[], float] = time.monotonic) -> None:
        if not 0 < rate < math.inf:
            raise ValueError(f"{rate:g} calls per second is no budget: a number above 0 is needed")
        self.rate = rate
        self._burst = burst
        self._clock = clock
        self._lock = threading.Lock()
        self._tokens = float(burst)  # below 0: turns that are promised, but still to come
        self._seen = clock()

    def take(self, patience: float) -> float | None:
        """Seconds until the caller's turn, 0.0 for at once.

        None, and nothing taken, when the turn does not come within patience (seconds).
        """
        with self._lock:
            now = self._clock()
            self._tokens = min(float(self._burst), self._tokens + (now - self._seen) * self.rate)
            self._seen = now
            wait = max(0.0, (1.0 - self._tokens) / self.rate)
            if wait > 0.0 and wait >= patience:
                return None
            self._tokens -= 1.0
            return wait
