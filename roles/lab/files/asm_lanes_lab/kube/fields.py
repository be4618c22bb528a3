"""Field ownership: sets of field paths, ``managedFields``, and the merge of server-side apply.

Follows sigs.k8s.io/structured-merge-diff: a set holds paths of leaves and of list items; ``fieldsV1`` is its
JSON form. A path is a tuple of elements as in fieldsV1: ``f:<field>``, ``k:<keys as JSON>``,
``v:<value as JSON>``.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from typing import Any

from .schemas import Schema, child, deref, is_atomic_map, is_set, item_key, items, list_keys

Obj = dict[str, Any]
Path = tuple[str, ...]

# Set by the server, owned by nobody.
_UNOWNED: set[Path] = {
    ("f:apiVersion",),
    ("f:kind",),
    *(
        ("f:metadata", f"f:{name}")
        for name in [
            "name",
            "namespace",
            "managedFields",
            "resourceVersion",
            "generation",
            "uid",
            "creationTimestamp",
            "selfLink",
            "deletionTimestamp",
            "deletionGracePeriodSeconds",
        ]
    ),
}
_MISSING = object()


def _json(value: Any) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def elements(schema: Schema, value: list[Any]) -> list[tuple[str, Any]] | None:
    """The items of a list with their path elements; None if the list is atomic."""
    if list_keys(schema) is not None and all(isinstance(item, dict) for item in value):
        return [(f"k:{_json(item_key(schema, item))}", item) for item in value]
    if is_set(schema):
        return [(f"v:{_json(item)}", item) for item in value]
    return None


def granular(schema: Schema, value: Any) -> bool:
    """Whether *value* is a map whose fields are owned one by one."""
    return isinstance(value, dict) and not is_atomic_map(schema)


def leaves(schema: Schema, value: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Every owned path below *path* with its value (for list items that merge: None)."""
    if path in _UNOWNED:
        return
    if granular(schema, value):
        if not value and path:
            yield path, value
        for key, inner in value.items():
            yield from leaves(child(schema, key) or {}, inner, (*path, f"f:{key}"))
        return
    listed = elements(schema, value) if isinstance(value, list) else None
    if listed is None:
        yield path, value
        return
    for element, item in listed:
        yield (*path, element), None
        if isinstance(item, dict):
            yield from leaves(items(schema), item, (*path, element))


def owned(schema: Schema, obj: Obj) -> set[Path]:
    """The paths that somebody owns who applies *obj*."""
    return {path for path, _unused in leaves(schema, obj)}


def changes(schema: Schema, old: Obj, new: Obj) -> tuple[set[Path], set[Path]]:
    """Paths that are new or different in *new*, and paths that it no longer has."""
    before, after = dict(leaves(schema, old)), dict(leaves(schema, new))
    changed = {path for path, value in after.items() if before.get(path, _MISSING) != value}
    return changed, before.keys() - after.keys()


def to_fields(paths: Iterable[Path]) -> Obj:
    """The ``fieldsV1`` form of a set of paths."""
    root: Obj = {}
    members = set(paths)
    for path in sorted(members):
        node = root
        for depth, element in enumerate(path):
            if depth and path[:depth] in members:
                node.setdefault(".", {})
            node = node.setdefault(element, {})
    return root


def from_fields(fields: Obj, path: Path = ()) -> set[Path]:
    """The set of paths of a ``fieldsV1``."""
    found: set[Path] = set()
    for element, inner in fields.items():
        if element == ".":
            found.add(path)
        elif not inner:
            found.add((*path, element))
        else:
            found |= from_fields(inner, (*path, element))
    return found


def dotted(path: Path) -> str:
    """A path as Kubernetes prints it in conflicts: ``.spec.containers[name="a"].image``."""
    text = ""
    for element in path:
        kind, _unused, rest = element.partition(":")
        if kind == "f":
            text += f".{rest}"
        elif kind == "k":
            text += "[" + ",".join(f"{name}={_json(value)}" for name, value in json.loads(rest).items()) + "]"
        else:
            text += f"[={rest}]"
    return text


