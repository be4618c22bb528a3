"""Small things that everybody does with objects."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

Obj = dict[str, Any]


def copy(value: Any) -> Any:
    """A deep copy of JSON (a third of the time of copy.deepcopy)."""
    if isinstance(value, dict):
        return {key: copy(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [copy(inner) for inner in value]
    return value


def now() -> str:
    """The time as ``metav1.Time`` prints it: UTC, whole seconds."""
    return stamp(datetime.now(timezone.utc))


def stamp(time: datetime) -> str:
    """*time* (UTC) as ``metav1.Time`` prints it."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ")


def at(obj: Obj, path: str) -> Any:
    """The value at a path of plain fields, such as ``.spec.replicas``; None if there is none."""
    value: Any = obj
    for name in path.strip(".").split("."):
        value = value.get(name) if isinstance(value, dict) else None
    return value


def without(obj: Obj, *names: str) -> Obj:
    """*obj* without some of its fields."""
    return {name: value for name, value in obj.items() if name not in names}
