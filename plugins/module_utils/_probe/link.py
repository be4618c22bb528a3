# Copyright (c) 2026, asm.lanes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""One connection, whatever its transport: its HTTP session, what it hears, and how it waits."""

from __future__ import annotations

import asyncio
import contextlib
import time
from abc import ABC, abstractmethod
from collections import Counter, deque
from dataclasses import replace
from typing import TYPE_CHECKING, Any

try:
    import aiohttp
except ImportError:  # the module says so
    aiohttp = None  # type: ignore[assignment]

from .failures import ANSWER_STATUS, CLOSED, FLOOD, HUGE, PROTOCOL, STATUS, UNSTICKY, Failure, classify
from .settings import ACK, BROADCAST, CALL, HANDSHAKE, OWN, TO_ONE, Observation

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Mapping

    from .cases import Case
    from .measure import Meter, Pace
    from .settings import Settings

#: Bytes of one message or response; more is refused.
LARGEST = 1 << 20
#: Unasked answers, other messages, and different readings of one connection; who sends more is cut off.
MOST_UNASKED, MOST_OTHERS, MOST_READINGS = 100, 100_000, 1_000
#: Characters of a stranger's text that are kept.
EXCERPT = 200
#: What triggers a broadcast is the application's business. A connection that has not heard one for each
#: message of all connections stops listening when nothing has come for QUIET seconds, or after LISTEN_LIMIT.
QUIET = 1.0
LISTEN_LIMIT = 4.0
#: Seconds given to an orderly close; what is still open then is cut.
CLOSE_LIMIT = 2.0


