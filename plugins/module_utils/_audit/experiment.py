# Copyright (c) 2026, asm.lanes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The audit's own requests: one client at a time, each with a mark by which the access logs show it again."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import ssl
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlencode, urlsplit, urlunsplit

from .context import TAG, TRACEPARENT
from .options import HANDSHAKE, HTTP, POLLING
from .ways import Way

WEBSOCKET = "websocket"
#: Seconds for an orderly end; a client that polls would wait for its last, empty poll.
_GOODBYE = 0.2
#: Seconds between two looks at a handshake.
_LOOK = 0.05
_LOG = logging.getLogger("asm_lanes_audit")


@dataclass(frozen=True)
class Settings:
    """How to talk to the application; times in seconds.

    path: of the socket.io server. http_path: of a plain HTTP call. quiet: how long a broadcast may take after
    the answer. tls: as aiohttp takes it. tag_baggage: whether requests carry a baggage member of the
    audit's, which the handshake never does.
    """

    url: str
    route_header: str
    trace_header: str
    headers: Mapping[str, str] = field(default_factory=dict)
    path: str = "socket.io"
    http_path: str = "/"
    emit_event: str = "test000"
    answer_event: str = "hello"
    broadcast_event: str = "okok"
    timeout: float = 10.0
    quiet: float = 1.0
    tls: bool | ssl.SSLContext = True
    tag_baggage: bool = True


def new_tag() -> str:
    """A mark that no other request has; it is a trace id, too."""
    return uuid.uuid4().hex


@dataclass(frozen=True)
class Experiment:
    """One client of a lane, which comes in by a way.

    kind: ``websocket``, ``polling``, ``http`` or ``handshake``.
    """

    case: str
    lane: str
    kind: str
    way: Way
    tag: str = field(default_factory=new_tag)


@dataclass
class Outcome:
    """What the client saw. failure: why it got no answer, empty when it did."""

    experiment: Experiment
    answer: str | None = None
    broadcast: str | None = None
    failure: str = ""


def run(experiments: Sequence[Experiment], settings: Settings) -> list[Outcome]:
    """Make the experiments one after the other. Never raises for what a server does; closes every socket."""
    return asyncio.run(_run(experiments, settings))


async def _run(experiments: Sequence[Experiment], settings: Settings) -> list[Outcome]:
    asyncio.get_running_loop().set_exception_handler(lambda _loop, told: _LOG.debug("%s", told))
    return [await _try(experiment, settings) for experiment in experiments]


async def _try(experiment: Experiment, settings: Settings) -> Outcome:
    import aiohttp

    outcome = Outcome(experiment)
    connector = aiohttp.TCPConnector(ssl=settings.tls)
    timeout = aiohttp.ClientTimeout(total=settings.timeout)
    # As browsers and node do it: the headers go with every request, and cookies come back, to addresses too.
    async with aiohttp.ClientSession(
        connector=connector,
        cookie_jar=aiohttp.CookieJar(unsafe=True),
        headers=_headers(experiment, settings),
        timeout=timeout,
    ) as session:
        work = _http if experiment.kind == HTTP else _socket
        try:
            await asyncio.wait_for(work(session, outcome, settings), settings.timeout)
        except (TimeoutError, asyncio.TimeoutError):
            outcome.failure = f"no answer within {settings.timeout:g} s"
        except Exception as error:  # whatever a server does; what it means is for the access logs to show
            outcome.failure = f"{type(error).__name__}: {error}"[:200]
    return outcome


def _headers(experiment: Experiment, settings: Settings) -> list[tuple[str, str]]:
    """Of every request. The trace is new and not sampled: nobody stores it."""
    headers = experiment.way.entry.request_headers(settings.headers)
    if experiment.kind == HANDSHAKE:
        return headers
    headers.append((TRACEPARENT, f"00-{experiment.tag}-{experiment.tag[:16]}-00"))
    if settings.trace_header == "baggage":
        if settings.tag_baggage:
            headers.append(("baggage", f"{TAG}={experiment.tag}"))
    elif settings.trace_header not in (settings.route_header, TRACEPARENT):
        headers.append((settings.trace_header, experiment.tag))
    return headers


