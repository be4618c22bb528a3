# Copyright (c) 2026, asm.lanes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Action plugin of ``replay_summary``: tells what the roles did and saw, to people, files and workflows."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ansible.plugins.action import ActionBase
from ansible_collections.asm.lanes.plugins.plugin_utils import _outcome
from ansible_collections.asm.lanes.plugins.plugin_utils._named import NamedArguments
from ansible_collections.asm.lanes.plugins.plugin_utils._report.options import ARGUMENTS as REPORT

#: What has a plan, and what has a proof.
PLANNED, PROVEN = ("sample_app", "gateway_routing", "lane_group"), "lane_proof"
ARGUMENTS = {
    **{name: {"type": "dict", "default": {}} for name in (*PLANNED, PROVEN)},
    "report": {"type": "dict", "options": {**REPORT, "dest": {"type": "path"}, "name": {"type": "str"}}},
    "show": {"type": "bool", "default": True},
    "fail_on_difference": {"type": "bool", "default": True},
}


class ActionModule(NamedArguments, ActionBase):  # type: ignore[misc]
    """The action plugin."""

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Write the report, show, hand over, and fail when the lanes are not as promised."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        _validated, options = self.validate_argument_spec(ARGUMENTS)
        outcome = _outcome.Outcome(**{name: options[name] for name in (*PLANNED, PROVEN)})
        check_mode = bool(self._task.check_mode)
        if not check_mode:
            outcome = _with_report(outcome, options["report"] or {}, task_vars or {})
        lines, failures = _outcome.lines(outcome, check_mode=check_mode), outcome.failures
        if lines and (options["show"] or failures):
            self._display.display("\n".join(lines))
        told = _outcome.statistics(
            outcome, with_plan=not set(self._task.args).isdisjoint(PLANNED), check_mode=check_mode
        )
        if failures and options["fail_on_difference"]:
            # Ansible takes no statistics from a task that fails, and prints all that it returns.
            return {**result, "failed": True, "msg": "\n".join(failures), "statistics": told}
        result |= {"lines": lines, "failures": failures, "files": dict(outcome.files)}
        return {**result, "ansible_stats": {"data": told, "per_host": False, "aggregate": True}}


def _with_report(
    outcome: _outcome.Outcome, options: dict[str, Any], variables: dict[str, Any]
) -> _outcome.Outcome:
    """The outcome with the report of a proof that was made, where one is wished."""
    if not options.get("dest") or outcome.proof.get("passed") is None:
        return outcome
    several = len(variables.get("ansible_play_hosts_all") or ()) > 1
    own = f"{REPORT['name']['default']}-{variables['inventory_hostname']}" if several else None
    options = {**options, "name": options["name"] or own or REPORT["name"]["default"]}
    # Here, since most of what a report is made with takes time that who wants none need not spend.
    from ansible_collections.asm.lanes.plugins.plugin_utils._report.write import ReportError, write

    try:
        return replace(outcome, files=write(outcome.proof, options).paths)
    except ReportError as error:
        return replace(outcome, trouble=str(error))
