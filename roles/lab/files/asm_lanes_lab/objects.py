"""Small questions to Kubernetes objects, which are plain dicts everywhere in the lab."""

from __future__ import annotations

import calendar
import time
from collections.abc import Iterable
from typing import Any

Obj = dict[str, Any]

_FORMAT = "%Y-%m-%dT%H:%M:%SZ"


def key(obj: Obj) -> tuple[str | None, str]:
    """(namespace, name), as informers index their items."""
    return obj["metadata"].get("namespace"), obj["metadata"]["name"]


def path_of(obj: Obj) -> str:
    """``namespace/name``, or the name alone."""
    return "/".join(part for part in key(obj) if part)


def deleting(obj: Obj) -> bool:
    """Whether somebody has asked to delete the object."""
    return bool(obj["metadata"].get("deletionTimestamp"))


def controlled_by(obj: Obj, owner: Obj) -> bool:
    """Whether *owner* is the controller of the object."""
    references = obj["metadata"].get("ownerReferences") or []
    return any(ref.get("controller") and ref["uid"] == owner["metadata"]["uid"] for ref in references)


def owner_reference(owner: Obj) -> Obj:
    """The reference that makes *owner* the controller of an object."""
    return {
        "apiVersion": owner["apiVersion"],
        "kind": owner["kind"],
        "name": owner["metadata"]["name"],
        "uid": owner["metadata"]["uid"],
        "controller": True,
        "blockOwnerDeletion": True,
    }


def condition(obj: Obj, kind: str) -> Obj | None:
    """The status condition of type *kind*."""
    return find_condition((obj.get("status") or {}).get("conditions") or [], kind)


def find_condition(conditions: Iterable[Obj], kind: str) -> Obj | None:
    """The one of *conditions* whose type is *kind*."""
    return next((item for item in conditions if item.get("type") == kind), None)


def is_ready(pod: Obj) -> bool:
    """Whether a pod's condition Ready is True."""
    ready = condition(pod, "Ready")
    return bool(ready and ready["status"] == "True")


def timestamp(seconds: float | None = None) -> str:
    """A point in time (default: now) as Kubernetes writes it."""
    return time.strftime(_FORMAT, time.gmtime(seconds))


def seconds_since(stamp: str | None) -> float:
    """Seconds since the *stamp*; 0 when there is none."""
    return time.time() - calendar.timegm(time.strptime(stamp[:19] + "Z", _FORMAT)) if stamp else 0.0
