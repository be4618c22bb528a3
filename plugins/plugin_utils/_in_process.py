# Copyright (c) 2026, asm.lanes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Run a module of this collection inside the process of Ansible itself, where that makes no difference.

A module costs a quarter of a second before it does anything, and its libraries half a second more, every
time: Ansible packs it, starts Python, unpacks and imports. Modules that talk to an API run on the controller
anyway (``connection: local``), so the action plugin beside each of them calls the module's own ``main`` in
the worker process that Ansible has forked for the task. Libraries are imported once, in the parent, when the
first task of a plugin is queued (Ansible loads the class there); the workers find them in memory.

The module stays the one place with the logic, and the way to run it wherever this one does not fit.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import inspect
import io
import json
import os
import sys
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import ansible.module_utils.basic
from ansible.plugins.action import ActionBase
from ansible.plugins.action.normal import ActionModule as ModuleAction

PROFILE = "legacy"
"""How ansible-core 2.19 and later write arguments and results of modules that name no other profile."""


def warm(*names: str) -> tuple[str, ...]:
    """Import libraries ahead of the tasks that need them; returns the names of those that are there.

    Python's garbage collector does not run meanwhile, and afterwards leaves what has been imported alone.

    A library that is missing is no error here: the module says so, in words, when it needs it.
    """
    there = []
    # A sixth of the time that the imports take goes to looking for garbage among what stays (measured).
    gc.disable()
    for name in names:
        with contextlib.suppress(ImportError):
            importlib.import_module(name)
            there.append(name)
    # What is there now stays. When the workers that are forked for tasks do not go through it, and so do not
    # copy it, an unchanged replay costs about a tenth less processor time (measured).
    gc.freeze()
    gc.enable()
    return tuple(there)


def warm_meanwhile(*names: str) -> None:
    """Import libraries and modules while the workers of the next tasks leave another core idle.

    Args:
        names: in the order in which tasks will need them. No action plugins: Ansible takes what it finds in
            ``sys.modules`` for whole.
    """
    parent = os.getpid()
    importing = threading.Lock()

    def work() -> None:
        for name in names:
            with importing:
                warm(name)
            time.sleep(0.001)  # a fork that waits for the lock goes first

    thread = threading.Thread(target=work, name="asm.lanes imports", daemon=True)

    def begin() -> None:
        importing.release()
        if os.getpid() == parent and thread.ident is None:
            thread.start()

    # Between two imports only: a worker that inherited half of one would wait for the rest of it for ever.
    os.register_at_fork(before=importing.acquire, after_in_parent=begin, after_in_child=importing.release)


class InProcessAction(ModuleAction):  # type: ignore[misc]
    """Runs ``main`` of a module here, or the module as Ansible would run it.

    Here means: this host, this user, this Python, no other environment, not in the background. The variable
    ``asm_lanes_in_process: false`` always takes the module, for instance to debug it.
    """

    #: The module's ``main()``.
    main: ClassVar[Callable[[], None]]

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

    def _templated(self, value: Any) -> Any:
        return self._templar.template(value)

    def _call(self, variables: dict[str, Any]) -> dict[str, Any]:
        """Call ``main`` with the task's arguments and read what it prints, as Ansible does with a module."""
        arguments = dict(self._task.args)
        self._update_module_args(self._task.action, arguments, variables)
        basic = ansible.module_utils.basic
        basic._ANSIBLE_ARGS = _encoded({"ANSIBLE_MODULE_ARGS": arguments})  # where a module looks for them
        basic._ANSIBLE_PROFILE = PROFILE
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed), contextlib.suppress(SystemExit):
            type(self).main()
        # The second parameter came with ansible-core 2.19.
        profile = (PROFILE,) if "profile" in inspect.signature(self._parse_returned_data).parameters else ()
        answer = self._parse_returned_data({"stdout": printed.getvalue()}, *profile)
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
