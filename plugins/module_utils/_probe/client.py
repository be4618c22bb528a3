# Copyright (c) 2026, asm.lanes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Real clients at the gateway: open connections, ask, listen, close. `verdict` decides what it means."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
import time
from typing import TYPE_CHECKING, Any

try:
    import aiohttp
except ImportError:  # the module says so
    aiohttp = None  # type: ignore[assignment]

from .http_link import HttpLink
from .measure import Meter, Pace
from .raw_link import RawLink
from .settings import HTTP, RAW_WEBSOCKET
from .socketio_link import SocketIoLink

if TYPE_CHECKING:
    from collections.abc import Awaitable, Iterable, Sequence

    from .cases import Case
    from .link import Link
    from .settings import Observation, Settings


def run(cases: Sequence[Case], settings: Settings, meter: Meter | None = None) -> list[Observation]:
    """Try every case with as many connections as it says.

    All connections of a batch (at most `settings.max_open`) are open before the first message is sent, so
    that each hears the broadcasts that the others cause. Never raises for what a server does; every socket
    is closed at the end, also when interrupted (Ctrl-C, SIGTERM).
    """
    with _Interruptible() as interruptible:
        return asyncio.run(interruptible.hold(_run(cases, settings, meter or Meter())))


async def _run(cases: Sequence[Case], settings: Settings, meter: Meter) -> list[Observation]:
    deadline = time.monotonic() + settings.timeout
    # What fails in the libraries' own tasks is seen here as a connection that ends or stays silent.
    asyncio.get_running_loop().set_exception_handler(lambda _loop, _told: None)
    connector = aiohttp.TCPConnector(limit=0, ssl=settings.tls)
    pace = Pace(settings.rate)
    wanted = [case for case in cases for _number in range(case.connections)]
    seen: list[Observation] = []
    try:
        for start in range(0, len(wanted), settings.max_open):
            batch = [
                _KINDS.get(case.channel.transport, SocketIoLink)(case, settings, connector, meter, pace)
                for case in wanted[start : start + settings.max_open]
            ]
            seen += [link.seen for link in batch]
            await _converse(batch, settings.timeout, deadline, meter)
    finally:
        await connector.close()
    return seen


_KINDS: dict[str, type[Link]] = {RAW_WEBSOCKET: RawLink, HTTP: HttpLink}


async def _converse(links: Sequence[Link], timeout: float, deadline: float, meter: Meter) -> None:
    """Connect, ask, listen and close one batch."""

    def look() -> None:
        for link in links:
            link.look()

    watching = asyncio.ensure_future(meter.watch(look))
    try:
        handshakes_until = min(deadline, time.monotonic() + timeout / 2)
        await _all(link.open(handshakes_until) for link in links)
        await _all(link.ask(deadline) for link in links)
        asked = sum(link.seen.sent for link in links if link.broadcasts)
        await _all(link.listen(asked, deadline) for link in links)
    finally:
        watching.cancel()
        await _all(link.close() for link in links)


async def _all(jobs: Iterable[Awaitable[None]]) -> None:
    await asyncio.gather(*jobs)


class _Interruptible:
    """Turns SIGTERM into an orderly end, after which the signal does what it would have done before.

    (asyncio.run does the same for Ctrl-C.) Only in the main thread; elsewhere signals are not ours.
    """

    def __init__(self) -> None:
        self._told = False

    def __enter__(self) -> _Interruptible:
        self._ours = threading.current_thread() is threading.main_thread()
        self._before = signal.getsignal(signal.SIGTERM) if self._ours else None
        return self

    async def hold(self, work: Any) -> Any:
        """Do the work; on SIGTERM cancel it, and raise CancelledError when it has cleaned up."""
        task = asyncio.current_task()

        def stop() -> None:
            self._told = True
            if task is not None:
                task.cancel()

        if self._ours:
            asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop)
        return await work

    def __exit__(self, *_error: object) -> None:
        if self._ours and self._before is not None:
            signal.signal(signal.SIGTERM, self._before)
        if self._told:
            os.kill(os.getpid(), signal.SIGTERM)
