"""Keeps the lab's parts running: a part that crashes is started again, and told of."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Protocol

LOG = logging.getLogger("asm_lanes_lab.supervisor")

#: Seconds before a crashed part is started again: first, then doubled, and at most.
PAUSE = 0.2
MAX_PAUSE = 5.0
#: So many crashes of one part within so many seconds end the lab.
CRASHES = 5
WINDOW = 60.0


class Runnable(Protocol):
    """What a part is: it works until it is cancelled, and leaves nothing behind."""

    async def run(self) -> None:
        """Work until cancelled."""


class PartError(Exception):
    """A part crashes again and again."""


@dataclass
class Part:
    """One part. It is made anew for every start."""

    name: str
    make: Callable[[], Runnable]
    state: str = "stopped"
    restarts: int = 0
    #: What it died of last.
    error: str = ""
    _crashes: list[float] = field(default_factory=list)

    async def keep(self) -> None:
        """Run until cancelled, again after every crash; PartError when there are too many."""
        try:
            while True:
                self.state = "running"
                await self._once()
                self.restarts += 1
                self.state = "crashed"
                await asyncio.sleep(self._pause())
        finally:
            self.state = "stopped"

    async def _once(self) -> None:
        try:
            await self.make().run()
            self.error = "ended without being asked to"
        except Exception as error:
            self.error = f"{type(error).__name__}: {error}"
            LOG.exception("%s crashed", self.name)
        else:
            LOG.error("%s ended without being asked to", self.name)

    def _pause(self) -> float:
        now = time.monotonic()
        self._crashes = [*(since for since in self._crashes if now - since < WINDOW), now]
        if len(self._crashes) >= CRASHES:
            raise PartError(f"{self.name} crashed {CRASHES} times within {WINDOW:g} s, last: {self.error}")
        return min(MAX_PAUSE, PAUSE * 2.0 ** (len(self._crashes) - 1))

    def as_dict(self) -> dict[str, Any]:
        """For the lab's status."""
        return {"name": self.name, "state": self.state, "restarts": self.restarts, "error": self.error}


class Supervisor:
    """Starts and stops parts together."""

    def __init__(self, parts: Iterable[Part]) -> None:
        self.parts = list(parts)
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Start all parts."""
        self._tasks = [asyncio.create_task(part.keep(), name=part.name) for part in self.parts]

    async def failed(self) -> PartError:
        """Wait until a part is given up."""
        while True:
            done = [task for task in self._tasks if task.done() and not task.cancelled()]
            for task in done:
                error = task.exception()
                return error if isinstance(error, PartError) else PartError(f"{task.get_name()}: {error!r}")
            if self._tasks:
                await asyncio.wait(self._tasks, timeout=1, return_when=asyncio.FIRST_COMPLETED)
            else:
                await asyncio.sleep(0.1)

    async def stop(self) -> None:
        """Stop all parts, the last first."""
        tasks, self._tasks = self._tasks, []
        for task in reversed(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
