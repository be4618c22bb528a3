# Copyright (c) 2026, asm.lanes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The server's own words in what `kubernetes.core` says when a task fails.

kubernetes.core puts the whole body of an answer into ``msg``: as JSON with the Kubernetes client 37, as
a Python bytes literal with JSON in it with older ones (both seen).
"""

from __future__ import annotations

import ast
import json
import re

_BYTES = re.compile(r"""b(['"])\{.*\}(\\n)?\1""", re.DOTALL)


def server_words(message: str) -> str:
    """The ``message`` of the ``Status`` object inside a text; the whole text when there is none."""
    try:
        literal = _BYTES.search(message)
        body = ast.literal_eval(literal[0]).decode() if literal else message[message.index("{") :]
        status, _end = json.JSONDecoder().raw_decode(body)
        return str(status["message"])
    except (SyntaxError, ValueError, KeyError):  # no Status inside: say everything
        return " ".join(message.split())
