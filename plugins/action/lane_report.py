# Copyright (c) 2026, asm.lanes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Action asm.lanes.lane_report: renders a proof and writes the files, on the controller."""

from __future__ import annotations

from typing import Any

from ansible.plugins.action import ActionBase
from ansible_collections.asm.lanes.plugins.plugin_utils._report import files
from ansible_collections.asm.lanes.plugins.plugin_utils._report.options import ARGUMENTS
from ansible_collections.asm.lanes.plugins.plugin_utils._report.write import ReportError, write


class ActionModule(ActionBase):  # type: ignore[misc]
    """Options → files, unless in check mode."""

    TRANSFERS_FILES = False
    _requires_connection = False
    _supports_check_mode = True
    _supports_async = False

    def run(self, tmp: Any = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Carry out the task."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        proof = {"proof": {"type": "dict", "required": True}}
        _validated, options = self.validate_argument_spec({**proof, **ARGUMENTS})
        try:
            written = write(options["proof"], options, check_mode=self._task.check_mode)
        except ReportError as error:
            # Returned, not raised: so failed_when can have its say, as for any module.
            return {**result, "failed": True, "msg": str(error)}
        result["changed"] = any(change.changed for change in written.changes)
        result["files"] = dict(written.paths)
        result["diff"] = [_diff(change) for change in written.changes if change.changed]
        return result


def _diff(change: files.Change) -> dict[str, str]:
    header = (
        f"{change.path} (mode {change.mode_before:04o})"
        if change.mode_before is not None
        else str(change.path)
    )
    return {
        "before_header": header,
        "after_header": f"{change.path} (mode {change.mode:04o})",
        "before": change.before or "",
        "after": change.after,
    }