def merge(schema: Schema, live: Any, config: Any) -> Any:
    """*live* with all that *config* says: maps, keyed lists and sets merge, everything else is replaced."""
    if granular(schema, config) and isinstance(live, dict):
        result = dict(live)
        for key, value in config.items():
            declared = child(schema, key) or {}
            result[key] = merge(declared, live[key], value) if key in live else value
        return result
    if isinstance(config, list) and isinstance(live, list):
        wanted, present = elements(schema, config), elements(schema, live)
        if wanted is not None and present is not None:
            return _merge_items(items(schema), present, wanted)
    return config


def _merge_items(schema: Schema, present: list[tuple[str, Any]], wanted: list[tuple[str, Any]]) -> list[Any]:
    known, stated = dict(present), dict(wanted)
    merged = {
        element: merge(schema, known[element], item) if element in known else item for element, item in wanted
    }
    order = _order([element for element, _unused in present], list(stated))
    return [merged.get(element, known.get(element)) for element in order]


def _order(present: list[str], wanted: list[str]) -> list[str]:
    """All items: the wanted ones in their order, the others after the live one that they came after."""
    shared = [element for element in wanted if element in set(present)]
    order: list[str] = []
    live, new = list(present), list(wanted)
    while live or new:
        if live and new and live[0] == new[0]:
            order.append(live.pop(0))
            new.pop(0)
            shared.pop(0)
        elif live and new and live[0] in wanted and shared and live[0] != shared[0]:
            live.pop(0)  # its turn comes, or was
        elif live and live[0] not in wanted:
            order.append(live.pop(0))
        else:
            if live and live[0] in order:
                live.pop(0)
            if new:
                element = new.pop(0)
                order.append(element)
                if shared and shared[0] == element:
                    shared.pop(0)
    return order


def prune(
    schema: Schema, value: Any, kept: AbstractSet[Path], covered: AbstractSet[Path], path: Path = ()
) -> Any:
    """A copy of *value* without the *covered* paths that are not among the *kept*, and all below them.

    As structured-merge-diff does it: what an applier's last configuration had goes, unless somebody owns it
    still; what nobody ever stated, such as defaults, goes only with what it belongs to.
    """
    if granular(schema, value):
        result = {}
        for key, inner in value.items():
            here = (*path, f"f:{key}")
            if here in kept or here in _UNOWNED or here not in covered:
                result[key] = prune(child(schema, key) or {}, inner, kept, covered, here)
        return result
    listed = elements(schema, value) if isinstance(value, list) else None
    if listed is None:
        return value
    return [
        prune(items(schema), item, kept, covered, (*path, element))
        for element, item in listed
        if (*path, element) in kept or (*path, element) not in covered
    ]


def declared_fields(schema: Schema, paths: Iterable[Path]) -> set[Path]:
    """The paths, and all above them that are fields of their own right rather than keys of a map."""
    found = set(paths)
    for path in list(found):
        here = schema
        for depth, element in enumerate(path, 1):
            kind, _unused, name = element.partition(":")
            if kind == "f" and name in (deref(here).get("properties") or {}):
                found.add(path[:depth])
            here = (child(here, name) or {}) if kind == "f" else items(here)
    return found


@dataclass(frozen=True)
class Owner:
    """Who owns fields. Two rows of ``managedFields`` with equal owners are one."""

    manager: str
    operation: str
    """``Apply`` or ``Update``."""
    subresource: str = ""
    version: str = ""
    """apiVersion of an Update; empty for Apply, which is the same owner at every version."""

    @property
    def words(self) -> str:
        """The owner as conflicts name it."""
        sub = f' with subresource "{self.subresource}"' if self.subresource else ""
        using = f" using {self.version}" if self.version else ""
        return f'"{self.manager}"{sub}{using}'


@dataclass(frozen=True)
class Owned:
    """What an owner owns: paths, since when, and at which apiVersion it last said so."""

    paths: frozenset[Path]
    time: str
    version: str


