# Copyright (c) 2026, asm.lanes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Action plugin of ``replay_summary``: shows what the roles did and saw, and hands it over to workflows."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from ansible.plugins.action import ActionBase
from ansible_collections.asm.lanes.plugins.plugin_utils import _outcome
from ansible_collections.asm.lanes.plugins.plugin_utils._named import NamedArguments

PARTS = tuple(part.name for part in fields(_outcome.Outcome))
#: What has a plan.
PLANNED = ("sample_app", "gateway_routing", "lane_group")
ARGUMENTS = {
    **{name: {"type": "dict", "default": {}} for name in PARTS},
    "show": {"type": "bool", "default": True},
    "fail_on_difference": {"type": "bool", "default": True},
}


class ActionModule(NamedArguments, ActionBase):  # type: ignore[misc]
    """The action plugin."""

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Show, hand over, and fail when the lanes are not as promised."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        _validated, options = self.validate_argument_spec(ARGUMENTS)
        outcome = _outcome.Outcome(**{name: options[name] for name in PARTS})
        check_mode = bool(self._task.check_mode)
        lines, failures = _outcome.lines(outcome, check_mode=check_mode), outcome.failures
        if lines and (options["show"] or failures):
            self._display.display("\n".join(lines))
        told = _outcome.statistics(
            outcome, with_plan=not set(self._task.args).isdisjoint(PLANNED), check_mode=check_mode
        )
        if failures and options["fail_on_difference"]:
            # Ansible takes no statistics from a task that fails, and prints all that it returns.
            return {**result, "failed": True, "msg": "\n".join(failures), "statistics": told}
        result |= {"lines": lines, "failures": failures}
        return {**result, "ansible_stats": {"data": told, "per_host": False, "aggregate": True}}