class Link(ABC):
    """Base of all transports: `open`, `ask`, `listen`, `close`, in this order; none of them raises."""

    #: Whether opening means a handshake, which takes a turn and some time.
    handshakes = True
    #: What is spoken, for people.
    protocol = ""

    def __init__(self, case: Case, settings: Settings, connector: Any, meter: Meter, pace: Pace) -> None:
        self.seen = Observation(case.name)
        self._case, self._settings, self._meter, self._pace = case, settings, meter, pace
        self._channel = case.channel
        self._news = asyncio.Event()
        self._ended = asyncio.Event()
        self._open = self._closing = self._answered = False
        self._asked_at: deque[float] = deque()
        self._response: Any = None
        self._refusal: Failure | None = None
        trace = aiohttp.TraceConfig()
        trace.on_request_end.append(self._on_response)
        trace.on_request_exception.append(self._on_trouble)
        # A session each, for cookies of its own: a stickiness cookie of one must not steer another, and its
        # default headers go with every request, as a browser's or the stock client's do.
        self._session = aiohttp.ClientSession(
            connector=connector,
            connector_owner=False,
            cookie_jar=aiohttp.CookieJar(unsafe=True),  # also for gateways that are addresses
            headers=_multidict(case.entry.request_headers(settings.headers)),
            trace_configs=[trace],
        )

    @property
    def broadcasts(self) -> bool:
        """Whether this connection's messages cause broadcasts."""
        return BROADCAST in self._channel.readers

    async def open(self, deadline: float) -> None:
        """Open the connection; a failure is kept in the observation."""
        self._meter.connections += 1
        if self.handshakes:
            await self._pace.turn()
        began = time.monotonic()
        try:
            await within(deadline - began, self._connect(deadline), self._ended)
        except Exception as error:  # a server may do anything; the kinds are told apart in `failures`
            self._end(classify(error))
            return
        if self.handshakes:
            self.seen.handshake_ms = 1000 * (time.monotonic() - began)
        if self.seen.failure is None:  # packets may have come before this task went on
            self._open = True
            self._meter.opened()

    async def ask(self, deadline: float) -> None:
        """Send the messages and wait for as many answers."""
        if not self._open:
            return
        try:
            await within(deadline - time.monotonic(), self._send_all(), self._ended)
        except (TimeoutError, asyncio.TimeoutError):
            return
        except Exception as error:  # the server left between two messages
            self._end(classify(error))
        await self._wait(self._all_came, deadline)

    async def listen(self, asked: int, deadline: float) -> None:
        """Hear the broadcasts that *asked* messages, of all connections together, have caused."""
        if BROADCAST not in self._channel.readers or not self._case.listens:
            return
        await self._wait(lambda: self.seen.count(BROADCAST) > 0, deadline)
        limit = min(deadline, time.monotonic() + LISTEN_LIMIT)
        await self._wait(lambda: self.seen.count(BROADCAST) >= asked, limit, quiet=QUIET)

    async def close(self) -> None:
        """Say goodbye; whatever the server makes of it, the connection is closed afterwards."""
        self._closing = True
        try:
            with contextlib.suppress(Exception):  # it is cut below
                await within(CLOSE_LIMIT, self._disconnect())
        finally:
            if self._response is not None:
                self._response.close()
            await self._session.close()
            if self._open:
                self._open = False
                self._meter.closed()

    def look(self) -> None:
        """Called now and then: cut a response that does not end."""
        if self._response is not None and self._response.content.total_bytes > LARGEST:
            self._response.close()
            self._end(Failure(HUGE))

    # --- what a transport does ---------------------------------------------------------------

    @abstractmethod
    async def _connect(self, deadline: float) -> None:
        """Open the connection; may raise whatever the transport's library does."""

    @abstractmethod
    async def _send_all(self) -> None:
        """Send the case's messages, each at its turn."""

    @abstractmethod
    async def _disconnect(self) -> None:
        """Say goodbye as the protocol has it."""

    # --- what all transports share -----------------------------------------------------------

    async def _turn(self) -> None:
        """Wait for this connection's turn to send, and note the time."""
        await self._pace.turn()
        self._asked_at.append(time.monotonic())

    def _sent(self) -> None:
        self.seen.sent += 1
        self._meter.messages += 1

    def _hear(self, kind: str, text: str, headers: Mapping[str, str] | None = None) -> None:
        """Keep what a message says, unless the connection is given up already."""
        if self.seen.failure is not None:
            return
        if kind in (OWN, ACK, CALL) and self._asked_at:
            self.seen.answer_ms.append(1000 * (time.monotonic() - self._asked_at.popleft()))
        reader = self._channel.readers.get(kind)
        if reader is not None:
            reading = reader.read(text, headers)
            self.seen.heard.setdefault(kind, Counter())[reading] += 1
            if kind not in self.seen.strange and not reader.judged(reading):
                self.seen.strange[kind] = text[:EXCERPT]
        self._check_flood(kind)
        self._news.set()

    def _check_flood(self, kind: str) -> None:
        heard = self.seen.heard.get(kind, Counter())
        unasked = self.seen.count(kind) - (self.seen.sent if kind in (OWN, ACK, CALL) else 0)
        most = MOST_UNASKED if kind in (OWN, ACK, CALL, TO_ONE) else MOST_OTHERS
        if unasked > most or len(heard) > MOST_READINGS:
            self._end(Failure(FLOOD))

    def _all_came(self) -> bool:
        answers = sum(self.seen.count(kind) for kind in (OWN, ACK, CALL))
        unasked = TO_ONE not in self._channel.readers or self.seen.count(TO_ONE) > 0
        return answers >= self.seen.sent and unasked

    async def _wait(self, done: Callable[[], bool], deadline: float, quiet: float | None = None) -> None:
        """Wait until *done*, the deadline, the end of the connection, or *quiet* seconds of silence."""
        while self._open and self.seen.failure is None and not done():
            left = deadline - time.monotonic()
            if left <= 0:
                return
            self._news.clear()
            try:
                await asyncio.wait_for(self._news.wait(), left if quiet is None else min(left, quiet))
            except (TimeoutError, asyncio.TimeoutError):
                return

    def _end(self, failure: Failure) -> None:
        """Stop waiting; unless we closed it ourselves, the connection has failed."""
        if not self._closing and self.seen.failure is None:
            known = self._refusal or failure
            self._ended.set()
            self.seen.failure = replace(known, detail=self.protocol) if known.kind == PROTOCOL else known
        self._news.set()

    async def _on_trouble(self, _session: Any, _context: Any, told: Any) -> None:
        """See why a request failed: the polling library keeps nothing but words."""
        failure = classify(told.exception)
        if isinstance(told.exception, Exception) and failure.kind != PROTOCOL:
            self._refusal = self._refusal or failure

    async def _on_response(self, _session: Any, _context: Any, told: Any) -> None:
        """See every response: the libraries hide status and body of those that they do not like."""
        response = told.response
        self._response = response
        if response.status < 400:
            if self.handshakes and not self._answered:
                self._on_handshake({name.lower(): value for name, value in response.headers.items()})
            self._answered = True
            return
        text = await _beginning(response)
        session = response.url.query.get("sid", "")
        if session:  # whose session it was is nobody's business
            text = text.replace(session, "...")
        if session and response.status == 400 and ("sid" in text.lower() or "session" in text.lower()):
            self._refusal = Failure(UNSTICKY, "400", text)
        else:
            kind = ANSWER_STATUS if self._open else STATUS
            self._refusal = Failure(kind, str(response.status), text if response.status == 400 else "")
        if session:  # the library would wait in vain
            self._end(Failure(CLOSED))

    def _on_handshake(self, headers: Mapping[str, str]) -> None:
        """See the headers of the response that opens the connection."""
        if HANDSHAKE in self._channel.readers:
            self._hear(HANDSHAKE, "", headers)


async def within(seconds: float, work: Coroutine[Any, Any, None], ended: asyncio.Event | None = None) -> None:
    """Do the work; raise TimeoutError when it takes longer. Return as soon as *ended* is set.

    Unlike asyncio.wait_for, this does not wait for the end of what it cancels: python-socketio swallows
    cancellations in places.
    """
    task = asyncio.ensure_future(work)
    ending = asyncio.ensure_future(ended.wait()) if ended else None
    tasks = {task} | ({ending} if ending else set())
    try:
        done, _pending = await asyncio.wait(
            tasks, timeout=max(seconds, 0.001), return_when=asyncio.FIRST_COMPLETED
        )
    finally:
        for each in tasks:
            each.cancel()
    if task in done:
        task.result()
    elif not done:
        raise TimeoutError


def _multidict(pairs: list[tuple[str, str]]) -> Any:
    from multidict import CIMultiDict

    return CIMultiDict(pairs)


async def _beginning(response: Any) -> str:
    """Return the beginning of a body that explains a refusal."""
    try:
        data = await asyncio.wait_for(response.content.read(EXCERPT), 1)
    except Exception:  # it is only for the wording
        return ""
    return data.decode("utf-8", "replace").strip() if isinstance(data, bytes) else ""
