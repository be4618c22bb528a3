"""Objects in memory, with resource versions and a bounded history for watches.

Stored objects are never changed in place: whoever changes one puts a new one. So lists, histories and
watchers can share them without copying.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

Obj = dict[str, Any]
Key = tuple[str, str]
"""(namespace or "", name)."""

HISTORY = 2000
"""Events remembered per resource; a watch from before them is answered with 410."""


@dataclass(frozen=True)
class Event:
    """One change of one object."""

    table: str
    version: int
    old: Obj | None
    new: Obj | None

    @property
    def obj(self) -> Obj:
        """The object after the change, or what it was when it was removed (at the version of its removal)."""
        found = self.new if self.new is not None else self.old
        assert found is not None
        return found


Listener = Callable[[Event], None]


class Store:
    """Tables (one per ``plural.group``) of objects by (namespace, name)."""

    def __init__(self, history: int = HISTORY) -> None:
        # Versions grow over restarts too, so that a watcher from before a restart is told to list again.
        self.version = int(time.time() * 1000)
        self.writes = 0
        self._history_size = history
        self._tables: dict[str, dict[Key, Obj]] = {}
        self._history: dict[str, deque[Event]] = {}
        self._floor: dict[str, int] = {}
        self._start = self.version
        self._listeners: list[Listener] = []

    def listen(self, listener: Listener) -> Callable[[], None]:
        """Call *listener* after every change, in order; the returned function ends that."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def get(self, table: str, key: Key) -> Obj | None:
        """The object, or None."""
        return self._tables.get(table, {}).get(key)

    def rows(self, table: str, namespace: str | None = None) -> list[tuple[Key, Obj]]:
        """All objects of *table* (in *namespace*), ordered by namespace and name."""
        rows = self._tables.get(table, {}).items()
        return sorted(
            (row for row in rows if namespace is None or row[0][0] == namespace), key=lambda row: row[0]
        )

    def tables(self) -> Iterator[tuple[str, dict[Key, Obj]]]:
        """Every table with a copy of its rows."""
        for name, rows in list(self._tables.items()):
            yield name, dict(rows)

    def put(self, table: str, key: Key, obj: Obj) -> Obj:
        """Store *obj* under a new resource version and tell the listeners; returns what was stored."""
        self.version += 1
        obj = {**obj, "metadata": {**obj["metadata"], "resourceVersion": str(self.version)}}
        rows = self._tables.setdefault(table, {})
        old = rows.get(key)
        rows[key] = obj
        self._record(Event(table, self.version, old, obj))
        return obj

    def remove(self, table: str, key: Key) -> None:
        """Forget an object; its last state goes to the listeners with the version of its removal."""
        self.version += 1
        old = self._tables[table].pop(key)
        last = {**old, "metadata": {**old["metadata"], "resourceVersion": str(self.version)}}
        self._record(Event(table, self.version, last, None))

    def since(self, table: str, version: int) -> list[Event] | None:
        """What happened in *table* after *version*; None if that is no longer known."""
        if version < self._floor.get(table, self._start) or version > self.version:
            return None
        return [event for event in self._history.get(table, ()) if event.version > version]

    def _record(self, event: Event) -> None:
        self.writes += 1
        history = self._history.setdefault(event.table, deque())
        history.append(event)
        if len(history) > self._history_size:
            self._floor[event.table] = history.popleft().version
        for listener in list(self._listeners):
            listener(event)
