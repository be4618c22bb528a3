# Copyright (c) 2026, asm.lanes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Real socket.io clients: open connections, ask, listen, close. What it means is decided in `verdict`.

The libraries (aiohttp, python-socketio) are imported when a probe runs, so that a module can say which one
is missing.
"""

from __future__ import annotations

import asyncio
import json
import logging
import time
import uuid
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from .failures import CLOSED, GARBLED, Failure, classify

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence

#: What the client answers through the callback that the server hands over with its answer (as in the guide).
ACKNOWLEDGEMENT = "got it"
#: What triggers a broadcast is the application's business. A socket that has not heard one for each message
#: of all sockets stops listening when nothing has come for QUIET seconds, or after LISTEN_LIMIT seconds.
QUIET = 1.0
LISTEN_LIMIT = 4.0
#: Seconds given to an orderly close; what is still open then is cut.
CLOSE_LIMIT = 2.0


@dataclass(frozen=True)
class Settings:
    """How to talk to the application. Times in seconds."""

    url: str
    route_header: str
    #: Sent with every handshake besides the route header.
    headers: Mapping[str, str] = field(default_factory=dict)
    path: str = "socket.io"
    emit_event: str = "test000"
    answer_event: str = "hello"
    #: Empty: the application does not broadcast, nothing is waited for.
    broadcast_event: str = "okok"
    #: Messages per connection.
    messages: int = 2
    #: Connections per case.
    connections: int = 2
    #: Most connections open at once.
    max_open: int = 50
    #: One deadline for everything; half of it for the handshakes.
    timeout: float = 15.0
    validate_certs: bool = True


@dataclass
class Observation:
    """What one connection saw."""

    case: str
    header: str | None
    sent: int = 0
    #: Text of each answer to this connection's own messages.
    own: list[str] = field(default_factory=list)
    #: Text of each broadcast.
    broadcasts: list[str] = field(default_factory=list)
    #: How many of our messages the server acknowledged. Servers need not.
    emits_acknowledged: int = 0
    #: How many answers asked for an acknowledgement, and how many such acknowledgements were sent.
    acks_asked: int = 0
    acks_sent: int = 0
    #: Milliseconds until the session was there, and until each answer. Answers do not say what they answer:
    #: they are taken to come in the order of the messages.
    handshake_ms: float | None = None
    answer_ms: list[float] = field(default_factory=list)
    #: Why there was no connection, or why it ended too soon.
    failure: Failure | None = None


def run(entries: Sequence[tuple[str, str | None]], settings: Settings) -> list[Observation]:
    """Try every entry (name, value of the route header) with `settings.connections` sockets each.

    All sockets of a batch (at most `settings.max_open`) are open before the first message is sent, so that
    each hears the broadcasts that the others cause. Never raises for what a server does; every socket is
    closed at the end, also when interrupted.
    """
    return asyncio.run(_run(entries, settings))


async def _run(entries: Sequence[tuple[str, str | None]], settings: Settings) -> list[Observation]:
    import aiohttp

    deadline = time.monotonic() + settings.timeout
    # What fails in the libraries' own tasks is seen here as a connection that ends or stays silent.
    asyncio.get_running_loop().set_exception_handler(lambda _loop, told: _silent().debug("%s", told))
    connector = aiohttp.TCPConnector(limit=0, ssl=settings.validate_certs)
    # One session for all, but no shared cookies: a stickiness cookie of one socket must not steer another.
    async with aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar()) as session:
        sockets = [
            _Socket(Observation(name, header), settings, session)
            for name, header in entries
            for _number in range(settings.connections)
        ]
        for start in range(0, len(sockets), settings.max_open):
            await _converse(sockets[start : start + settings.max_open], settings.timeout, deadline)
    return [socket.seen for socket in sockets]


async def _converse(sockets: Sequence[_Socket], timeout: float, deadline: float) -> None:
    """Connect, ask, listen and close one batch."""
    try:
        handshakes_until = min(deadline, time.monotonic() + timeout / 2)
        await _all(socket.connect(handshakes_until) for socket in sockets)
        await _all(socket.ask(deadline) for socket in sockets)
        asked = sum(socket.seen.sent for socket in sockets)
        await _all(socket.listen(asked, deadline) for socket in sockets)
    finally:
        await _all(socket.close() for socket in sockets)


async def _all(jobs: Iterable[Awaitable[None]]) -> None:
    await asyncio.gather(*jobs)


class _Socket:
    """One connection and its observation."""

    def __init__(self, seen: Observation, settings: Settings, session: Any) -> None:
        import socketio

        self.seen = seen
        self._settings = settings
        self._news = asyncio.Event()
        self._open = False
        self._closing = False
        self._asked_at: deque[float] = deque()
        self._client = socketio.AsyncClient(
            reconnection=False,
            handle_sigint=False,
            http_session=session,
            serializer=_watching_packets(seen, settings.answer_event, lambda: self._end(Failure(GARBLED))),
            logger=_silent(),
            engineio_logger=_silent(),
        )
        self._client.on("disconnect", self._on_disconnect)
        self._client.on(settings.answer_event, self._on_answer)
        if settings.broadcast_event:
            self._client.on(settings.broadcast_event, self._on_broadcast)

    async def connect(self, deadline: float) -> None:
        """Open the connection; a failure is kept in the observation."""
        headers = dict(self._settings.headers)
        if self.seen.header is not None:
            headers[self._settings.route_header] = self.seen.header
        began = time.monotonic()
        left = max(deadline - began, 0.001)
        handshake = self._client.connect(
            self._settings.url,
            headers=headers,
            transports=["websocket"],
            socketio_path=self._settings.path,
            wait_timeout=left,
        )
        try:
            await asyncio.wait_for(handshake, left)
            self.seen.handshake_ms = 1000 * (time.monotonic() - began)
            self._open = self.seen.failure is None  # packets may have come before this task went on
        except Exception as error:  # a server may do anything; the kinds are told apart in `failures`
            self._end(classify(error))

    async def ask(self, deadline: float) -> None:
        """Send the messages and wait for as many answers."""
        if not self._open:
            return
        try:
            for _number in range(self._settings.messages):
                self._asked_at.append(time.monotonic())
                await self._client.emit(
                    self._settings.emit_event, str(uuid.uuid4()), callback=self._on_acknowledged
                )
                self.seen.sent += 1
        except Exception as error:  # the server left between two messages
            self._end(classify(error))
        await self._wait(lambda: len(self.seen.own) >= self.seen.sent, deadline)

    async def listen(self, asked: int, deadline: float) -> None:
        """Hear the broadcasts that *asked* messages, of all sockets together, have caused."""
        if not self._settings.broadcast_event:
            return
        heard = self.seen.broadcasts
        await self._wait(lambda: bool(heard), deadline)
        limit = min(deadline, time.monotonic() + LISTEN_LIMIT)
        await self._wait(lambda: len(heard) >= asked, limit, quiet=QUIET)

    async def close(self) -> None:
        """Say goodbye; whatever the server makes of it, the session is closed afterwards."""
        self._closing = True
        try:
            await asyncio.wait_for(self._client.disconnect(), CLOSE_LIMIT)
        except Exception as error:
            _silent().debug("close: %s", error)

    async def _wait(self, done: Callable[[], bool], deadline: float, quiet: float | None = None) -> None:
        """Wait until *done*, the deadline, the end of the connection, or *quiet* seconds of silence."""
        while self._open and not done():
            left = deadline - time.monotonic()
            if left <= 0:
                return
            self._news.clear()
            try:
                await asyncio.wait_for(self._news.wait(), left if quiet is None else min(left, quiet))
            except (TimeoutError, asyncio.TimeoutError):
                return

    def _on_answer(self, *data: object) -> str:
        if self._asked_at:
            self.seen.answer_ms.append(1000 * (time.monotonic() - self._asked_at.popleft()))
        self.seen.own.append(_text(data))
        self._news.set()
        return ACKNOWLEDGEMENT

    def _on_broadcast(self, *data: object) -> None:
        self.seen.broadcasts.append(_text(data))
        self._news.set()

    def _on_acknowledged(self, *_data: object) -> None:
        self.seen.emits_acknowledged += 1

    def _on_disconnect(self, *_reason: object) -> None:
        self._end(Failure(CLOSED))

    def _end(self, failure: Failure) -> None:
        """Stop waiting; unless we closed it ourselves, the connection has failed."""
        if not self._closing:
            self._open = False
            self.seen.failure = self.seen.failure or failure
        self._news.set()


def _text(data: tuple[object, ...]) -> str:
    """Return an event's arguments as text; what is not text as JSON."""
    return " ".join(item if isinstance(item, str) else json.dumps(item, default=repr) for item in data)


