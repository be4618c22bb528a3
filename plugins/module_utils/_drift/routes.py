# Copyright (c) 2026, asm.lanes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The HTTP routes of VirtualServices by what they do, not by how they are written. Pure.

Of a route count what it matches and where it leads. Timeouts, retries and the like do not: a lane
group may add them by its patches (documented: ``defaultHttpRoutePatch``, ``httpRoutePatch``).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from .facts import Object, full_host, spec_of

Condition = tuple[str, str, str]
"""What is looked at, how it is compared (``exact``, ``prefix``, ``regex``; else ``is``), and with what."""

Match = frozenset[Condition]
Difference = tuple[str, Any, Any]
"""Field, wanted, found."""

ALL_ELSE = "any other request"
_WITHOUT_EFFECT = ("name", "ignoreUriCase", "statPrefix")


@dataclass(frozen=True, order=True)
class Leg:
    """Where a share of the requests goes. subset, fallback, lane: empty for none; port: 0 for none.

    fallback: subset that answers when ``subset`` has no pods. lane: what the route header is set to.
    """

    host: str
    subset: str
    share: Fraction
    fallback: str = ""
    port: int = 0
    lane: str = ""

    def as_dict(self) -> dict[str, Any]:
        stated = {
            "host": self.host,
            "subset": self.subset,
            "fallback": self.fallback,
            "port": self.port,
            "lane": self.lane,
        }
        share = {} if self.share == 1 else {"percent": round(float(self.share * 100), 2)}
        return {**{key: value for key, value in stated.items() if value}, **share}


@dataclass(frozen=True)
class Entry:
    """Requests that match all the conditions go to the legs; no condition: all requests."""

    match: Match
    legs: tuple[Leg, ...]

    def as_list(self) -> list[dict[str, Any]]:
        return [leg.as_dict() for leg in self.legs]


@dataclass(frozen=True)
class Reading:
    """Which parts of a route to look at. route_header: the one whose setting counts, empty for none."""

    ports: bool = False
    route_header: str = ""


def entries(virtual_service: Object, reading: Reading) -> list[Entry]:
    """What the routes do, in order, without what has no effect."""
    namespace = str(virtual_service["metadata"].get("namespace"))
    found = []
    for route in spec_of(virtual_service).get("http") or ():
        legs = tuple(sorted(_legs(route, namespace, reading)))
        found += [Entry(match, legs) for match in _matches(route)]
    return _without_redundant(_reachable(found))


def differences(wanted: Iterable[Entry], found: Iterable[Entry]) -> list[Difference]:
    """In what the two route differently; wrong order counts where it has an effect."""
    ours, theirs = list(wanted), list(found)
    mine, there = {one.match: one for one in ours}, {one.match: one for one in theirs}
    told: list[Difference] = []
    for match in [*mine, *(match for match in there if match not in mine)]:
        one, other = mine.get(match), there.get(match)
        if one != other:
            told.append((f"http[{describe(match)}]", one and one.as_list(), other and other.as_list()))
    if not told and _swapped(ours, theirs):
        told.append(
            ("http order", [describe(one.match) for one in ours], [describe(one.match) for one in theirs])
        )
    return told


def describe(match: Match) -> str:
    """A match in few words, such as ``headers.version exact v2``."""
    return ", ".join(" ".join(condition) for condition in sorted(match)) or ALL_ELSE


def catches_all(virtual_service: Object) -> bool:
    """Whether a route takes whatever request there is."""
    return any(not match for route in spec_of(virtual_service).get("http") or () for match in _matches(route))


# --- from Istio's words ---------------------------------------------------------------------


def _matches(route: Mapping[str, Any]) -> list[Match]:
    blocks = route.get("match") or [{}]
    return [frozenset(_conditions(block)) for block in blocks]


def _conditions(block: Mapping[str, Any]) -> Iterator[Condition]:
    for key, value in block.items():
        if key == "headers":
            for name, how in value.items():
                yield _string(f"headers.{name.lower()}", how)
        elif key == "sourceLabels":
            for name, text in value.items():
                yield f"sourceLabels.{name}", "exact", str(text)
        elif key == "uri" and value == {"prefix": "/"}:
            continue  # every path begins so
        elif key not in _WITHOUT_EFFECT:
            yield _string(key, value)


def _string(path: str, value: Any) -> Condition:
    if isinstance(value, dict) and len(value) == 1:
        how, text = next(iter(value.items()))
        if how in ("exact", "prefix", "regex"):
            return path, how, str(text)
    return path, "is", json.dumps(value, sort_keys=True)


def _legs(route: Mapping[str, Any], namespace: str, reading: Reading) -> Iterator[Leg]:
    legs = route.get("route") or ()
    weights = [1] if len(legs) == 1 else [int(leg.get("weight") or 0) for leg in legs]
    total = sum(weights)
    for leg, weight in zip(legs, weights, strict=True):
        if not weight:
            continue
        target = leg.get("destination") or {}
        subset = str(target.get("subset") or "")
        fallback = str(((leg.get("fallback") or {}).get("target") or {}).get("subset") or "")
        yield Leg(
            full_host(str(target.get("host") or ""), namespace),
            subset,
            Fraction(weight, total),
            fallback if fallback != subset else "",
            int((target.get("port") or {}).get("number") or 0) if reading.ports else 0,
            _set_header(route, leg, reading.route_header),
        )


def _set_header(route: Mapping[str, Any], leg: Mapping[str, Any], header: str) -> str:
    """The value that the route header is set to; a leg's own setting comes last and wins."""
    value = ""
    for part in (route, leg) if header else ():
        changes = ((part.get("headers") or {}).get("request") or {}).get("set") or {}
        value = next((str(v) for name, v in changes.items() if name.lower() == header.lower()), value)
    return value


# --- what has an effect -----------------------------------------------------------------------


def _reachable(found: Iterable[Entry]) -> list[Entry]:
    """Without entries of which an earlier one takes all requests."""
    kept: list[Entry] = []
    for entry in found:
        if not any(earlier.match <= entry.match for earlier in kept):
            kept.append(entry)
    return kept


def _without_redundant(found: list[Entry]) -> list[Entry]:
    """Without entries whose requests would go the same way if they were not there."""
    kept: list[Entry] = []
    for entry in reversed(found):
        following = next((one for one in kept if not _disjoint(one.match, entry.match)), None)
        same = following and following.match <= entry.match and following.legs == entry.legs
        if not same:
            kept.insert(0, entry)
    return kept


def _disjoint(one: Match, other: Match) -> bool:
    """Whether no request can match both, as far as that is easy to tell."""
    exact = {path: text for path, how, text in one if how == "exact"}
    return any(how == "exact" and exact.get(path, text) != text for path, how, text in other)


def _swapped(wanted: list[Entry], found: list[Entry]) -> bool:
    """Whether two entries that one request may match, and that lead elsewhere, changed places."""
    place = {entry.match: index for index, entry in enumerate(found)}
    return any(
        place[first.match] > place[second.match]
        and first.legs != second.legs
        and not _disjoint(first.match, second.match)
        for index, first in enumerate(wanted)
        for second in wanted[index + 1 :]
    )
