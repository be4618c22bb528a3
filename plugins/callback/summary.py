# Copyright (c) 2026, asm.lanes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Callback: what changed, what is proven, how long each step took, and what to do next."""

from __future__ import annotations

DOCUMENTATION = r"""
name: summary
type: aggregate
version_added: 0.1.0
short_description: End each playbook with what changed, what is proven, and what to do next
description:
  - Prints a few lines after a playbook of this collection, made from its tasks' results and its statistics.
  - Plain ASCII, no colours, so that a log view or a pipe shows the same.
  - Silent for playbooks in which no role of this collection ran.
requirements:
  - Enable it, with C(callbacks_enabled = asm.lanes.summary) in C(ansible.cfg), or the environment variable
    E(ANSIBLE_CALLBACKS_ENABLED).
author:
  - asm.lanes maintainers (@asm-lanes)
"""

import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ansible.plugins.callback import CallbackBase

if TYPE_CHECKING:
    from ansible.executor.stats import AggregateStats
    from ansible.executor.task_result import TaskResult
    from ansible.playbook import Playbook
    from ansible.playbook.task import Task

OURS = "asm.lanes."
OUR_STATISTICS = "asm_lanes_"
#: Actions that hand statistics over. The results of others are not looked at: Ansible copies each for it.
HANDING_OVER = ("set_stats", "replay_summary")

#: What to do after a playbook that went well, by its name.
NEXT = {
    "preflight": "asm.lanes.site --check --diff shows the plan",
    "site": "asm.lanes.drift tells when the mesh differs; asm.lanes.rollback goes back to the baseline",
    "prove": "nothing: the lanes answer as stated",
    "guard": "nothing: the lanes answer as stated",
    "drift": "nothing: there is no drift to put right",
    "rollback": "find out what went wrong; asm.lanes.site makes the lanes again",
    "teardown": "nothing is left of the lanes; asm.lanes.site makes them again",
}
IN_AWX = "launch the workflow '{}' in AWX"
IN_CHECK_MODE = "the same without --check"
AFTER_FAILURE = "do what the message says, and run the same again: what is done stays and is not done twice"
AFTER_BAD_PROOF = "asm.lanes.preflight and asm.lanes.drift look for the cause; asm.lanes.rollback goes back"
AFTER_DRIFT = "asm.lanes.site --check --diff shows what would be put right"


class CallbackModule(CallbackBase):  # type: ignore[misc]
    """Collects while the playbook runs, prints at its end."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "asm.lanes.summary"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self) -> None:
        super().__init__()
        self.playbook = ""
        self.check_mode = False
        self.steps: dict[str, Step] = {}
        self.told: dict[str, dict[str, Any]] = {}
        self.current: tuple[str, float] | None = None
        self.handing_over = False

    def v2_playbook_on_start(self, playbook: Playbook) -> None:
        """Remember which playbook runs."""
        self.playbook = Path(playbook._file_name).stem.rpartition(".")[2]

    def v2_playbook_on_task_start(self, task: Task, is_conditional: bool) -> None:
        """The step before ends when a task begins."""
        self.check_mode = bool(task.check_mode)
        self.handing_over = task.action.rpartition(".")[2] in HANDING_OVER
        self._end_of_task()
        role = task._role.get_name() if task._role else ""
        self.current = (role.removeprefix(OURS) if role.startswith(OURS) else "", time.monotonic())

    def v2_runner_on_ok(self, result: TaskResult) -> None:
        """Note changes, and what a role hands over: statistics of a run keep the last host's alone."""
        self._note(result, "changed" if result.is_changed() else "")
        if not self.handing_over:
            return
        handed_over = result._result.get("ansible_stats", {}).get("data", {})
        if ours := {name: value for name, value in handed_over.items() if name.startswith(OUR_STATISTICS)}:
            self.told.setdefault(result._host.get_name(), {}).update(ours)

    def v2_runner_on_failed(self, result: TaskResult, ignore_errors: bool = False) -> None:
        """Note failures."""
        self._note(result, "" if ignore_errors else "failed")

    def v2_playbook_on_stats(self, stats: AggregateStats) -> None:
        """Print the summary."""
        self._end_of_task()
        if any(self.steps):
            for line in summary(self.playbook, self.steps, self.told, self.check_mode):
                self._display.display(line)

    def _end_of_task(self) -> None:
        if self.current:
            name, begin = self.current
            self.steps.setdefault(name, Step()).seconds += time.monotonic() - begin
        self.current = None

    def _note(self, result: TaskResult, what: str) -> None:
        if self.current and what:
            step = self.steps.setdefault(self.current[0], Step())
            setattr(step, what, getattr(step, what) + 1)


class Step:
    """One role's part. seconds: on the controller, all hosts together. changed, failed: tasks."""

    def __init__(self) -> None:
        self.seconds, self.changed, self.failed = 0.0, 0, 0


#: What the roles of one host hand over, by the statistic's name.
Statistics = Mapping[str, Any]


def summary(
    playbook: str, steps: Mapping[str, Step], told: Mapping[str, Statistics], check_mode: bool
) -> Iterator[str]:
    """The lines. steps: by role, in order; told: by host."""
    yield ""
    yield f"LANES {playbook}{' (check mode: nothing was written)' if check_mode else ''}"
    for name, step in steps.items():
        mark = "FAILED" if step.failed else "CHANGED" if step.changed else "ok"
        if name:
            yield f"  {name:<18} {mark:<8} {step.seconds:>6.1f} s"
    for host, statistics in told.items():
        where = f"{host}: " if len(told) > 1 else ""
        yield from (f"  {where}{line}" for line in of_host(statistics, check_mode))
    if following := next_step(playbook, steps, told, check_mode):
        yield f"  next: {following}"


def of_host(told: Statistics, check_mode: bool) -> Iterator[str]:
    """What changed on a host, and what is proven."""
    for change in told.get("asm_lanes_plan", []):
        yield f"{'would change' if check_mode else 'changed'}: {change}"
    if proof := told.get("asm_lanes_proof"):
        yield f"proof: {proof.get('summary', '')}"
    if drift := told.get("asm_lanes_drift"):
        yield "drift: " + ", ".join(f"{count} {kind}" for kind, count in drift.get("counts", {}).items())
    if rollback := told.get("asm_lanes_rollback"):
        removed = ", ".join(rollback.get("removed", [])) or "nothing"
        yield f"back to {rollback.get('baseline', 'the baseline')}: {removed}"


def next_step(
    playbook: str, steps: Mapping[str, Step], told: Mapping[str, Statistics], check_mode: bool
) -> str:
    """What to do next; empty when there is nothing to say."""
    hosts = told.values()
    if bad := [host for host in hosts if host.get("asm_lanes_proof", {}).get("passed") is False]:
        return NEXT["rollback"] if all("asm_lanes_rollback" in host for host in bad) else AFTER_BAD_PROOF
    if any(_drifted(host.get("asm_lanes_drift", {}).get("counts", {})) for host in hosts):
        return AFTER_DRIFT
    if any(step.failed for step in steps.values()):
        return AFTER_FAILURE
    if check_mode:
        return IN_CHECK_MODE if any(step.changed for step in steps.values()) else ""
    made = [host["asm_lanes_awx"]["workflow"] for host in hosts if "asm_lanes_awx" in host]
    return IN_AWX.format(made[0]) if made else NEXT.get(playbook, "")


def _drifted(counts: Mapping[str, int]) -> bool:
    return bool(counts.get("error") or counts.get("warning"))
