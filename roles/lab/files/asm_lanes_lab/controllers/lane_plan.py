# Copyright (c) 2026, asm.lanes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Pure: from everything that the lane controller sees to the next writes and the statuses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from operator import is_
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


class Meanings:
    """What each group means, worked out anew only when something that it is made of has been replaced.

    Resources are never changed in place (informers replace them), so the same objects mean
    the same. version: of the instance.
    """

    def __init__(self, version: tuple[int, ...]) -> None:
        self._version = version
        self._known: dict[str, tuple[list[Obj | None], list[str], list[Obj]]] = {}

    def of(
        self, resource: Obj, lanes: Sequence[Obj], services: Mapping[str, Obj]
    ) -> tuple[list[str], list[Obj]]:
        """(why the group cannot be routed, the objects that it means): one of the two is empty."""
        name = resource["metadata"]["name"]
        parts = [resource, *lanes, *(services.get(str(ref)) for ref in records.services(resource))]
        known = self._known.get(name)
        if known and len(known[0]) == len(parts) and all(map(is_, known[0], parts)):
            return known[1:]
        group = records.to_group(resource, lanes)
        errors = lane_objects.objections(group)
        objects = [] if errors else lane_objects.desired(group, services, self._version)
        self._known[name] = (parts, errors, objects)
        return errors, objects

    def forget(self, names: set[str]) -> None:
        """Keep only these groups."""
        self._known = {name: known for name, known in self._known.items() if name in names}


def decide(view: View, meanings: Meanings) -> Decision:
    """The decision for what there is."""
    wanted: list[Obj] = []
    broken: set[str] = set()
    statuses: list[tuple[Obj, dict[str, Any]]] = []
    lanes = lane_objects.lanes_by_group(view.lanes)
    for resource in view.groups:
        name = resource["metadata"]["name"]
        errors, objects = meanings.of(resource, lanes.get(name, ()), view.services)
        if errors:
            broken.add(name)  # what it meant before stays in place until it means something again
        else:
            wanted += objects
            errors = _obstacles(resource, objects, view)
        members = lane_status.service_pods(records.services(resource), view.services, view.pods)
        statuses.append((resource, lane_status.group_status(errors, members, view.services)))
        for lane in lanes.get(name, ()):
            messages = lane_status.lane_messages(lane, resource, view.services, members)
            statuses.append((lane, {"error": "", "validationMessage": messages}))
    meanings.forget({group["metadata"]["name"] for group in view.groups})
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
