"""Name and age of raw objects."""

from __future__ import annotations

from typing import Any

from .findings import Ref


def ref_of(obj: dict[str, Any]) -> Ref:
    """The object's kind, namespace ("" for cluster-scoped ones) and name."""
    meta = obj["metadata"]
    return Ref(obj.get("kind", ""), meta.get("namespace") or "", meta["name"])


def created(obj: dict[str, Any]) -> str:
    """The creation time as the API writes it, which sorts as text."""
    return str(obj["metadata"].get("creationTimestamp") or "")
