# Copyright (c) 2026, asm.lanes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A socket.io client (Engine.IO 4), over a WebSocket or by polling."""

from __future__ import annotations

import asyncio
import json
import logging
import time
import uuid
from typing import TYPE_CHECKING, Any

try:
    import aiohttp
    import socketio
    from engineio.payload import Payload
    from socketio.packet import ACK as ACK_PACKET
    from socketio.packet import BINARY_ACK, BINARY_EVENT, EVENT, Packet
except ImportError:  # the module says so
    Packet = object
else:
    # The library takes 16 packets per response of a polling server, and hangs up at more. Broadcasts come in
    # bunches; LARGEST says what is too much.
    Payload.max_decode_packets = 100_000

from .failures import CLOSED, GARBLED, HUGE, Failure
from .link import LARGEST, Link
from .settings import ACK, BROADCAST, OWN, POLLING, TO_ONE

if TYPE_CHECKING:
    from collections.abc import Callable

    from .settings import Observation

#: What the client answers through the callback that the server hands over with its answer (as in the guide).
ACKNOWLEDGEMENT = "got it"
#: Seconds that a polling client gets to send what it still has to say.
SENDING = 0.5


class SocketIoLink(Link):
    """One socket.io connection."""

    protocol = "socket.io (Engine.IO 4)"

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        events = self._settings.events
        self._client = socketio.AsyncClient(
            reconnection=False,
            handle_sigint=False,
            http_session=self._session,
            websocket_extra_options={"max_msg_size": LARGEST},
            serializer=_watching_packets(self.seen, events.answer, lambda: self._end(Failure(GARBLED))),
            logger=_silent(),
            engineio_logger=_silent(),
        )
        self._client.on("disconnect", self._on_disconnect)
        for kind, event in ((OWN, events.answer), (TO_ONE, events.to_one), (BROADCAST, events.broadcast)):
            if event:
                self._client.on(event, self._hearing(kind))

    async def _connect(self, deadline: float) -> None:
        query = "&".join(f"{name}={value}" for name, value in _quoted(self._case.entry.query))
        await self._client.connect(
            f"{self._settings.url}?{query}" if query else self._settings.url,
            transports=[self._channel.transport],
            socketio_path=self._channel.path,
            wait_timeout=max(deadline - time.monotonic(), 0.001),
        )

    async def _send_all(self) -> None:
        events = self._settings.events
        for _number in range(self._case.messages):
            if events.emit and OWN in self._channel.readers:
                await self._turn()
                await self._client.emit(events.emit, str(uuid.uuid4()), callback=self._on_acknowledged)
                self._sent()
            if events.ack and ACK in self._channel.readers:
                await self._turn()
                await self._client.emit(events.ack, str(uuid.uuid4()), callback=self._on_answering_ack)
                self._sent()

    async def _disconnect(self) -> None:
        if self._channel.transport != POLLING:
            await self._client.disconnect()
            return
        # The library would wait for the pending poll, which servers leave unanswered: enough that all has
        # been sent, the goodbye last.
        engine = self._client.eio
        await asyncio.wait_for(engine.queue.join(), SENDING)
        goodbye = asyncio.ensure_future(self._client.disconnect())
        try:
            await asyncio.sleep(0)
            await asyncio.wait_for(engine.queue.join(), SENDING)
        finally:
            for task in (goodbye, engine.read_loop_task):
                if task is not None:
                    task.cancel()

    def _hearing(self, kind: str) -> Callable[..., str | None]:
        def hear(*data: object) -> str | None:
            self._hear(kind, _text(data))
            return ACKNOWLEDGEMENT if kind == OWN else None

        return hear

    def _on_acknowledged(self, *_data: object) -> None:
        self.seen.emits_acknowledged += 1

    def _on_answering_ack(self, *data: object) -> None:
        self.seen.emits_acknowledged += 1
        self._hear(ACK, _text(data))

    def _on_disconnect(self, *_reason: object) -> None:
        self._end(ending(self._client.eio.ws))


def ending(socket: Any) -> Failure:
    """Return why a WebSocket has ended without our doing; None stands for a session without one."""
    if socket is not None and socket.close_code == aiohttp.WSCloseCode.MESSAGE_TOO_BIG:
        return Failure(HUGE)
    return Failure(CLOSED)


def _quoted(pairs: tuple[tuple[str, str], ...]) -> list[tuple[str, str]]:
    from urllib.parse import quote

    return [(quote(name, safe=""), quote(value, safe="")) for name, value in pairs]


def _text(data: tuple[object, ...]) -> str:
    """Return an event's arguments as text; what is not text as JSON."""
    return " ".join(item if isinstance(item, str) else json.dumps(item, default=repr) for item in data)


def _watching_packets(seen: Observation, answer_event: str, on_garbled: Callable[[], None]) -> type:
    """Return a packet class that counts acknowledgements asked for and sent, and reports broken packets.

    Event handlers are not told whether the server asked for an acknowledgement; python-socketio lets its
    user supply the packet class (its `serializer` option), where that can be read.
    """

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
            if self.packet_type in (ACK_PACKET, BINARY_ACK):
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
