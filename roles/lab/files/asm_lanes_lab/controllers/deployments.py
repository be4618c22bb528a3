"""Deployments: one ReplicaSet for each pod template, scaled until the newest has all the pods."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from ..client import ClusterError
from ..events import EventRecorder
from ..objects import Obj, controlled_by, deleting, owner_reference
from . import rollout
from .loop import reconcile_each, run_loop
from .rollout import Replicas, wanted_replicas

if TYPE_CHECKING:
    from ..client import Cluster

LOG = logging.getLogger("asm_lanes_lab.deployments")

REVISION = "deployment.kubernetes.io/revision"
HASH = "pod-template-hash"


class DeploymentController:
    """Deployment -> ReplicaSet: create, rolling update, Recreate, scale, pause, status, revisions."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._events = EventRecorder(cluster, "deployment-controller")
        self._deployments = cluster.informer("apps/v1", "Deployment")
        self._sets = cluster.informer("apps/v1", "ReplicaSet")

    async def run(self) -> None:
        """Work until cancelled."""
        await run_loop([self._sets, self._deployments], self._step, LOG)

    async def _step(self) -> float | None:
        living = [item for item in self._deployments.items.values() if not deleting(item)]
        return await reconcile_each(living, self._reconcile, LOG)

    async def _reconcile(self, deployment: Obj) -> float | None:
        every = [item for item in self._sets.items.values() if controlled_by(item, deployment)]
        every.sort(key=lambda item: (item["metadata"]["creationTimestamp"], _revision(item)))
        name = f"{deployment['metadata']['name']}-{rollout.template_hash(deployment['spec']['template'])}"
        new = next((item for item in every if item["metadata"]["name"] == name), None)
        paused = bool(deployment["spec"].get("paused"))
        if new is None and not paused:
            new = await self._create_set(deployment, name, every)
            every.append(new)
        if new is not None:
            await self._number(deployment, new, every)
            await self._scale(deployment, new, [item for item in every if item is not new])
            await self._forget(deployment, new, every)
        return await self._report(deployment, new, every)

    async def _create_set(self, deployment: Obj, name: str, every: list[Obj]) -> Obj:
        meta, template = deployment["metadata"], deployment["spec"]["template"]
        marked = {HASH: name.rpartition("-")[2]}
        labels = (template["metadata"].get("labels") or {}) | marked
        wanted = {
            "apiVersion": "apps/v1",
            "kind": "ReplicaSet",
            "metadata": {
                "name": name,
                "namespace": meta["namespace"],
                "labels": labels,
                "annotations": {REVISION: str(_newest(every) + 1)},
                "ownerReferences": [owner_reference(deployment)],
            },
            "spec": {
                "replicas": 0,
                "minReadySeconds": deployment["spec"].get("minReadySeconds") or 0,
                "selector": _also(deployment["spec"]["selector"], marked),
                "template": template | {"metadata": template["metadata"] | {"labels": labels}},
            },
        }
        try:
            return await self._cluster.create(wanted)
        except ClusterError as error:
            there = await self._cluster.get("apps/v1", "ReplicaSet", name, meta["namespace"])
            if error.status == 409 and there and controlled_by(there, deployment) and not deleting(there):
                return there  # ours, but not in the cache yet
            raise

    async def _number(self, deployment: Obj, new: Obj, every: list[Obj]) -> None:
        """The ReplicaSet in force has the highest revision; the Deployment shows it."""
        others = _newest([item for item in every if item is not new])
        revision = _revision(new) if _revision(new) > others else others + 1
        for obj in (new, deployment):
            if _revision(obj) != revision:
                patch = {"metadata": {"annotations": {REVISION: str(revision)}}}
                meta = obj["metadata"]
                await self._cluster.patch("apps/v1", obj["kind"], meta["name"], patch, meta["namespace"])

    async def _scale(self, deployment: Obj, new: Obj, old: list[Obj]) -> None:
        counts = [_replicas(item) for item in old]
        if rollout.is_recreate(deployment):
            pods = sum(int((item.get("status") or {}).get("replicas") or 0) for item in old)
            step = rollout.recreate(deployment, _replicas(new), counts, pods)
        else:
            step = rollout.rolling_update(deployment, _replicas(new), counts)
        for item in (new, *old):
            name = item["metadata"]["name"]
            if name in step:
                await self._scale_set(deployment, item, step[name])

    async def _scale_set(self, deployment: Obj, item: Obj, replicas: int) -> None:
        meta, before = item["metadata"], wanted_replicas(item)
        patch = {"spec": {"replicas": replicas}}
        await self._cluster.patch("apps/v1", "ReplicaSet", meta["name"], patch, meta["namespace"])
        word = "up" if replicas > before else "down"
        message = f"Scaled {word} replica set {meta['name']} from {before} to {replicas}"
        await self._events.normal(deployment, "ScalingReplicaSet", message)

    async def _forget(self, deployment: Obj, new: Obj, every: list[Obj]) -> None:
        """Delete the oldest ReplicaSets beyond revisionHistoryLimit that have no pods left."""
        limit = int(deployment["spec"].get("revisionHistoryLimit", 10))
        done = [
            item for item in every if item is not new and not wanted_replicas(item) and not deleting(item)
        ]
        done = [item for item in done if not (item.get("status") or {}).get("replicas")]
        done.sort(key=_revision)
        for item in done[: max(0, len(done) - limit)]:
            meta = item["metadata"]
            await self._cluster.delete("apps/v1", "ReplicaSet", meta["name"], meta["namespace"])

    async def _report(self, deployment: Obj, new: Obj | None, every: list[Obj]) -> float | None:
        counts = rollout.status(deployment, new, every)
        found = rollout.conditions(deployment, counts, new, every)
        before = deployment.get("status") or {}
        if any(before.get(name) != value for name, value in (counts | {"conditions": found}).items()):
            await self._cluster.patch_status(deployment, counts | {"conditions": found})
        return rollout.seconds_to_deadline(deployment, found)


def _replicas(item: Obj) -> Replicas:
    available = int((item.get("status") or {}).get("availableReplicas") or 0)
    return Replicas(item["metadata"]["name"], wanted_replicas(item), available)


def _revision(obj: Obj) -> int:
    return int((obj["metadata"].get("annotations") or {}).get(REVISION) or 0)


def _newest(every: list[Obj]) -> int:
    return max((_revision(item) for item in every), default=0)


def _also(selector: Obj, labels: dict[str, str]) -> Obj:
    return selector | {"matchLabels": (selector.get("matchLabels") or {}) | labels}
