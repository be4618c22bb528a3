# Copyright (c) 2026, asm.lanes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The ways into the lanes: by what a client sends, or by what the gateway's rules look for. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .entry import COOKIE, HEADER, NONE, Entry, by

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from .._lanes.ingress import IngressRule, RequestMatch, StringMatch
    from .expect import Oracle

    #: Says what is not tried, and why.
    LeaveOut = Callable[[str, str], None]

#: Kinds of attempts. LANE: a lane by its name. NEGATIVE: whatever else may come in, and where it must land.
LANE, NEGATIVE = "lane", "negative"
#: What makes a regular expression more than a text.
_SPECIAL = re.compile(r"[\\.^$*+?{}\[\]|()]")


@dataclass(frozen=True)
class Attempt:
    """An entry with a name, before anybody knows where it leads.

    why: which rule decides, and on what that rests; empty for what the truth table says. may_refuse: HTTP
    statuses with which such a request may be refused as well.
    """

    name: str
    entry: Entry
    kind: str = NEGATIVE
    why: str = ""
    may_refuse: tuple[str, ...] = ()


def lane_attempts(oracle: Oracle, path: str, via: str, name: str, leave_out: LeaveOut) -> list[Attempt]:
    """Return an attempt for each lane: *via* a header, cookie or query *name*, or as its own rule has it.

    path: of the requests. A lane whose rules cannot be met is left out, with the reason.
    """
    found = []
    for lane in oracle.group.lanes or ():
        title = f"lane {lane.name}"
        if not lane.ingress_rules:
            if oracle.group.permissive:
                found.append(Attempt(title, by(via, name, lane.name), LANE))
            elif not lane.ingress_weight:
                leave_out(title, "strict mode, and the lane has no ingress rule that leads into it")
            continue
        entry = next(_meeting(oracle, path, lane.name, lane.ingress_rules), None)
        if entry is None:
            leave_out(
                title, f"no request for {path} could be made up that only this lane's ingress rules match"
            )
        else:
            found.append(Attempt(title, entry, LANE))
    return found


def matching(host: str, match: RequestMatch, path: str) -> Entry | None:
    """Return an entry that a rule for *host* matches; None when none can be made up for *path*."""
    if match.uri is not None and not match.uri.matches(path):
        return None
    headers = []
    for name, wanted in match.headers:
        value = _example(wanted)
        if value is None:
            return None
        headers.append((name, value))
    asked = None if host == "*" else host.replace("*", "probe", 1)
    if not headers:
        return Entry(NONE, "", None, host=asked)
    name, value = headers[0]
    return Entry(COOKIE if name == "cookie" else HEADER, name, value, tuple(headers), host=asked)


def _meeting(oracle: Oracle, path: str, lane: str, rules: tuple[IngressRule, ...]) -> Iterator[Entry]:
    """Yield entries that lead into the lane by its rules, whatever rules other lanes have."""
    for rule in rules:
        for host in rule.hosts:
            entry = matching(host, rule.match, path)
            if entry is not None and set(oracle.shares(entry, path)) == {lane}:
                yield entry


def _example(match: StringMatch) -> str | None:
    """Return a value that matches; None when that would take guessing."""
    if match.how == "regex" and _SPECIAL.search(match.value):
        return None
    return match.value
