"""Faults on and off, in a lab that runs; what was before is noted in the lab's folder."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from ..client import Cluster, ClusterError
from ..errors import LabError
from ..files import read_json, write_json
from ..objects import Obj, deleting
from ..settings import StateDir
from . import catalogue, steps
from .steps import CLUSTER, MESH, Apis

#: Seconds that pods get to be as a fault wants them.
PATIENCE = 60.0
LOOK = 0.05

Notes = dict[str, list[dict[str, Any]]]


class Switch:
    """The faults of the lab in a folder."""

    def __init__(self, files: StateDir) -> None:
        self._files = files

    @property
    def on(self) -> list[str]:
        """The faults that are on."""
        return list(self._notes())

    def turn_on(self, name: str) -> None:
        """Returns when the pods are as the fault wants them. Raises LabError."""
        fault = catalogue.find(name)
        if fault is None:
            raise LabError(f"no fault {name!r}; there are: {', '.join(catalogue.NAMES)}")
        if name in self._notes():
            raise LabError(f"fault {name} is on already")
        asyncio.run(self._turn_on(fault))

    def turn_off(self, *names: str) -> None:
        """Undo these faults, all by default, the youngest first. Raises LabError."""
        notes = self._notes()
        unknown = set(names) - set(notes)
        if unknown:
            raise LabError(f"not on: {', '.join(sorted(unknown))}")
        asyncio.run(self._turn_off([name for name in reversed(notes) if not names or name in names]))

    def wait(self) -> None:
        """Return when every Deployment has just the pods that it wants, all ready. Raises LabError."""
        asyncio.run(self._wait())

    async def _wait(self) -> None:
        async with self._apis() as apis:
            await _rolled_out(apis[CLUSTER])

    async def _turn_on(self, fault: catalogue.Fault) -> None:
        async with self._apis() as apis:
            for step in fault.steps:
                note = await step.do(apis)
                notes = self._notes()
                notes.setdefault(fault.name, []).extend([note] if note else [])
                write_json(self._files.faults, notes, 0o600)
            await _rolled_out(apis[CLUSTER])

    async def _turn_off(self, names: list[str]) -> None:
        async with self._apis() as apis:
            for name in names:
                notes = self._notes()
                for note in reversed(notes.pop(name)):
                    await steps.undo(apis, note)
                write_json(self._files.faults, notes, 0o600)
            await _rolled_out(apis[CLUSTER])

    @contextlib.asynccontextmanager
    async def _apis(self) -> AsyncIterator[Apis]:
        files = {CLUSTER: self._files.cluster_kubeconfig, MESH: self._files.mesh_kubeconfig}
        async with contextlib.AsyncExitStack() as stack:
            try:
                yield {
                    name: await stack.enter_async_context(_connected(file, name))
                    for name, file in files.items()
                }
            except ClusterError as error:
                raise LabError(str(error)) from error

    def _notes(self) -> Notes:
        notes = read_json(self._files.faults)
        return notes if isinstance(notes, dict) else {}


@contextlib.asynccontextmanager
async def _connected(kubeconfig: Path, name: str) -> AsyncIterator[Cluster]:
    if not kubeconfig.exists():
        raise LabError(f"no lab runs in {kubeconfig.parent}; start one")
    cluster = await Cluster.connect(kubeconfig, name)
    try:
        yield cluster
    finally:
        await cluster.close()


async def _rolled_out(cluster: Cluster) -> None:
    """Return when every Deployment has just the pods that it wants, all of them ready."""
    async with asyncio.timeout(PATIENCE):
        while not await _settled(cluster):
            await asyncio.sleep(LOOK)


async def _settled(cluster: Cluster) -> bool:
    deployments = await cluster.list("apps/v1", "Deployment")
    pods = await cluster.list("v1", "Pod")
    return all(map(_complete, deployments)) and not any(map(deleting, pods))


def _complete(deployment: Obj) -> bool:
    status, wanted = deployment.get("status") or {}, deployment["spec"]["replicas"]
    counts = [status.get(name) or 0 for name in ("replicas", "updatedReplicas", "readyReplicas")]
    current = status.get("observedGeneration") == deployment["metadata"]["generation"]
    return current and counts == [wanted] * 3
