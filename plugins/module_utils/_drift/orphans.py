# Copyright (c) 2026, asm.lanes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Generated objects that no lane means any more. Pure.

They are known by their label ``swimlane-group`` (documented for TrafficLabels, inferred for the others).
"""

from __future__ import annotations

from collections.abc import Callable

from .._lanes.entry import ingress_virtual_services
from .._lanes.model import BAGGAGE, LaneGroup
from .._lanes.routing import GROUP_LABEL, destination_rules, virtual_services
from . import kinds
from .facts import (
    DESTINATION_RULE,
    PROPAGATION,
    TRAFFIC_LABEL,
    VIRTUAL_SERVICE,
    Mesh,
    Object,
    gateways_of,
    labels_of,
    name_of,
)
from .generated import MESH, hosts_of
from .kinds import Finding


def check(name: str, group: LaneGroup | None, mesh: Mesh) -> list[Finding]:
    """What is left over of this group, and of groups that do not exist. group: None when it does not."""
    purpose: dict[str, Callable[[LaneGroup, Object], bool]] = {
        DESTINATION_RULE: _is_rule_meant,
        VIRTUAL_SERVICE: _is_route_meant,
        PROPAGATION: _is_carrier_meant,
        TRAFFIC_LABEL: _is_label_meant,
    }
    found = []
    for kind, meant in purpose.items():
        for obj in mesh.of(kind):
            owner = labels_of(obj).get(GROUP_LABEL)
            if owner is None:
                continue
            gone = owner not in mesh.groups
            stray = owner == name and group is not None and not meant(group, obj)
            if gone or stray:
                found.append(_orphan(kind, obj, owner, gone))
    return found


def _orphan(kind: str, obj: Object, owner: str, gone: bool) -> Finding:
    why = f"lane group {owner} does not exist" if gone else f"no lane of group {owner} means it"
    severity = kinds.WARNING if kind == VIRTUAL_SERVICE else kinds.INFO  # the others route nothing alone
    return Finding(
        kinds.GENERATED_ORPHANED, f"{kind} {name_of(obj)}", found=why, severity=severity, inferred=True
    )


def _is_rule_meant(group: LaneGroup, obj: Object) -> bool:
    wanted = destination_rules(group)
    return _is_named(wanted, obj) or bool(hosts_of(obj) & _hosts(wanted))


def _is_route_meant(group: LaneGroup, obj: Object) -> bool:
    if set(gateways_of(obj)) != {MESH}:
        return bool(hosts_of(obj) & _hosts(ingress_virtual_services(group)))
    wanted = virtual_services(group)
    return _is_named(wanted, obj) or bool(hosts_of(obj) & _hosts(wanted))


def _is_carrier_meant(group: LaneGroup, obj: Object) -> bool:
    baggage = group.permissive and (group.trace_header or "").lower() == BAGGAGE
    return baggage and _is_of_service(group, obj)


def _is_label_meant(group: LaneGroup, obj: Object) -> bool:
    headers = {(group.trace_header or "").lower(), (group.route_header or "").lower()}
    return group.permissive and BAGGAGE not in headers and len(headers) == 2 and _is_of_service(group, obj)


def _is_of_service(group: LaneGroup, obj: Object) -> bool:
    names = {
        f"{service.namespace}/asm-swimlane-{group.name}-{service.name}" for service in group.services or ()
    }
    return name_of(obj) in names


def _is_named(wanted: list[Object], obj: Object) -> bool:
    return name_of(obj) in {name_of(one) for one in wanted}


def _hosts(wanted: list[Object]) -> set[str]:
    return {host for one in wanted for host in hosts_of(one)}
