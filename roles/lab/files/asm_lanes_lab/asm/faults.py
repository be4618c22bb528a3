# Copyright (c) 2026, asm.lanes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Faults on demand: what a network and a busy service do to a client.

A fault is set through the API object or ``PUT /lab/faults`` and applies to the next calls
of its action. Faults that name a reply of the platform use its codes (recollection).
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

from aiohttp import web

from .errors import ApiError

Handler = Callable[[], Awaitable[web.Response]]

KINDS = {
    "throttled": "429 Throttling.User with x-acs-retry-after",
    "internal_error": "500 InternalError",
    "unavailable": "503 ServiceUnavailable",
    "clock_skew": "400 InvalidTimeStamp.Expired",
    "expired_token": "400 InvalidSecurityToken.Expired",
    "html": "502 with an HTML page",
    "reset_before": "connection reset, nothing was done",
    "reset_after": "connection reset after the action took effect",
    "timeout_before": "no answer for delay seconds, nothing was done",
    "timeout_after": "no answer for delay seconds after the action took effect",
    "half_json": "the action took effect, its reply breaks off in the middle",
    "latency": "the action takes delay seconds longer",
}
_HTML = "<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>"
_REPLIES = {
    "throttled": ApiError(429, "Throttling.User", "Request was denied due to user flow control."),
    "internal_error": ApiError(
        500, "InternalError", "The request processing has failed due to some unknown error."
    ),
    "unavailable": ApiError(
        503, "ServiceUnavailable", "The request has failed due to a temporary failure of the server."
    ),
    "clock_skew": ApiError(
        400,
        "InvalidTimeStamp.Expired",
        "Specified time stamp or date value is expired.",
        "Set this machine's clock.",
    ),
    "expired_token": ApiError(400, "InvalidSecurityToken.Expired", "Specified SecurityToken is expired."),
}


@dataclass(frozen=True)
class Fault:
    """One fault.

    kind: a key of KINDS. action: the action it applies to, ``*`` for every one. skip: how many
    calls pass before it. times: how many calls it hits, 0: all of them. delay: seconds, for
    timeouts and latency. retry_after: milliseconds, for throttling; 0 leaves the header out.
    """

    kind: str
    action: str = "*"
    skip: int = 0
    times: int = 1
    delay: float = 0.0
    retry_after: int = 0

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"fault: kind must be one of {', '.join(KINDS)}, not {self.kind!r}")
        numbers = (self.skip, self.times, self.delay, self.retry_after)
        if any(isinstance(n, bool) or not isinstance(n, (int, float)) or n < 0 for n in numbers):
            raise ValueError("fault: skip, times, delay and retry_after must be numbers, 0 or more")

    @classmethod
    def from_mapping(cls, entry: Mapping[str, Any]) -> Fault:
        """A fault from its JSON form; ValueError names what is wrong."""
        known = [field.name for field in fields(cls)]
        if not isinstance(entry, Mapping) or "kind" not in entry or set(entry) - set(known):
            raise ValueError(f"fault: an object with kind and any of {', '.join(known[1:])} is expected")
        return cls(**entry)


class Faults:
    """The faults that are set; the first that fits a call is used for it."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []

    def set(self, faults: Iterable[Fault]) -> None:
        """Put these faults in the place of all others."""
        self._faults = list(faults)

    def as_list(self) -> list[dict[str, Any]]:
        """The faults that are still to come."""
        return [asdict(fault) for fault in self._faults]

    def take(self, action: str) -> Fault | None:
        """The fault that hits this call, if any; counts it."""
        for index, fault in enumerate(self._faults):
            if fault.action not in ("*", action):
                continue
            if fault.skip:
                self._faults[index] = replace(fault, skip=fault.skip - 1)
                continue
            if fault.times == 1:
                del self._faults[index]
            elif fault.times:
                self._faults[index] = replace(fault, times=fault.times - 1)
            return fault
        return None


async def inject(fault: Fault | None, request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answer a call with a fault; handler does what was asked and gives the true reply."""
    if fault is None:
        return await handler()
    if fault.kind in _REPLIES:
        error = _REPLIES[fault.kind]
        raise replace(error, headers=_retry_after(fault))
    if fault.kind == "html":
        return web.Response(status=502, text=_HTML, content_type="text/html")
    if fault.kind == "latency":
        await asyncio.sleep(fault.delay)
        return await handler()
    reply = None if fault.kind.endswith("_before") else await handler()
    if fault.kind.startswith("timeout"):
        await asyncio.sleep(fault.delay)
    elif fault.kind == "half_json" and reply is not None:
        return await _half(request, reply)
    return _reset(request)


def _retry_after(fault: Fault) -> dict[str, str]:
    return {"x-acs-retry-after": str(fault.retry_after)} if fault.retry_after else {}


async def _half(request: web.Request, reply: web.Response) -> web.StreamResponse:
    body = reply.body if isinstance(reply.body, bytes) else b"{}"
    half = web.Response(status=reply.status, body=body[: len(body) // 2], content_type="application/json")
    half.force_close()
    return half


def _reset(request: web.Request) -> web.StreamResponse:
    if request.transport is not None:
        request.transport.abort()
    return web.Response()