def _watching_packets(seen: Observation, answer_event: str, on_garbled: Callable[[], None]) -> type:
    """Return a packet class that counts acknowledgements asked for and sent, and reports broken packets.

    Event handlers are not told whether the server asked for an acknowledgement; python-socketio lets its
    user supply the packet class (its `serializer` option), where that can be read.
    """
    from socketio.packet import ACK, BINARY_ACK, BINARY_EVENT, EVENT, Packet

    class WatchingPacket(Packet):  # type: ignore[misc]
        def decode(self, encoded_packet: str) -> int | None:
            try:
                attachments: int | None = super().decode(encoded_packet)
            except Exception:  # whatever the server sent, it was no socket.io packet
                on_garbled()
                self.packet_type, self.data, self.id = EVENT, [""], None  # an event that nobody handles
                return 0
            is_event = self.packet_type in (EVENT, BINARY_EVENT) and isinstance(self.data, list)
            if is_event and self.id is not None and self.data[:1] == [answer_event]:
                seen.acks_asked += 1
            return attachments

        def encode(self) -> str | list[str | bytes]:
            if self.packet_type in (ACK, BINARY_ACK):
                seen.acks_sent += 1
            encoded: str | list[str | bytes] = super().encode()
            return encoded

    return WatchingPacket


def _silent() -> logging.Logger:
    """Return a logger that shows nothing: the libraries would print what servers send."""
    logger = logging.getLogger("asm_lanes_probe")
    logger.propagate = False
    if not logger.handlers:
        logger.addHandler(logging.NullHandler())
    return logger
