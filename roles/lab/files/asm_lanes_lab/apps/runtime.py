"""What the stand-in apps share: identity, baggage, outgoing calls, serving."""

from __future__ import annotations

import asyncio
import logging
import os
import re
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass

import aiohttp
from aiohttp import web
from multidict import CIMultiDictProxy
from opentelemetry.baggage.propagation import W3CBaggagePropagator
from opentelemetry.context import Context

#: Seconds that an outgoing call may take.
CALL_TIMEOUT = 10.0

SESSION = web.AppKey("session", aiohttp.ClientSession)

_PROPAGATOR = W3CBaggagePropagator()
_SWITCHED_OFF = ("0", "false", "no", "off")


@dataclass(frozen=True)
class Identity:
    """Who answers: service, version and instance (the pod's name)."""

    service: str
    version: str
    instance: str

    @classmethod
    def from_env(cls, service: str) -> Identity:
        """Read ``SERVICE`` (default: *service*), ``VERSION`` (``v1``) and ``POD_NAME`` (``local``)."""
        return cls(
            service=os.environ.get("SERVICE") or service,
            version=os.environ.get("VERSION") or "v1",
            instance=os.environ.get("POD_NAME") or "local",
        )

    def greeting(self) -> str:
        """The answer of the published helloworld images."""
        return f"Hello version: {self.version}, instance: {self.instance}"


def extract(baggage: str | None) -> Context:
    """Context carried by the value of a ``baggage`` header; empty when there is none or it is malformed."""
    return _PROPAGATOR.extract({"baggage": baggage} if baggage else {}, context=Context())


def request_context(headers: CIMultiDictProxy[str]) -> Context:
    """Context of a request; several ``baggage`` headers mean their concatenation (W3C Baggage 3.1)."""
    return extract(",".join(headers.getall("baggage", [])))


def inject(context: Context) -> dict[str, str]:
    """Headers that carry *context* on; empty when it holds no baggage or ``FORWARD_BAGGAGE=0``.

    The switch gives the variant that the guide's FAQ warns of: the app without its small code change.
    """
    headers: dict[str, str] = {}
    if os.environ.get("FORWARD_BAGGAGE", "1").lower() not in _SWITCHED_OFF:
        _PROPAGATOR.inject(headers, context=context)
    return headers


class CallError(Exception):
    """An outgoing call got no good answer; the text says why, in one short line."""

    def __init__(self, reason: str, status: int | None = None) -> None:
        super().__init__(reason)
        self.status = status


async def call(session: aiohttp.ClientSession, url: str, context: Context) -> str:
    """GET *url* with the baggage of *context*; its text, or CallError."""
    try:
        async with session.get(url, headers=inject(context)) as response:
            text = await response.text()
    except asyncio.TimeoutError as error:
        raise CallError(f"no answer from {url} within {CALL_TIMEOUT:g} s") from error
    except (aiohttp.ClientError, ValueError) as error:
        raise CallError(f"{type(error).__name__} {one_line(str(error))}") from error
    if response.status >= 400:
        raise CallError(f"{response.status} {one_line(text) or response.reason}", response.status)
    return text


def one_line(text: str, limit: int = 200) -> str:
    """*text* without line breaks, cut to *limit* characters."""
    return re.sub(r"\s+", " ", text).strip()[:limit]


def application(identity: Identity) -> web.Application:
    """An application with a client session that honours the proxy variables, and ``GET /health``."""

    async def health(_unused: web.Request) -> web.Response:
        return web.json_response({"service": identity.service, "version": identity.version})

    async def session(app: web.Application) -> AsyncIterator[None]:
        timeout = aiohttp.ClientTimeout(total=CALL_TIMEOUT)
        async with aiohttp.ClientSession(trust_env=True, timeout=timeout) as client:
            app[SESSION] = client
            yield

    app = web.Application()
    app.cleanup_ctx.append(session)
    app.router.add_get("/health", health)
    return app


def address(env: Mapping[str, str]) -> tuple[str, int]:
    """``HOST`` and ``PORT``; raises SystemExit naming the variable when the port is none."""
    port = env.get("PORT", "5000")
    if not port.isdecimal() or not 0 < int(port) < 65536:
        raise SystemExit(f"PORT: expected a port number between 1 and 65535, got {port!r}")
    return env.get("HOST", "127.0.0.1"), int(port)


def serve(app: web.Application, shutdown_timeout: float = 1.0) -> None:
    """Serve *app* until SIGTERM or SIGINT; then open requests get *shutdown_timeout* seconds to finish."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    host, port = address(os.environ)
    web.run_app(app, host=host, port=port, shutdown_timeout=shutdown_timeout, access_log=None)
