"""Counts what a command starts: put this folder on PYTHONPATH and name a file in COUNT_PROCESSES.

Every Python process, every fork of one, every other program that Python starts, how many modules each process
has imported itself in the end, and every template that is compiled, a line each.
"""

from __future__ import annotations

import atexit
import os
import sys

_FILE = os.environ.get("COUNT_PROCESSES")


def _say(*words: object) -> None:
    handle = os.open(str(_FILE), os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    os.write(handle, (" ".join(map(str, words)) + "\n").encode())
    os.close(handle)


def _audit(event: str, arguments: tuple[object, ...]) -> None:
    if event == "subprocess.Popen":
        program = os.path.basename(str(arguments[0]))  # noqa: PTH119  # pathlib is no light import here
        if not program.startswith("python"):  # those tell of themselves
            _say("program", program)
    elif event == "compile" and arguments[1] == "<template>":
        _say("template", os.getpid())


_inherited = 0
_exit = os._exit


def _forked() -> None:
    global _inherited
    _inherited = len(sys.modules)
    _say("fork", os.getpid())


def _ended(status: int) -> None:
    """Forks end without the hooks of atexit."""
    _say("modules", len(sys.modules) - _inherited)
    _exit(status)


if _FILE:
    _say("python", os.getpid())
    os.register_at_fork(after_in_child=_forked)
    os._exit = _ended  # type: ignore[assignment]
    sys.addaudithook(_audit)
    atexit.register(lambda: _say("modules", len(sys.modules)))
