# Copyright (c) 2026, asm.lanes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What carries a lane along a chain of calls: the route header, and baggage or another trace header. Pure.

Documented: the three ways of permissive groups, known by their pair of headers. Inferred: that in baggage the
lane is a member with the route header's name as its key.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import unquote

BAGGAGE, TRACEPARENT = "baggage", "traceparent"

#: Query parameter and baggage member by which the audit knows its own requests again.
TAG = "asm-lanes-audit"


class Unlogged:
    """Nothing is known of a header, because the access log does not have it."""


UNLOGGED = Unlogged()


def members(baggage: str) -> dict[str, str]:
    """The members of a baggage header, keys in lower case, values decoded; of two with one key the last."""
    found = {}
    for part in baggage.split(","):
        key, equals, value = part.partition(";")[0].partition("=")
        if equals:
            found[key.strip().lower()] = unquote(value.strip())
    return found


def trace_of(traceparent: str) -> str:
    """The trace id in a W3C traceparent header; empty when it is none."""
    parts = traceparent.split("-")
    return parts[1] if len(parts) >= 4 and len(parts[1]) == 32 else ""


@dataclass(frozen=True)
class Carrier:
    """The headers of a permissive lane group, in lower case."""

    route_header: str
    trace_header: str

    @classmethod
    def of(cls, route_header: str, trace_header: str) -> Carrier:
        return cls(route_header.lower(), trace_header.lower())

    @property
    def by_baggage(self) -> bool:
        return self.trace_header == BAGGAGE

    @property
    def what(self) -> str:
        """What the applications must pass on, for the result: ``baggage`` or ``header``."""
        return BAGGAGE if self.by_baggage else "header"

    @property
    def headers(self) -> tuple[str, ...]:
        """What an access log must show."""
        return tuple(dict.fromkeys((self.route_header, self.trace_header, TRACEPARENT)))

    def lane(self, headers: Mapping[str, str | None]) -> str | Unlogged | None:
        """The value of the route header; None when the request did not have it."""
        return headers.get(self.route_header) if self.route_header in headers else UNLOGGED

    def carried(self, headers: Mapping[str, str | None]) -> str | Unlogged | None:
        """What is carried along: the lane in baggage, else the trace header's value."""
        if self.trace_header not in headers:
            return UNLOGGED
        value = headers[self.trace_header]
        if self.by_baggage:
            return members(value or "").get(self.route_header)
        return trace_of(value or "") or value if self.trace_header == TRACEPARENT else value

    def shown(self, headers: Mapping[str, str | None]) -> str | None:
        """What is carried along, for people: nothing else that baggage may hold, for it may be private."""
        value = self.carried(headers)
        if not isinstance(value, str):
            return None
        return f"{self.route_header}={value}" if self.by_baggage else value


def is_tagged(headers: Mapping[str, str | None], tag: str) -> bool:
    """Whether baggage has the audit's own member."""
    return members(headers.get(BAGGAGE) or "").get(TAG) == tag
