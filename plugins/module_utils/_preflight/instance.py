# Copyright (c) 2026, asm.lanes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Checks of the ASM instance: there, of the right edition and version, with the cluster in it.

Versions and editions are documented; that Alibaba's pages contradict each other about baggage
propagation (1.18.2.111 in one, 1.21.6.54 in two) is why the stricter one can be overruled.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .._asm.mesh import BAGGAGE_VERSION, EDITIONS, LANES_VERSION, dotted, parse_version
from .finding import FAILED, OK, WARNING, Finding

if TYPE_CHECKING:
    from .wanted import Facts, Object, Wanted


def mesh(facts: Facts, wanted: Wanted) -> Finding:
    needed = f"ASM instance {wanted.mesh_id}, running"
    unread = facts.mesh.unread("mesh", needed)
    if unread:
        return unread
    state = str(_info(facts).get("State"))
    if state != "running":
        remedy = "Wait until it is running, or look for errors of the instance in the ASM console"
        return Finding("mesh", FAILED, f"state {state}", needed, remedy)
    return Finding("mesh", OK, f"{_info(facts).get('Name') or wanted.mesh_id}, {state}", needed)


def edition(facts: Facts, _wanted: Wanted) -> Finding:
    needed = f"edition {' or '.join(EDITIONS)}"
    unread = facts.mesh.blocking("the ASM instance could not be read").unread("edition", needed)
    if unread:
        return unread
    found = str((facts.mesh.value or {}).get("ClusterSpec"))
    if found in EDITIONS:
        return Finding("edition", OK, found, needed)
    remedy = "Upgrade the instance to Enterprise Edition or Ultimate Edition in the ASM console"
    return Finding("edition", FAILED, found, needed, remedy)


def version(facts: Facts, _wanted: Wanted) -> Finding:
    needed = f">= {dotted(LANES_VERSION)}"
    unread = facts.mesh.blocking("the ASM instance could not be read").unread("version", needed)
    if unread:
        return unread
    text = str(_info(facts).get("Version"))
    found = parse_version(text)
    if found is None:
        return Finding("version", WARNING, f"{text!r}, not understood", needed, "Compare it yourself")
    if found >= LANES_VERSION:
        return Finding("version", OK, text, needed)
    remedy = "Upgrade the instance: this version has no lanes in permissive mode"
    return Finding("version", FAILED, text, needed, remedy)


def baggage(facts: Facts, wanted: Wanted) -> Finding:
    """Baggage mode needs a younger version than lanes as such."""
    check = "baggage_propagation"
    if wanted.trace_header.lower() != "baggage":
        return Finding(check, OK, f"trace header {wanted.trace_header}", "no particular version")
    needed = f">= {dotted(BAGGAGE_VERSION)} for the trace header baggage"
    unread = facts.mesh.blocking("the ASM instance could not be read").unread(check, needed)
    if unread:
        return unread
    text = str(_info(facts).get("Version"))
    found = parse_version(text)
    if found is None:
        return Finding(check, WARNING, f"{text!r}, not understood", needed, "Compare it yourself")
    if found >= BAGGAGE_VERSION:
        return Finding(check, OK, text, needed)
    lost = "This version does not turn the route header into baggage, so later hops answer from the baseline"
    if wanted.allow_old_version:
        return Finding(check, WARNING, text, needed, f"{lost}, unless clients send baggage themselves")
    remedy = f"{lost}. Upgrade the instance, or go on knowingly with asm_lanes_allow_old_version: true"
    return Finding(check, FAILED, text, needed, remedy)


def cluster(facts: Facts, wanted: Wanted) -> Finding:
    needed = (
        f"cluster {wanted.cluster} in the mesh, running"
        if wanted.cluster
        else "one running cluster in the mesh"
    )
    unread = facts.clusters.unread("cluster", needed)
    if unread:
        return unread
    clusters = facts.clusters.value or []
    names = ", ".join(_cluster_name(one) for one in clusters) or "none"
    matching = [one for one in clusters if wanted.cluster in ("", one.get("Name"), one.get("ClusterId"))]
    if not clusters:
        remedy = "Add the ACK cluster that runs the application to the mesh"
        return Finding("cluster", FAILED, "the mesh has no cluster", needed, remedy)
    if len(matching) != 1:
        remedy = "Name the one that runs the application, by name or ID, in asm_lanes_cluster"
        return Finding("cluster", FAILED, names, needed, remedy)
    state = str(matching[0].get("State"))
    found = f"{_cluster_name(matching[0])}, {state}"
    if state != "running":
        return Finding(
            "cluster", FAILED, found, needed, "See the cluster's state in the ACK and ASM consoles"
        )
    return Finding("cluster", OK, found, needed)


def the_cluster(clusters: list[Object], wanted: str) -> Object | None:
    """The cluster that is meant; None when that cannot be told."""
    matching = [one for one in clusters if wanted in ("", one.get("Name"), one.get("ClusterId"))]
    return matching[0] if len(matching) == 1 else None


def _info(facts: Facts) -> Object:
    found: Object = (facts.mesh.value or {}).get("ServiceMeshInfo") or {}
    return found


def _cluster_name(cluster: Object) -> str:
    return f"{cluster.get('Name')} ({cluster.get('ClusterId')})"
