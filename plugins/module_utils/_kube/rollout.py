# Copyright (c) 2026, asm.lanes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Is a Deployment rolled out, and if not, why. Decisions only: objects in, words out.

A Deployment is ready under the rule of ``kubectl rollout status``: the controller has seen the newest
generation, all replicas are of it, no older one is left, and all are available.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

Object = dict[str, Any]

MAX_EVENTS = 5
"""Newest warnings shown for one Deployment."""


@dataclass(frozen=True)
class Rollout:
    """How far one Deployment is.

    Attributes:
        name: of the Deployment.
        exists: whether the namespace has it.
        ready: rolled out completely.
        failed: the controller has given up (its progress deadline has passed): waiting is of no use.
        replicas: wanted.
        updated_replicas: of the newest generation.
        available_replicas: that serve.
        images: of the containers.
        message: one sentence for people.
    """

    name: str
    exists: bool = False
    ready: bool = False
    failed: bool = False
    replicas: int = 0
    updated_replicas: int = 0
    available_replicas: int = 0
    images: tuple[str, ...] = ()
    message: str = "there is no Deployment of this name"

    def result(self) -> Object:
        """For a module's result."""
        return {**asdict(self), "images": list(self.images)}


def rollout(name: str, deployment: Object | None) -> Rollout:
    """Judge one Deployment, None when it does not exist."""
    if deployment is None:
        return Rollout(name)
    spec, status = deployment["spec"], deployment.get("status", {})
    wanted = spec.get("replicas", 1)
    updated = status.get("updatedReplicas", 0)
    available = status.get("availableReplicas", 0)
    observed = status.get("observedGeneration", 0) >= deployment["metadata"].get("generation", 0)
    waiting_for = _waiting_for(observed, wanted, updated, available, status.get("replicas", 0))
    failed = observed and any(
        condition["type"] == "Progressing" and condition.get("reason") == "ProgressDeadlineExceeded"
        for condition in status.get("conditions", [])
    )
    return Rollout(
        name=name,
        exists=True,
        ready=not waiting_for and not failed,
        failed=failed,
        replicas=wanted,
        updated_replicas=updated,
        available_replicas=available,
        images=tuple(container["image"] for container in spec["template"]["spec"]["containers"]),
        message=waiting_for or f"{available} of {wanted} replicas available",
    )


def _waiting_for(observed: bool, wanted: int, updated: int, available: int, existing: int) -> str:
    """What is still missing; empty when nothing is."""
    if not observed:
        return "the Deployment controller has not seen the newest change"
    if updated < wanted:
        return f"{updated} of {wanted} replicas created from the newest template"
    if existing > updated:
        return f"{existing - updated} replicas of an older template still running"
    if available < updated:
        return f"{available} of {updated} replicas available"
    return ""


def explain(
    deployment: Object, replica_sets: list[Object], pods: list[Object], events: list[Object]
) -> list[str]:
    """Why a Deployment is not ready, in lines: its conditions, its pods, its newest warnings.

    Args:
        deployment: the Deployment.
        replica_sets: all of the namespace; those of the Deployment are picked.
        pods: all of the namespace; those of the Deployment are picked.
        events: all of the namespace; those about any of these objects are picked.
    """
    sets = [item for item in replica_sets if _owned_by(item, [deployment])]
    own_pods = [pod for pod in pods if _owned_by(pod, sets) and "deletionTimestamp" not in pod["metadata"]]
    return [
        *_conditions(deployment),
        *(line for pod in own_pods for line in _pod(pod)),
        *_warnings([deployment, *sets, *own_pods], events),
    ]


def _owned_by(item: Object, owners: list[Object]) -> bool:
    """Whether one of `owners` controls `item`."""
    uids = {owner["metadata"]["uid"] for owner in owners}
    return any(reference["uid"] in uids for reference in item["metadata"].get("ownerReferences", []))


def _conditions(deployment: Object) -> list[str]:
    """The conditions that say what is wrong: false ones, and the failure to create replicas."""
    return [
        f"condition {condition['type']}={condition['status']} ({condition.get('reason', 'no reason')}): "
        f"{condition.get('message', '')}".rstrip(": ")
        for condition in deployment.get("status", {}).get("conditions", [])
        if (condition["status"] == "True") == (condition["type"] == "ReplicaFailure")
    ]


def _pod(pod: Object) -> list[str]:
    """What keeps one pod from being ready."""
    name, status = pod["metadata"]["name"], pod.get("status", {})
    lines = [
        f"pod {name}: container {container['name']} {_container(container)}"
        for container in [*status.get("initContainerStatuses", []), *status.get("containerStatuses", [])]
        if not container.get("ready") and not _completed(container)
    ]
    if lines:
        return lines
    return [
        f"pod {name}: {condition['type']}={condition['status']} ({condition.get('reason', 'no reason')}): "
        f"{condition.get('message', '')}".rstrip(": ")
        for condition in status.get("conditions", [])
        if condition["status"] != "True"
    ] or ([f"pod {name}: {status.get('phase', 'Pending')}"] if status.get("phase") != "Running" else [])


def _completed(container: Object) -> bool:
    """An init container that has done its work is not ready either, and rightly so."""
    return bool(container.get("state", {}).get("terminated", {}).get("exitCode") == 0)


def _container(container: Object) -> str:
    """The state of a container that is not ready."""
    state = container.get("state", {})
    restarts = container.get("restartCount", 0)
    suffix = f" (restarted {restarts} times)" if restarts else ""
    if "waiting" in state:
        text = f"waiting: {_reason(state['waiting'])}"
        ended = container.get("lastState", {}).get("terminated")
        return text + (f"; last ended with {_ending(ended)}" if ended else "") + suffix
    if "terminated" in state:
        return f"ended with {_ending(state['terminated'])}{suffix}"
    return f"runs but is not ready{suffix}"


def _reason(state: Object) -> str:
    """Reason and message of a state, whichever there are."""
    return ": ".join(state[key] for key in ("reason", "message") if state.get(key)) or "no reason given"


def _ending(terminated: Object) -> str:
    """How a container ended."""
    return f"exit code {terminated.get('exitCode', '?')}, {_reason(terminated)}"


def _warnings(objects: list[Object], events: list[Object]) -> list[str]:
    """The newest warnings about any of `objects`, oldest first."""
    uids = {item["metadata"]["uid"] for item in objects}
    own = [e for e in events if e.get("type") == "Warning" and e.get("involvedObject", {}).get("uid") in uids]
    return [
        f"event {event.get('reason', 'Warning')} ({event['involvedObject']['kind']} "
        f"{event['involvedObject']['name']}{_times(event)}): {event.get('message', '')}".rstrip(": ")
        for event in sorted(own, key=_when)[-MAX_EVENTS:]
    ]


def _times(event: Object) -> str:
    """How often an event happened, when more than once."""
    count = event.get("count") or 1
    return f", {count} times" if count > 1 else ""


def _when(event: Object) -> str:
    """The time of an event; RFC 3339 in UTC, so the text sorts by time."""
    metadata: Object = event["metadata"]
    return str(
        event.get("lastTimestamp") or event.get("eventTime") or metadata.get("creationTimestamp") or ""
    )
