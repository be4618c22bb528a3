# Copyright (c) 2026, asm.lanes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The coverage table: what of the ASM OpenAPI the lab implements, and how that is known.

``python -m asm_lanes_lab.asm`` prints it as Markdown.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

MARKS = ("documented", "verified", "inferred", "assumed")
PARAMETER_STATUS = ("implemented", "refused")
FIELD_STATUS = ("implemented", "absent")
TYPES = ("string", "boolean")
_FILE = Path(__file__).with_name("coverage.yml")


@dataclass(frozen=True)
class Parameter:
    """A request parameter; type is one of TYPES, status one of PARAMETER_STATUS, mark one of MARKS."""

    name: str
    type: str
    status: str
    mark: str
    required: bool = False
    note: str = ""


@dataclass(frozen=True)
class Field:
    """A response field by its path, such as ``SwimLaneList[].Name``; status is one of FIELD_STATUS."""

    path: str
    status: str
    mark: str
    note: str = ""


@dataclass(frozen=True)
class Behaviour:
    """What happens in a certain case, and how that is known."""

    what: str
    mark: str


@dataclass(frozen=True)
class Operation:
    """One action of the OpenAPI. method: GET or POST. access: read or write."""

    name: str
    method: str
    access: str
    parameters: Mapping[str, Parameter]
    response: tuple[Field, ...]
    behaviours: tuple[Behaviour, ...]


@dataclass(frozen=True)
class Coverage:
    """The whole table. general: what holds for every action."""

    general: tuple[Behaviour, ...]
    operations: Mapping[str, Operation]


@cache
def load() -> Coverage:
    """The table from ``coverage.yml`` beside this file; read once."""
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # libyaml's is ten times as fast
    data = yaml.load(_FILE.read_text(encoding="utf-8"), loader)
    return Coverage(
        general=tuple(Behaviour(**row) for row in data["general"]),
        operations={name: _operation(name, entry) for name, entry in data["operations"].items()},
    )


def _operation(name: str, entry: Mapping[str, Any]) -> Operation:
    return Operation(
        name=name,
        method=entry["method"],
        access=entry["access"],
        parameters={key: Parameter(name=key, **row) for key, row in entry["parameters"].items()},
        response=tuple(Field(path=path, **row) for path, row in entry["response"].items()),
        behaviours=tuple(Behaviour(**row) for row in entry.get("behaviours", ())),
    )


def markdown(coverage: Coverage) -> str:
    """The table for readers."""
    lines = ["# The lab's ASM OpenAPI: what it does and how that is known", ""]
    lines += _rows(("every action", "mark"), ((row.what, row.mark) for row in coverage.general))
    for operation in coverage.operations.values():
        lines += ["", f"## {operation.name}", "", f"`{operation.method}`, {operation.access}", ""]
        lines += _rows(
            ("parameter", "type", "status", "mark", "note"),
            (
                (f"`{p.name}`" + (" (mandatory)" if p.required else ""), p.type, p.status, p.mark, p.note)
                for p in operation.parameters.values()
            ),
        )
        lines += [
            "",
            *_rows(
                ("response field", "status", "mark", "note"),
                ((f"`{f.path}`", f.status, f.mark, f.note) for f in operation.response),
            ),
        ]
        if operation.behaviours:
            rows = ((row.what, row.mark) for row in operation.behaviours)
            lines += ["", *_rows(("behaviour", "mark"), rows)]
    return "\n".join(lines) + "\n"


def _rows(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> list[str]:
    cells = [head, ("---",) * len(head), *rows]
    return ["| " + " | ".join(_escape(text) for text in row) + " |" for row in cells]


def _escape(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;").replace(">", "&gt;")
