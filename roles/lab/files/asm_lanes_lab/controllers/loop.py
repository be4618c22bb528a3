"""The loop of a level-triggered controller: look at the caches, act, wait for a change."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Iterable
from typing import TYPE_CHECKING

from ..client import ClusterError
from ..objects import Obj, path_of

if TYPE_CHECKING:
    from ..client import Informer

#: Seconds after which a step that failed is tried again: first and longest.
RETRY = 0.2
MAX_RETRY = 5.0

#: One step: acts on what it sees; returns the seconds after which to look again even if nothing changes.
Step = Callable[[], Awaitable[float | None]]


async def reconcile_each(
    objects: Iterable[Obj], reconcile: Callable[[Obj], Awaitable[float | None]], log: logging.Logger
) -> float | None:
    """Reconcile each of *objects*; one that fails is logged and tried again, and does not stop the others."""
    wakes: list[float | None] = []
    for obj in objects:
        try:
            wakes.append(await reconcile(obj))
        except ClusterError as error:
            # 409: somebody else has changed the object since, which is no trouble at all.
            log.log(logging.DEBUG if error.status == 409 else logging.WARNING, "%s: %s", path_of(obj), error)
            wakes.append(RETRY if error.status == 409 else MAX_RETRY / 5)
    return soonest(*wakes)


async def run_loop(informers: Iterable[Informer], step: Step, log: logging.Logger) -> None:
    """Call *step* now and after every change of the *informers*, until cancelled.

    A step that fails with ClusterError is logged and tried again, with growing pauses; other errors end the
    loop.
    """
    changed = asyncio.Event()
    started = list(informers)
    try:
        for informer in started:
            informer.on_change(changed.set)
            await informer.start()
        retry = RETRY
        while True:
            changed.clear()
            try:
                wake = await step()
                retry = RETRY
            except ClusterError as error:
                log.warning("%s; trying again in %.1f s", error, retry)
                wake, retry = retry, min(retry * 2, MAX_RETRY)
            await _wait(changed, wake)
    finally:
        for informer in started:
            await informer.stop()


async def _wait(changed: asyncio.Event, seconds: float | None) -> None:
    # Not asyncio.wait_for: until Python 3.12 it swallows a cancellation that meets a change.
    with contextlib.suppress(asyncio.TimeoutError):
        async with asyncio.timeout(seconds):
            await changed.wait()


def soonest(*seconds: float | None) -> float | None:
    """The least of *seconds*; None stands for never."""
    return min((item for item in seconds if item is not None), default=None)
