"""Decisions of a Deployment's rollout, after kube-controller-manager's deployment controller. No I/O."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ..objects import Obj, find_condition, seconds_since, timestamp

#: Kubernetes' alphabet for generated names: no vowels, nothing that looks like something else.
SAFE_LETTERS = "bcdfghjklmnpqrstvwxz2456789"

NEVER = 2147483647


@dataclass(frozen=True)
class Replicas:
    """What a ReplicaSet is asked for and has."""

    name: str
    wanted: int
    available: int


def template_hash(template: Obj) -> str:
    """Ten letters that differ between different pod templates."""
    number = int.from_bytes(hashlib.sha256(json.dumps(template, sort_keys=True).encode()).digest(), "big")
    letters = []
    for _unused in range(10):
        number, rest = divmod(number, len(SAFE_LETTERS))
        letters.append(SAFE_LETTERS[rest])
    return "".join(letters)


def bounds(deployment: Obj) -> tuple[int, int]:
    """(maxSurge, maxUnavailable) in pods; 25 % where not said, never both 0, and both 0 for Recreate."""
    if is_recreate(deployment):
        return 0, 0
    rolling = (deployment["spec"].get("strategy") or {}).get("rollingUpdate") or {}
    wanted = wanted_replicas(deployment)
    surge = _pods(rolling.get("maxSurge", "25%"), wanted, math.ceil)
    unavailable = _pods(rolling.get("maxUnavailable", "25%"), wanted, math.floor)
    return surge, unavailable if surge or unavailable else 1


def is_recreate(deployment: Obj) -> bool:
    """Whether all old pods go before the first new one comes."""
    return (deployment["spec"].get("strategy") or {}).get("type") == "Recreate"


def _pods(value: int | str, wanted: int, rounding: Any) -> int:
    if isinstance(value, str) and value.endswith("%"):
        return int(rounding(int(value[:-1]) * wanted / 100))
    return int(value)


def wanted_replicas(obj: Obj) -> int:
    """spec.replicas of a Deployment or ReplicaSet; 1 where it is not said."""
    replicas = obj["spec"].get("replicas")
    return 1 if replicas is None else int(replicas)


def rolling_update(deployment: Obj, new: Replicas, old: Sequence[Replicas]) -> dict[str, int]:
    """The next step: ReplicaSets to scale, by name. Empty when there is nothing to do for now.

    The new one grows as far as maxSurge lets it; when it cannot, the old ones (oldest first) shrink as far as
    maxUnavailable lets them, pods that are not available before those that are.
    """
    wanted = wanted_replicas(deployment)
    surge, unavailable = bounds(deployment)
    total = new.wanted + sum(item.wanted for item in old)
    if new.wanted > wanted:
        return {new.name: wanted}
    grow = min(wanted + surge - total, wanted - new.wanted)
    if grow > 0:
        return {new.name: new.wanted + grow}
    least = wanted - unavailable
    return _shrink(old, total - least - (new.wanted - new.available), new.available, least)


def _shrink(old: Sequence[Replicas], budget: int, new_available: int, least: int) -> dict[str, int]:
    if budget <= 0:
        return {}
    scaled = {item.name: item.wanted for item in old}
    for item in old:
        drop = max(0, min(budget, item.wanted - item.available))
        scaled[item.name] -= drop
        budget -= drop
    spare = new_available + sum(min(item.available, scaled[item.name]) for item in old) - least
    for item in old:
        drop = max(0, min(spare, scaled[item.name]))
        scaled[item.name] -= drop
        spare -= drop
    return {item.name: scaled[item.name] for item in old if scaled[item.name] != item.wanted}


def recreate(deployment: Obj, new: Replicas, old: Sequence[Replicas], old_pods: int) -> dict[str, int]:
    """The next step of strategy Recreate: the old ones go, then the new one comes."""
    down = {item.name: 0 for item in old if item.wanted}
    if down or old_pods:
        return down
    wanted = wanted_replicas(deployment)
    return {new.name: wanted} if new.wanted != wanted else {}


def status(deployment: Obj, new: Obj | None, every: Sequence[Obj]) -> Obj:
    """The Deployment's counts from its ReplicaSets; fields that would be 0 are None, that is: removed."""

    def total(field: str) -> int:
        return sum(int((item.get("status") or {}).get(field) or 0) for item in every)

    available = total("availableReplicas")
    unavailable = max(0, sum(wanted_replicas(item) for item in every) - available)
    updated = int((new.get("status") or {}).get("replicas") or 0) if new else 0
    return {
        "observedGeneration": deployment["metadata"].get("generation", 1),
        "replicas": total("replicas") or None,
        "updatedReplicas": updated or None,
        "readyReplicas": total("readyReplicas") or None,
        "availableReplicas": available or None,
        "unavailableReplicas": unavailable or None,
    }


