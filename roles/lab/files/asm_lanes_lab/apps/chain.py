"""A service of a longer call chain: answers for itself and for everything that it calls.

``NEXT_URL`` holds the URLs to call, separated by commas or spaces; they are called at the same time, with the
baggage of the request. The answer names every service that was reached, in the order of ``NEXT_URL``::

    Hello version: v3, instance: orders-7c9 [orders=v3 stock=v1 price=v4]

A call that fails is shown in its place (``stock=503``) and does not spoil the answer.
"""

from __future__ import annotations

import asyncio
import os
import re

import aiohttp
from aiohttp import web
from opentelemetry.context import Context
from yarl import URL

from .runtime import SESSION, CallError, Identity, application, call, request_context, serve

_HOPS = re.compile(r"\[([^\]]*)\]\s*$")
_VERSION = re.compile(r"\bversion: ([^\s,]+)")


def next_urls(value: str) -> list[str]:
    """The URLs in ``NEXT_URL``."""
    return [url for url in re.split(r"[,\s]+", value) if url]


def hops(url: str, answer: str) -> str:
    """``service=version`` for every service behind *answer*, which came from *url*.

    A service that is not a chain service names no hops: its version counts, under the host name of *url*.
    """
    found = _HOPS.search(answer)
    if found:
        return found[1]
    version = _VERSION.search(answer)
    return f"{_service(url)}={version[1] if version else '?'}"


def _service(url: str) -> str:
    return (URL(url).host or url).partition(".")[0]


async def follow(session: aiohttp.ClientSession, url: str, context: Context) -> str:
    """Call *url*; the hops behind it, or the failure in their place."""
    try:
        return hops(url, await call(session, url, context))
    except CallError as failure:
        return f"{_service(url)}={failure.status or 'unreachable'}"


def build(identity: Identity, urls: list[str]) -> web.Application:
    """The application; it answers for *identity* and calls *urls*."""

    async def answer(request: web.Request) -> web.Response:
        context = request_context(request.headers)
        behind = await asyncio.gather(*(follow(request.app[SESSION], url, context) for url in urls))
        path = " ".join([f"{identity.service}={identity.version}", *behind])
        return web.Response(text=f"{identity.greeting()} [{path}]\n")

    app = application(identity)
    app.router.add_get("/{path:.*}", answer)
    return app


if __name__ == "__main__":
    serve(build(Identity.from_env("chain"), next_urls(os.environ.get("NEXT_URL", ""))))