def marked(url: str, path: str | None, tag: str, query: Sequence[tuple[str, str]] = ()) -> str:
    """The URL with a client's query and the audit's own parameter, and with the path when one is given."""
    parts = urlsplit(url)
    target = urlsplit(path) if path is not None else parts
    added = urlencode([*query, (TAG, tag)], quote_via=quote)
    return urlunsplit(
        (parts.scheme, parts.netloc, target.path, "&".join(filter(None, (target.query, added))), "")
    )


async def _http(session: Any, outcome: Outcome, settings: Settings) -> None:
    made = outcome.experiment
    url = marked(settings.url, settings.http_path, made.tag, made.way.entry.query)
    async with session.get(url, allow_redirects=False) as response:
        text = await response.text()
        if response.status >= 400:
            outcome.failure = f"HTTP {response.status}"
        else:
            outcome.answer = text


async def _socket(session: Any, outcome: Outcome, settings: Settings) -> None:
    import socketio

    experiment = outcome.experiment
    client = socketio.AsyncClient(
        reconnection=False,
        handle_sigint=False,
        http_session=session,
        logger=_silent(),
        engineio_logger=_silent(),
    )
    news, ended = asyncio.Event(), asyncio.Event()
    client.on(settings.answer_event, _keep(outcome, "answer", news))

    def on_disconnect(*_reason: object) -> None:
        ended.set()
        news.set()

    client.on("disconnect", on_disconnect)
    if settings.broadcast_event:
        client.on(settings.broadcast_event, _keep(outcome, "broadcast", news))
    transport = POLLING if experiment.kind == POLLING else WEBSOCKET
    try:
        await _connect(
            client,
            marked(settings.url, None, experiment.tag, experiment.way.entry.query),
            transports=[transport],
            socketio_path=settings.path,
            wait_timeout=settings.timeout,
        )
        if experiment.kind != HANDSHAKE:
            await client.emit(settings.emit_event, experiment.tag)
            await _until(lambda: outcome.answer is not None, news, ended, settings.timeout)
            if settings.broadcast_event:
                await _until(lambda: outcome.broadcast is not None, news, ended, settings.quiet)
        if outcome.answer is None and ended.is_set():
            outcome.failure = "the connection ended before an answer"
    finally:
        with contextlib.suppress(Exception):
            await asyncio.wait_for(client.disconnect(), _GOODBYE)


async def _connect(client: Any, url: str, **options: Any) -> None:
    """Connect; python-socketio itself would wait its time out for a session that the server has ended."""
    connecting = asyncio.create_task(client.connect(url, **options))
    began = False
    try:
        while not connecting.done():
            await asyncio.wait({connecting}, timeout=_LOOK)
            began = began or client.eio.state == "connected"
            if began and client.eio.state == "disconnected" and not connecting.done():
                raise ConnectionError("the server ended the session in the handshake")
        await connecting
    finally:
        connecting.cancel()


def _keep(outcome: Outcome, name: str, news: asyncio.Event) -> Callable[..., str]:
    def handler(*data: object) -> str:
        setattr(outcome, name, " ".join(str(item) for item in data))
        news.set()
        return "got it"

    return handler


async def _until(done: Callable[[], bool], news: asyncio.Event, ended: asyncio.Event, seconds: float) -> None:
    """Wait until it is done, the connection ends, or the time is over."""
    deadline = time.monotonic() + seconds
    while not done() and not ended.is_set() and (left := deadline - time.monotonic()) > 0:
        news.clear()
        with contextlib.suppress(TimeoutError, asyncio.TimeoutError):
            await asyncio.wait_for(news.wait(), left)


def _silent() -> logging.Logger:
    """A logger that says nothing: a module's output is its result."""
    logger = logging.getLogger("asm_lanes_audit.silent")
    logger.propagate = False
    logger.setLevel(logging.CRITICAL + 1)
    return logger
