# Copyright (c) 2026, asm.lanes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Whether somebody else changed a lane group in the middle of a run, where the server does not tell. Pure.

The OpenAPI has neither versions nor locks, and its lists may lag behind its writes
(inferred). So what a run finds is an edit of somebody else's only when it is neither what
was planned from nor anything that the run itself has brought about.
"""

from __future__ import annotations

from .._lanes.model import Lane, LaneGroup
from .._lanes.plan import DELETE_GROUP, UPDATABLE, UPDATE_GROUP, UPDATE_LANE, Change, Plan

#: Changes that would undo an edit unseen: they state a part anew as a whole, or take lanes along.
OVERWRITING = (UPDATE_GROUP, UPDATE_LANE, DELETE_GROUP)


class KnownStates:
    """Everything that a run's plans say of a group and its lanes; grows with every plan."""

    def __init__(self) -> None:
        self._groups: list[LaneGroup | None] = []
        self._lanes: dict[str, list[Lane | None]] = {}

    def add(self, plan: Plan) -> None:
        """What the group was before the plan, and what each change makes of it."""
        self._groups.append(plan.before)
        for lane in (plan.before.lanes if plan.before else None) or ():
            self._lanes.setdefault(lane.name, []).append(lane)
        for change in plan.changes:
            for state in (change.before, change.after):
                if isinstance(state, Lane) or (state is None and _is_of_lane(change)):
                    self._lanes.setdefault(change.name, []).append(state)
                else:
                    self._groups.append(state)

    def stranger(self, found: LaneGroup | None, change: Change) -> str | None:
        """What of the part that the change would overwrite somebody else has made; None when nothing."""
        if change.action == UPDATE_LANE:
            lane = found.lane(change.name) if found else None
            known = any(_same_lane(lane, state) for state in self._lanes.get(change.name, ()))
            return None if known else f"lane {change.name}"
        if change.action == DELETE_GROUP:
            lanes = [lane.name for lane in (found.lanes if found else None) or ()]
            new = [name for name in lanes if name not in self._lanes]
            return f"lane {', '.join(new)}" if new else None
        return None if any(_same_group(found, state) for state in self._groups) else "the group's own fields"


def _is_of_lane(change: Change) -> bool:
    return isinstance(change.before, Lane) or isinstance(change.after, Lane)


def _same_group(found: LaneGroup | None, known: LaneGroup | None) -> bool:
    return _same(found, known, UPDATABLE)


def _same_lane(found: Lane | None, known: Lane | None) -> bool:
    return _same(found, known, ("label_selector", "services", "ingress_rules", "ingress_weight"))


def _same(found: LaneGroup | Lane | None, known: LaneGroup | Lane | None, fields: tuple[str, ...]) -> bool:
    """Whether the two agree; a field that one of them cannot tell (None) is no difference."""
    if found is None or known is None:
        return found is known
    pairs = [(getattr(found, field), getattr(known, field)) for field in fields]
    return all(one is None or other is None or one == other for one, other in pairs)
