# Copyright (c) 2026, asm.lanes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The DestinationRules and VirtualServices of a lane group against what its lanes mean. Pure.

Documented: one of each per service with lanes; name and namespace of the VirtualService; subset
name = lane name; for lane rules and weights a VirtualService at the gateway. Everything else is
inferred (see ``_lanes.routing`` and ``_lanes.entry``), so that an edit is never more than a warning.
What is meant is taken from the group that is there: its own drift is told elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from .._lanes.entry import ingress_virtual_services
from .._lanes.model import LaneGroup
from .._lanes.routing import destination_rules, virtual_services
from . import kinds
from .facts import DESTINATION_RULE, VIRTUAL_SERVICE, Mesh, Object, full_host, gateways_of, name_of, spec_of
from .kinds import Finding
from .routes import Difference, Reading, differences, entries

MESH = "mesh"


def check(group: LaneGroup, mesh: Mesh) -> list[Finding]:
    """What of the generated objects is missing or says something else."""
    return [
        *_destination_rules(group, mesh),
        *_service_routes(group, mesh),
        *_gateway_routes(group, mesh),
    ]


def missing(wanted: Object, why: str, inferred: bool = False) -> Finding:
    """The finding for an object that should be there."""
    severity = kinds.WARNING if inferred else kinds.ERROR
    return Finding(kinds.GENERATED_MISSING, title(wanted), "", why, None, severity, inferred)


def edited(obj: Object, kind: str, difference: Difference) -> Finding:
    """The finding for an object that differs in one field."""
    field, wanted, found = difference
    return Finding(kinds.GENERATED_EDITED, f"{kind} {name_of(obj)}", field, wanted, found, inferred=True)


def title(obj: Object) -> str:
    """``Kind namespace/name``."""
    return f"{obj['kind']} {name_of(obj)}"


def hosts_of(obj: Object) -> set[str]:
    """The hosts of a VirtualService, or the one of a DestinationRule, in full."""
    spec, namespace = spec_of(obj), str(obj["metadata"].get("namespace"))
    hosts = spec.get("hosts") or ([spec["host"]] if spec.get("host") else [])
    return {full_host(str(host), namespace) for host in hosts}


def _destination_rules(group: LaneGroup, mesh: Mesh) -> Iterator[Finding]:
    for wanted in destination_rules(group):
        host = wanted["spec"]["host"]
        mine = [obj for obj in mesh.of(DESTINATION_RULE) if name_of(obj) == name_of(wanted)] or [
            obj for obj in mesh.generated(DESTINATION_RULE, group.name) if host in hosts_of(obj)
        ]
        if not mine:
            yield missing(wanted, f"subsets of the lanes for {host}")
            continue
        for difference in _subset_differences(wanted, mine[0]):
            yield edited(mine[0], DESTINATION_RULE, difference)


def _subset_differences(wanted: Object, found: Object) -> Iterator[Difference]:
    if hosts_of(wanted) != hosts_of(found):
        yield "host", sorted(hosts_of(wanted)), sorted(hosts_of(found))
    ours, theirs = _subsets(wanted), _subsets(found)
    for name in sorted({*ours, *theirs}):
        if ours.get(name) != theirs.get(name):
            yield f"subsets[{name}]", ours.get(name), theirs.get(name)


def _subsets(destination_rule: Object) -> dict[str, Any]:
    subsets = spec_of(destination_rule).get("subsets") or ()
    return {str(subset.get("name")): subset.get("labels") or {} for subset in subsets}


def _service_routes(group: LaneGroup, mesh: Mesh) -> Iterator[Finding]:
    reading = Reading()
    for wanted in virtual_services(group):
        [host] = wanted["spec"]["hosts"]
        mine = [obj for obj in mesh.of(VIRTUAL_SERVICE) if name_of(obj) == name_of(wanted)] or [
            obj
            for obj in mesh.generated(VIRTUAL_SERVICE, group.name)
            if MESH in gateways_of(obj) and host in hosts_of(obj)
        ]
        if not mine:
            yield missing(wanted, f"routes to the lanes for {host}")
            continue
        found = mine[0]
        told = differences(entries(wanted, reading), entries(found, reading))
        # Without hosts another VirtualService delegates to it, which is documented.
        if hosts_of(found) and hosts_of(found) != {host}:
            told.append(("hosts", [host], sorted(hosts_of(found))))
        if MESH not in gateways_of(found):
            told.append(("gateways", [MESH], gateways_of(found)))
        for difference in told:
            yield edited(found, VIRTUAL_SERVICE, difference)


def _gateway_routes(group: LaneGroup, mesh: Mesh) -> Iterator[Finding]:
    reading = Reading(ports=True, route_header=group.route_header or "")
    mine = [obj for obj in mesh.generated(VIRTUAL_SERVICE, group.name) if set(gateways_of(obj)) != {MESH}]
    for wanted in ingress_virtual_services(group):
        [host] = wanted["spec"]["hosts"]
        found = [obj for obj in mine if host in hosts_of(obj)]
        if not found:
            yield missing(wanted, f"routes into the lanes for host {host}")
            continue
        told = differences(
            entries(wanted, reading), [entry for obj in found for entry in entries(obj, reading)]
        )
        gateways = sorted({ref for obj in found for ref in gateways_of(obj)})
        if not set(gateways_of(wanted)) <= set(gateways):
            told.append(("gateways", gateways_of(wanted), gateways))
        for difference in told:
            yield edited(found[0], VIRTUAL_SERVICE, difference)
