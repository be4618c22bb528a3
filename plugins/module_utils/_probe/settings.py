# Copyright (c) 2026, asm.lanes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""How to talk to the application, and what one connection saw."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import ssl
    from collections.abc import Mapping

    from .failures import Failure
    from .reading import Reader, Reading

WEBSOCKET, POLLING, RAW_WEBSOCKET, HTTP = "websocket", "polling", "raw_websocket", "http"
TRANSPORTS = (WEBSOCKET, POLLING, RAW_WEBSOCKET, HTTP)
SOCKET_IO = (WEBSOCKET, POLLING)

#: Kinds of messages. OWN: the server's answer to a client's message, as an event (or a frame). ACK: as the
#: acknowledgement of it. TO_ONE: sent by the server to this client, unasked. BROADCAST: sent to all.
#: CALL: the answer to an HTTP request. HANDSHAKE: the response that opens the connection.
OWN, ACK, TO_ONE, BROADCAST, CALL, HANDSHAKE = "own", "ack", "to_one", "broadcast", "call", "handshake"
KINDS = (OWN, ACK, TO_ONE, BROADCAST, CALL, HANDSHAKE)


@dataclass(frozen=True)
class Channel:
    """One transport: where it is, and how its messages are read.

    path: of the socket.io server, the WebSocket, or the call. readers: kind of message -> who finds the
    versions in it; a kind without a reader is not expected. message: what a plain WebSocket sends, or the
    body of a call; ``{id}`` becomes a random identifier. broadcast_pattern: which frames of a plain WebSocket
    are broadcasts. method: of the call.
    """

    transport: str
    path: str
    readers: Mapping[str, Reader]
    message: str = ""
    broadcast_pattern: str = ""
    method: str = "GET"

    @property
    def request_path(self) -> str:
        """The path as the gateway's rules see it, without a query."""
        path = "/" + self.path.partition("?")[0].strip("/")
        return f"{path.rstrip('/')}/" if self.transport in SOCKET_IO else path


@dataclass(frozen=True)
class Events:
    """The events of a socket.io application; an empty name: it has none of the kind."""

    emit: str = "test000"
    answer: str = "hello"
    #: Asks like `emit`; the server answers in its acknowledgement.
    ack: str = ""
    #: Sent by the server to one client, unasked.
    to_one: str = ""
    broadcast: str = "okok"


@dataclass(frozen=True)
class Settings:
    """How to reach the application, and how much of it. Times in seconds."""

    url: str
    #: Sent with every request besides what the case's entry says.
    headers: Mapping[str, str] = field(default_factory=dict)
    events: Events = Events()
    #: Most connections open at once.
    max_open: int = 50
    #: Handshakes and messages per second; 0: as fast as can be.
    rate: float = 0
    #: One deadline for everything; half of it for the handshakes of a batch.
    timeout: float = 15.0
    #: False: certificates are not checked. True: as the system does. Or a context with other authorities.
    tls: bool | ssl.SSLContext = True


@dataclass
class Observation:
    """What one connection saw."""

    case: str
    sent: int = 0
    #: Kind of message -> what it named -> how often.
    heard: dict[str, Counter[Reading]] = field(default_factory=dict)
    #: A text of each kind that does not name all that is judged.
    strange: dict[str, str] = field(default_factory=dict)
    #: How many of our messages the server acknowledged. Servers need not.
    emits_acknowledged: int = 0
    #: How many answers asked for an acknowledgement, and how many acknowledgements were sent.
    acks_asked: int = 0
    acks_sent: int = 0
    #: Milliseconds until the session was there, and until each answer. Answers do not say what they answer:
    #: they are taken to come in the order of the messages.
    handshake_ms: float | None = None
    answer_ms: list[float] = field(default_factory=list)
    #: Why there was no connection, or why it ended too soon.
    failure: Failure | None = None

    def count(self, kind: str) -> int:
        """Return how many messages of a kind came."""
        return sum(self.heard[kind].values()) if kind in self.heard else 0
