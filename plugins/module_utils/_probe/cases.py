# Copyright (c) 2026, asm.lanes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is tried at the gateway, and who must answer: computed from the lane group, never written by hand."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from .._lanes import model, routing, rules
from .._lanes.problems import Problem, SpecError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    #: Value of the route header at the entrance (None: not sent) -> service ``namespace/name`` -> version.
    Expect = Callable[["str | None"], Mapping[str, str]]


#: Kinds of cases.
LANE, NEGATIVE = "lane", "negative"


@dataclass(frozen=True)
class Case:
    """One way to come in, tried with one or more connections."""

    name: str
    #: Value of the route header; None: the header is not sent, "" : sent without a value.
    header: str | None
    #: Service -> version that must answer what the client asks for itself.
    own: Mapping[str, str]
    #: Service -> version that must speak in broadcasts, which carry no client's context.
    broadcast: Mapping[str, str]
    #: ``lane``: a lane by its name. ``negative``: whatever else may come in, and where it must land.
    kind: str = LANE
    #: The lane whose versions are expected; None where no lane is chosen.
    lane: str | None = None


def from_group(
    group: model.LaneGroup, services: Sequence[model.ServiceRef], version_label: str
) -> list[Case]:
    """Return the cases of a lane group, judged by the versions of *services*.

    version_label: the key in the lanes' label selectors whose value is the version that answers.

    Raises SpecError for a group that cannot be proven from its lanes alone.
    """
    rules.validate(group)
    problems = _unprovable(group, services, version_label)
    if problems:
        raise SpecError(f"proof of lane group {group.name}", problems)
    table: dict[str | None, dict[str, str]] = {}
    for row in routing.truth_table(group):
        if row.service in services:
            table.setdefault(row.entry, {})[str(row.service)] = row.labels[version_label]
    names = [lane.name for lane in group.lanes or ()]
    # A value that names no lane has no row of its own: it is answered like a request without the header.
    return build(names, lambda header: table[header if header in table else None], group.baseline)


def _unprovable(
    group: model.LaneGroup, services: Sequence[model.ServiceRef], version_label: str
) -> list[Problem]:
    """What keeps the lanes from saying which version answers."""
    if not group.permissive:
        remedy = "Prove groups in permissive mode"
        return [Problem("mode", "in strict mode the gateway's own rules choose the lane", remedy)]
    if not group.lanes:
        return [Problem("lanes", "there is none", "State the lanes that are to be proven")]
    problems = [
        Problem("answered_by", f"{service} is not a service of the group", "Name services of the group")
        for service in services
        if service not in (group.services or ())
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
    return problems


def build(lanes: Sequence[str], expect: Expect, default: str | None = None) -> list[Case]:
    """Return the cases for a group of *lanes* (names, in the group's order).

    Each lane by its name, then everything that must land in the baseline: no header, a value that
    names no lane, and values that only look like a lane (see `lookalikes`). default: the baseline's name.
    """
    baseline = expect(None)
    entries: list[tuple[str, str | None]] = [(f"lane {name}", name) for name in lanes]
    entries += [("no header", None), ("unknown value", _unknown(lanes))]
    entries += [
        (f"lookalike {value or '(empty)'}", value) for value in lookalikes(lanes, _telling(lanes, expect))
    ]
    return [
        Case(name, header, expect(header), baseline, LANE, header)
        if header in lanes
        else Case(name, header, expect(header), baseline, NEGATIVE, default)
        for name, header in entries
    ]


def lookalikes(lanes: Sequence[str], lane: str) -> list[str]:
    """Return values that resemble *lane* and name none of *lanes*.

    A longer name (catches prefix matches), a list (catches "contains" and proxies that split headers at
    commas), an empty value, and the other case (header values are case-sensitive in Istio's exact match).
    """
    other = next((name for name in lanes if name != lane), lane)
    candidates = (f"{lane}2", f"{lane},{other}", "", lane.swapcase())
    return [value for value in dict.fromkeys(candidates) if value not in lanes]


def _unknown(lanes: Sequence[str]) -> str:
    """Return a value that names no lane."""
    value = "no-such-lane"
    while value in lanes:
        value += "-either"
    return value


def _telling(lanes: Sequence[str], expect: Expect) -> str:
    """Return the lane whose lookalikes tell most: one that is answered by other versions than the baseline.

    The last such lane is taken, or simply the last lane when all answer alike.
    """
    baseline = expect(None)
    return next((name for name in reversed(lanes) if expect(name) != baseline), lanes[-1])
