# Copyright (c) 2026, asm.lanes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Lanes whose labels select no ready pod of a service that they contain. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from .._lanes.model import LaneGroup, ServiceRef
from . import kinds
from .compare import lane_of
from .facts import Cluster, Object, labels_of
from .kinds import Finding


def check(group: LaneGroup, cluster: Cluster) -> list[Finding]:
    """One finding for each lane and service without a pod to answer.

    A Service without a selector is left out: its pods cannot be told.
    """
    selectors = cluster.selectors()
    found = []
    for lane in group.lanes or ():
        for service in lane.services:
            selector = selectors.get(str(service))
            if selector == {}:
                continue
            labels = {**(selector or {}), **lane.labels}
            if selector is None:
                there = f"the cluster has no Service {service}"
            elif _ready(cluster, service, labels):
                continue
            else:
                there = "no ready pod"
            field = f"services[{service}]"
            found.append(
                Finding(
                    kinds.SUBSET_WITHOUT_PODS, lane_of(group.name, lane.name), field, _wanted(labels), there
                )
            )
    return found


def _wanted(labels: Mapping[str, str]) -> str:
    return "a ready pod with " + ", ".join(f"{key}={value}" for key, value in sorted(labels.items()))


def _ready(cluster: Cluster, service: ServiceRef, labels: Mapping[str, str]) -> bool:
    return any(
        pod["metadata"].get("namespace") == service.namespace
        and labels.items() <= labels_of(pod).items()
        and _is_ready(pod)
        for pod in cluster.pods
    )


def _is_ready(pod: Object) -> bool:
    if pod["metadata"].get("deletionTimestamp"):
        return False
    conditions = (pod.get("status") or {}).get("conditions") or ()
    return any(one.get("type") == "Ready" and one.get("status") == "True" for one in conditions)
