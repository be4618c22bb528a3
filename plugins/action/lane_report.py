# Copyright (c) 2026, asm.lanes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Action asm.lanes.lane_report: renders a proof and writes the files, on the controller."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ansible.plugins.action import ActionBase
from ansible_collections.asm.lanes.plugins.plugin_utils._report import files, formats
from ansible_collections.asm.lanes.plugins.plugin_utils._report.fields import ProofError
from ansible_collections.asm.lanes.plugins.plugin_utils._report.versions import versions

ARGUMENTS = {
    "proof": {"type": "dict", "required": True},
    "dest": {"type": "path", "required": True},
    "name": {"type": "str", "default": "lane-proof"},
    "formats": {
        "type": "list",
        "elements": "str",
        "choices": ["json", "junit", "html", "svg", "mermaid"],
        "default": ["json", "junit", "html", "svg"],
    },
    "mode": {"type": "str", "default": "0644"},
    "versions": {"type": "dict", "default": {}},
}


class ActionModule(ActionBase):  # type: ignore[misc]
    """Options → texts → plan → files, unless in check mode."""

    TRANSFERS_FILES = False
    _requires_connection = False
    _supports_check_mode = True
    _supports_async = False

    def run(self, tmp: Any = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        _validated, options = self.validate_argument_spec(ARGUMENTS)
        try:
            folder = Path(options["dest"]).absolute()
            name, mode = files.parse_name(options["name"]), files.parse_mode(options["mode"])
            texts = formats.render(_with_versions(options), options["formats"])
            paths = {kind: f"{name}.{formats.ENDINGS[kind]}" for kind in texts}
            changes = files.plan(folder, {paths[kind]: text for kind, text in texts.items()}, mode)
            if not self._task.check_mode:
                files.execute(folder, changes)
        except (ProofError, ValueError, files.FileError) as error:
            # Returned, not raised: so failed_when can have its say, as for any module.
            return {**result, "failed": True, "msg": str(error)}
        result["changed"] = any(change.changed for change in changes)
        result["files"] = {kind: str(folder / path) for kind, path in paths.items()}
        result["diff"] = [_diff(change) for change in changes if change.changed]
        return result


def _with_versions(options: dict[str, Any]) -> dict[str, Any]:
    proof = options["proof"]
    told = proof.get("versions") or {}
    return {**proof, "versions": {**versions(), **told, **options["versions"]}}


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
