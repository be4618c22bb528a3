# Copyright (c) 2026, asm.lanes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Namespaces between cluster and mesh.

assumed, all of it: every namespace of the cluster appears in the mesh; the injection
label of the mesh's namespace, where there is one, is carried to the cluster's. Namespaces
are never deleted here, and no other label is touched.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from ..asm.instance import INJECTION_LABEL
from ..objects import Obj, deleting
from .loop import reconcile_each, run_loop

if TYPE_CHECKING:
    from ..client import Cluster
    from ..settings import Settings

LOG = logging.getLogger("asm_lanes_lab.namespaces")


class NamespaceController:
    """Keeps the mesh's namespaces and the cluster's injection labels in step."""

    def __init__(self, cluster: Cluster, mesh: Cluster, settings: Settings) -> None:
        self._cluster = cluster
        self._mesh = mesh
        self._theirs = cluster.informer("v1", "Namespace")
        self._ours = mesh.informer("v1", "Namespace")

    async def run(self) -> None:
        """Work until cancelled."""
        await run_loop([self._theirs, self._ours], self._step, LOG)

    async def _step(self) -> float | None:
        living = [item for item in self._theirs.items.values() if not deleting(item)]
        return await reconcile_each(living, self._reconcile, LOG)

    async def _reconcile(self, namespace: Obj) -> float | None:
        name = namespace["metadata"]["name"]
        ours = self._ours.items.get((None, name))
        if ours is None:
            await self._mesh.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
            LOG.info("namespace %s is new in the mesh", name)
            return None
        wanted, there = _label(ours), _label(namespace)
        if wanted is not None and wanted != there:
            patch = {"metadata": {"labels": {INJECTION_LABEL: wanted}}}
            await self._cluster.patch("v1", "Namespace", name, patch)
            LOG.info("namespace %s: %s is now %s", name, INJECTION_LABEL, wanted)
        return None


def _label(namespace: Obj) -> str | None:
    labels = namespace["metadata"].get("labels") or {}
    value = labels.get(INJECTION_LABEL)
    return None if value is None else str(value)
