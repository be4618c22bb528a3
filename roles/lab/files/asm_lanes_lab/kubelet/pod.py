"""One pod, from its first sight to its deletion."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Coroutine
from typing import Any

from ..client import ClusterError
from ..objects import Obj, path_of, timestamp
from . import environment, status
from .container import Container, Launch, State, waiting
from .network import NoAddressError
from .node import ADMIN, INJECTED, SIDECAR, Addresses, Node

LOG = logging.getLogger("asm_lanes_lab.kubelet")

#: Seconds between "not ready any more" and SIGTERM, in which the mesh takes the pod out of its endpoints.
DRAIN = 0.2
#: Seconds in which changes of a pod's state are gathered into one write.
GATHER = 0.01
#: Seconds between ErrImagePull and ImagePullBackOff.
PULL_BACKOFF = 1.0
#: Seconds before a status that could not be written is tried again.
RETRY = 0.5


class PodWorker:
    """Runs a pod. The agent hands in the newest version of the object as ``pod``."""

    def __init__(self, pod: Obj, node: Node) -> None:
        self.pod = pod
        self._node = node
        self._start_time = timestamp()
        self._changed = asyncio.Event()
        self._addresses: Addresses | None = None
        self._states: list[State] = []
        self._containers: list[Container] = []
        self._sidecar: Container | None = None
        self._stopping = False
        self._running = asyncio.create_task(self._run(), name=f"pod {path_of(pod)}")
        self._reporting = asyncio.create_task(self._report(), name=f"status of pod {path_of(pod)}")
        self._ending: asyncio.Task[None] | None = None
        self._grace = 0.0

    @property
    def ended(self) -> bool:
        """Whether nothing of the pod is left."""
        return self._ending is not None and self._ending.done()

    def states(self) -> list[State]:
        """The containers, and the sidecar."""
        return [*self._states, *([self._sidecar.state] if self._sidecar else [])]

    def end(self, grace: float, finalise: bool) -> asyncio.Task[None]:
        """End the processes within *grace* seconds; then, to *finalise*, remove the object as a kubelet does.

        Called again with a shorter grace, that one counts.
        """
        if self._ending is None or (grace < self._grace and not self._ending.done()):
            self._grace = grace
            self._ending = asyncio.create_task(self._end(grace, finalise, self._ending))
        return self._ending

    async def _run(self) -> None:
        try:
            await self._admit()
            await asyncio.gather(*self._prepare())
        except NoAddressError as error:
            await self._tell(False, "FailedCreatePodSandBox", str(error))
        except ClusterError as error:
            LOG.warning("pod %s: %s", path_of(self.pod), error)
        except Exception:
            LOG.exception("pod %s stopped working", path_of(self.pod))
            await self._tell(False, "Failed", "the lab's kubelet failed at this pod; its log file says more")

    async def _admit(self) -> None:
        """Address and injection; then the mesh can configure the pod's proxy."""
        meta = self.pod["metadata"]
        sidecar = await self._node.wants_sidecar(self.pod)
        at = self._addresses = self._node.addresses(self.pod, sidecar)
        notes = {INJECTED: f'{{"containers":["{SIDECAR}"]}}'} if sidecar else {}
        if self.pod["spec"].get("hostNetwork"):
            notes[ADMIN] = at.admin
        if notes:
            patch = {"metadata": {"annotations": notes}}
            self.pod = await self._node.cluster.patch("v1", "Pod", meta["name"], patch, meta["namespace"])
        if sidecar:
            launch = self._node.proxy(self.pod, SIDECAR, "asm-lanes.lab/proxy:1", at)
            self._sidecar = self._container(launch, "Always")
        self._states = [State(item["name"], item["image"]) for item in self.pod["spec"]["containers"]]
        self._changed.set()

    def _prepare(self) -> list[Coroutine[Any, Any, None]]:
        """What runs for the life of the pod: its containers, its sidecar, the complaints."""
        assert self._addresses
        parts: list[Coroutine[Any, Any, None]] = [self._complain()]
        for index, container in enumerate(self.pod["spec"]["containers"]):
            row = self._node.image(container)
            if row is None:
                parts.append(self._no_image(self._states[index], self._node.no_image(container)))
                continue
            try:
                launch = self._node.launch(
                    self.pod, container, row, self._addresses, self._sidecar is not None
                )
            except environment.ConfigError as error:
                parts.append(self._no_config(self._states[index], str(error)))
                continue
            runner = self._container(launch, self.pod["spec"].get("restartPolicy") or "Always")
            self._states[index] = runner.state
            self._containers.append(runner)
        if self._sidecar:
            parts.append(self._sidecar.run())
        return [*parts, *(runner.run() for runner in self._containers)]

    def _container(self, launch: Launch, policy: str) -> Container:
        return Container(launch, policy, self._changed.set, self._tell)

    async def _complain(self) -> None:
        missed = environment.not_done(self.pod)
        if missed:
            message = f"the lab runs stand-ins and passes over: {', '.join(missed)}"
            await self._tell(False, "NotDoneByTheLab", message)

    async def _no_image(self, state: State, why: str) -> None:
        state.state, state.reason = waiting("ErrImagePull", why), why
        self._changed.set()
        await self._tell(False, "Failed", f'Failed to pull image "{state.image}": {why}')
        await asyncio.sleep(PULL_BACKOFF)
        state.state = waiting("ImagePullBackOff", f'Back-off pulling image "{state.image}": {why}')
        self._changed.set()
        await self._tell(True, "BackOff", f'Back-off pulling image "{state.image}"')

    async def _no_config(self, state: State, why: str) -> None:
        state.state, state.reason = waiting("CreateContainerConfigError", why), why
        self._changed.set()
        await self._tell(False, "Failed", f"Error: {why}")

    async def _tell(self, normal: bool, reason: str, message: str) -> None:
        record = self._node.events.normal if normal else self._node.events.warning
        await record(self.pod, reason, message)

    async def _report(self) -> None:
        """Write the status whenever it has changed."""
        written: Obj = {}
        while True:
            await self._changed.wait()
            await asyncio.sleep(GATHER)
            self._changed.clear()
            current = self._status()
            if current == written:
                continue
            try:
                self.pod = await self._node.cluster.patch_status(self.pod, current)
                written = current
            except ClusterError as error:
                if error.status == 404:  # it has gone; the agent sees it too
                    return
                LOG.warning("status of pod %s not written: %s", path_of(self.pod), error)
                await asyncio.sleep(RETRY)
                self._changed.set()

    def _status(self) -> Obj:
        assert self._addresses
        sidecar = self._sidecar.state if self._sidecar else None
        view = status.View(self._addresses.pod, self._start_time, self._states, sidecar, self._stopping)
        return status.build(self.pod, view)

    async def _end(self, grace: float, finalise: bool, before: asyncio.Task[None] | None) -> None:
        await _cancel(before)
        self._stopping = True
        await _cancel(self._running)
        if finalise and grace > 0 and self._addresses:
            self._changed.set()
            await asyncio.sleep(min(DRAIN, grace))
        await asyncio.gather(*(runner.stop(grace) for runner in self._containers))
        if self._sidecar:  # last, so that the apps' last words get out
            await self._sidecar.stop(min(grace, 1.0))
        await _cancel(self._reporting)
        if self._addresses:
            self._node.release(self._addresses)
            self._addresses = None
        if finalise:
            await self._finalise()

    async def _finalise(self) -> None:
        meta = self.pod["metadata"]
        while True:
            try:
                await self._node.cluster.delete(
                    "v1", "Pod", meta["name"], meta["namespace"], grace_period_seconds=0
                )
                return
            except ClusterError as error:
                LOG.warning("pod %s not removed: %s", path_of(self.pod), error)
                await asyncio.sleep(RETRY)


async def _cancel(task: asyncio.Task[None] | None) -> None:
    if task:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
