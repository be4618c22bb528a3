# Copyright (c) 2026, asm.lanes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Lane groups and lanes -> Istio routing, header propagation and status in the mesh's Kubernetes API."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any

from ..asm import records
from ..asm.context import version
from ..client import ClusterError
from ..objects import Obj, deleting, path_of
from . import lane_objects
from .lane_objects import Write
from .lane_plan import Meanings, View, decide
from .lane_status import merge_patch
from .loop import MAX_RETRY, RETRY, run_loop, soonest

if TYPE_CHECKING:
    from ..client import Cluster, Informer
    from ..settings import Settings

LOG = logging.getLogger("asm_lanes_lab.lanes")

_SETTLE = 0.01  # seconds: a burst of changes is one round
_GATEWAY = ("networking.istio.io/v1beta1", "Gateway")


class LaneController:
    """Writes what lane groups mean, removes what no group means any more, reports on groups and lanes.

    Objects that it made are recognised by their labels, also after a restart; edits of
    them are undone (assumed: what ASM does is unknown).
    """

    def __init__(self, cluster: Cluster, mesh: Cluster, settings: Settings) -> None:
        self._mesh = mesh
        self._meanings = Meanings(version(settings.mesh_version))
        self._groups = mesh.informer(records.API_VERSION, records.GROUP_KIND)
        self._lanes = mesh.informer(records.API_VERSION, records.LANE_KIND)
        self._gateways = mesh.informer(*_GATEWAY)
        self._generated = [mesh.informer(api, kind) for kind, api in lane_objects.GENERATED.items()]
        self._services = cluster.informer("v1", "Service")
        self._pods = cluster.informer("v1", "Pod")

    async def run(self) -> None:
        """Work until cancelled."""
        watched = [self._groups, self._lanes, self._gateways, self._services, self._pods, *self._generated]
        await run_loop(watched, self._step, LOG)

    async def _step(self) -> float | None:
        await asyncio.sleep(_SETTLE)
        decision = decide(self._view(), self._meanings)
        wakes = await self._write_all(decision.writes)
        wakes += [await self._report(obj, status) for obj, status in decision.statuses]
        return soonest(*wakes)

    async def _write_all(self, writes: list[Write]) -> list[float | None]:
        wakes = []
        unsure: set[str] = set()  # hosts whose subsets may be missing
        for write in writes:
            if write.obj["kind"] == "VirtualService" and unsure & lane_objects.hosts(write.obj):
                continue
            wakes.append(await self._write(write))
            if wakes[-1] is not None and write.obj["kind"] == "DestinationRule":
                unsure.add(write.obj["spec"]["host"])
        return wakes

    def _view(self) -> View:
        generated = [obj for informer in self._generated for obj in informer.items.values()]
        return View(
            groups=_living(self._groups),
            lanes=_living(self._lanes),
            gateways={path_of(obj): obj for obj in self._gateways.items.values()},
            services={path_of(obj): obj for obj in self._services.items.values()},
            pods=list(self._pods.items.values()),
            generated={lane_objects.key_of(obj): obj for obj in generated},
        )

    async def _write(self, write: Write) -> float | None:
        obj, what = write.obj, f"{write.verb} {write.obj['kind']} {path_of(write.obj)}"
        metadata = obj["metadata"]
        try:
            if write.verb == "create":
                await self._mesh.create(obj)
            elif write.verb == "replace":
                await self._mesh.replace(obj)
            else:
                await self._mesh.delete(
                    obj["apiVersion"], obj["kind"], metadata["name"], metadata["namespace"]
                )
        except ClusterError as error:
            return _failed(what, error)
        LOG.info("%s", what)
        return None

    async def _report(self, obj: Obj, status: dict[str, Any]) -> float | None:
        patch = merge_patch(obj.get("status") or {}, status)
        if not patch:
            return None
        try:
            await self._mesh.patch_status(obj, patch)
        except ClusterError as error:
            return None if error.status == 404 else _failed(f"status of {path_of(obj)}", error)
        return None


def _living(informer: Informer) -> list[Obj]:
    return [obj for obj in informer.items.values() if not deleting(obj)]


def _failed(what: str, error: ClusterError) -> float:
    """Log a write that failed; the seconds after which to try again."""
    if error.status == 409:
        # The cache is behind, or somebody was faster; the next look at it tells which.
        LOG.debug("%s: %s", what, error)
        return RETRY
    LOG.warning("%s: %s", what, error)
    return MAX_RETRY / 5
