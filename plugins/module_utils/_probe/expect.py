# Copyright (c) 2026, asm.lanes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which versions must answer a request: computed from the lane group, never written by hand. Pure."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import TYPE_CHECKING
from urllib.parse import unquote

from .._lanes import model, routing
from .._lanes.entry import entry_shares
from .entry import COOKIE, QUERY, Entry, as_seen

if TYPE_CHECKING:
    from collections.abc import Mapping

    #: Service ``namespace/name`` -> version.
    Versions = Mapping[str, str]
    #: Lane (None: no lane) -> its share of the requests.
    Shares = Mapping["str | None", Fraction]


class Oracle:
    """Knows what a lane group promises.

    version_label: the key in the lanes' label selectors whose value is the version that answers.
    host: of the gateway's URL, for rules that look at it.
    """

    def __init__(self, group: model.LaneGroup, version_label: str, host: str) -> None:
        self.group = group
        self._label = version_label
        self._host = host
        #: Whether the gateway has rules or weights of its own; else it passes on what a client sends.
        self.ruled = any(lane.ingress_rules or lane.ingress_weight for lane in group.lanes or ())
        self.baggage = group.permissive and (group.trace_header or "").lower() == model.BAGGAGE

    def shares(self, entry: Entry, path: str) -> Shares:
        """Return which lanes such requests for *path* enter, and in which shares.

        An entry by cookie or query is taken at its word where the gateway has no rules of ASM's making:
        whoever declares it has a routing of their own that honours it.
        """
        headers = as_seen(entry.headers)
        if not self.ruled and entry.via in (COOKIE, QUERY):
            return {self._lane(entry.value): Fraction(1)}
        found = entry_shares(self.group, entry.host or self._host, path, headers)
        if set(found) == {None} and self.baggage and self._route_header not in headers:
            return {self._lane(_member(headers.get(model.BAGGAGE, ""), self._route_header)): Fraction(1)}
        return found

    def routed(self, entry: Entry, path: str) -> bool:
        """Whether the group says at all where the gateway sends such requests.

        Where lanes have rules or weights, what none of them matches is left to routes of somebody else's.
        """
        headers = as_seen(entry.headers)
        rules_only = replace(self.group, route_header=None)
        matched = entry_shares(rules_only, entry.host or self._host, path, headers)
        return not self.ruled or set(matched) != {None}

    def answers(self, lane: str | None, services: tuple[str, ...]) -> Versions | None:
        """Return who answers a client in a *lane*; None when any pod may (in strict mode, outside of all)."""
        if lane is None and not self.group.permissive:
            return None
        return {
            str(row.service): row.labels[self._label]
            for row in routing.truth_table(self.group)
            if row.entry == lane and str(row.service) in services
        }

    def broadcasts(self, lane: str | None, services: tuple[str, ...]) -> Versions | None:
        """Return who speaks in a broadcast that a client in a *lane* hears.

        A broadcast carries no client's context, so the baseline speaks; but the service that holds the
        connection is what the gateway chose. In strict mode the pods tell the lane, context or not.
        """
        own = self.answers(lane, services)
        if not self.group.permissive or own is None:
            return own
        holders = self._destinations(lane)
        nobody = self.answers(None, services) or {}
        return {service: own[service] if service in holders else nobody[service] for service in nobody}

    def lane_told(self, lane: str | None) -> str | None:
        """Return the lane whose versions a client in *lane* sees: the baseline where there is none."""
        return lane if lane is not None else self.group.baseline

    @property
    def _route_header(self) -> str:
        return (self.group.route_header or "").lower()

    def _lane(self, value: str | None) -> str | None:
        lane = self.group.lane(value)
        return lane.name if lane else None

    def _destinations(self, name: str | None) -> set[str]:
        """The services to which the gateway's rules lead a lane's clients."""
        lane = self.group.lane(name)
        if lane is None:
            return set()
        targets = [rule.destination for rule in lane.ingress_rules or ()]
        targets += [weight.destination for weight in lane.ingress_weight or ()]
        return {target.service for target in targets}


def _member(baggage: str, key: str) -> str | None:
    """Return the value of a member of W3C baggage, decoded; of several of one key the last one counts.

    That the proxies take a client's baggage at its word, and which member counts, is assumed for ASM.
    """
    value = None
    for member in baggage.split(","):
        name, equals, rest = member.partition(";")[0].partition("=")
        if equals and name.strip().lower() == key:
            value = unquote(rest.strip())
    return value
