# Copyright (c) 2026, asm.lanes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A plan as people read it: the parts of ``--diff``, and the truth table of the result. Pure."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from ansible.module_utils.common.yaml import HAS_YAML, yaml_dump

from .._lanes.entry import ingress_virtual_services
from .._lanes.model import LaneGroup
from .._lanes.moves import Answer, Move, Shift, moves, shifts
from .._lanes.plan import Plan
from .._lanes.routing import destination_rules, truth_table, virtual_services
from .._lanes.words import as_spec
from .._table import lines

Part = dict[str, str]

RECREATION = (
    "The lane group is deleted and created anew: from the first deletion until the last creation requests "
    "are not laned."
)


def truth_tables(plan: Plan) -> dict[str, Any]:
    """The result's ``truth_table``."""
    before = _rows(plan.before)
    return {
        "before": before,
        "after": before if plan.before == plan.after else _rows(plan.after),
        "moves": [move.as_dict() for move in moves(plan.before, plan.after)],
        "shifts": [shift.as_dict() for shift in shifts(plan.before, plan.after)],
    }


def diff_parts(plan: Plan, name: str) -> list[Part]:
    """The result's ``diff``, in reading order; [] when nothing changes."""
    if not plan.changed:
        return []
    views: list[tuple[str, Callable[[LaneGroup], str]]] = [
        (f"lane group {name}", lambda group: _yaml(as_spec(group))),
        (f"DestinationRules and VirtualServices of lane group {name}", _derived),
        (f"truth table of lane group {name}", _table),
    ]
    parts = [{"prepared": _changes(plan, name)}]
    for header, view in views:
        before, after = (view(group) if group else "" for group in (plan.before, plan.after))
        if before != after:
            parts.append(
                {
                    "before_header": f"{header} (before)",
                    "after_header": f"{header} (after)",
                    "before": before,
                    "after": after,
                }
            )
    parts.append({"prepared": _moving(plan, name)})
    return parts


def _rows(group: LaneGroup | None) -> list[dict[str, Any]]:
    return [row.as_dict() for row in truth_table(group)] if group else []


def _changes(plan: Plan, name: str) -> str:
    steps = [f"  {number}. {change.describe()}" for number, change in enumerate(plan.changes, 1)]
    note = [f"  {RECREATION}"] if plan.recreates else []
    return _text([f"changes of lane group {name}, in order", *steps, *note])


def _derived(group: LaneGroup) -> str:
    objects = [*destination_rules(group), *virtual_services(group), *ingress_virtual_services(group)]
    return "".join(f"---\n{_yaml(obj)}" for obj in objects)


def _table(group: LaneGroup) -> str:
    rows = [
        [row.entry or "(none)", str(row.service), row.lane or "(any pod)", _labels(dict(row.labels))]
        for row in truth_table(group)
    ]
    return _text(lines(["entry", "service", "lane", "pods"], rows))


def _moving(plan: Plan, name: str) -> str:
    moving = [_move(move) for move in moves(plan.before, plan.after)]
    table = lines(["entry", "service", "before", "after"], moving) if moving else []
    found = [_shift(shift) for shift in shifts(plan.before, plan.after) if shift.moves]
    if not moving and not found:
        return _text([f"no row of the truth table of lane group {name} moves"])
    return _text([f"requests to lane group {name} that move", *(f"  {line}" for line in [*table, *found])])


def _move(move: Move) -> list[str]:
    return [move.entry or "(none)", str(move.service), _answer(move.before), _answer(move.after)]


def _answer(answer: Answer | None) -> str:
    if answer is None:
        return "-"
    return f"{answer.lane} ({_labels(dict(answer.labels))})" if answer.lane else "(any pod)"


def _shift(shift: Shift) -> str:
    percent = shift.as_dict()["moves"]
    return f"{percent:g} % of the weighted traffic to {shift.service} moves"


def _labels(labels: dict[str, str]) -> str:
    return ",".join(f"{key}={value}" for key, value in labels.items()) or "-"


def _text(text: list[str]) -> str:
    return "\n".join(text) + "\n"


def _yaml(value: Any) -> str:
    if not HAS_YAML:
        return json.dumps(value, indent=2) + "\n"
    return str(yaml_dump(value, default_flow_style=False, sort_keys=False))
