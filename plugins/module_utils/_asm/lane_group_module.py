# Copyright (c) 2026, asm.lanes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The module ``lane_group``, from its parameters to its result."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from .._lanes.plan import CreateOnlyError
from .._lanes.problems import SpecError
from .errors import AsmError
from .lane_group import Run, Wish, ensure, wish_from
from .module import fail
from .ways import AUTO, CUSTOM_RESOURCE, OPENAPI, Ways
from .writable import NotWritableError, stated_needs


@dataclass(frozen=True)
class Choice:
    """The way to the mesh that a run takes, for all of its changes. reason: why, in words."""

    name: str
    reason: str


@dataclass
class Task:
    """One task. choice and run are those of the last attempt: only one of them ever writes."""

    ways: Ways
    run: Run = field(default_factory=Run)
    choice: Choice | None = None

    def facts(self) -> dict[str, Any]:
        """The result but for ``changed``."""
        choice = self.choice
        backend = {"backend": {"name": choice.name, "reason": choice.reason}} if choice else {}
        records = [record.as_dict() for record in [*self.ways.records, *self.run.planned]]
        return {"api_calls": records, **backend, **self.run.facts()}

    def carry_out(self, wish: Wish, backend: str, check_mode: bool) -> None:
        """See ``ensure``; the way is chosen before anything is written."""
        self.choice = choose(wish, backend, self.ways.has_kubeconfig)
        try:
            ensure(self.ways.to(self.choice.name), wish, self.run, check_mode)
        except NotWritableError as error:
            if backend != AUTO or not self.ways.has_kubeconfig:
                raise
            reason = "; ".join(f"{problem.path}: {problem.message}" for problem in error.problems)
            self.choice, self.run = Choice(CUSTOM_RESOURCE, reason), Run()
            ensure(self.ways.to(CUSTOM_RESOURCE), wish, self.run, check_mode)


def choose(wish: Wish, backend: str, has_kubeconfig: bool) -> Choice:
    """The way that the task states, else the one that can express what it states."""
    if backend != AUTO:
        return Choice(backend, "stated by the task")
    needs = [] if wish.absent else stated_needs(wish.group)
    if needs and has_kubeconfig:
        return Choice(CUSTOM_RESOURCE, f"only custom resources can express that {', '.join(needs)}")
    return Choice(OPENAPI, "nothing needs the custom resources")


def run_module(module: AnsibleModule) -> None:
    """Run the module; ends it."""
    task = Task(Ways(module))
    try:
        task.carry_out(wish_from(module.params), module.params["backend"], module.check_mode)
    except SpecError as error:
        problems = [{"path": p.path, "message": p.message, "remedy": p.remedy} for p in error.problems]
        failure: dict[str, Any] = {"kind": "specification", "problems": problems}
        module.fail_json(msg=str(error), failure=failure, **task.facts())
    except CreateOnlyError as error:
        fields = [{"name": n, "current": current, "wanted": wanted} for n, current, wanted in error.fields]
        failure = {"kind": "create_only", "fields": fields}
        module.fail_json(msg=str(error), failure=failure, **task.facts())
    except AsmError as error:
        error.notes += task.run.progress()
        fail(module, error, changed=task.run.done > 0, **task.facts())
    for warning in task.run.warnings:
        module.warn(warning)
    module.exit_json(changed=bool(task.run.plan and task.run.plan.changed), **task.facts())
