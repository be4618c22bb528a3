# Copyright (c) 2026, asm.lanes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Lanes that share the traffic by weights: how many samples, and whether what was seen fits. Pure.

Each sample is a request of its own, a new connection where the transport has connections. A share is accepted
when its count lies within the exact binomial interval around what the weights promise; the stated confidence
holds for all shares of a proof together (Bonferroni).
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from fractions import Fraction
from math import ceil
from typing import TYPE_CHECKING, Any

from .attempts import LANE, matching
from .binomial import interval, samples_for
from .cases import Case, expectations
from .entry import NONE, Entry
from .settings import ACK, CALL, HTTP, OWN, POLLING, RAW_WEBSOCKET, WEBSOCKET

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from .attempts import LeaveOut
    from .expect import Oracle
    from .settings import Channel, Observation

#: The cheapest way to a sample first. Polling is none: each of its requests is split anew.
_PREFERRED = (HTTP, WEBSOCKET, RAW_WEBSOCKET)
#: Connections that share the calls of one draw.
_CALLERS = 10
#: Versions that no lane of the draw has.
OTHERS = "(others)"


@dataclass(frozen=True)
class Draw:
    """One way in that is split: the case to run, and what must come out.

    service: whose versions tell the lanes apart. kind: of the message that names it. shares: lanes (those
    of one version together, ``a+b``) -> (version, share). error: what each share may be wrong by chance.
    """

    case: Case
    service: str
    kind: str
    shares: dict[str, tuple[str, float]]
    samples: int
    confidence: float
    error: float


def draws(
    oracle: Oracle, channels: Sequence[Channel], confidence: float, tolerance: float, leave_out: LeaveOut
) -> list[Draw]:
    """Return what is to be drawn for a weighted group; [] for others.

    confidence: that right weights pass, and that shares which are off by *tolerance* or more do not.
    """
    ranked = [channel for name in _PREFERRED for channel in channels if channel.transport == name]
    if not any(lane.ingress_weight for lane in oracle.group.lanes or ()):
        return []
    if not ranked:
        leave_out("weights", f"each request of {POLLING} is split anew; give another transport, too")
        return []
    path = ranked[0].request_path
    ways = [(name, entry) for name, entry in _ways(oracle, path) if len(oracle.shares(entry, path)) > 1]
    if not ways:
        leave_out("weights", f"no request for {path} could be made up that the gateway splits")
        return []
    planned = [_plan(oracle, ranked[0], name, entry) for name, entry in ways]
    told = [draw for draw in planned if draw is not None]
    if not told:
        leave_out("weights", "the versions that answer do not tell the lanes apart")
    error = (1 - confidence) / max(sum(len(draw.shares) for draw in told), 1)
    return [_sized(draw, confidence, tolerance, error) for draw in told]


def judge(draw: Draw, seen: Iterable[Observation]) -> dict[str, Any]:
    """Return one entry of the proof's ``weights``."""
    observations = list(seen)
    counts: Counter[str] = Counter()
    for one in observations:
        for reading, times in one.heard.get(draw.kind, {}).items():
            versions = [version for service, version in reading if service == draw.service]
            counts[versions[0] if versions else OTHERS] += times
    answered = sum(counts.values())
    rows = [
        _row(draw, lanes, counts[version], share, answered) for lanes, (version, share) in draw.shares.items()
    ]
    known = {version for version, _share in draw.shares.values()}
    strangers = sum(times for version, times in counts.items() if version not in known)
    if strangers:
        rows.append(_row(draw, OTHERS, strangers, 0.0, answered))
    failures = Counter(str(one.failure) for one in observations if one.failure)
    missing = sum(max(one.sent - one.count(draw.kind), 0) for one in observations if one.failure is None)
    differences = [
        f"{times} of {draw.samples} samples: {reason}" for reason, times in sorted(failures.items())
    ]
    differences += [f"{missing} of {draw.samples} samples were not answered"] if missing else []
    differences += [_words(draw, row, answered) for row in rows if not row["passed"]]
    return {
        "name": draw.case.name,
        "service": draw.service,
        "transport": draw.case.channel.transport,
        "confidence": draw.confidence,
        "samples": draw.samples,
        "answered": answered,
        "passed": answered > 0 and not differences,
        "lanes": rows,
        "differences": differences or ([] if answered else ["nothing was answered"]),
    }


