"""Events: what a controller tells the users of an object."""

from __future__ import annotations

import logging
import secrets
from typing import TYPE_CHECKING

from .client import ClusterError
from .objects import Obj, timestamp

if TYPE_CHECKING:
    from .client import Cluster

LOG = logging.getLogger("asm_lanes_lab.events")


class EventRecorder:
    """Writes Events to the cluster; an event that repeats is counted, as kubectl shows it."""

    def __init__(self, cluster: Cluster, component: str) -> None:
        self._cluster = cluster
        self._component = component
        self._known: dict[tuple[str, str, str], tuple[str, int]] = {}

    async def normal(self, obj: Obj, reason: str, message: str) -> None:
        """Tell of something that is as it should be."""
        await self._record(obj, "Normal", reason, message)

    async def warning(self, obj: Obj, reason: str, message: str) -> None:
        """Tell of something that somebody should look at."""
        await self._record(obj, "Warning", reason, message)

    async def _record(self, obj: Obj, kind: str, reason: str, message: str) -> None:
        event_key = (obj["metadata"]["uid"], reason, message)
        try:
            if event_key in self._known:
                await self._count(obj, event_key)
            else:
                self._known[event_key] = (await self._create(obj, kind, reason, message), 1)
        except ClusterError as error:  # the namespace goes, or the event has gone
            LOG.debug("event %s of %s not written: %s", reason, obj["metadata"]["name"], error)
            self._known.pop(event_key, None)

    async def _create(self, obj: Obj, kind: str, reason: str, message: str) -> str:
        meta = obj["metadata"]
        name = f"{meta['name']}.{secrets.token_hex(8)}"
        now = timestamp()
        await self._cluster.create(
            {
                "apiVersion": "v1",
                "kind": "Event",
                "metadata": {"name": name, "namespace": _namespace(obj)},
                "involvedObject": {
                    "apiVersion": obj["apiVersion"],
                    "kind": obj["kind"],
                    "name": meta["name"],
                    "uid": meta["uid"],
                    **({"namespace": meta["namespace"]} if meta.get("namespace") else {}),
                },
                "type": kind,
                "reason": reason,
                "message": message,
                "source": {"component": self._component},
                "reportingComponent": self._component,
                "reportingInstance": "",
                "firstTimestamp": now,
                "lastTimestamp": now,
                "count": 1,
            }
        )
        return name

    async def _count(self, obj: Obj, event_key: tuple[str, str, str]) -> None:
        name, count = self._known[event_key]
        patch = {"count": count + 1, "lastTimestamp": timestamp()}
        await self._cluster.patch("v1", "Event", name, patch, _namespace(obj))
        self._known[event_key] = (name, count + 1)


def _namespace(obj: Obj) -> str:
    return str(obj["metadata"].get("namespace") or "default")
