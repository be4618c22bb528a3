# Copyright (c) 2026, asm.lanes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is tried at the gateway, and who must answer. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from .._lanes import model, rules
from .._lanes.problems import Problem, SpecError
from .attempts import LANE, NEGATIVE, Attempt, lane_attempts
from .entry import HEADER, Entry
from .expect import Oracle
from .negatives import negatives
from .settings import BROADCAST, WEBSOCKET, Channel

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from .expect import Versions


@dataclass(frozen=True)
class Case:
    """One way to come in, tried with one or more connections."""

    name: str
    channel: Channel
    entry: Entry
    #: Kind of message -> service -> version that must answer.
    expected: Mapping[str, Versions]
    #: ``lane``: a lane by its name. ``negative``: whatever else may come in, and where it must land.
    kind: str = LANE
    #: The lane whose versions are expected; None where no lane is chosen.
    lane: str | None = None
    #: Which rule decides, and on what that rests; empty for what the truth table says.
    why: str = ""
    #: HTTP statuses with which such a request may be refused as well.
    may_refuse: tuple[str, ...] = ()
    connections: int = 2
    messages: int = 2
    #: Whether to wait for broadcasts.
    listens: bool = True


@dataclass
class Matrix:
    """The cases, and what was left out: (what, why)."""

    cases: list[Case] = field(default_factory=list)
    left_out: list[tuple[str, str]] = field(default_factory=list)

    def leave_out(self, what: str, why: str) -> None:
        """Say once that something is not tried."""
        if (what, why) not in self.left_out:
            self.left_out.append((what, why))


@dataclass(frozen=True)
class Wish:
    """What of a group is to be tried.

    via, name: how clients name the lane, see `entry.by`; an empty name is that of the route header.
    connections, messages: for each lane. negative: whether to try, once each, what must not lead astray.
    """

    channels: Sequence[Channel]
    via: str = HEADER
    name: str = ""
    connections: int = 2
    messages: int = 2
    negative: bool = True


def check(group: model.LaneGroup, services: Iterable[str], version_label: str) -> None:
    """Raise SpecError for a group that cannot be proven from its lanes alone."""
    rules.validate(group)
    problems = _unprovable(group, list(services), version_label)
    if problems:
        raise SpecError(f"proof of lane group {group.name}", problems)


def _unprovable(group: model.LaneGroup, services: Sequence[str], version_label: str) -> list[Problem]:
    """What keeps the lanes from saying which version answers."""
    if not group.lanes:
        return [Problem("lanes", "there is none", "State the lanes that are to be proven")]
    known = {str(service) for service in group.services or ()}
    problems = [
        Problem("answered_by", f"{service} is not a service of the group", "Name services of the group")
        for service in dict.fromkeys(services)
        if service not in known
    ]
    problems += [
        Problem(
            f"lanes[{lane.name}].label_selector",
            f"no label {version_label!r}, so the version that answers is not known",
            "Add it, or name the label that holds the version in version_label",
        )
        for lane in group.lanes
        if version_label not in lane.labels
    ]
    if not group.permissive and not any(lane.ingress_rules or lane.ingress_weight for lane in group.lanes):
        problems.append(
            Problem(
                "mode",
                "in strict mode the gateway's rules choose the lane, and the lanes state none",
                "State the lanes' ingress_rules or ingress_weight, as lane_group takes them",
            )
        )
    return problems


def matrix(oracle: Oracle, wish: Wish) -> Matrix:
    """Return the cases of a lane group: each lane by its name, then (see `negatives`) everything else."""
    found = Matrix()
    name = wish.name or oracle.group.route_header or ""
    for channel in wish.channels:
        attempts = lane_attempts(oracle, channel.request_path, wish.via, name, found.leave_out)
        if wish.negative:
            attempts += negatives(oracle, channel.request_path, wish.via, name, found.leave_out)
        else:
            found.leave_out("negative cases", "switched off with negative_cases")
        for attempt in attempts:
            case = place(oracle, channel, attempt, wish, found)
            if case is not None:
                found.cases.append(case)
    return found


def place(oracle: Oracle, channel: Channel, attempt: Attempt, wish: Wish, found: Matrix) -> Case | None:
    """Return the case for an attempt; None, and a word in *found*, when nobody can say where it leads."""
    path = channel.request_path
    shares = oracle.shares(attempt.entry, path)
    if len(shares) > 1:
        return None  # a matter of shares, see `weights`
    (lane,) = shares
    expected = expectations(oracle, channel, lane) if oracle.routed(attempt.entry, path) else None
    if expected is None:
        found.leave_out(attempt.name, f"no ingress rule or weight of the lanes matches it at {path}")
        return None
    once = attempt.kind == NEGATIVE
    return Case(
        name=attempt.name if channel.transport == WEBSOCKET else f"{attempt.name}, {channel.transport}",
        channel=channel,
        entry=attempt.entry,
        expected=expected,
        kind=attempt.kind,
        lane=oracle.lane_told(lane),
        why=attempt.why,
        may_refuse=attempt.may_refuse,
        connections=1 if once else wish.connections,
        messages=1 if once else wish.messages,
        listens=True,
    )


def expectations(oracle: Oracle, channel: Channel, lane: str | None) -> dict[str, Versions] | None:
    """Return kind of message -> service -> version for clients in a *lane*; None when nobody can say."""
    expected: dict[str, Versions] = {}
    for kind, reader in channel.readers.items():
        answers = oracle.broadcasts if kind == BROADCAST else oracle.answers
        versions = answers(lane, reader.services)
        if versions is None:
            return None
        expected[kind] = versions
    return expected
