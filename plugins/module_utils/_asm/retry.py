# Copyright (c) 2026, asm.lanes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""When a failed call is worth repeating, and after which pause. Pure decisions.

The SDK never retries by itself (verified), neither on throttling nor on 5xx.
"""

from __future__ import annotations

import random
from dataclasses import dataclass

from .errors import AMBIGUOUS, NOT_APPLIED, AsmError


@dataclass(frozen=True)
class RetryPolicy:
    """How often and how patiently.

    attempts: tries of one call, the first included. base, cap: seconds of the exponential
    backoff. longest_wait: seconds to which the server's ``x-acs-retry-after`` is clamped.
    """

    attempts: int = 5
    base: float = 0.5
    cap: float = 8.0
    longest_wait: float = 30.0

    def pause(self, error: AsmError, attempt: int, repeatable: bool) -> float | None:
        """Seconds to wait before the next try, or None when there shall be none.

        attempt: number of the try that failed, from 1. repeatable: the call changes nothing.
        """
        safe = NOT_APPLIED | AMBIGUOUS if repeatable else NOT_APPLIED
        if attempt >= self.attempts or error.kind not in safe:
            return None
        if error.retry_after is not None:
            return min(max(error.retry_after, 0.1), self.longest_wait)
        return self.backoff(attempt)

    def backoff(self, attempt: int) -> float:
        """Exponential, with jitter over its upper half, so that parallel runs drift apart."""
        full = min(self.cap, self.base * 2.0 ** (attempt - 1))
        return full * random.uniform(0.5, 1.0)
