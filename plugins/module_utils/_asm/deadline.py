# Copyright (c) 2026, asm.lanes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""One deadline for everything a task does."""

from __future__ import annotations

import time


class Deadline:
    """A point on the monotonic clock, shared by all calls, retries and waits of a task.

    seconds: how long the task may take from now on.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._end = time.monotonic() + seconds

    @property
    def remaining(self) -> float:
        """Seconds left, 0.0 when the deadline has passed."""
        return max(0.0, self._end - time.monotonic())

    @property
    def expired(self) -> bool:
        return self.remaining <= 0.0

    def allows(self, seconds: float) -> bool:
        """Whether a pause of that many seconds leaves time to act afterwards."""
        return seconds < self.remaining

    def pause(self, seconds: float) -> None:
        """Sleep, but never beyond the deadline."""
        time.sleep(min(seconds, self.remaining))
