# Copyright (c) 2026, asm.lanes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""How many calls per second may be made: a token bucket. It tells how long to wait, and never sleeps.

Tasks that run at the same time, as the forks of a play over many meshes do, share one budget for an
endpoint: the bucket is kept in a file of the user's, under a lock.
"""

from __future__ import annotations

import fcntl
import json
import math
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

BURST = 20
"""Calls that may come at once: more than an unchanged run makes, so that such a run never waits."""


class Bucket(NamedTuple):
    """tokens: calls that may come at once, below 0 where turns are promised but still to come. seen: when."""

    tokens: float
    seen: float


class CallBudget:
    """A budget that all threads of one client share; turns are given in the order of asking.

    rate: calls per second. burst: calls at once after a rest. clock: seconds that never go backwards,
    the same for all processes of the machine. shared: where other processes share the budget, None
    where they do not. Raises ValueError when rate is not a finite number above 0.
    """

    def __init__(
        self,
        rate: float,
        burst: int = BURST,
        clock: Callable[[], float] = time.monotonic,
        shared: SharedBuckets | None = None,
        name: str = "",
    ) -> None:
        if not 0 < rate < math.inf:
            raise ValueError(f"{rate:g} calls per second is no budget: a number above 0 is needed")
        self.rate = rate
        self._burst = burst
        self._clock = clock
        self._shared = shared
        self._name = name
        self._lock = threading.Lock()
        self._own: Bucket | None = None

    def take(self, patience: float) -> float | None:
        """Seconds until the caller's turn, 0.0 for at once.

        None, and nothing taken, when the turn does not come within patience (seconds).
        """
        with self._lock:
            wait = 0.0

            def turn(bucket: Bucket | None) -> Bucket:
                nonlocal wait
                filled = self._filled(bucket)
                wait = max(0.0, (1.0 - filled.tokens) / self.rate)
                late = wait > 0.0 and wait >= patience
                return filled if late else Bucket(filled.tokens - 1.0, filled.seen)

            if self._shared is None or not self._shared.update(self._name, turn, self._clock()):
                self._own = turn(self._own)
            return None if wait > 0.0 and wait >= patience else wait

    def _filled(self, bucket: Bucket | None) -> Bucket:
        now = self._clock()
        # A time to come is of another start of the machine.
        if bucket is None or bucket.seen > now:
            return Bucket(float(self._burst), now)
        tokens = bucket.tokens + (now - bucket.seen) * self.rate
        return Bucket(min(float(self._burst), tokens), now)


class SharedBuckets:
    """Buckets by name in a file of the user's; forgotten when long out of use.

    Where the file cannot be used, as in a home that is read-only, every client has a budget of its own.
    """

    _FORGET = 600.0  # seconds

    def __init__(self, file: Path) -> None:
        self._file = file

    @classmethod
    def of_user(cls) -> SharedBuckets:
        """In the user's cache folder (``XDG_CACHE_HOME``, by default ``~/.cache``)."""
        cache = Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache")
        return cls(cache / "asm.lanes" / "calls.json")

    def update(self, name: str, change: Callable[[Bucket | None], Bucket], now: float) -> bool:
        """Change one bucket while nobody else can; False where the file cannot be used."""
        try:
            file = self._file.expanduser()
            file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with file.open("a+", encoding="utf-8") as opened:
                fcntl.flock(opened, fcntl.LOCK_EX)
                opened.seek(0)
                buckets = _read(opened.read())
                buckets[name] = change(buckets.get(name))
                kept = {key: one for key, one in buckets.items() if now - one.seen < self._FORGET}
                opened.truncate(0)
                opened.write(json.dumps(kept))
        except (OSError, RuntimeError):  # RuntimeError: there is no home
            return False
        return True


def _read(text: str) -> dict[str, Bucket]:
    """What is in the file; {} when it is empty or not ours."""
    try:
        return {
            str(name): Bucket(float(tokens), float(seen)) for name, (tokens, seen) in json.loads(text).items()
        }
    except (ValueError, TypeError, AttributeError):
        return {}
