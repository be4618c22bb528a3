# Copyright (c) 2026, asm.lanes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What an apply would change: the three-way merge of kubernetes.core, which is the one of ``kubectl apply``.

The one adapter to kubernetes.core. Only its pure merge is used: its module asks the server three times for an
object that is as wished, where one list answers for any number of them.
"""

from __future__ import annotations

from copy import deepcopy
from typing import Any

from ansible.module_utils.common.dict_transformations import dict_merge

try:
    from ansible_collections.kubernetes.core.plugins.module_utils.apply import annotate, apply_patch

    IMPORT_ERROR: ImportError | None = None
except ImportError as error:  # reported by the module
    IMPORT_ERROR = error

Object = dict[str, Any]

LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
_NOISE = ("managedFields", "resourceVersion", "uid", "creationTimestamp", "generation", "selfLink")


def to_create(wanted: Object) -> Object:
    """The object to create, with the annotation that later merges start from."""
    merged: Object = dict_merge(wanted, annotate(wanted))
    return merged


def to_patch(found: Object, wanted: Object) -> Object | None:
    """The merge patch that turns what is there into what is wished; None when nothing differs.

    Fields that others have set and *wanted* does not name are left alone; fields that an earlier apply named
    and this one does not are removed.
    """
    known, patch = apply_patch(deepcopy(found), deepcopy(wanted))
    # The merge repeats lists whose items the server has completed with defaults.
    return None if patch is known or laid(patch, found) == found else patch


def laid(patch: Any, over: Any) -> Any:
    """What comes of a merge patch (RFC 7386)."""
    if not isinstance(patch, dict):
        return patch
    result = dict(over) if isinstance(over, dict) else {}
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = laid(value, result.get(key))
    return result


def readable(item: Object | None) -> Object:
    """An object without what only the server writes: what people want to see of a difference."""
    if item is None:
        return {}
    shown = {key: value for key, value in item.items() if key != "status"}
    metadata = {key: value for key, value in item["metadata"].items() if key not in _NOISE}
    annotations = {k: v for k, v in (metadata.pop("annotations", None) or {}).items() if k != LAST_APPLIED}
    return {**shown, "metadata": {**metadata, **({"annotations": annotations} if annotations else {})}}


def same(one: Object, other: Object) -> bool:
    """Whether two states of one object differ in nothing but the server's own notes and its status."""
    return _bare(one) == _bare(other)


def _bare(item: Object) -> Object:
    metadata = {key: value for key, value in item["metadata"].items() if key not in _NOISE}
    return {**{key: value for key, value in item.items() if key != "status"}, "metadata": metadata}
