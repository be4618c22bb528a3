# Copyright (c) 2026, asm.lanes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a proof costs, how it is paced, and whether this machine kept up with it."""

from __future__ import annotations

import asyncio
import resource
import time
from math import ceil
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

#: Seconds between two looks at the event loop.
TICK = 0.02
#: An event loop that is so many milliseconds late (95th percentile) tells more about this machine than lanes.
LATE_MS = 100.0


class Meter:
    """Measures this process from its making on, over any number of runs."""

    def __init__(self) -> None:
        self._cpu = time.process_time()
        self._began = time.monotonic()
        self._late_ms: list[float] = []
        self.connections = self.messages = self.peak_open = self._open = 0

    def opened(self) -> None:
        """Count a connection that is open now."""
        self._open += 1
        self.peak_open = max(self.peak_open, self._open)

    def closed(self) -> None:
        """Count a connection that is no longer open."""
        self._open -= 1

    async def watch(self, look: Callable[[], None]) -> None:
        """Measure how late the event loop is, and call *look* at every tick, until cancelled."""
        while True:
            due = time.monotonic() + TICK
            await asyncio.sleep(TICK)
            self._late_ms.append(1000 * max(time.monotonic() - due, 0.0))
            look()

    def read(self) -> dict[str, Any]:
        """Return the proof's ``load``: what was done, and what it took of this machine."""
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024  # Linux counts in KiB
        return {
            "connections": self.connections,
            "peak_open": self.peak_open,
            "messages": self.messages,
            "cpu_seconds": round(time.process_time() - self._cpu, 3),
            "max_rss_mib": round(peak, 1),
            "late_ms": spread(self._late_ms),
        }

    def warnings(self) -> list[str]:
        """Return what must be said so that the lanes are not blamed for a busy machine; mostly nothing."""
        late = spread(self._late_ms).get("p95", 0.0)
        if late < LATE_MS:
            return []
        used = (time.process_time() - self._cpu) / max(time.monotonic() - self._began, 0.001)
        return [
            f"this machine did not keep up with the proof: its event loop was {late:.0f} ms late (95th "
            f"percentile), and the probe had {used:.0%} of a processor; times are those of the machine, "
            "not of the lanes: choose fewer connections, or a lower rate"
        ]


class Pace:
    """Lets so many things per second happen, evenly; 0: all at once."""

    def __init__(self, rate: float) -> None:
        self._step = 1 / rate if rate > 0 else 0.0
        self._next = 0.0

    async def turn(self) -> None:
        """Wait for a turn."""
        if not self._step:
            return
        now = time.monotonic()
        self._next = max(self._next + self._step, now)
        if self._next > now:
            await asyncio.sleep(self._next - now)


def spread(values: Sequence[float]) -> dict[str, float]:
    """Return ``p50``, ``p95`` and ``max``; {} of nothing."""
    if not values:
        return {}
    ranked = sorted(values)
    at = {"p50": 0.5, "p95": 0.95, "max": 1.0}
    return {name: round(ranked[max(ceil(share * len(ranked)) - 1, 0)], 2) for name, share in at.items()}
