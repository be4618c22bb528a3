# Copyright (c) 2026, asm.lanes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Pure: from everything that the lane controller sees to the next writes and the statuses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..asm import records
from ..objects import Obj
from . import lane_objects, lane_status
from .lane_objects import Key, Write


@dataclass(frozen=True)
class View:
    """What there is.

    groups, lanes: those that are not being deleted. gateways, services: by
    ``namespace/name``. generated: objects of the kinds that the controller generates.
    """

    groups: Sequence[Obj]
    lanes: Sequence[Obj]
    gateways: Mapping[str, Obj]
    services: Mapping[str, Obj]
    pods: Sequence[Obj]
    generated: Mapping[Key, Obj]


@dataclass(frozen=True)
class Decision:
    """What to do: the next writes in order, and the status that each group and lane should have."""

    writes: list[Write]
    statuses: list[tuple[Obj, dict[str, Any]]]


def decide(view: View, version: tuple[int, ...]) -> Decision:
    """The decision for what there is; version: of the instance."""
    wanted: list[Obj] = []
    broken: set[str] = set()
    statuses: list[tuple[Obj, dict[str, Any]]] = []
    lanes = lane_objects.lanes_by_group(view.lanes)
    for resource in view.groups:
        name = resource["metadata"]["name"]
        group = records.to_group(resource, lanes.get(name, ()))
        errors = lane_objects.problems(group)
        if errors:
            broken.add(name)  # what it meant before stays in place until it means something again
        else:
            objects = lane_objects.desired(group, view.services, version)
            wanted += objects
            errors = _obstacles(resource, objects, view)
        members = lane_status.service_pods(records.services(resource), view.services, view.pods)
        statuses.append((resource, lane_status.group_status(errors, members, view.services)))
        for lane in lanes.get(name, ()):
            messages = lane_status.lane_messages(lane, resource, view.services, members)
            statuses.append((lane, {"error": "", "validationMessage": messages}))
    writes = lane_objects.next_writes(wanted, view.generated, frozenset(broken))
    return Decision(writes, statuses + _strays(view, lanes))


def _obstacles(group: Obj, objects: list[Obj], view: View) -> list[str]:
    """What keeps a sound group from working."""
    gateway = group["spec"]["ingress"]["gateway"]
    name = f"{gateway['namespace']}/{gateway['name']}"
    missing = [] if name in view.gateways else [f"gateway rule {name} does not exist"]
    return missing + [
        f"{text} exists and was not made by ASM" for text in lane_objects.foreign(objects, view.generated)
    ]


def _strays(view: View, lanes: Mapping[str, list[Obj]]) -> list[tuple[Obj, dict[str, Any]]]:
    """Statuses of lanes that take part in nothing."""
    groups = {group["metadata"]["name"] for group in view.groups}
    statuses = []
    for lane in view.lanes:
        group, name = records.lane_group_name(lane), records.lane_name(lane)
        if group not in groups:
            error = f"lane group {group or '(none named)'} does not exist"
        elif lane not in lanes[group]:
            error = f"lane group {group} has another lane {name}"
        else:
            continue
        statuses.append((lane, {"error": error, "validationMessage": []}))
    return statuses