Owners = dict[Owner, Owned]


def applier(manager: str, subresource: str = "") -> Owner:
    """The owner of what *manager* applies."""
    return Owner(manager, "Apply", subresource)


def updater(manager: str, version: str, subresource: str = "") -> Owner:
    """The owner of what *manager* creates, replaces or patches."""
    return Owner(manager, "Update", subresource, version)


def read(obj: Obj) -> Owners:
    """The owners that an object's ``managedFields`` name."""
    owners: Owners = {}
    for row in obj.get("metadata", {}).get("managedFields") or []:
        version, operation = row.get("apiVersion", ""), row.get("operation", "Update")
        owner = Owner(
            row.get("manager", ""),
            operation,
            row.get("subresource", ""),
            version if operation == "Update" else "",
        )
        owners[owner] = Owned(frozenset(from_fields(row.get("fieldsV1") or {})), row.get("time", ""), version)
    return owners


def write(owners: Owners) -> list[Obj]:
    """``managedFields`` of *owners*: Apply rows first, then by time, as Kubernetes orders them."""
    ranked = sorted(owners.items(), key=lambda row: (row[0].operation, row[1].time, row[0].manager))
    return [
        {
            "manager": owner.manager,
            "operation": owner.operation,
            "apiVersion": owned.version,
            "time": owned.time,
            "fieldsType": "FieldsV1",
            "fieldsV1": to_fields(owned.paths),
            **({"subresource": owner.subresource} if owner.subresource else {}),
        }
        for owner, owned in ranked
        if owned.paths
    ]


def after_update(
    schema: Schema,
    owners: Owners,
    owner: Owner,
    old: Obj,
    new: Obj,
    now: str,
    allocated: AbstractSet[Path] = frozenset(),
) -> Owners:
    """Owners after *owner* turned *old* into *new*: what changed is its own now, what is gone is nobody's.

    *allocated*: what the server itself has put in.
    """
    changed, removed = changes(schema, old, new)
    changed -= allocated
    if not changed and not removed:
        return owners
    result: Owners = {}
    for other, owned in owners.items():
        lost = removed if other == owner else removed | changed
        result[other] = replace(owned, paths=owned.paths - lost)
    if changed:
        before = result[owner].paths if owner in result else frozenset()
        result[owner] = Owned(before | changed, now, owner.version)
    return {other: owned for other, owned in result.items() if owned.paths}


@dataclass(frozen=True)
class Applied:
    """What server-side apply comes to."""

    obj: Obj
    owners: Owners
    conflicts: list[tuple[str, str]]
    """Pairs (other owner, path) in words. In ``obj`` and ``owners`` the applier has won them already."""


def apply(
    schema: Schema, owners: Owners, owner: Owner, version: str, live: Obj, config: Obj, now: str
) -> Applied:
    """Apply *config* (at apiVersion *version*) to *live* for *owner*.

    Merges, drops what *owner* applied before and does not any more (unless others own it too), and finds
    conflicts with other owners. Whoever does not force must not use a result with conflicts.
    """
    wanted = frozenset(owned(schema, config))
    last = owners[owner].paths if owner in owners else frozenset()
    kept = wanted.union(*(row.paths for other, row in owners.items() if other != owner))
    # What somebody owns stays, and whatever is above it.
    alive = {path[:depth] for path in kept for depth in range(1, len(path) + 1)}
    result = prune(schema, merge(schema, live, config), alive, declared_fields(schema, last))
    changed, removed = changes(schema, live, result)
    conflicts: list[tuple[str, str]] = []
    after: Owners = {}
    for other, row in owners.items():
        if other != owner:
            lost = row.paths & changed & wanted
            conflicts += [(other.words, dotted(path)) for path in sorted(lost)]
            after[other] = replace(row, paths=row.paths - lost - removed)
    unchanged = owner in owners and last == wanted and not changed and not removed
    after[owner] = Owned(wanted, owners[owner].time if unchanged else now, version)
    return Applied(result, {other: row for other, row in after.items() if row.paths}, conflicts)
