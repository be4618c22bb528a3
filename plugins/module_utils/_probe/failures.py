# Copyright (c) 2026, asm.lanes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Why a connection failed: from exceptions to a kind, and from a kind to a sentence with a way out."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

try:
    import aiohttp
except ImportError:  # the module says so
    aiohttp = None  # type: ignore[assignment]

if TYPE_CHECKING:
    from collections.abc import Iterator

REFUSED = "refused"
UNREACHABLE = "unreachable"
CERTIFICATE = "certificate"
STATUS = "status"
TIMEOUT = "timeout"
CLOSED = "closed"
REJECTED = "rejected"
PROTOCOL = "protocol"
GARBLED = "garbled"
ANSWER_STATUS = "answer_status"
UNSTICKY = "unsticky"
HUGE = "huge"
FLOOD = "flood"
PLAIN = "plain"

_SENTENCES = {
    REFUSED: "connection refused: nothing listens there; is the gateway (or the lab) up, and the port right?",
    UNREACHABLE: "the gateway cannot be reached: {detail}",
    PLAIN: "there is no TLS where https was asked for: {detail}",
    CERTIFICATE: "the gateway's certificate was not accepted: {detail}",
    UNSTICKY: (
        "the polling requests of one session reached different replicas (HTTP 400, {said}): polling needs "
        "stickiness; give the DestinationRule consistent hashing (loadBalancer.consistentHash; the Service's "
        "sessionAffinity means nothing to Envoy), or one replica, or use the websocket transport only"
    ),
    HUGE: "the server sent more than 1 MiB in one piece; that is no answer to judge",
    FLOOD: "the server sends without end: far more than was asked for",
    TIMEOUT: "no session in the time for handshakes: the server takes connections but stays silent",
    CLOSED: "the server closed the connection",
    REJECTED: "the application rejected the socket.io connection; see its log and the option headers",
    GARBLED: "the server sent something that is not of the protocol",
    PROTOCOL: "what answers does not speak {detail}, or it hung up during the handshake",
}
#: Characters of a stranger's text that are shown.
_EXCERPT = 80
_STATUS_HINTS = {
    "404": "the gateway has no route to the application (VirtualService, host, path)",
    "503": "the gateway's route leads to no ready pod, or to a subset that does not exist (yet)",
    "200": "an HTTP server that is not socket.io answered; see the route and the socket.io path",
    "400": "the server does not speak this version of Engine.IO, or wants a session first",
    "403": "access is denied by the gateway or the application; see the option headers",
    "413": "the request is too large for the gateway or the application",
    "431": "the headers are too large for the gateway or the application",
    "401": "credentials are wanted; see the option headers",
}


@dataclass(frozen=True)
class Failure:
    """A kind (one of the constants above) and, for some kinds, what the server or the system said."""

    kind: str
    detail: str = ""
    #: The beginning of a refusal's text.
    said: str = ""

    def __str__(self) -> str:
        said = f"it said {self.said[:_EXCERPT]!r}" if self.said else "without a word"
        if self.kind in (STATUS, ANSWER_STATUS):
            hint = _STATUS_HINTS.get(self.detail, "see the gateway's and the application's logs")
            where = " at the handshake" if self.kind == STATUS else ""
            return f"HTTP {self.detail}{where}: {hint}" + (f"; {said}" if self.said else "")
        return _SENTENCES[self.kind].format(detail=self.detail, said=said)


def classify(error: BaseException) -> Failure:
    """Return the failure behind what python-socketio raised: it hides aiohttp's exception in the chain."""
    for cause in _chain(error):
        failure = _known(cause)
        if failure:
            return failure
    return Failure(PROTOCOL)


def _known(error: BaseException) -> Failure | None:
    kind: Failure | None = None
    if isinstance(error, aiohttp.ClientConnectorSSLError) and "CERTIFICATE" not in str(error):
        kind = Failure(PLAIN, _excerpt(error.os_error))
    elif isinstance(error, aiohttp.ClientConnectorCertificateError | aiohttp.ClientConnectorSSLError):
        kind = Failure(CERTIFICATE, _excerpt(error))
    elif isinstance(error, ConnectionRefusedError):
        kind = Failure(REFUSED)
    elif isinstance(error, aiohttp.ClientConnectorError):
        refused = isinstance(error.os_error, ConnectionRefusedError)
        kind = Failure(REFUSED) if refused else Failure(UNREACHABLE, _excerpt(error.os_error))
    elif isinstance(error, aiohttp.WSServerHandshakeError) and error.status != 101:
        kind = Failure(STATUS, str(error.status))
    elif isinstance(error, aiohttp.ServerDisconnectedError | aiohttp.ClientOSError):
        kind = Failure(CLOSED)
    elif isinstance(error, TimeoutError | asyncio.TimeoutError):
        kind = Failure(TIMEOUT)
    else:
        kind = _from_words(error)
    return kind


def _from_words(error: BaseException) -> Failure | None:
    """python-socketio tells these two apart by words only."""
    words = str(error)
    if words == "Unexpected connection error":  # the wait for the namespace ran out
        return Failure(TIMEOUT)
    if words.startswith("One or more namespaces failed to connect"):
        return Failure(REJECTED)
    return None


def _chain(error: BaseException) -> Iterator[BaseException]:
    """Yield the error and what it was raised from, innermost first: the inner one says more."""
    chain: list[BaseException] = []
    step: BaseException | None = error
    while step is not None and step not in chain:
        chain.append(step)
        step = step.__cause__ or step.__context__
    yield from reversed(chain)


def _excerpt(error: BaseException) -> str:
    return (str(error) or type(error).__name__)[:200]
