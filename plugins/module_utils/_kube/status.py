# Copyright (c) 2026, asm.lanes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The server's own words in what `kubernetes.core` says when a task fails."""

from __future__ import annotations

import ast
import json
import re

_BYTES = re.compile(r"""b(['"])\{.*\}(\\n)?\1""", re.DOTALL)
"""A JSON object as Python bytes: kubernetes.core 6.2 puts the body of an answer so into ``msg`` (seen)."""


def server_words(message: str) -> str:
    """The ``message`` of the ``Status`` object inside a text; the whole text when there is none."""
    found = _BYTES.search(message)
    if found:
        try:
            status = json.loads(ast.literal_eval(found[0]))
            return str(status["message"])
        except (SyntaxError, ValueError, KeyError, TypeError):
            pass  # not a Status after all: say everything
    return " ".join(message.split())
