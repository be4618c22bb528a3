# Copyright (c) 2026, asm.lanes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Work that another process may do, one that has imported the libraries for it already; and words on the way.

Under ``ansible-playbook`` each set of libraries has a process of its own, so that both are imported at the
same time (plugin_utils/_module_host.py). A module that needs both has the smaller part of its work done
there. A module that runs alone knows no other process and does everything itself.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

Answer = TypeVar("Answer")

#: Shows people a line while a work takes its time; set by who can.
show: Callable[[str], None] | None = None
#: Calls a function in the process of a name; set by who knows other processes.
send: Callable[[str, Callable[..., Any], tuple[Any, ...]], Any] | None = None


def say(line: str) -> None:
    """Tell people how far a work is that takes some time; nothing where nobody can be told before it ends."""
    if show is not None:
        show(line)


def call(process: str, function: Callable[..., Answer], *arguments: Any) -> Answer:
    """What ``function(*arguments)`` returns or raises, wherever it is called.

    Args:
        process: name of the process, such as ``sdk``.
        function: of a module, by whose name the other process finds it.
        arguments: values that can be pickled, as must be the answer.
    """
    if send is None:
        return function(*arguments)
    answer: Answer = send(process, function, arguments)
    return answer
