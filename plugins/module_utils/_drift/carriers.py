# Copyright (c) 2026, asm.lanes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The objects by which a request keeps its lane from service to service. Pure.

Documented: TrafficLabel in trace-id mode, with name, place, labels and rule. Inferred: that baggage
mode has one ASMHeaderPropagation per service, its name and its selector.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from .._lanes.model import LaneGroup, parse_service
from .._lanes.routing import header_propagations, traffic_labels
from . import kinds
from .facts import PROPAGATION, TRAFFIC_LABEL, Cluster, Mesh, Object, name_of, spec_of
from .generated import missing, title
from .kinds import Finding
from .routes import Difference


def check(group: LaneGroup, mesh: Mesh, cluster: Cluster) -> list[Finding]:
    """What of them is missing or says something else. cluster: its Services tell which pods are meant."""
    selectors = {
        service: selector
        for name, selector in cluster.selectors().items()
        if (service := parse_service(name)) is not None
    }
    wanted = [*header_propagations(group, selectors), *traffic_labels(group, selectors)]
    return [finding for one in wanted if one["kind"] in mesh.objects for finding in _one(one, mesh)]


def _one(wanted: Object, mesh: Mesh) -> Iterator[Finding]:
    kind = wanted["kind"]
    found = next((obj for obj in mesh.of(kind) if name_of(obj) == name_of(wanted)), None)
    if found is None:
        yield missing(wanted, "carries the lane along the call chain", inferred=kind == PROPAGATION)
        return
    for field, ours, theirs in _differences(kind, spec_of(wanted), spec_of(found)):
        yield Finding(
            kinds.GENERATED_EDITED, title(wanted), field, ours, theirs, inferred=kind == PROPAGATION
        )


def _differences(kind: str, wanted: Mapping[str, Any], found: Mapping[str, Any]) -> Iterator[Difference]:
    ours, theirs = _selector(wanted), _selector(found)
    if ours != theirs:
        yield "workloadSelector.labels", ours, theirs
    if kind == TRAFFIC_LABEL:
        if wanted["rules"] != found.get("rules"):
            yield "rules", wanted["rules"], found.get("rules")
        return
    names = {str(header).lower() for header in found.get("headers") or ()}
    if not {header.lower() for header in wanted["headers"]} <= names:
        yield "headers", wanted["headers"], found.get("headers") or []


def _selector(spec: Mapping[str, Any]) -> Any:
    return (spec.get("workloadSelector") or {}).get("labels") or {}
