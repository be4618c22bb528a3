"""Binds pods to the lab's only node, and tells where that node answers questions about them."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from ..controllers.loop import reconcile_each, run_loop
from ..controllers.replicasets import NODE_NAME
from ..objects import Obj, deleting

if TYPE_CHECKING:
    from ..client import Cluster

LOG = logging.getLogger("asm_lanes_lab.scheduler")


class Scheduler:
    """Every pod without a node gets the lab's."""

    def __init__(self, cluster: Cluster, kubelet_port: int) -> None:
        self._cluster = cluster
        self._pods = cluster.informer("v1", "Pod")
        self._port = kubelet_port

    async def run(self) -> None:
        """Work until cancelled."""
        endpoint = {"daemonEndpoints": {"kubeletEndpoint": {"Port": self._port}}}
        node = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": NODE_NAME}}
        await self._cluster.patch_status(node, endpoint)
        await run_loop([self._pods], self._step, LOG)

    async def _step(self) -> float | None:
        waiting = [pod for pod in self._pods.items.values() if not pod["spec"].get("nodeName")]
        return await reconcile_each([pod for pod in waiting if not deleting(pod)], self._bind, LOG)

    async def _bind(self, pod: Obj) -> float | None:
        meta = pod["metadata"]
        target = {"apiVersion": "v1", "kind": "Node", "name": NODE_NAME}
        named = {"name": meta["name"], "namespace": meta["namespace"], "uid": meta["uid"]}
        await self._cluster.create(
            {"apiVersion": "v1", "kind": "Binding", "metadata": named, "target": target}
        )
        return None
