# Copyright (c) 2026, asm.lanes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""From the current lane group to the wanted one: ordered changes.

The plan is the only source of the diff, of check mode and of the execution. ASM has no
transaction, so the order matters: every state on the way routes sensibly, and from
every prefix of the plan the next run converges.

Order: widen the group's services, create lanes (the baseline first), widen lanes, move
baseline and fallbacks, narrow lanes, delete lanes, narrow the group. A strict group goes
straight to its new services instead: each of its lanes must have all of them whenever the
lane is written, so that there is nothing between before and after.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from .ingress import IngressRouting
from .model import Lane, LaneGroup, ServiceRef, merge
from .rules import validate
from .words import as_spec, lane_as_spec

CREATE_GROUP = "create_group"
UPDATE_GROUP = "update_group"
DELETE_GROUP = "delete_group"
CREATE_LANE = "create_lane"
UPDATE_LANE = "update_lane"
DELETE_LANE = "delete_lane"

# What the update operation of a group can change; the rest is fixed at creation
# (documented: present in CreateSwimLaneGroup, absent in UpdateSwimLaneGroup).
UPDATABLE = ("services", "baseline", "service_fallback", "ingress_routing")
LANE_FIELDS = ("label_selector", "services", "ingress_rules", "ingress_weight")
CREATE_ONLY = ("mode", "route_header", "trace_header", "gateway_rule")


@dataclass(frozen=True)
class Change:
    """One call's worth of change.

    action: one of the constants above. name: of the group or the lane.
    before, after: group or lane around the change; None where it does not exist.
    A group stands without lanes here: lanes have changes of their own. by_itself: ASM brings it about without
    being asked (documented), so that it is looked for, and asked for only where it has not.
    """

    action: str
    name: str
    before: LaneGroup | Lane | None
    after: LaneGroup | Lane | None
    by_itself: bool = False

    @property
    def fields(self) -> tuple[str, ...]:
        """The fields that an update changes, in the order of the type; () otherwise."""
        if self.before is None or self.after is None:
            return ()
        names = UPDATABLE if isinstance(self.after, LaneGroup) else LANE_FIELDS
        return tuple(n for n in names if getattr(self.before, n) != getattr(self.after, n))

    def describe(self) -> str:
        """One line for people, such as ``update lane v2: services + default/helloworld``."""
        title = self.action.replace("_", " ") + " " + self.name
        if not self.fields:
            return title
        return f"{title}: " + "; ".join(f"{name} {self._difference(name)}" for name in self.fields)

    def _difference(self, name: str) -> str:
        before, after = getattr(self.before, name), getattr(self.after, name)
        if name == "services":
            gone, new = set(before or ()) - set(after or ()), set(after or ()) - set(before or ())
            return " ".join([*(f"+{s}" for s in sorted(new)), *(f"-{s}" for s in sorted(gone))])
        return f"{_words(name, before)} -> {_words(name, after)}"


@dataclass(frozen=True)
class Plan:
    """Where we are, where we go, and the steps between; no step when nothing changes.

    before is None when the group does not exist, after is None when it shall not.
    """

    before: LaneGroup | None
    after: LaneGroup | None
    changes: tuple[Change, ...]

    @property
    def changed(self) -> bool:
        return bool(self.changes)

    @property
    def recreates(self) -> bool:
        """Whether the group is deleted and created anew."""
        actions = {change.action for change in self.changes}
        return {DELETE_GROUP, CREATE_GROUP} <= actions

    def diff(self) -> dict[str, Any]:
        """``before`` and ``after`` in the user's words, {} where there is no group."""
        return {
            "before": as_spec(self.before) if self.before else {},
            "after": as_spec(self.after) if self.after else {},
        }


class CreateOnlyError(ValueError):
    """The wanted group differs in what ASM fixes at creation.

    fields: (name, current value, wanted value) in the user's words.
    """

    def __init__(self, name: str, fields: tuple[tuple[str, Any, Any], ...]) -> None:
        self.name = name
        self.fields = fields
        listing = "; ".join(f"{field} is {current!r}, wanted {wanted!r}" for field, current, wanted in fields)
        super().__init__(
            f"lane group {name}: ASM fixes these fields when a group is created: {listing}. "
            "Nothing was changed. State the current values, or remove the group first "
            "(state: absent), or set recreate: true, which deletes the group and creates it anew. "
            "Either way its lanes stop routing until the last of them is back."
        )


def make_plan(
    current: LaneGroup | None, wanted: LaneGroup, purge_lanes: bool = False, recreate: bool = False
) -> Plan:
    """The plan from ``current`` (None: no such group) to ``wanted``.

    recreate: what only a new group can have is brought about by deleting and creating the group.
    Raises SpecError when the outcome would not be a valid group, CreateOnlyError when a
    field differs that only a new group could have, and ``recreate`` is not set.
    """
    target = merge(current, wanted, purge_lanes)
    validate(target)
    if current is None:
        return Plan(None, target, tuple(_creation(target)))
    fields = create_only_differences(current, target)
    if fields and recreate:
        return Plan(current, target, (*make_absent_plan(current).changes, *_creation(target)))
    if fields:
        raise CreateOnlyError(current.name, fields)
    return Plan(current, target, tuple(_update(current, target)))


