# Copyright (c) 2026, asm.lanes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""All files of a report: format -> ending and text."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from . import as_json, junit, mermaid, page
from .document import Proof
from .parsing import parse
from .topology import topology

#: Format -> ending of its file.
ENDINGS = {"json": "json", "junit": "xml", "html": "html", "svg": "svg", "mermaid": "mmd"}

_DRAWN: dict[str, Callable[[Proof], str]] = {
    "junit": junit.render,
    "html": page.html,
    "svg": page.svg,
    "mermaid": lambda proof: mermaid.render(topology(proof)),
}


def render(document: Mapping[str, Any], formats: list[str]) -> dict[str, str]:
    """Format -> text. Raises ProofError for a document that is none."""
    proof = parse(document)
    return {name: _DRAWN[name](proof) if name in _DRAWN else as_json.render(document) for name in formats}
