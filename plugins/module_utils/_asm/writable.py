# Copyright (c) 2026, asm.lanes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the OpenAPI can write of a lane group, and what only the custom resources can. Pure."""

from __future__ import annotations

from .._lanes.model import Lane, LaneGroup
from .._lanes.plan import CREATE_GROUP, Change, Plan
from .._lanes.problems import Problem, SpecError

USE_RESOURCES = "Give mesh_kubeconfig, so that the lane is written as a custom resource"
_FIELDS = ("ingress_rules", "ingress_weight")


class NotWritableError(SpecError):
    """A plan that the OpenAPI has no parameters for; the custom resources can express it."""


def check_writable(plan: Plan) -> None:
    """Raises NotWritableError with everything in the plan that the OpenAPI cannot write."""
    problems: dict[str, Problem] = {}
    for change in plan.changes:
        for problem in (
            _lane_problems(change) if isinstance(change.after, Lane) else _group_problems(plan, change)
        ):
            problems.setdefault(problem.path, problem)
    if problems:
        group = plan.after or plan.before or LaneGroup("")
        raise NotWritableError(f"lane group {group.name}", problems.values())


def stated_needs(group: LaneGroup) -> list[str]:
    """Why a wanted group needs the custom resources whatever is there already; [] when it does not."""
    needs = []
    for lane in group.lanes or ():
        for name in _FIELDS:
            if getattr(lane, name):
                needs.append(f"lane {lane.name} has {name}")
        if len(lane.label_selector) > 1:
            needs.append(f"lane {lane.name} has several labels")
    return needs


def _lane_problems(change: Change) -> list[Problem]:
    lane = change.after
    if not isinstance(lane, Lane):
        return []
    path = f"lanes[{lane.name}]"
    problems = []
    if len(lane.label_selector) != 1:
        problems.append(
            Problem(
                f"{path}.label_selector",
                f"has {len(lane.label_selector)} labels ({', '.join(lane.labels)})",
                "The ASM OpenAPI takes exactly one label for a lane: choose one that tells its pods apart, "
                "or give mesh_kubeconfig, so that the lane is written as a custom resource.",
            )
        )
    for name in _FIELDS:
        if change.before is None and getattr(lane, name) is None:
            words = "cannot be read back through the ASM OpenAPI and would be lost"
            problems.append(Problem(f"{path}.{name}", words, USE_RESOURCES))
        elif getattr(lane, name) if change.before is None else name in change.fields:
            words = "the ASM OpenAPI cannot write it"
            problems.append(Problem(f"{path}.{name}", words, USE_RESOURCES))
    return problems


def _group_problems(plan: Plan, change: Change) -> list[Problem]:
    group = change.after
    if change.action != CREATE_GROUP or not plan.recreates or not isinstance(group, LaneGroup):
        return []
    if group.gateway_rule and group.gateway_rule.namespace is None:
        words = "cannot be read back through the ASM OpenAPI, so that the new group might get another one"
        remedy = "State it, or give mesh_kubeconfig"
        return [Problem("gateway_rule.namespace", words, remedy)]
    return []
