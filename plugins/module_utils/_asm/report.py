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
    before, after = plan.before, plan.after
    now, then = _derived(before), _derived(after)
    views: list[tuple[str, Any, Any, Callable[[Any], str]]] = [
        (f"lane group {name}", before and as_spec(before), after and as_spec(after), _yaml),
        *((title, now.get(title), then.get(title), _yaml) for title in {**now, **then}),
        (f"truth table of lane group {name}", before, after, _table),
    ]
    parts = [_part(*view) for view in views]
    return [
        {"prepared": _changes(plan, name)},
        *(part for part in parts if part["before"] != part["after"]),
        {"prepared": _moving(plan, name)},
    ]


def _part(title: str, before: Any, after: Any, view: Callable[[Any], str]) -> Part:
    """One thing before and after, each None where it does not exist; equal texts where nothing changes."""
    if before == after:
        return {"before": "", "after": ""}
    return {
        "before_header": f"{title} (before)",
        "after_header": f"{title} (after)",
        "before": view(before) if before else "",
        "after": view(after) if after else "",
    }


def _rows(group: LaneGroup | None) -> list[dict[str, Any]]:
    return [row.as_dict() for row in truth_table(group)] if group else []


def _changes(plan: Plan, name: str) -> str:
    steps = [f"  {number}. {change.describe()}" for number, change in enumerate(plan.changes, 1)]
    note = [f"  {RECREATION}"] if plan.recreates else []
    return _text([f"changes of lane group {name}, in order", *steps, *note])


def _derived(group: LaneGroup | None) -> dict[str, Any]:
    """The Istio resources that the group means, by what they are called in a diff."""
    if group is None:
        return {}
    objects = [*destination_rules(group), *virtual_services(group), *ingress_virtual_services(group)]
    return {f"{obj['kind']} {obj['metadata']['namespace']}/{obj['metadata']['name']}": obj for obj in objects}


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
