"""What the mesh writes back: the condition `Reconciled` on each of its objects. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ..objects import find_condition
from .findings import Finding, Ref
from .refs import ref_of

RECONCILED = "Reconciled"
"""Istio's own condition type for "the configuration is in force"."""

REPORTED = (
    "Gateway",
    "VirtualService",
    "DestinationRule",
    "ASMHeaderPropagation",
    "TrafficLabel",
    "IstioGateway",
)
"""Kinds that get a status: those of the mesh, not the cluster's Services and Pods."""


def by_object(findings: Iterable[Finding]) -> dict[Ref, list[Finding]]:
    """Findings grouped by object, in a stable order."""
    grouped: dict[Ref, list[Finding]] = {}
    for finding in sorted(set(findings)):
        grouped.setdefault(finding.ref, []).append(finding)
    return grouped


def due(
    objects: Iterable[dict[str, Any]], findings: Mapping[Ref, list[Finding]], now: str
) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """The objects whose status is not what it should be, each with the status to merge in.

    objects: with kind. now: the time of transition for conditions that change their status.
    """
    result = []
    for obj in objects:
        wanted = _condition(obj, findings.get(ref_of(obj), []))
        status = obj.get("status") or {}
        conditions = status.get("conditions") or []
        present = find_condition(conditions, RECONCILED) or {}
        generation = obj["metadata"].get("generation")
        same = {key: present.get(key) for key in wanted} == wanted
        if same and status.get("observedGeneration") == generation:
            continue
        since = present.get("lastTransitionTime") if present.get("status") == wanted["status"] else None
        others = [item for item in conditions if item.get("type") != RECONCILED]
        new = {**wanted, "lastTransitionTime": since or now}
        result.append((obj, {"observedGeneration": generation, "conditions": [*others, new]}))
    return result


def _condition(obj: dict[str, Any], findings: list[Finding]) -> dict[str, Any]:
    blocking = [finding for finding in findings if finding.blocking]
    first = next(iter(blocking or findings), None)
    return {
        "type": RECONCILED,
        "status": "False" if blocking else "True",
        "reason": first.reason if first else RECONCILED,
        "message": "; ".join(map(str, blocking + [f for f in findings if not f.blocking])) or "in force",
        "observedGeneration": obj["metadata"].get("generation"),
    }
