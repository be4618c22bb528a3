# Copyright (c) 2026, asm.lanes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Who moves: the difference between two truth tables, and the share of traffic where weights tell it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from .ingress import WEIGHTED
from .model import LaneGroup, ServiceRef
from .routing import answering_lane


@dataclass(frozen=True)
class Answer:
    """lane: that answers, None when any pod of the service may. labels: of the pods that answer, sorted."""

    lane: str | None
    labels: tuple[tuple[str, str], ...] = ()

    def as_dict(self) -> dict[str, Any]:
        return {"lane": self.lane, "labels": dict(self.labels)}


@dataclass(frozen=True)
class Move:
    """One entry to one service (see ``routing.Row``) that is answered otherwise afterwards.

    before, after: None where the group does not exist, or does not have the service.
    """

    entry: str | None
    service: ServiceRef
    before: Answer | None
    after: Answer | None

    def as_dict(self) -> dict[str, Any]:
        """For a module's result."""
        return {
            "entry": self.entry,
            "service": str(self.service),
            "before": self.before.as_dict() if self.before else None,
            "after": self.after.as_dict() if self.after else None,
        }


@dataclass(frozen=True)
class Shift:
    """How the traffic of a service is spread over lanes before and after; shares sum to 1.

    moves: the share that another lane, or pods with other labels, answer afterwards: half the sum of
    the differences (the total variation distance).
    """

    service: ServiceRef
    before: Mapping[str | None, Fraction]
    after: Mapping[str | None, Fraction]
    moves: Fraction

    def as_dict(self) -> dict[str, Any]:
        """For a module's result; percents rounded to one decimal, no lane is the empty name."""
        return {
            "service": str(self.service),
            "before": {lane or "": _percent(share) for lane, share in self.before.items()},
            "after": {lane or "": _percent(share) for lane, share in self.after.items()},
            "moves": _percent(self.moves),
        }


def moves(before: LaneGroup | None, after: LaneGroup | None) -> tuple[Move, ...]:
    """Every row of the truth table that changes its lane or its labels.

    An entry that one of the two groups does not know is answered there as one without a lane.
    """
    if before == after:
        return ()
    found = []
    for entry in _entries(before, after):
        for service in _services(before, after):
            move = Move(entry, service, _answer(before, service, entry), _answer(after, service, entry))
            if move.before != move.after:
                found.append(move)
    return tuple(found)


def shifts(before: LaneGroup | None, after: LaneGroup | None) -> tuple[Shift, ...]:
    """For each service the traffic that moves; () unless one of the two splits by weights.

    Of traffic that matches the weighted rule. Without weights it counts as traffic without a lane.
    """
    if before is None or after is None or not (_weighted(before) or _weighted(after)):
        return ()
    found = []
    for service in _services(before, after):
        now, then = _spread(before, service), _spread(after, service)
        distance = sum((abs(now[key] - then[key]) for key in {*now, *then}), Fraction(0)) / 2
        found.append(Shift(service, _by_lane(now), _by_lane(then), distance))
    return tuple(found)


def _weighted(group: LaneGroup) -> bool:
    return group.ingress_routing is not None and group.ingress_routing.strategy == WEIGHTED


def _entries(*groups: LaneGroup | None) -> list[str | None]:
    named = {lane.name for group in groups if group for lane in group.lanes or ()}
    permissive = any(group.permissive for group in groups if group)
    return [*([None] if permissive else []), *sorted(named)]


def _services(*groups: LaneGroup | None) -> list[ServiceRef]:
    return sorted({service for group in groups if group for service in group.services or ()})


def _answer(group: LaneGroup | None, service: ServiceRef, entry: str | None) -> Answer | None:
    if group is None or not group.contains(service):
        return None
    lane = group.lane(answering_lane(group, service, entry))
    return Answer(lane.name, lane.label_selector) if lane else Answer(None)


def _spread(group: LaneGroup, service: ServiceRef) -> defaultdict[Answer | None, Fraction]:
    """Answer -> share of the traffic of a service; the shares sum to 1."""
    weights: dict[str | None, int] = {
        lane.name: weight.weight for lane in group.lanes or () for weight in lane.ingress_weight or ()
    }
    if not _weighted(group) or not sum(weights.values()):
        weights = {None: 1}
    shares: defaultdict[Answer | None, Fraction] = defaultdict(Fraction)
    for entry, weight in weights.items():
        shares[_answer(group, service, entry)] += Fraction(weight, sum(weights.values()))
    return shares


def _by_lane(spread: Mapping[Answer | None, Fraction]) -> dict[str | None, Fraction]:
    found: defaultdict[str | None, Fraction] = defaultdict(Fraction)
    for answer, share in spread.items():
        if share:
            found[answer.lane if answer else None] += share
    return dict(sorted(found.items(), key=lambda item: item[0] or ""))


def _percent(share: Fraction) -> float:
    return round(float(share * 100), 1)
