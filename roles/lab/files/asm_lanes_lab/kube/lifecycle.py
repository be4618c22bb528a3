"""What the controller manager does about deletion: namespaces empty themselves, owned objects go with owners.

Runs after every change that may matter, in the background, until nothing is left to do.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

from . import crds
from .api import Api
from .call import Call
from .objects import copy
from .resources import CRDS, NAMESPACES, Resource
from .store import Event, Key

Obj = dict[str, Any]
Row = tuple[str, Key, Obj]


class Janitor:
    """Collects what is to be deleted; ``run`` until cancelled."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self._wake = asyncio.Event()
        api.store.listen(self._notice)

    def _notice(self, event: Event) -> None:
        metadata = event.obj["metadata"]
        if event.new is None or metadata.get("deletionTimestamp") or metadata.get("ownerReferences"):
            self._wake.set()

    async def run(self) -> None:
        """Collect whenever something happened; until cancelled."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            # The request that woke us is answered first, as by a real cluster.
            await asyncio.sleep(0)
            self.collect()

    def collect(self) -> None:
        """Do all that is to be done now."""
        while self._round():
            pass

    def _round(self) -> bool:
        """One pass over everything; whether anything changed."""
        before = self._api.store.version
        rows = list(self._rows())
        uids = {obj["metadata"]["uid"]: row for row in rows for obj in [row[2]]}
        for table, key, obj in rows:
            if obj["metadata"].get("deletionTimestamp"):
                self._finish(table, key, obj, rows)
            elif obj["metadata"].get("ownerReferences"):
                self._follow(table, key, obj, uids)
        return self._api.store.version != before

    def _rows(self) -> Iterator[Row]:
        for table, found in self._api.store.tables():
            for key, obj in found.items():
                yield table, key, obj

    def _resource(self, table: str) -> Resource:
        found = self._api.registry.of_table(table)
        assert found is not None, table
        return found

    def _delete(self, table: str, key: Key, **options: Any) -> None:
        if self._api.store.get(table, key) is not None:
            self._api.delete(Call(self._resource(table), *key, manager="lab"), options)

    def _follow(self, table: str, key: Key, obj: Obj, uids: dict[str, Row]) -> None:
        """Delete an object whose owners are all gone, or going and waiting for it."""
        owners = obj["metadata"]["ownerReferences"]
        living = [uids[owner["uid"]] for owner in owners if owner["uid"] in uids]
        waiting = [
            row for row in living if "foregroundDeletion" in (row[2]["metadata"].get("finalizers") or [])
        ]
        going = [row for row in waiting if row[2]["metadata"].get("deletionTimestamp")]
        if len(living) == len(going):
            policy = "Foreground" if going else "Background"
            self._delete(table, key, propagationPolicy=policy, preconditions={"uid": obj["metadata"]["uid"]})

    def _finish(self, table: str, key: Key, obj: Obj, rows: list[Row]) -> None:
        """Advance an object that is being deleted."""
        if table == NAMESPACES:
            self._empty_namespace(key, obj)
            return
        finalizers = obj["metadata"].get("finalizers") or []
        dependents = [row for row in rows if _owned_by(row[2], obj)]
        if "orphan" in finalizers:
            for row in dependents:
                self._orphan(row, obj)
            self._release(table, key, "orphan")
        if "foregroundDeletion" in finalizers and not any(_blocks(row[2], obj) for row in dependents):
            self._release(table, key, "foregroundDeletion")
        if table == CRDS and crds.CLEANUP in finalizers:
            self._empty_crd(key, obj)

    def _empty_namespace(self, key: Key, obj: Obj) -> None:
        content = [row for row in self._rows() if row[1][0] == key[1]]
        for table, inner, found in content:
            if not found["metadata"].get("deletionTimestamp"):
                self._delete(table, inner)
        if not any(row[1][0] == key[1] for row in self._rows()) and not obj["metadata"].get("finalizers"):
            self._api.store.remove(NAMESPACES, key)

    def _empty_crd(self, key: Key, crd: Obj) -> None:
        spec = crd["spec"]
        table = f"{spec['names']['plural']}.{spec['group']}"
        for inner, found in self._api.store.rows(table):
            if not found["metadata"].get("deletionTimestamp"):
                self._delete(table, inner)
        if not self._api.store.rows(table):
            self._release(CRDS, key, crds.CLEANUP)

    def _release(self, table: str, key: Key, finalizer: str) -> None:
        """Take one finalizer off; the object goes with the last one."""
        obj = self._api.store.get(table, key)
        if obj is None:
            return
        left = [name for name in obj["metadata"].get("finalizers") or [] if name != finalizer]
        if left or obj["metadata"].get("deletionGracePeriodSeconds"):
            self._api.store.put(table, key, {**obj, "metadata": {**obj["metadata"], "finalizers": left}})
        else:
            self._api.store.remove(table, key)

    def _orphan(self, row: Row, owner: Obj) -> None:
        table, key, obj = row
        changed = copy(obj)
        rest = [ref for ref in obj["metadata"]["ownerReferences"] if ref["uid"] != owner["metadata"]["uid"]]
        changed["metadata"]["ownerReferences"] = rest
        if not rest:
            del changed["metadata"]["ownerReferences"]
        self._api.store.put(table, key, changed)


def _owned_by(obj: Obj, owner: Obj) -> bool:
    return any(ref["uid"] == owner["metadata"]["uid"] for ref in obj["metadata"].get("ownerReferences") or [])


def _blocks(obj: Obj, owner: Obj) -> bool:
    refs = obj["metadata"].get("ownerReferences") or []
    return any(ref["uid"] == owner["metadata"]["uid"] and ref.get("blockOwnerDeletion") for ref in refs)