def make_absent_plan(current: LaneGroup | None) -> Plan:
    """The plan to no group at all: lanes first, the baseline last of them, then the group.

    Fallbacks go before the lanes that they name, lest ASM keep a lane that something falls back to.
    Never ASM's cascading delete: a lane that still routes must not vanish with its group.
    """
    if current is None:
        return Plan(None, None, ())
    state = _bare(current)
    changes = [_update_group(state, service_fallback=())] if current.service_fallback else []
    state = replace(state, service_fallback=()) if changes else state
    lanes = sorted(current.lanes or (), key=lambda lane: (lane.name == current.baseline, lane.name))
    changes += [Change(DELETE_LANE, lane.name, lane, None) for lane in lanes]
    return Plan(current, None, (*changes, Change(DELETE_GROUP, current.name, state, None)))


def apply_change(group: LaneGroup | None, change: Change) -> LaneGroup | None:
    """The state after one change: what a backend is expected to bring about."""
    if isinstance(change.after, Lane):
        if group is None:
            raise ValueError(f"lane {change.name} cannot change outside a group")
        return group.with_lane(change.after)
    if isinstance(change.after, LaneGroup):
        return replace(change.after, lanes=group.lanes if group else ())
    if change.action == DELETE_LANE and group is not None:
        return group.without_lane(change.name)
    return None


def create_only_differences(current: LaneGroup, target: LaneGroup) -> tuple[tuple[str, Any, Any], ...]:
    """(field, current value, wanted value) in the user's words for what only a new group can have."""
    now, then = as_spec(current), as_spec(target)
    # A namespace that cannot be read back cannot be compared either.
    if current.gateway_rule and current.gateway_rule.namespace is None and then.get("gateway_rule"):
        then["gateway_rule"] = {"name": then["gateway_rule"]["name"]}
    return tuple((f, now.get(f), then.get(f)) for f in CREATE_ONLY if now.get(f) != then.get(f))


def _bare(group: LaneGroup) -> LaneGroup:
    return replace(group, lanes=None)


def _creation(target: LaneGroup) -> list[Change]:
    # The create operation takes neither baseline nor fallbacks (documented), and the first
    # lane of a group becomes its baseline (documented): so the baseline lane comes first,
    # that is seen to, and the other lanes follow into a group that already falls back.
    # A new group is rule_based (inferred).
    state = replace(_bare(target), baseline=None, service_fallback=(), ingress_routing=IngressRouting())
    changes = [Change(CREATE_GROUP, target.name, None, state)]
    baseline = target.lane(target.baseline)
    if baseline:
        changes.append(Change(CREATE_LANE, baseline.name, None, baseline))
        changes.append(replace(_update_group(state, baseline=target.baseline), by_itself=True))
        state = replace(state, baseline=target.baseline)
    changes += [
        Change(CREATE_LANE, lane.name, None, lane) for lane in target.lanes or () if lane is not baseline
    ]
    rest = _update_group(
        state, service_fallback=target.service_fallback, ingress_routing=target.ingress_routing
    )
    return [*changes, rest] if rest.fields else changes


def _update(current: LaneGroup, target: LaneGroup) -> list[Change]:
    state = _bare(current)
    changes: list[Change] = []

    def group_step(**fields: Any) -> None:
        nonlocal state
        change = _update_group(state, **fields)
        if change.fields:
            changes.append(change)
            state = replace(state, **fields)

    widened = _union if target.permissive else _latter
    group_step(services=widened(current.services, target.services))
    lanes = sorted(target.lanes or (), key=lambda lane: (lane.name != target.baseline, lane.name))
    changes += [
        Change(CREATE_LANE, lane.name, None, lane) for lane in lanes if current.lane(lane.name) is None
    ]
    narrow: list[Change] = []
    for lane in lanes:
        before = current.lane(lane.name)
        if before:
            wide = replace(lane, services=widened(before.services, lane.services))
            changes += _update_lane(before, wide)
            narrow += _update_lane(wide, lane)
    group_step(
        baseline=target.baseline,
        service_fallback=target.service_fallback,
        ingress_routing=target.ingress_routing,
    )
    changes += narrow
    for gone in current.lanes or ():
        if target.lane(gone.name) is None:
            changes.append(Change(DELETE_LANE, gone.name, gone, None))
    group_step(services=target.services)
    return changes


def _update_group(state: LaneGroup, **fields: Any) -> Change:
    return Change(UPDATE_GROUP, state.name, state, replace(state, **fields))


def _update_lane(before: Lane, after: Lane) -> list[Change]:
    return [] if before == after else [Change(UPDATE_LANE, after.name, before, after)]


def _union(
    one: tuple[ServiceRef, ...] | None, other: tuple[ServiceRef, ...] | None
) -> tuple[ServiceRef, ...]:
    return tuple(sorted({*(one or ()), *(other or ())}))


def _latter(
    one: tuple[ServiceRef, ...] | None, other: tuple[ServiceRef, ...] | None
) -> tuple[ServiceRef, ...]:
    return other or ()


def _words(field: str, value: Any) -> str:
    """One value of a field in few words, ``none`` where there is nothing."""
    if not value:
        return "none"
    if field == "ingress_rules":
        return ", ".join(rule.name for rule in value)
    if field == "ingress_weight":
        return str(value[0].weight)
    if field == "ingress_routing":
        return str(value.strategy)
    if isinstance(value, tuple):
        return ", ".join(f"{key}={val}" for key, val in value)
    return str(value)


def change_as_dict(change: Change) -> dict[str, Any]:
    """A change for a module's result: action, name, description, before and after in the user's words."""

    def words(state: LaneGroup | Lane | None) -> dict[str, Any] | None:
        if state is None:
            return None
        return lane_as_spec(state) if isinstance(state, Lane) else as_spec(state)

    return {
        "action": change.action,
        "name": change.name,
        "description": change.describe(),
        "before": words(change.before),
        "after": words(change.after),
    }
