# Copyright (c) 2026, asm.lanes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""One lane group as a desired state: read, plan, execute unless checked, wait, report."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from .._lanes.model import LaneGroup, SpecError, as_spec, parse
from .._lanes.plan import CreateOnlyError, Plan, change_as_dict, make_absent_plan, make_plan
from .._lanes.routing import truth_table
from .client import Record
from .errors import AsmError
from .module import connect_module, fail
from .openapi import OpenApiLanes


@dataclass(frozen=True)
class Wish:
    """What the task asks for. group: as stated, None fields mean "leave alone"."""

    group: LaneGroup
    absent: bool = False
    purge_lanes: bool = False


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

    def facts(self) -> dict[str, Any]:
        """What a module's result has from the plan, in check mode too; {} before planning."""
        plan = self.plan
        if plan is None:
            return {}
        name = (plan.after or plan.before or LaneGroup("")).name
        title = f"lane group {name}"
        return {
            "lane_group": as_spec(plan.after) if plan.after else {},
            "plan": [change_as_dict(change) for change in plan.changes],
            "truth_table": {"before": _rows(plan.before), "after": _rows(plan.after)},
            "diff": {**plan.diff(), "before_header": title, "after_header": title},
        }


def ensure(backend: OpenApiLanes, wish: Wish, run: Run, check_mode: bool) -> None:
    """Make the mesh as wished, filling ``run``.

    Raises SpecError and CreateOnlyError before anything is written, AsmError at any time.
    """
    name = wish.group.name
    current = _assume_unreadable(backend.read(name), wish.group)
    plan = make_absent_plan(current) if wish.absent else make_plan(current, wish.group, wish.purge_lanes)
    run.plan = plan
    run.warnings += _extra_lanes(plan, wish.group)
    backend.prepare(plan)
    if check_mode:
        run.planned = [Record(call.action, call.object) for call in backend.calls(name, plan.changes)]
        return
    for change in plan.changes:
        backend.execute(name, change)
        run.done += 1
    if plan.changed:
        backend.wait_for(plan, name, wish.purge_lanes)
    run.warnings += _objections(backend)


def _objections(backend: OpenApiLanes) -> list[str]:
    return [
        f"ASM objects to lane {lane}: {objection.text}"
        for lane, objections in sorted(backend.objections.items())
        for objection in objections
    ]


def _assume_unreadable(current: LaneGroup | None, wanted: LaneGroup) -> LaneGroup | None:
    """The current group, with the gateway rule's namespace, which no call returns, taken from the wish.

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


def _rows(group: LaneGroup | None) -> list[dict[str, Any]]:
    return [row.as_dict() for row in truth_table(group)] if group else []


def run_module(module: AnsibleModule) -> None:
    """The module ``lane_group``, from its parameters to its result."""
    run = Run()
    calls: list[Record] = []

    def facts() -> dict[str, Any]:
        return {"api_calls": [record.as_dict() for record in [*calls, *run.planned]], **run.facts()}

    try:
        wish = wish_from(module.params)
        client = connect_module(module)
        calls = client.calls
        ensure(OpenApiLanes(client, module.params["cluster"]), wish, run, module.check_mode)
    except SpecError as error:
        problems = [{"path": p.path, "message": p.message, "remedy": p.remedy} for p in error.problems]
        module.fail_json(msg=str(error), failure={"kind": "specification", "problems": problems}, **facts())
    except CreateOnlyError as error:
        fields = [{"name": n, "current": current, "wanted": wanted} for n, current, wanted in error.fields]
        module.fail_json(msg=str(error), failure={"kind": "create_only", "fields": fields}, **facts())
    except AsmError as error:
        error.notes += run.progress()
        fail(module, error, changed=run.done > 0, **facts())
    for warning in run.warnings:
        module.warn(warning)
    module.exit_json(changed=bool(run.plan and run.plan.changed), **facts())


def wish_from(params: dict[str, Any]) -> Wish:
    """The wish in a module's parameters. Raises SpecError."""
    absent = params["state"] == "absent"
    # To remove a group only its name counts: whatever else is stated shall not stop the removal.
    group = parse({"name": params["name"]} if absent else params)
    return Wish(group, absent, params["purge_lanes"])
