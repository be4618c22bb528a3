# Copyright (c) 2026, asm.lanes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The module ``lane_groups``, from its parameters to its result."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from .._lanes.problems import SpecError
from .errors import AsmError
from .lane_group import Run, Wish
from .lane_group_module import Choice, choose
from .lane_groups import ensure_all, wishes_from
from .ways import AUTO, CUSTOM_RESOURCE, OPENAPI, Ways
from .writable import NotWritableError


@dataclass
class Task:
    """One task. runs: of the wishes that were begun, in order."""

    ways: Ways
    wishes: Sequence[Wish] = ()
    runs: list[Run] = field(default_factory=list)
    choice: Choice | None = None

    @property
    def written(self) -> bool:
        """Whether any change was carried out."""
        return any(run.done for run in self.runs)

    def facts(self, failed: bool) -> dict[str, Any]:
        """The result but for ``changed`` of the whole."""
        choice = self.choice
        backend = {"backend": {"name": choice.name, "reason": choice.reason}} if choice else {}
        planned = [record for run in self.runs for record in run.planned]
        begun = [(wish, run, run.facts()) for wish, run in zip(self.wishes, self.runs, strict=False)]
        return {
            "api_calls": [record.as_dict() for record in [*self.ways.records, *planned]],
            **backend,
            "groups": [_group_facts(wish, run, facts, failed) for wish, run, facts in begun],
            "diff": [part for _wish, _run, facts in begun for part in facts.get("diff", ())],
        }

    def carry_out(self, backend: str, check_mode: bool) -> None:
        """See ``ensure_all``; one way for all groups, chosen before anything is written."""
        self.choice = choose_for_all(self.wishes, backend, self.ways.has_kubeconfig)
        try:
            ensure_all(self.ways.to(self.choice.name), self.wishes, self.runs, check_mode)
        except NotWritableError as error:
            if backend != AUTO or not self.ways.has_kubeconfig:
                raise
            reason = "; ".join(f"{problem.path}: {problem.message}" for problem in error.problems)
            self.choice = Choice(CUSTOM_RESOURCE, reason)
            ensure_all(self.ways.to(CUSTOM_RESOURCE), self.wishes, self.runs, check_mode)

    def progress(self) -> list[str]:
        """How far the task got before it failed, in words."""
        if not self.runs:
            return []
        before = len(self.runs) - 1
        return [*self.runs[-1].progress(), f"{before} of {len(self.wishes)} lane groups were done before"]


def choose_for_all(wishes: Sequence[Wish], backend: str, has_kubeconfig: bool) -> Choice:
    """The way that the task states, else the one that can express what all groups state."""
    choice = Choice(OPENAPI if backend == AUTO else backend, "there is no group")
    for wish in wishes:
        choice = choose(wish, backend, has_kubeconfig)
        if choice.name == CUSTOM_RESOURCE:
            break
    return choice


def run_module(module: AnsibleModule) -> None:
    """Run the module; ends it."""
    task = Task(Ways(module))
    try:
        task.wishes = wishes_from(module.params["groups"], module.params["wait"])
        task.carry_out(module.params["backend"], module.check_mode)
    except SpecError as error:
        problems = [{"path": p.path, "message": p.message, "remedy": p.remedy} for p in error.problems]
        failure: dict[str, Any] = {"kind": "specification", "problems": problems}
        module.fail_json(msg=str(error), failure=failure, changed=task.written, **task.facts(failed=True))
    except AsmError as error:
        error.notes += task.progress()
        group = task.wishes[len(task.runs) - 1].group.name if task.runs else None
        failure = {**error.failure, "group": group}
        module.fail_json(msg=str(error), failure=failure, changed=task.written, **task.facts(failed=True))
    for run in task.runs:
        for warning in run.warnings:
            module.warn(warning)
    changed = any(run.plan and run.plan.changed for run in task.runs)
    module.exit_json(changed=changed, **task.facts(failed=False))


def _group_facts(wish: Wish, run: Run, facts: dict[str, Any], failed: bool) -> dict[str, Any]:
    """One member of the result's ``groups``. failed: the task did, so that only what was done counts."""
    return {
        "name": wish.group.name,
        "changed": run.done > 0 if failed else bool(run.plan and run.plan.changed),
        "lane_group": facts.get("lane_group", {}),
        "plan": facts.get("plan", []),
    }
