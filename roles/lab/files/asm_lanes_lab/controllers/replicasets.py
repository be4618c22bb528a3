"""ReplicaSets: as many pods of one template as asked for."""

from __future__ import annotations

import logging
import secrets
import time
from typing import TYPE_CHECKING

from ..client import ClusterError
from ..events import EventRecorder
from ..objects import (
    Obj,
    condition,
    controlled_by,
    deleting,
    is_ready,
    key,
    owner_reference,
    seconds_since,
    timestamp,
)
from .loop import RETRY, reconcile_each, run_loop, soonest
from .rollout import SAFE_LETTERS, wanted_replicas

if TYPE_CHECKING:
    from ..client import Cluster

LOG = logging.getLogger("asm_lanes_lab.replicasets")

#: The lab's only node. Pods are bound to it when they are made, which spares a scheduler.
NODE_NAME = "lab"
#: Seconds after which a pod that we made and that never showed in the cache is given up.
UNSEEN = 10.0


class ReplicaSetController:
    """ReplicaSet -> Pods: create, delete (those that are not ready first), count."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._events = EventRecorder(cluster, "replicaset-controller")
        self._sets = cluster.informer("apps/v1", "ReplicaSet")
        self._pods = cluster.informer("v1", "Pod")
        # Our own writes that the cache does not show yet: pods made, and uids of pods deleted.
        self._made: dict[tuple[str | None, str], tuple[Obj, float]] = {}
        self._deleted: set[str] = set()

    async def run(self) -> None:
        """Work until cancelled."""
        await run_loop([self._pods, self._sets], self._step, LOG)

    async def _step(self) -> float | None:
        self._catch_up()
        living = [item for item in self._sets.items.values() if not deleting(item)]
        return await reconcile_each(living, self._reconcile, LOG)

    def _catch_up(self) -> None:
        now = time.monotonic()
        for made_key, (_unused, since) in list(self._made.items()):
            if made_key in self._pods.items or now - since > UNSEEN:
                del self._made[made_key]
        self._deleted &= {pod["metadata"]["uid"] for pod in self._pods.items.values()}

    async def _reconcile(self, replica_set: Obj) -> float | None:
        pods = [pod for pod in self._all_pods() if controlled_by(pod, replica_set) and self._counts(pod)]
        missing = wanted_replicas(replica_set) - len(pods)
        failure = None
        if missing > 0:
            failure = await self._create(replica_set, missing)
        elif missing < 0:
            await self._delete(replica_set, sorted(pods, key=_keep)[:-missing])
        return soonest(await self._report(replica_set, failure), RETRY * 5 if failure else None)

    def _all_pods(self) -> list[Obj]:
        return [*self._pods.items.values(), *(pod for pod, _unused in self._made.values())]

    def _counts(self, pod: Obj) -> bool:
        done = (pod.get("status") or {}).get("phase") in ("Succeeded", "Failed")
        return not done and not deleting(pod) and pod["metadata"]["uid"] not in self._deleted

    async def _create(self, replica_set: Obj, count: int) -> str | None:
        """Make *count* pods; the API's words when it refuses one."""
        for _unused in range(count):
            try:
                pod = await self._cluster.create(_pod(replica_set))
            except ClusterError as error:
                message = f"Error creating: {error.message}"
                await self._events.warning(replica_set, "FailedCreate", message)
                return message
            self._made[key(pod)] = (pod, time.monotonic())
            message = f"Created pod: {pod['metadata']['name']}"
            await self._events.normal(replica_set, "SuccessfulCreate", message)
        return None

    async def _delete(self, replica_set: Obj, pods: list[Obj]) -> None:
        for pod in pods:
            meta = pod["metadata"]
            await self._cluster.delete("v1", "Pod", meta["name"], meta["namespace"])
            self._deleted.add(meta["uid"])
            await self._events.normal(replica_set, "SuccessfulDelete", f"Deleted pod: {meta['name']}")

    async def _report(self, replica_set: Obj, failure: str | None) -> float | None:
        pods = [pod for pod in self._all_pods() if controlled_by(pod, replica_set) and self._counts(pod)]
        ready = [pod for pod in pods if is_ready(pod)]
        waits = [_until_available(pod, replica_set) for pod in ready]
        counts: Obj = {
            "observedGeneration": replica_set["metadata"].get("generation", 1),
            "replicas": len(pods),
            "fullyLabeledReplicas": len(pods) or None,
            "readyReplicas": len(ready) or None,
            "availableReplicas": waits.count(0) or None,
            "conditions": [_failed(replica_set, failure)] if failure else None,
        }
        before = replica_set.get("status") or {}
        if any(before.get(name) != value for name, value in counts.items()):
            await self._cluster.patch_status(replica_set, counts)
        return soonest(*(seconds for seconds in waits if seconds))


def _pod(replica_set: Obj) -> Obj:
    template = replica_set["spec"]["template"]
    name = f"{replica_set['metadata']['name']}-" + "".join(
        secrets.choice(SAFE_LETTERS) for _unused in range(5)
    )
    meta = template.get("metadata") or {}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": name,
            "generateName": f"{replica_set['metadata']['name']}-",
            "namespace": replica_set["metadata"]["namespace"],
            **{field: meta[field] for field in ("labels", "annotations") if meta.get(field)},
            "ownerReferences": [owner_reference(replica_set)],
        },
        "spec": {"nodeName": NODE_NAME} | template["spec"],
    }


def _keep(pod: Obj) -> tuple[bool, float]:
    """Sorts the pods to delete first to the front: not ready, then young."""
    return is_ready(pod), seconds_since(pod["metadata"].get("creationTimestamp"))


def _until_available(pod: Obj, replica_set: Obj) -> float:
    """Seconds until a ready pod counts as available (minReadySeconds); 0 when it does."""
    least = int(replica_set["spec"].get("minReadySeconds") or 0)
    ready = condition(pod, "Ready") or {}
    return max(0, least - seconds_since(ready.get("lastTransitionTime"))) if least else 0


def _failed(replica_set: Obj, message: str) -> Obj:
    before = condition(replica_set, "ReplicaFailure")
    since = before["lastTransitionTime"] if before else timestamp()
    return {
        "type": "ReplicaFailure",
        "status": "True",
        "reason": "FailedCreate",
        "message": message,
        "lastTransitionTime": since,
    }
