# Copyright (c) 2026, asm.lanes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Pure: the status of lane groups and lanes.

documented: the fields, and that a service outside the group gives a validation message.
assumed: the codes, the texts, the words Ready and Error, and which labels count as common.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ..asm import records
from ..domain import model
from ..objects import Obj, deleting

_GENERATED_LABELS = frozenset({"pod-template-hash"})

Message = dict[str, str]


def selected(pods: Iterable[Obj], namespace: str, selector: Mapping[str, str]) -> list[Obj]:
    """The living pods of a namespace with these labels; none for an empty selector."""
    return [
        pod
        for pod in pods
        if selector
        and pod["metadata"]["namespace"] == namespace
        and not deleting(pod)
        and (pod.get("status") or {}).get("phase") not in ("Succeeded", "Failed")
        and selector.items() <= (pod["metadata"].get("labels") or {}).items()
    ]


def service_pods(
    references: Iterable[model.ServiceRef], services: Mapping[str, Obj], pods: Sequence[Obj]
) -> dict[str, list[Obj]]:
    """The pods of those services that exist, by ``namespace/name``."""
    return {
        str(ref): selected(pods, ref.namespace, services[str(ref)]["spec"].get("selector") or {})
        for ref in references
        if str(ref) in services
    }


def group_status(
    errors: list[str], members: Mapping[str, list[Obj]], services: Mapping[str, Obj]
) -> dict[str, Any]:
    """The status of a group. members: pods by service, from ``service_pods``."""
    labels = {name: _labels(pods) for name, pods in members.items()}
    keys = set.intersection(*(set(found) for found in labels.values())) if labels else set()
    common = {key: sorted(set().union(*(found[key] for found in labels.values()))) for key in sorted(keys)}
    summaries = {
        name: {
            "serviceSelector": services[name]["spec"].get("selector") or {},
            "podLabels": {key: sorted(values) for key, values in found.items()},
        }
        for name, found in labels.items()
    }
    return {
        "status": "Error" if errors else "Ready",
        "error": "; ".join(errors),
        "servicesInSwimLaneGroup": {"serviceSummaries": summaries, "commonLabels": common},
    }


def _labels(pods: Iterable[Obj]) -> dict[str, set[str]]:
    """Label keys that every one of the pods has, with all their values."""
    every = [pod["metadata"].get("labels") or {} for pod in pods]
    keys = set.intersection(*(set(labels) for labels in every)) - _GENERATED_LABELS if every else set()
    return {key: {labels[key] for labels in every} for key in sorted(keys)}


def lane_messages(
    lane: Obj, group: Obj, services: Mapping[str, Obj], members: Mapping[str, list[Obj]]
) -> list[Message]:
    """What is wrong with a lane of a group."""
    known, chosen = records.services(group), records.services(lane)
    labels = lane["spec"].get("labelSelector") or {}
    messages = []
    for service in chosen:
        if service not in known:
            text = f"service {service} does not exist in lane group {group['metadata']['name']}"
            messages.append(_message("ServiceNotInGroup", text))
        elif str(service) not in services:
            messages.append(_message("ServiceNotFound", f"service {service} does not exist in the cluster"))
        elif not selected(members[str(service)], service.namespace, labels):
            wanted = ",".join(f"{key}={value}" for key, value in labels.items())
            messages.append(
                _message("NoWorkload", f"no pod of service {service} carries {wanted}", "warning")
            )
    messages += _incomplete(lane, group, [str(service) for service in known if service not in chosen])
    return messages + [_message("IngressRule", problem) for problem in records.ingress_of(lane)[2]]


def _incomplete(lane: Obj, group: Obj, lacking: list[str]) -> list[Message]:
    if not lacking:
        return []
    if not records.is_permissive(group):
        return [
            _message(
                "LaneIncomplete", f"in strict mode a lane needs every service, it lacks {', '.join(lacking)}"
            )
        ]
    if records.baseline(group) == records.lane_name(lane):
        return [
            _message("BaselineIncomplete", f"a baseline needs every service, it lacks {', '.join(lacking)}")
        ]
    return []


def _message(code: str, message: str, level: str = "error") -> Message:
    return {"code": code, "level": level, "message": message}


def merge_patch(old: Any, new: Any) -> Any:
    """The JSON merge patch (RFC 7386) from old to new, both objects; ``{}`` when they are equal."""
    patch: dict[str, Any] = {key: None for key in old if key not in new}
    for key, value in new.items():
        if key in old and old[key] == value:
            continue
        both = isinstance(value, dict) and isinstance(old.get(key), dict)
        patch[key] = merge_patch(old[key], value) if both else value
    return patch
