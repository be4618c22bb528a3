"""The kubelet: one worker for each pod of the cluster."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import aiohttp

from ..controllers.loop import run_loop
from ..objects import Obj, deleting, path_of
from ..plane import EMULATED
from ..settings import Settings
from .node import Node
from .pod import PodWorker

if TYPE_CHECKING:
    from ..client import Cluster

LOG = logging.getLogger("asm_lanes_lab.kubelet")

#: Seconds that processes get when the lab stops.
STOP_GRACE = 2.0


@dataclass(frozen=True)
class ProcessInfo:
    """A process of a pod."""

    pod: str
    container: str
    pid: int
    log: Path | None


class Kubelet:
    """Runs the pods that the cluster shows, and ends those that it does not."""

    def __init__(self, cluster: Cluster, settings: Settings) -> None:
        self._cluster = cluster
        self._settings = settings
        self._pods = cluster.informer("v1", "Pod")
        self._workers: dict[str, PodWorker] = {}

    async def run(self) -> None:
        """Work until cancelled; then every process of every pod is ended."""
        async with aiohttp.ClientSession() as session:
            node = Node(self._cluster, self._settings, session)
            try:
                await run_loop([self._pods], lambda: self._step(node), LOG)
            finally:
                ending = [worker.end(STOP_GRACE, finalise=False) for worker in self._workers.values()]
                await asyncio.gather(*ending)
                self._workers.clear()

    def processes(self) -> Iterator[ProcessInfo]:
        """Every process that runs now."""
        for worker in self._workers.values():
            for state in worker.states():
                if state.process:
                    yield ProcessInfo(path_of(worker.pod), state.name, state.process.pid, state.log)

    def log_of(self, pod: str, container: str | None) -> Path | None:
        """Log of a container (default: the first) of the pod ``namespace/name``; None when there is none."""
        for worker in self._workers.values():
            if path_of(worker.pod) == pod:
                logs = [item.log for item in worker.states() if container in (None, item.name)]
                return logs[0] if logs else None
        return None

    async def _step(self, node: Node) -> None:
        pods = {pod["metadata"]["uid"]: pod for pod in self._pods.items.values() if self._is_here(pod)}
        for uid, pod in pods.items():
            self._attend(uid, pod, node)
        for uid, worker in list(self._workers.items()):
            if uid not in pods and not worker.ended:
                worker.end(0, finalise=False)  # removed without grace
            elif uid not in pods:
                del self._workers[uid]

    def _is_here(self, pod: Obj) -> bool:
        """Whether the pod is for this node: the emulated control plane has no scheduler to say so."""
        return self._settings.control_plane == EMULATED or bool(pod["spec"].get("nodeName"))

    def _attend(self, uid: str, pod: Obj, node: Node) -> None:
        worker = self._workers.get(uid)
        if worker is None:
            worker = self._workers[uid] = PodWorker(pod, node)
        worker.pod = pod
        if deleting(pod):
            worker.end(float(pod["metadata"].get("deletionGracePeriodSeconds") or 0), finalise=True)
