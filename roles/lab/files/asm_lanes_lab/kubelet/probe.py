"""Readiness: questions to a running container over its own protocol."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import aiohttp

from ..objects import Obj

#: Seconds between two questions, before the first good answer and after it.
EAGER = 0.05
CALM = 2.0

Check = Callable[[], Awaitable[str | None]]


@dataclass(frozen=True)
class Probe:
    """When to ask what. *check* returns None when all is well, else what is wrong."""

    check: Check
    delay: float = 0.0
    period: float = CALM
    failures: int = 1


def tcp(host: str, port: int, timeout: float = 1.0) -> Check:
    """Somebody accepts connections on *host*:*port*."""

    async def check() -> str | None:
        try:
            async with asyncio.timeout(timeout):
                _unused, writer = await asyncio.open_connection(host, port)
        except asyncio.TimeoutError:
            return f"{host}:{port} does not accept connections within {timeout:g} s"
        except OSError as error:
            return f"{host}:{port}: {error.strerror or error}"
        writer.close()
        return None

    return check


def http(session: aiohttp.ClientSession, url: str, timeout: float = 1.0) -> Check:
    """GET *url* answers with a status from 200 to 399."""

    async def check() -> str | None:
        try:
            limit = aiohttp.ClientTimeout(total=timeout)
            async with session.get(url, timeout=limit, allow_redirects=False) as response:
                return None if response.status < 400 else f"GET {url} answers {response.status}"
        except asyncio.TimeoutError:
            return f"GET {url} does not answer within {timeout:g} s"
        except aiohttp.ClientError as error:
            return f"GET {url}: {error}"

    return check


def of_container(session: aiohttp.ClientSession, container: Obj, host: str, port: int) -> Probe:
    """The container's readinessProbe (httpGet or tcpSocket), or: its *port* accepts connections."""
    wanted = container.get("readinessProbe") or {}
    timeout = float(wanted.get("timeoutSeconds") or 1)
    if "httpGet" in wanted:
        get = wanted["httpGet"]
        path = "/" + str(get.get("path") or "/").lstrip("/")
        check = http(session, f"http://{host}:{_port(container, get.get('port'), port)}{path}", timeout)
    elif "tcpSocket" in wanted:
        check = tcp(host, _port(container, wanted["tcpSocket"].get("port"), port), timeout)
    else:
        return Probe(tcp(host, port))
    return Probe(
        check,
        delay=float(wanted.get("initialDelaySeconds") or 0),
        period=float(wanted.get("periodSeconds") or 10),
        failures=int(wanted.get("failureThreshold") or 3),
    )


def _port(container: Obj, port: int | str | None, default: int) -> int:
    """A probe's port: a number, or the name of a container port."""
    named = {item.get("name"): item["containerPort"] for item in container.get("ports") or []}
    return int(named.get(port, port if isinstance(port, int) else default))