def _row(draw: Draw, lanes: str, count: int, share: float, answered: int) -> dict[str, Any]:
    low, high = interval(answered, share, draw.error) if answered else (0, 0)
    total = max(answered, 1)
    return {
        "lane": lanes,
        "expected": round(share, 6),
        "observed": round(count / total, 6),
        "low": round(low / total, 6),
        "high": round(high / total, 6),
        "passed": low <= count <= high,
    }


def _words(draw: Draw, row: dict[str, Any], answered: int) -> str:
    return (
        f"{draw.service}: lane {row['lane']} had {row['observed']:.1%} of {answered}, expected "
        f"{row['expected']:.1%} ({row['low']:.1%} to {row['high']:.1%} at {draw.confidence:g} confidence)"
    )


def _ways(oracle: Oracle, path: str) -> list[tuple[str, Entry]]:
    """Requests that the weights are for: as any client makes them, and with a route header from outside."""
    routing = oracle.group.ingress_routing
    if routing is None:
        return []
    hosts = routing.hosts or ("*",)
    if routing.matches:
        entries = [matching(hosts[0], match, path) for match in routing.matches]
        entry = next((each for each in entries if each is not None), None)
    else:
        asked = None if hosts[0] == "*" else hosts[0].replace("*", "probe", 1)
        entry = Entry(NONE, "", None, host=asked)
    if entry is None:
        return []
    ways = [("weights", entry)]
    header, lanes = oracle.group.route_header, oracle.group.lanes or ()
    if header and header.lower() not in {name.lower() for name, _value in entry.headers}:
        forged = replace(entry, headers=(*entry.headers, (header, lanes[-1].name)))
        ways.append(("weights with a forged header", forged))
    return ways


def _plan(oracle: Oracle, channel: Channel, name: str, entry: Entry) -> Draw | None:
    kind = next((kind for kind in (CALL, OWN, ACK) if kind in channel.readers), None)
    if kind is None:
        return None
    parts = {lane.name: Fraction(0) for lane in oracle.group.lanes or () if lane.ingress_weight}
    parts |= {
        lane: share for lane, share in oracle.shares(entry, channel.request_path).items() if lane is not None
    }
    services = channel.readers[kind].services
    version = {lane: oracle.answers(lane, services) or {} for lane in parts}
    service = max(services, key=lambda service: len({version[lane].get(service) for lane in parts}))
    shares: dict[str, tuple[str, float]] = {}
    for wanted in dict.fromkeys(version[lane][service] for lane in parts):
        lanes = [lane for lane in parts if version[lane][service] == wanted]
        shares["+".join(lanes)] = wanted, float(sum(parts[lane] for lane in lanes))
    if len(shares) < 2:
        return None
    case = Case(name, channel, entry, expectations(oracle, channel, None) or {}, LANE, None, listens=False)
    return Draw(case, service, kind, shares, 0, 0.0, 0.0)


def _sized(draw: Draw, confidence: float, tolerance: float, error: float) -> Draw:
    """The draw with as many samples as its confidence takes."""
    samples = max(samples_for(share, tolerance, error) for _version, share in draw.shares.values())
    calls = ceil(samples / _CALLERS) if draw.case.channel.transport == HTTP else 1
    connections = ceil(samples / calls)
    case = replace(draw.case, connections=connections, messages=calls)
    return replace(draw, case=case, samples=connections * calls, confidence=confidence, error=error)
