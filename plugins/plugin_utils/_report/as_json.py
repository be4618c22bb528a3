# Copyright (c) 2026, asm.lanes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The JSON file: the proof as it is, its keys in the order in which the schema names them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any


@cache
def schema() -> dict[str, Any]:
    """The JSON Schema of the proof document."""
    text = Path(__file__).with_name("proof.schema.json").read_text(encoding="utf-8")
    found: dict[str, Any] = json.loads(text)
    return found


def render(document: Mapping[str, Any]) -> str:
    """The document as JSON text, the same for the same content whatever the order of its keys."""
    return json.dumps(in_order(document, schema()), ensure_ascii=False, indent=2) + "\n"


def in_order(value: Any, rule: Mapping[str, Any]) -> Any:
    """The value with every mapping in the order of its rule; keys that it does not name follow, sorted."""
    rule = _resolved(rule)
    if isinstance(value, Mapping):
        known = rule.get("properties", {})
        others = rule.get("additionalProperties", {})
        keys = [key for key in known if key in value] + sorted(key for key in value if key not in known)
        return {key: in_order(value[key], known.get(key, others)) for key in keys}
    if isinstance(value, list | tuple):
        return [in_order(item, rule.get("items", {})) for item in value]
    return value


def _resolved(rule: Any) -> Mapping[str, Any]:
    """The rule that a reference names; of "null or something" the something."""
    if not isinstance(rule, Mapping):  # additionalProperties: false
        return {}
    if "oneOf" in rule:
        return _resolved(rule["oneOf"][-1])
    name = rule.get("$ref", "").rpartition("/")[2]
    return _resolved(schema()["$defs"][name]) if name else rule