def conditions(deployment: Obj, counts: Obj, new: Obj | None, every: Sequence[Obj]) -> list[Obj]:
    """The Deployment's conditions after *counts*, with Kubernetes' own reasons and messages."""
    before = list((deployment.get("status") or {}).get("conditions") or [])
    made = [_available(deployment, counts), _progressing(deployment, counts, new), _failure(every)]
    return [_stamped(item, find_condition(before, item["type"])) for item in made if item]


def _available(deployment: Obj, counts: Obj) -> Obj:
    least = wanted_replicas(deployment) - bounds(deployment)[1]
    if int(counts["availableReplicas"] or 0) >= least:
        return _condition(
            "Available", "True", "MinimumReplicasAvailable", "Deployment has minimum availability."
        )
    return _condition(
        "Available", "False", "MinimumReplicasUnavailable", "Deployment does not have minimum availability."
    )


def _progressing(deployment: Obj, counts: Obj, new: Obj | None) -> Obj | None:
    before = find_condition((deployment.get("status") or {}).get("conditions") or [], "Progressing")
    if deadline(deployment) is None:
        return None
    if new is None:
        return before
    name = new["metadata"]["name"]
    if _complete(deployment, counts):
        return _progress(
            "True", "NewReplicaSetAvailable", f'ReplicaSet "{name}" has successfully progressed.'
        )
    if before is None or f'"{name}"' not in before["message"]:
        return _progress("True", "NewReplicaSetCreated", f'Created new replica set "{name}"')
    if before["reason"] == "NewReplicaSetAvailable" and counts["replicas"] == counts["updatedReplicas"]:
        return before  # a finished rollout that is being scaled or has lost a pod is still finished
    if _advanced(deployment.get("status") or {}, counts):
        made = _progress("True", "ReplicaSetUpdated", f'ReplicaSet "{name}" is progressing.')
        return made | {"lastUpdateTime": timestamp()}
    if seconds_since(before["lastUpdateTime"]) > (deadline(deployment) or NEVER):
        return _progress(
            "False", "ProgressDeadlineExceeded", f'ReplicaSet "{name}" has timed out progressing.'
        )
    return before


def _progress(state: str, reason: str, message: str) -> Obj:
    return _condition("Progressing", state, reason, message)


def _complete(deployment: Obj, counts: Obj) -> bool:
    wanted = wanted_replicas(deployment)
    return all((counts[name] or 0) == wanted for name in ("updatedReplicas", "replicas", "availableReplicas"))


def _advanced(before: Obj, counts: Obj) -> bool:
    def old_pods(item: Obj) -> int:
        return int(item.get("replicas") or 0) - int(item.get("updatedReplicas") or 0)

    grown = ("updatedReplicas", "readyReplicas", "availableReplicas")
    return old_pods(counts) < old_pods(before) or any(
        int(counts[name] or 0) > int(before.get(name) or 0) for name in grown
    )


def _failure(every: Sequence[Obj]) -> Obj | None:
    for item in every:
        found = find_condition((item.get("status") or {}).get("conditions") or [], "ReplicaFailure")
        if found:
            return _condition("ReplicaFailure", "True", found["reason"], found["message"])
    return None


def _condition(kind: str, state: str, reason: str, message: str) -> Obj:
    return {"type": kind, "status": state, "reason": reason, "message": message}


def _stamped(made: Obj, before: Obj | None) -> Obj:
    """*made* with its times: of the last change of the status, and of any change at all."""
    now = timestamp()
    same_status = before is not None and before["status"] == made["status"]
    same = before is not None and all(before[name] == made[name] for name in ("status", "reason", "message"))
    updated = before["lastUpdateTime"] if before and same else now
    return {
        "lastUpdateTime": updated,
        "lastTransitionTime": before["lastTransitionTime"] if before and same_status else now,
    } | made


def deadline(deployment: Obj) -> int | None:
    """progressDeadlineSeconds; None when there is none."""
    seconds = int(deployment["spec"].get("progressDeadlineSeconds", 600))
    return None if seconds >= NEVER else seconds


def seconds_to_deadline(deployment: Obj, found: Sequence[Obj]) -> float | None:
    """When to look whether the rollout has run out of time; None when it is not under way."""
    progress = find_condition(found, "Progressing")
    limit = deadline(deployment)
    if not progress or limit is None:
        return None
    if progress["reason"] in ("NewReplicaSetAvailable", "ProgressDeadlineExceeded"):
        return None
    return max(0.5, limit - seconds_since(progress["lastUpdateTime"]) + 0.5)
