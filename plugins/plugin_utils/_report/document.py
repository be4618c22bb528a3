# Copyright (c) 2026, asm.lanes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The proof document as types: what the pages draw. The format is documented in ``proof.schema.json``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

SCHEMA = "asm.lanes/proof/v1"

#: Kinds of messages and transports, in the order in which they are shown -> what people call them.
KINDS = {
    "own": "own answer",
    "ack": "acknowledgement",
    "to_one": "emit to one",
    "call": "HTTP call",
    "handshake": "handshake",
    "broadcast": "broadcast",
}
TRANSPORTS = {
    "websocket": "socket.io, WebSocket",
    "polling": "socket.io, polling",
    "raw_websocket": "plain WebSocket",
    "http": "HTTP",
}
#: What a proof cost, in the order in which it is shown -> what people call it.
LOADS = {
    "connections": "connections",
    "peak_open": "most open at once",
    "messages": "messages sent",
    "cpu_seconds": "processor time of the probe (s)",
    "max_rss_mib": "memory of the probe (MiB)",
}

#: service -> version; service -> version -> how often.
Expected = Mapping[str, str]
Observed = Mapping[str, Mapping[str, int]]


@dataclass(frozen=True)
class Entry:
    """How a lane was asked for: through a header, a cookie, a query parameter, or not at all (``none``)."""

    via: str = "none"
    name: str | None = None
    value: str | None = None


@dataclass(frozen=True)
class Timing:
    """Milliseconds; None where nothing was measured."""

    p50: float | None
    p95: float | None
    max: float | None


@dataclass(frozen=True)
class Case:
    """One way in, over one transport. passed: None when it was not tried.

    why: which rule decides where it must land. refused: connections that were refused as they may be.
    """

    name: str
    kind: str
    lane: str | None
    transport: str
    entry: Entry
    why: str
    passed: bool | None
    expected: Mapping[str, Expected]
    observed: Mapping[str, Observed]
    refused: int
    connection_failures: tuple[str, ...]
    differences: tuple[str, ...]
    handshake: Timing | None
    answer: Timing | None


@dataclass(frozen=True)
class LaneShare:
    """How much of the traffic that is split a lane got; shares from 0 to 1. low, high: what chance allows."""

    lane: str
    expected: float
    observed: float
    low: float
    high: float
    passed: bool | None


@dataclass(frozen=True)
class Weight:
    """Weighted lanes of one service, judged statistically."""

    name: str
    service: str
    confidence: float
    samples: int
    lanes: tuple[LaneShare, ...]
    differences: tuple[str, ...]


@dataclass(frozen=True)
class Hop:
    """One call. header, baggage: as seen on this hop. status: ok, lost, changed or unknown.

    by: how the call is known to belong to the request; empty when that is not told.
    """

    source: str
    target: str
    pod: str | None
    service: str | None
    version: str | None
    lane: str | None
    header: str | None
    baggage: str | None
    status: str
    by: str


@dataclass(frozen=True)
class Break:
    """Where a chain lost its context first. hop: index of the hop."""

    hop: int
    direction: str | None
    what: str | None
    how: str | None
    words: str


@dataclass(frozen=True)
class Chain:
    """The calls that one tagged request caused, depth first. unknown: what cannot be told, in words."""

    case: str
    message_kind: str
    hops: tuple[Hop, ...]
    broken: Break | None
    unknown: tuple[str, ...]

    @property
    def passed(self) -> bool | None:
        """None when nothing is known to be wrong, but not everything is known."""
        if self.broken:
            return False
        return None if self.unknown or any(hop.status == "unknown" for hop in self.hops) else True


@dataclass(frozen=True)
class Audit:
    """The propagation audit. passed: None when it cannot be told."""

    passed: bool | None
    chains: tuple[Chain, ...]


@dataclass(frozen=True)
class Finding:
    """A located cause."""

    kind: str
    object: str
    words: str
    remedy: str
    evidence: tuple[str, ...]


@dataclass(frozen=True)
class Lane:
    """A lane as the group states it."""

    name: str
    labels: Mapping[str, str]
    services: tuple[str, ...]


@dataclass(frozen=True)
class Group:
    """What the pictures need of the lane group; services in the order in which they were given."""

    name: str
    mode: str
    route_header: str
    trace_header: str
    services: tuple[str, ...]
    baseline: str | None
    service_fallback: Mapping[str, str]
    lanes: tuple[Lane, ...]


@dataclass(frozen=True)
class Proof:
    """The whole document. load: keys of `LOADS`; late: of the probe's own event loop."""

    passed: bool | None
    reached: bool | None
    summary: str
    message: str
    attempts: int
    seconds: float
    started_at: str
    url: str
    path: str
    group: Group
    cases: tuple[Case, ...]
    weights: tuple[Weight, ...]
    load: Mapping[str, float]
    late: Timing | None
    warnings: tuple[str, ...]
    not_tested: tuple[tuple[str, str], ...]
    audit: Audit | None
    findings: tuple[Finding, ...]
    versions: Mapping[str, str]


def short(service: str) -> str:
    """``default/helloworld`` -> ``helloworld``."""
    return service.rpartition("/")[2]


def services_of(cases: Sequence[Case]) -> list[str]:
    """The services whose versions the answers name, in the order in which they appear."""
    found = (service for case in cases for kind in case.expected.values() for service in kind)
    return list(dict.fromkeys(found))
