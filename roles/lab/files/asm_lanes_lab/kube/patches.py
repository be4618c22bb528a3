"""The patch formats other than server-side apply: JSON patch, JSON merge patch, strategic merge patch."""

from __future__ import annotations

from typing import Any

import jsonpatch
from jsonpointer import JsonPointerException

from .errors import ApiError, bad_request
from .schemas import Schema, child, deref, items

Obj = dict[str, Any]

_DIRECTIVES = ("$patch", "$retainKeys")
_ORDER = "$setElementOrder/"
_REMOVE = "$deleteFromPrimitiveList/"


def json_patch(target: Obj, operations: Any) -> Obj:
    """RFC 6902. A failed test or a missing path is 422, as in Kubernetes."""
    if not isinstance(operations, list):
        raise bad_request("error decoding patch: a JSON patch is a list of operations")
    try:
        result: Obj = jsonpatch.JsonPatch(operations).apply(target)
    except (jsonpatch.JsonPatchConflict, jsonpatch.JsonPatchTestFailed, JsonPointerException) as error:
        message = f"the server rejected our request due to an error in our request: {error}"
        raise ApiError(422, "Invalid", message) from error
    except jsonpatch.InvalidJsonPatch as error:
        message = "the server rejected our request due to an error in our request"
        raise ApiError(422, "Invalid", message) from error
    except (jsonpatch.JsonPatchException, KeyError, TypeError) as error:
        raise bad_request(f"error decoding patch: {error}") from error
    return result


def merge_patch(target: Any, patch: Any) -> Any:
    """RFC 7386: maps merge, null removes, everything else replaces."""
    if not isinstance(patch, dict):
        return patch
    result = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = merge_patch(result.get(key), value)
    return result


def strategic_merge(schema: Schema, target: Any, patch: Any) -> Any:
    """Strategic merge patch: like a merge patch, but lists with a merge key merge item by item.

    Directives: ``$patch`` (replace, delete, merge), ``$retainKeys``, ``$deleteFromPrimitiveList/<field>``,
    ``$setElementOrder/<field>``.
    """
    if not isinstance(patch, dict):
        return patch
    if patch.get("$patch") == "replace":
        return _clean({key: value for key, value in patch.items() if key != "$patch"})
    result = dict(target) if isinstance(target, dict) else {}
    if "$retainKeys" in patch:
        result = {key: value for key, value in result.items() if key in patch["$retainKeys"]}
    for key, value in patch.items():
        if key in _DIRECTIVES or key.startswith(_ORDER):
            continue
        if key.startswith(_REMOVE):
            name = key[len(_REMOVE) :]
            result[name] = [item for item in result.get(name) or [] if item not in value]
        elif value is None or (isinstance(value, dict) and value.get("$patch") == "delete"):
            result.pop(key, None)
        else:
            result[key] = _merge_field(schema, key, result.get(key), value)
    for key, order in patch.items():
        if key.startswith(_ORDER):
            _reorder(schema, result, key[len(_ORDER) :], order)
    return result


def _merge_field(schema: Schema, key: str, current: Any, value: Any) -> Any:
    declared = child(schema, key) or {}
    if isinstance(value, list):
        return _merge_list(declared, current or [], value)
    return strategic_merge(declared, current, value)


def _merges(schema: Schema) -> bool:
    return "merge" in str(schema.get("x-kubernetes-patch-strategy", ""))


def _merge_list(schema: Schema, current: list[Any], patch: list[Any]) -> list[Any]:
    if any(isinstance(item, dict) and item == {"$patch": "replace"} for item in patch):
        return [_clean(item) for item in patch if item != {"$patch": "replace"}]
    if not _merges(schema):
        return [_clean(item) for item in patch]
    merge_key = schema.get("x-kubernetes-patch-merge-key")
    if merge_key is None:  # a set of scalars
        return current + [item for item in patch if item not in current]
    result = list(current)
    for item in patch:
        if not isinstance(item, dict) or merge_key not in item:
            raise bad_request(f"map: {item} does not contain declared merge key: {merge_key}")
        _merge_item(schema, result, merge_key, item)
    return result


def _merge_item(schema: Schema, result: list[Any], merge_key: str, item: Obj) -> None:
    places = [index for index, known in enumerate(result) if known.get(merge_key) == item[merge_key]]
    if item.get("$patch") == "delete":
        for index in reversed(places):
            del result[index]
    elif places:
        result[places[0]] = strategic_merge(items(schema), result[places[0]], item)
    else:
        result.append(strategic_merge(items(schema), {}, item))


def _reorder(schema: Schema, result: Obj, key: str, order: list[Any]) -> None:
    if not isinstance(result.get(key), list):
        return
    merge_key = deref(child(schema, key)).get("x-kubernetes-patch-merge-key")
    wanted = [item.get(merge_key) if isinstance(item, dict) and merge_key else item for item in order]

    def identity(item: Any) -> Any:
        return item.get(merge_key) if isinstance(item, dict) and merge_key else item

    listed = [item for item in result[key] if identity(item) in wanted]
    listed.sort(key=lambda item: wanted.index(identity(item)))
    # Items that the patch does not name stay behind those that it orders.
    result[key] = listed + [item for item in result[key] if identity(item) not in wanted]


def _clean(value: Any) -> Any:
    """*value* without directives and nulls, as it is stored when there is nothing to merge with."""
    if isinstance(value, dict):
        return {
            key: _clean(inner)
            for key, inner in value.items()
            if inner is not None and key not in _DIRECTIVES and not key.startswith((_ORDER, _REMOVE))
        }
    if isinstance(value, list):
        return [_clean(inner) for inner in value]
    return value
