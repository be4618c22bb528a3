# Copyright (c) 2026, asm.lanes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""One lane group as a desired state: read, plan, execute unless checked, wait, report."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from .._lanes.model import LaneGroup
from .._lanes.plan import DELETE_GROUP, CreateOnlyError, Plan, change_as_dict, make_absent_plan, make_plan
from .._lanes.problems import SpecError
from .._lanes.words import as_spec, parse
from .backend import LaneBackend, LaneReader, OvertakenError
from .client import Record
from .errors import AsmError, Kind
from .lane_options import stated
from .report import RECREATION, diff_parts, truth_tables

ROUNDS = 3  # how often a run plans when somebody else keeps changing the group


@dataclass(frozen=True)
class Wish:
    """What the task asks for. group: as stated, None fields mean "leave alone".

    refuse: a group that somebody else made is not changed. recreate: what only a new group can have
    may be brought about by deleting and creating it. wait: until ASM shows what was asked for.
    """

    group: LaneGroup
    absent: bool = False
    purge_lanes: bool = False
    refuse: bool = False
    recreate: bool = False
    wait: bool = True


@dataclass
class Run:
    """What a run came to; grows while ``ensure`` works, so that a failure can tell how far it got.

    done: how many changes of the plan were carried out. planned: calls that check mode left out.
    """

    plan: Plan | None = None
    done: int = 0
    planned: list[Record] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def progress(self) -> list[str]:
        """How far the run got before it failed, in words."""
        total = len(self.plan.changes) if self.plan else 0
        if not self.done:
            return []
        if self.done == total:
            return ["All changes were made"]
        return [f"{self.done} of {total} changes were made, the next run continues from there"]

    def take(self, plan: Plan) -> None:
        """A plan to go on with, after the changes that are done already."""
        if self.plan is not None:
            plan = Plan(self.plan.before, plan.after, (*self.plan.changes[: self.done], *plan.changes))
        self.plan = plan

    def facts(self) -> dict[str, Any]:
        """What a module's result has from the plan, in check mode too; {} before planning."""
        plan = self.plan
        if plan is None:
            return {}
        name = (plan.after or plan.before or LaneGroup("")).name
        return {
            "lane_group": as_spec(plan.after) if plan.after else {},
            "plan": [change_as_dict(change) for change in plan.changes],
            "truth_table": truth_tables(plan),
            "diff": diff_parts(plan, name),
        }


def ensure(backend: LaneBackend, wish: Wish, run: Run, check_mode: bool) -> None:
    """Make the mesh as wished, filling ``run``.

    Raises SpecError and CreateOnlyError before anything is written, AsmError at any time.
    """
    name = wish.group.name
    look(backend, wish, run)
    if check_mode:
        changes = run.plan.changes if run.plan else ()
        run.planned = [Record(call.action, call.object) for call in backend.calls(name, changes)]
        return
    for left in reversed(range(ROUNDS)):
        try:
            _carry_out(backend, run, name)
            break
        except OvertakenError as error:
            if not left:
                raise
            wish = _plan_anew(backend, wish, run, error)
    if run.plan and run.plan.changed and wish.wait:
        backend.wait_for(run.plan, name, wish.purge_lanes)
    run.warnings += objections(backend)


def look(reader: LaneReader, wish: Wish, run: Run) -> None:
    """Read and plan, filling ``run``; nothing is written. Raises as ``ensure`` does."""
    _plan(reader, wish, run)
    run.warnings += [RECREATION] if run.plan and run.plan.recreates else []


def _plan(backend: LaneReader, wish: Wish, run: Run) -> None:
    current = _assume_unreadable(backend.read(wish.group.name), wish.group)
    if wish.absent:
        plan = make_absent_plan(current)
    else:
        plan = make_plan(current, wish.group, wish.purge_lanes, wish.recreate)
    ours = run.done > 0 or (backend.seen is not None and backend.seen.ours)
    if wish.refuse and current is not None and plan.changed and not ours:
        raise _refusal(plan, backend)
    warnings = [w for w in _extra_lanes(plan, wish.group) if w not in run.warnings]
    run.warnings += warnings
    run.take(plan)
    backend.prepare(plan)


def _plan_anew(backend: LaneBackend, wish: Wish, run: Run, error: OvertakenError) -> Wish:
    """Plan from what somebody else left; the wish to go on with. Raises the error where there is none."""
    run.warnings.append(f"{error.message}: planned anew after {run.done} changes")
    if run.plan and run.plan.recreates and run.plan.after:
        # What was not stated may be deleted already, to be created anew: only the plan knows it.
        wish = replace(wish, group=run.plan.after)
    try:
        _plan(backend, wish, run)
    except (SpecError, CreateOnlyError) as unfit:
        error.notes.append(f"What they left does not go with what is stated: {unfit}")
        raise error from None
    return wish


def _refusal(plan: Plan, backend: LaneReader) -> AsmError:
    group = plan.before or LaneGroup("")
    unknown = backend.seen is None or backend.seen.ours is None
    whose = "through the OpenAPI it cannot be told who made it" if unknown else "somebody else made it"
    differences = "; ".join(change.describe() for change in plan.changes)
    return AsmError(
        Kind.INVALID,
        "Planning",
        f"lane group {group.name}",
        f"the group exists and differs, {whose}, and on_existing is refuse: {differences}",
        hint="Set on_existing to adopt to change it nevertheless, or state what is there "
        "(asm.lanes.lane_group_info with as_spec tells). Nothing was changed.",
    )


def _carry_out(backend: LaneBackend, run: Run, name: str) -> None:
    changes = run.plan.changes if run.plan else ()
    for change in changes[run.done :]:
        backend.execute(name, change)
        run.done += 1
        if change.action == DELETE_GROUP and run.done < len(changes):
            backend.wait_until_gone(name)


def objections(reader: LaneReader) -> list[str]:
    """What ASM says against the lanes that were read last, in words."""
    return [
        f"ASM objects to lane {lane}: {objection.text}"
        for lane, said in sorted(reader.objections.items())
        for objection in said
    ]


def _assume_unreadable(current: LaneGroup | None, wanted: LaneGroup) -> LaneGroup | None:
    """The current group, with the gateway rule's namespace, where it cannot be read, taken from the wish.

    Else it would show as a difference for ever.
    """
    if current is None or current.gateway_rule is None or wanted.gateway_rule is None:
        return current
    namespace = current.gateway_rule.namespace or wanted.gateway_rule.namespace
    return replace(current, gateway_rule=replace(current.gateway_rule, namespace=namespace))


def _extra_lanes(plan: Plan, wanted: LaneGroup) -> list[str]:
    if wanted.lanes is None or plan.after is None:
        return []
    stated = {lane.name for lane in wanted.lanes}
    extra = [lane.name for lane in plan.after.lanes or () if lane.name not in stated]
    if not extra:
        return []
    return [
        f"lane group {wanted.name} has lanes that are not stated and are left alone: {', '.join(extra)}. "
        "Set purge_lanes to remove them."
    ]


def wish_from(params: dict[str, Any]) -> Wish:
    """The wish in a module's parameters. Raises SpecError."""
    absent = params["state"] == "absent"
    # To remove a group only its name counts: whatever else is stated shall not stop the removal.
    group = parse({"name": params["name"]} if absent else stated(params))
    return Wish(
        group,
        absent,
        params["purge_lanes"],
        params["on_existing"] == "refuse",
        params["recreate"],
        params["wait"],
    )
