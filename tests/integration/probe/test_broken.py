"""Servers that are broken in any way get a clear verdict, in one line, within the deadline."""

from __future__ import annotations

import gc
import itertools
import time
from typing import Any

import pytest

from . import servers
from .probing import prove
from .servers import CONNECTED, OPEN

#: The deadline of a proof here; how much later it may end on a busy machine (closing takes up to 2 s); the
#: deadline where the verdict must come long before.
TIMEOUT, GRACE, AMPLE = 2.0, 10.0, 60.0
SILENT = "stays silent"
OLD = '{"code":5,"message":"Unsupported protocol version"}'
HUGE = "4" + "2" * 3_000_000


def verdict(what: Any, said: str, capfd: pytest.CaptureFixture[str], **given: Any) -> None:
    """What the user is told must be in one line, in time, and nothing else anywhere."""
    limit = TIMEOUT if said == SILENT else AMPLE
    with servers.serve(what) as url:
        started = time.monotonic()
        proof = prove(url, timeout=limit, negative_cases=False, **given)
        assert time.monotonic() - started < TIMEOUT + GRACE
    assert proof["passed"] is False
    message: str = proof["message"]
    assert "\n" not in message, message
    assert message.startswith(f"The lanes cannot be proven at {url}: ")
    gc.collect()  # asyncio complains about forgotten tasks when they are collected
    assert capfd.readouterr().err == ""
    assert said in message


def everywhere() -> tuple[tuple[Any, str], ...]:
    """What is broken for all of socket.io; applications serve once."""
    return (
        (servers.RAW["silent"], SILENT),
        (servers.RAW["closes"], "the server closed the connection"),
        (servers.answering(404), "HTTP 404 at the handshake: the gateway has no route"),
        (servers.answering(503), "HTTP 503 at the handshake: the gateway's route leads to no ready pod"),
        (servers.answering(400, OLD), "HTTP 400 at the handshake: the server does not speak this version"),
    )


WEBSOCKET = (
    *everywhere(),
    (servers.RAW["garbage"], "does not speak socket.io (Engine.IO 4)"),
    (servers.RAW["half"], "the server closed the connection"),
    (servers.answering(200), "HTTP 200 at the handshake: an HTTP server that is not socket.io"),
    (servers.websocket_saying(then_close=True), "hung up during the handshake"),
    (servers.websocket_saying(then_close=False), SILENT),
    (servers.websocket_saying("hello", then_close=False), "does not speak socket.io (Engine.IO 4)"),
    (servers.websocket_saying('0{"sid":"x"}', then_close=False), "does not speak socket.io (Engine.IO 4)"),
    (servers.websocket_saying(OPEN, then_close=False), SILENT),
    (servers.websocket_saying(OPEN, then_close=True), SILENT),
    (servers.websocket_saying(OPEN, '44{"message":"no"}', then_close=False), "the application rejected"),
    (servers.websocket_saying(OPEN, CONNECTED, then_close=True), "the server closed the connection"),
    (servers.websocket_saying(OPEN, CONNECTED, '42["hello"', then_close=False), "not of the protocol"),
    (servers.websocket_saying(OPEN, CONNECTED, HUGE, then_close=False), "more than 1 MiB in one piece"),
    (servers.websocket_saying(OPEN, CONNECTED, *[f'42["hello","v{n}"]' for n in range(3000)],
                              then_close=False), "sends without end"),
)  # fmt: skip
POLLING = (
    *everywhere(),
    (servers.RAW["garbage"], "does not speak socket.io (Engine.IO 4)"),
    (servers.answering(200), "does not speak socket.io (Engine.IO 4)"),
    (servers.answering(200, "96:" + OPEN), "does not speak socket.io (Engine.IO 4)"),  # Engine.IO 3
    (servers.answering(200, OPEN), SILENT),
    (servers.RAW["endless"], "more than 1 MiB in one piece"),
)


@pytest.mark.parametrize(("what", "said"), WEBSOCKET)
def test_websocket(what: Any, said: str, capfd: pytest.CaptureFixture[str]) -> None:
    verdict(what, said, capfd)


@pytest.mark.parametrize(("what", "said"), POLLING)
def test_polling(what: Any, said: str, capfd: pytest.CaptureFixture[str]) -> None:
    verdict(what, said, capfd, transports=["polling"])


@pytest.mark.parametrize(
    ("what", "said"),
    [
        (servers.RAW["silent"], SILENT),
        (servers.answering(404), "HTTP 404 at the handshake"),
        (servers.websocket_saying(then_close=True), "the server closed the connection"),
        (servers.websocket_saying(HUGE, then_close=False), "more than 1 MiB in one piece"),
        (servers.websocket_saying(*[f"v{n}" for n in range(3000)], then_close=False), "sends without end"),
    ],
)
def test_plain_websocket(what: Any, said: str, capfd: pytest.CaptureFixture[str]) -> None:
    verdict(what, said, capfd, transports=["raw_websocket"])


@pytest.mark.parametrize(
    ("what", "said"),
    [
        (servers.RAW["closes"], "the server closed the connection"),
        (servers.RAW["garbage"], "what answers does not speak HTTP"),
        (servers.answering(404), "HTTP 404: the gateway has no route"),
        (servers.RAW["endless"], "more than 1 MiB in one piece"),
    ],
)
def test_calls(what: Any, said: str, capfd: pytest.CaptureFixture[str]) -> None:
    verdict(what, said, capfd, transports=["http"])


def test_a_call_that_is_never_answered(capfd: pytest.CaptureFixture[str]) -> None:
    with servers.serve(servers.RAW["silent"]) as url:
        proof = prove(url, timeout=TIMEOUT, negative_cases=False, transports=["http"])
    assert "2 of 2 own messages unanswered within 2 s" in proof["message"]


def test_a_server_that_stops_answering_in_the_middle() -> None:
    left = itertools.count(3, -1)

    def text(version: str) -> str:
        if next(left) <= 0:
            raise RuntimeError("no more")
        return f"version: {version}"

    with servers.serve(servers.App(text=text, welcomes=False, broadcasts=False).build()) as url:
        proof = prove(url, timeout=5, negative_cases=False, broadcast_event="")
    assert "own messages unanswered within 5 s" in proof["message"]


def test_nothing_listens_and_no_such_host() -> None:
    with servers.serve(servers.answering(200)) as url:
        pass  # the port was free and is free again
    assert "connection refused" in prove(url)["message"]
    assert "cannot be reached" in prove("http://gateway.invalid:30080")["message"]
