# Copyright (c) 2026, asm.lanes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is there of an object against what is stated about it. Pure.

Server-side apply decides what a statement changes, but asking it costs a request for each object. What an
object's ``metadata.managedFields`` say is enough to know that there is nothing to ask: the fields that we
stated last are those that we state now, and they have the values that we state. The paths there
(``fieldsV1``) know which lists are merged by keys, so no schema is needed. Source: the Kubernetes
documentation of server-side apply, and the format of sigs.k8s.io/structured-merge-diff.
"""

from __future__ import annotations

import json
from typing import Any

Object = dict[str, Any]

_LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
_NOISE = ("managedFields", "resourceVersion", "uid", "creationTimestamp", "generation", "selfLink")
_IDENTITY = ("apiVersion", "kind")  # nobody's fields, as are metadata.name and metadata.namespace
_ITSELF = "."  # in fieldsV1: the thing itself beside what is in it


def as_stated(found: Object, wanted: Object, manager: str) -> bool:
    """Whether to apply *wanted* would certainly change nothing.

    False means only that the server must be asked: it may well know a value by another name ("1" for
    "1000m"), or have it from somebody else.

    Args:
        found: the object on the server, with its managedFields.
        wanted: all that is stated about it.
        manager: who states it.
    """
    rows = (found.get("metadata") or {}).get("managedFields") or []
    for row in rows:
        mine = (
            row.get("manager") == manager and row.get("operation") == "Apply" and not row.get("subresource")
        )
        if mine and row.get("apiVersion") == wanted["apiVersion"]:
            return _holds(row.get("fieldsV1") or {}, _statement(wanted), found)
    return False


def _statement(wanted: Object) -> Object:
    """What is stated, without what identifies the object."""
    metadata = {k: v for k, v in wanted["metadata"].items() if k not in ("name", "namespace")}
    rest = {key: value for key, value in wanted.items() if key not in (*_IDENTITY, "metadata", "status")}
    return {**rest, **({"metadata": metadata} if metadata else {})}


def _holds(paths: Object, wanted: Any, live: Any) -> bool:
    """Whether *wanted* consists of exactly *paths*, with the values of *live*."""
    names = [path for path in paths if path != _ITSELF]
    if not names:
        return _equal(wanted, live)  # of a value that has one owner nobody knows who stated which part
    if isinstance(wanted, dict) and isinstance(live, dict):
        fields = {name.removeprefix("f:"): name for name in names}
        return fields.keys() == wanted.keys() and all(
            _holds(paths[name], wanted[field], live.get(field)) for field, name in fields.items()
        )
    if isinstance(wanted, list) and isinstance(live, list):
        return len(names) == len(wanted) and all(
            _holds(paths[name], _item(wanted, name), _item(live, name)) for name in names
        )
    return False


def _item(items: list[Any], name: str) -> Any:
    """The item of a list that a path names by its value (``v:``) or by some of its fields (``k:``)."""
    sort, _unused, text = name.partition(":")
    value = json.loads(text)
    if sort == "v":
        return value if value in items else None
    for item in items:
        if isinstance(item, dict) and all(item.get(key) == expected for key, expected in value.items()):
            return item
    return None


def _equal(one: Any, other: Any) -> bool:
    """Whether two JSON values are the same; to Python, true is 1."""
    return json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)


def readable(item: Object | None) -> Object:
    """An object without what only the server writes: what people want to see of a difference."""
    return {} if item is None else _bare(item)


def same(one: Object, other: Object) -> bool:
    """Whether two states of one object differ in nothing but the server's own notes and its status."""
    return _bare(one) == _bare(other)


def _bare(item: Object) -> Object:
    metadata = {key: value for key, value in item["metadata"].items() if key not in _NOISE}
    notes = {k: v for k, v in (metadata.pop("annotations", None) or {}).items() if k != _LAST_APPLIED}
    shown = {key: value for key, value in item.items() if key != "status"}
    return {**shown, "metadata": {**metadata, **({"annotations": notes} if notes else {})}}
