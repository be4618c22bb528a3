# Copyright (c) 2026, asm.lanes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Action plugin of ``role_arguments``: Ansible's own validation, over the inputs of several roles.

Ansible validates the inputs of a role when its turn comes. What is wrong with the last role of a playbook is
found when the others have done their work, and every validation is a task of its own.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.module_utils.common.yaml import yaml_load
from ansible.plugins.action.validate_argument_spec import ActionModule as ValidateAction
from ansible_collections.asm.lanes.plugins.plugin_utils._named import AnsibleValueOmittedError, resolve

ROLES = Path(__file__).parents[2] / "roles"


class ActionModule(ValidateAction):  # type: ignore[misc]
    """The action plugin."""

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Validate; the result is that of ``ansible.builtin.validate_argument_spec``, and the roles."""
        variables = task_vars or {}
        names = self._task.args.get("roles")
        if not isinstance(names, list) or set(self._task.args) != {"roles"}:
            raise AnsibleActionFail(
                "role_arguments: roles, and nothing else, is to be given: a list of names"
            )
        chosen = selected(
            names, variables.get("ansible_run_tags", ["all"]), variables.get("ansible_skip_tags", [])
        )
        specification: dict[str, Any] = {}
        for name in chosen:
            specification |= _bare(_options(name))
        self._task.args = {"argument_spec": specification}
        result: dict[str, Any] = super().run(tmp, variables)
        result.pop("argument_spec_data", None)  # hundreds of lines beside the few that tell what is wrong
        result.pop("validate_args_context", None)
        return {**result, "roles": list(chosen)}

    def get_args_from_task_vars(
        self, argument_spec: Mapping[str, Any], task_vars: Mapping[str, Any]
    ) -> dict[str, Any]:
        """The values of the options that have one, by name."""
        found = {}
        for name in argument_spec:
            if name in task_vars:
                with contextlib.suppress(AnsibleValueOmittedError):
                    found[name] = resolve(task_vars[name], self._templar)
        return found


def selected(names: Sequence[str], run_tags: Sequence[str], skip_tags: Sequence[str]) -> tuple[str, ...]:
    """The roles that the tags of this run leave, where the tag of a role is its name.

    Args:
        names: roles.
        run_tags: Ansible's ``ansible_run_tags``; ``all`` and ``tagged`` stand for every role.
        skip_tags: Ansible's ``ansible_skip_tags``; likewise.
    """
    everything = {"all", "tagged"}
    return tuple(
        name
        for name in names
        if {*everything, name} & set(run_tags) and not {*everything, name} & set(skip_tags)
    )


def _bare(options: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Without what is for readers: the validation copies all that it is given, bit by bit."""
    return {
        name: {
            key: _bare(value) if key == "options" else value
            for key, value in option.items()
            if key != "description"
        }
        for name, option in options.items()
    }


def _options(name: str) -> dict[str, Any]:
    """The inputs of a role's main entry point.

    Raises AnsibleActionFail when this collection has no such role.
    """
    file = ROLES / name / "meta" / "argument_specs.yml"
    if not file.is_file():
        known = ", ".join(sorted(path.parents[1].name for path in ROLES.glob("*/meta/argument_specs.yml")))
        raise AnsibleActionFail(f'role_arguments: this collection has no role "{name}"; it has {known}')
    options: dict[str, Any] = yaml_load(file.read_text(encoding="utf-8"))["argument_specs"]["main"]["options"]
    return options
