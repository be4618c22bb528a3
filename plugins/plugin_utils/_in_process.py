# Copyright (c) 2026, asm.lanes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Run a module of this collection without packing and unpacking it, where that makes no difference.

Modules that talk to an API run on the controller anyway (``connection: local``), so the action plugin beside
each of them has it run by a module host of ``ansible-playbook`` (plugin_utils/_module_host.py), whose
libraries are imported already. The module stays the one place with the logic, and the way to run it wherever
this one does not fit.
"""

from __future__ import annotations

import gc
import inspect
import json
import sys
from collections.abc import Mapping
from typing import Any, ClassVar

from ansible.plugins.action import ActionBase
from ansible.plugins.action.normal import ActionModule as ModuleAction
from ansible_collections.asm.lanes.plugins.module_utils import _elsewhere
from ansible_collections.asm.lanes.plugins.plugin_utils._module_host import HostError, hosts, run_module
from ansible_collections.asm.lanes.plugins.plugin_utils._named import NamedArguments, resolve

PROFILE = "legacy"
"""How ansible-core 2.19 and later write arguments and results of modules that name no other profile."""
# In Ansible's own process, where it imports this for a task: workers find the hosts. And what is there now
# stays: workers that do not go through it for garbage do not copy it either.
hosts()
gc.freeze()


class InProcessAction(NamedArguments, ModuleAction):  # type: ignore[misc]
    """Has a module run by a module host, or as Ansible would run it.

    By a host: for this machine, this user, this Python, no other environment, not in the background. The
    variable ``asm_lanes_in_process: false`` always takes the module, for instance to debug it.
    """

    #: The host that has the module's libraries, or most of them.
    host: ClassVar[str]

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Carry out the task; returns what the module returns."""
        variables = task_vars or {}
        if not self._is_here(variables):
            elsewhere: dict[str, Any] = super().run(tmp, variables)
            return elsewhere
        result: dict[str, Any] = ActionBase.run(self, tmp, variables)
        result.update(self._call(variables))
        return result

    def _is_here(self, variables: dict[str, Any]) -> bool:
        """Whether the module would run on this host, as this user, with this Python and environment."""
        if not self._templated(variables.get("asm_lanes_in_process", True)):
            return False
        # `environment` of the play, role and task; an empty one is no environment.
        environment = [part for part in self._task.environment or () if part]
        return (
            self._connection.transport in ("local", "ansible.builtin.local")
            and not self._connection.become
            and not self._task.async_val
            and not environment
            and self._templated(variables.get("ansible_python_interpreter")) == sys.executable
        )

    def _is_alone(self, variables: dict[str, Any]) -> bool:
        """Whether no task of another host runs meanwhile, and this one cannot end before its module.

        Hosts that have failed count: their ``always`` tasks may still run.
        """
        return len(variables.get("ansible_play_hosts_all") or ()) == 1 and not self._task.timeout

    def _templated(self, value: Any) -> Any:
        return resolve(value, self._templar)

    def _call(self, variables: dict[str, Any]) -> dict[str, Any]:
        """Have the module called with the task's arguments and read what it prints, as Ansible does."""
        arguments = dict(self._task.args)
        self._update_module_args(self._task.action, arguments, variables)
        module = type(self).__module__.rpartition(".")[2]
        _elsewhere.show = self._display.display
        try:
            printed = hosts()[self.host].call(
                run_module,
                module,
                _encoded({"ANSIBLE_MODULE_ARGS": arguments}),
                PROFILE,
                alone=self._is_alone(variables),
            )
        except HostError as error:
            return {"failed": True, "msg": f"{error}. See whether asm_lanes_in_process: false tells more."}
        # The second parameter came with ansible-core 2.19.
        profile = (PROFILE,) if "profile" in inspect.signature(self._parse_returned_data).parameters else ()
        answer = self._parse_returned_data({"stdout": printed}, *profile)
        if not isinstance(answer, dict):  # ansible-core 2.21 and later have a class for results
            answer.remove_internal_keys()
            answer = answer.as_result_dict(for_round_trip=True)
        told: dict[str, Any] = answer
        return told


def _encoded(arguments: Mapping[str, Any]) -> bytes:
    """The arguments as the bytes that Ansible sends to a module."""
    try:
        from ansible.module_utils.common.json import Direction, get_module_encoder
    except ImportError:  # ansible-core before 2.19
        from ansible.module_utils.common.json import AnsibleJSONEncoder

        return json.dumps(arguments, cls=AnsibleJSONEncoder, vault_to_text=True).encode()
    encoder = get_module_encoder(PROFILE, Direction.CONTROLLER_TO_MODULE)
    return json.dumps(arguments, cls=encoder).encode()
