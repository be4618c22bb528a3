# Copyright (c) 2026, asm.lanes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What must not lead astray: values that name no lane, headers that proxies may read in several ways. Pure.

Here is only what is sent. Where it must land says the oracle; where that rests on something that is not
documented for ASM, the case says so.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .attempts import Attempt, matching
from .entry import HEADER, Entry, Headers, by

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .attempts import LeaveOut
    from .expect import Oracle

#: More than proxies take: Envoy allows 60 KiB for all headers of a request unless told otherwise.
OVERSIZE = 64 * 1024
#: Bad Request, Content Too Large, Request Header Fields Too Large.
TOO_LARGE = ("400", "413", "431")


def negatives(oracle: Oracle, path: str, via: str, name: str, leave_out: LeaveOut) -> list[Attempt]:
    """Return what is tried besides the lanes. via, name: how clients name a lane."""
    found = _values(oracle, via, name)
    lane = telling(oracle)
    if oracle.ruled:
        found += _forged(oracle, path, lane)
        return found
    if via != HEADER:
        route = oracle.group.route_header
        leave_out(
            f"a forged header {route} beside the {via} {name}",
            "whether the gateway strips or overrides it is a matter of its own configuration",
        )
        return found
    found += _headers(oracle, lane)
    if oracle.baggage:
        found += _baggage(oracle, lane)
    elif oracle.group.trace_header != oracle.group.route_header:
        leave_out("the trace id", "requests carry the trace header only when it is given in headers")
    return found


def telling(oracle: Oracle) -> str:
    """Return the lane whose confusion with others tells most: one with other versions than the baseline.

    The last such lane is taken, or simply the last lane when all answer alike.
    """
    lanes = [lane.name for lane in oracle.group.lanes or ()]
    every = tuple(str(service) for service in oracle.group.services or ())
    baseline = oracle.answers(None, every)
    return next((name for name in reversed(lanes) if oracle.answers(name, every) != baseline), lanes[-1])


def lookalikes(lanes: Sequence[str], lane: str) -> list[str]:
    """Return values that resemble *lane* and name none of *lanes*.

    A longer name (catches prefix matches), a list (catches "contains" and proxies that split headers at
    commas), an empty value, and the other case (header values are case-sensitive in Istio's exact match).
    """
    other = next((name for name in lanes if name != lane), lane)
    candidates = (f"{lane}2", f"{lane},{other}", "", lane.swapcase())
    return [value for value in dict.fromkeys(candidates) if value not in lanes]


def unknown(lanes: Sequence[str]) -> str:
    """Return a value that names no lane."""
    value = "no-such-lane"
    while value in lanes:
        value += "-either"
    return value


def _values(oracle: Oracle, via: str, name: str) -> list[Attempt]:
    lanes = [lane.name for lane in oracle.group.lanes or ()]
    found = [
        Attempt(f"no {via}", by(via, name, None)),
        Attempt("unknown value", by(via, name, unknown(lanes))),
    ]
    return found + [
        Attempt(f"lookalike {value or '(empty)'}", by(via, name, value))
        for value in lookalikes(lanes, telling(oracle))
    ]


def _headers(oracle: Oracle, lane: str) -> list[Attempt]:
    """The route header in ways that HTTP allows."""
    name = oracle.group.route_header or ""
    return [
        _sent(
            "header twice",
            ((name, lane), (name, _other(oracle, lane))),
            "a proxy sees two headers of one name as one list, which names no lane (verified with Envoy)",
        ),
        _sent(
            "header name in other case",
            ((_other_case(name), lane),),
            "names of headers are case-insensitive (RFC 9110)",
        ),
        _sent(
            "header percent-encoded",
            ((name, _encoded(lane)),),
            "values of headers are compared as they are (Istio's exact match)",
        ),
    ]


def _baggage(oracle: Oracle, lane: str) -> list[Attempt]:
    """Baggage from a client: the proxies restore the route header from it where there is none."""
    name = oracle.group.route_header or ""
    restored = "proxies restore the header from baggage (documented); from a client's too (assumed)"
    return [
        _sent("baggage alone", (("baggage", f"{name}={lane}"),), restored),
        _sent(
            "header against baggage",
            ((name, lane), ("baggage", f"{name}={_other(oracle, lane)}")),
            "an explicit header wins over a member of baggage that differs (assumed)",
        ),
        _sent(
            "several baggage members",
            (("baggage", f"tenant=a%20b;ttl=1, {name}={lane} ,debug=1"),),
            f"members are separated by commas, with spaces and properties (W3C Baggage); {restored}",
        ),
        _sent(
            "baggage percent-encoded",
            (("baggage", f"{name}={_encoded(lane)}"),),
            f"values of baggage are percent-decoded (W3C Baggage); {restored}",
        ),
        Attempt(
            "oversize baggage",
            Entry(HEADER, name, lane, ((name, lane), ("baggage", f"filler={'x' * OVERSIZE}"))),
            why="nobody need accept 64 KiB; who does must not lose the lane, which the header names",
            may_refuse=TOO_LARGE,
        ),
    ]


def _forged(oracle: Oracle, path: str, lane: str) -> list[Attempt]:
    """A route header from outside, where the gateway's own rules choose the lane."""
    name = oracle.group.route_header
    if not name:
        return []
    found = []
    for target in oracle.group.lanes or ():
        for rule in target.ingress_rules or ():
            entry = matching(rule.hosts[0], rule.match, path)
            if entry is None or name.lower() in {key for key, _value in rule.match.headers}:
                continue
            other = _other(oracle, target.name)
            headers = (*entry.headers, (name, other))
            found.append(
                Attempt(
                    f"forged header in lane {target.name}",
                    Entry(entry.via, entry.name, entry.value, headers, host=entry.host),
                    why="the gateway's rule sets the header to its lane (documented)",
                )
            )
            break
    return found


def _sent(title: str, headers: Headers, why: str) -> Attempt:
    name, value = headers[0]
    return Attempt(title, Entry(HEADER, name, value, headers), why=why)


def _other(oracle: Oracle, lane: str) -> str:
    """Return another lane, best the baseline; the same one when there is no other."""
    names = [each.name for each in oracle.group.lanes or () if each.name != lane]
    baseline = oracle.group.baseline
    return baseline if baseline in names else next(iter(names), lane)


def _encoded(text: str) -> str:
    return "".join(f"%{byte:02X}" for byte in text.encode())


def _other_case(name: str) -> str:
    return name.upper() if name != name.upper() else name.lower()
