# Copyright (c) 2026, asm.lanes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""How a client of a lane comes in: as the probe does it, by header, cookie, query, or the lane's rules."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from .._probe.attempts import lane_attempts
from .._probe.entry import HEADER, NONE, Entry
from .._probe.expect import Oracle


@dataclass(frozen=True)
class Way:
    """What a client sends.

    chooses: whether it names exactly one lane, with which the gateway must send it on; with weights it does
    not.
    """

    entry: Entry
    chooses: bool = True

    @property
    def words(self) -> str:
        """The same for people, as in ``version: v2`` or ``the cookie lane=v2``."""
        entry = self.entry
        if entry.via == NONE:
            return f"a request for {entry.host or 'any host'}"
        if entry.via == HEADER:
            return f"{entry.name}: {entry.value}"
        return f"the {entry.via} {entry.name}={entry.value}"


def into_lanes(
    oracle: Oracle, path: str, via: str, name: str, lanes: Sequence[str]
) -> tuple[Mapping[str, Way], list[tuple[str, str]]]:
    """Return the way into each lane that has one, by name, and what has none with the reason.

    path: of the requests. via, name: as the probe's option ``entry``; an empty name is that of the route
    header.
    """
    left_out: list[tuple[str, str]] = []

    def leave_out(what: str, why: str) -> None:
        if what in titles:
            left_out.append((f"propagation, {what}", why))

    titles = {f"lane {lane}": lane for lane in lanes}
    attempts = lane_attempts(oracle, path, via, name or oracle.group.route_header or "", leave_out)
    ways = {
        titles[one.name]: Way(one.entry, set(oracle.shares(one.entry, path)) == {titles[one.name]})
        for one in attempts
        if one.name in titles
    }
    return ways, left_out
