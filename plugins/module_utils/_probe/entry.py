# Copyright (c) 2026, asm.lanes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""How a client says which lane it wants: a header, a cookie, a query parameter, or nothing. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

HEADER, COOKIE, QUERY, NONE = "header", "cookie", "query", "none"
WAYS = (HEADER, COOKIE, QUERY)

Headers = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Entry:
    """What a client sends in order to be routed.

    via, name, value: what names the lane; value None with `NONE`. headers: all that is sent for it, in order,
    the same name twice where that is the point. query: parameters of the handshake, or of the call.
    host: the ``Host`` that is asked for; None for that of the URL.
    """

    via: str
    name: str
    value: str | None
    headers: Headers = ()
    query: Headers = ()
    host: str | None = None

    def request_headers(self, common: Mapping[str, str]) -> list[tuple[str, str]]:
        """Return everything to send: *common* where the entry says nothing else; cookies are put together."""
        own = {name.lower() for name, _value in self.headers} - {"cookie"}
        sent = [(name, value) for name, value in common.items() if name.lower() not in own]
        if self.host is not None:
            sent = [(name, value) for name, value in sent if name.lower() != "host"] + [("Host", self.host)]
        sent += self.headers
        cookies = "; ".join(value for name, value in sent if name.lower() == "cookie")
        rest = [(name, value) for name, value in sent if name.lower() != "cookie"]
        return [*rest, ("Cookie", cookies)] if cookies else rest


def by(via: str, name: str, value: str | None) -> Entry:
    """Return the plain entry: a *value* (None: nothing is sent) via one of `WAYS` under a *name*."""
    if value is None:
        return Entry(NONE, name, None)
    if via == COOKIE:  # a comma or a semicolon would end the cookie
        return Entry(via, name, value, headers=(("Cookie", f"{name}={quote(value)}"),))
    if via == QUERY:
        return Entry(via, name, value, query=((name, value),))
    return Entry(via, name, value, headers=((name, value),))


def as_seen(headers: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Return headers as a proxy matches them: names in lower case, several of one name as one list.

    That a list is matched as a whole is how Envoy does it (verified in the lab; for ASM inferred).
    """
    seen: dict[str, str] = {}
    for name, value in headers:
        key = name.lower()
        seen[key] = f"{seen[key]},{value}" if key in seen else value
    return seen
