"""A pod's status from its containers. No I/O."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..objects import Obj, condition, timestamp
from .container import State

#: Address of the lab's only node.
HOST_IP = "127.0.0.1"


@dataclass(frozen=True)
class View:
    """What a pod's status is made of. The sidecar counts for readiness, but is no container of the spec."""

    pod_ip: str
    start_time: str
    containers: Sequence[State]
    sidecar: State | None = None
    stopping: bool = False


def build(pod: Obj, view: View) -> Obj:
    """The whole status; conditions keep the time of their last change from the status of *pod*."""
    unready = [item for item in _all(view) if not item.ready]
    ready = not unready and not view.stopping
    created = view.containers and all(
        "waiting" not in item.state or item.restarts for item in view.containers
    )
    ended = bool(view.containers) and all("terminated" in item.state for item in view.containers)
    made = [
        _condition(pod, "PodScheduled", True),
        _condition(pod, "Initialized", True),
        _condition(pod, "ContainersReady", not unready, *_why(unready)),
        _condition(pod, "Ready", ready, *_why(unready)),
    ]
    return {
        "phase": _phase(view) if ended else "Running" if created else "Pending",
        "podIP": view.pod_ip,
        "podIPs": [{"ip": view.pod_ip}],
        "hostIP": HOST_IP,
        "startTime": view.start_time,
        "qosClass": "BestEffort",
        "conditions": made,
        "containerStatuses": [item.as_status() for item in view.containers],
    }


def _all(view: View) -> list[State]:
    return [*view.containers, *([view.sidecar] if view.sidecar else [])]


def _phase(view: View) -> str:
    """Of a pod whose containers have all ended: between two runs it is still Running."""
    if view.stopping or all(item.final for item in view.containers):
        failed = any(item.state["terminated"]["exitCode"] for item in view.containers)
        return "Failed" if failed else "Succeeded"
    return "Running"


def _why(unready: Sequence[State]) -> tuple[str, str]:
    if not unready:
        return "", ""
    names = " ".join(item.name for item in unready)
    details = "; ".join(f"{item.name}: {item.reason}" for item in unready if item.reason)
    return "ContainersNotReady", f"containers with unready status: [{names}]" + (
        f" ({details})" if details else ""
    )


def _condition(pod: Obj, kind: str, state: bool, reason: str = "", message: str = "") -> Obj:
    before = condition(pod, kind)
    made: Obj = {"type": kind, "status": str(state)}
    if reason:
        made |= {"reason": reason, "message": message}
    same = before is not None and before["status"] == made["status"]
    made["lastTransitionTime"] = before["lastTransitionTime"] if before and same else timestamp()
    return made
