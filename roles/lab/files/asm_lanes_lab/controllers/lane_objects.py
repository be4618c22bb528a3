# Copyright (c) 2026, asm.lanes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Pure decisions of the lane controller: what a lane group means, and the next writes on the way there."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from ..asm import records
from ..domain import entry, model, problems, routing, words
from ..objects import Obj, path_of

#: API version by kind of everything that the controller generates.
GENERATED = {
    "DestinationRule": routing.ISTIO_API_VERSION,
    "VirtualService": routing.ISTIO_API_VERSION,
    "ASMHeaderPropagation": "istio.alibabacloud.com/v1beta1",
    "TrafficLabel": "istio.alibabacloud.com/v1beta1",
}
#: The first version with ASMHeaderPropagation (documented).
PROPAGATION_SINCE = (1, 21, 6, 54)

#: Annotation of a generated object that is left as it is, whatever it says.
HANDS_OFF = "lab.asm.lanes/hands-off"

Key = tuple[str, str, str]
"""Kind, namespace, name."""


@dataclass(frozen=True)
class Write:
    """One write to the mesh's Kubernetes API; obj is what to create, to replace or to delete."""

    verb: Literal["create", "replace", "delete"]
    obj: Obj


def key_of(obj: Mapping[str, Any]) -> Key:
    """The place of a generated object."""
    return obj["kind"], obj["metadata"].get("namespace") or "", obj["metadata"]["name"]


def lanes_by_group(lanes: Iterable[Obj]) -> dict[str, list[Obj]]:
    """Lanes of each group, oldest first; of lanes with one name in a group, only the oldest."""
    found: dict[str, dict[str, Obj]] = {}
    for lane in sorted(lanes, key=_age):
        found.setdefault(records.lane_group_name(lane), {}).setdefault(records.lane_name(lane), lane)
    return {group: list(by_name.values()) for group, by_name in found.items()}


def _age(obj: Obj) -> tuple[str, str]:
    return obj["metadata"].get("creationTimestamp", ""), obj["metadata"]["name"]


def objections(group: model.LaneGroup) -> list[str]:
    """Why a group cannot be routed at all; [] when it can."""
    if group.permissive and not group.route_header:
        return ["routeHeader is missing, which permissive mode needs"]
    try:
        words.parse(words.as_spec(group))
    except problems.SpecError as error:
        return [str(problem) for problem in error.problems]
    return []


def desired(group: model.LaneGroup, services: Mapping[str, Obj], version: tuple[int, ...]) -> list[Obj]:
    """Everything that a group means.

    services: the cluster's Services by ``namespace/name``. version: of the instance, which
    decides whether header propagation exists.
    """
    selectors = {
        service: (services[str(service)]["spec"].get("selector") or {})
        for service in group.services or ()
        if str(service) in services
    }
    propagations = routing.header_propagations(group, selectors) if version >= PROPAGATION_SINCE else []
    return [
        *routing.destination_rules(group),
        *propagations,
        *routing.traffic_labels(group, selectors),
        *routing.virtual_services(group),
        *entry.ingress_virtual_services(group),
    ]


def is_generated(obj: Mapping[str, Any]) -> bool:
    """Whether the lane controller made the object, going by its labels (documented)."""
    labels = obj["metadata"].get("labels") or {}
    return labels.get("provider") == "asm" and routing.GROUP_LABEL in labels


def next_writes(
    wanted: Iterable[Obj], existing: Mapping[Key, Obj], kept_groups: frozenset[str] = frozenset()
) -> list[Write]:
    """The next writes from what exists to what is wanted; none when there is nothing to do.

    A subset exists before a route refers to it and goes only when none does any more:
    narrowing and deleting DestinationRules waits for a later round, when the
    VirtualServices that exist have let go. kept_groups: groups whose objects stay as they
    are. Objects of the same name that others made are left alone (see ``foreign``).
    """
    routes = _referenced(obj for obj in existing.values() if is_generated(obj))
    targets = {key_of(obj): obj for obj in wanted}
    first: list[Write] = []
    later: list[Write] = []
    for key, obj in targets.items():
        if key[0] == "DestinationRule" and key in existing:
            obj = _with_needed_subsets(obj, existing[key], routes)
        write = _write(existing.get(key), obj)
        if write:
            (later if key[0] == "VirtualService" else first).append(write)
    gone = [
        Write("delete", obj)
        for key, obj in existing.items()
        if key not in targets and is_generated(obj) and _group_of(obj) not in kept_groups
    ]
    routes_gone = [write for write in gone if write.obj["kind"] == "VirtualService"]
    rest_gone = [
        write for write in gone if write.obj["kind"] != "VirtualService" and _free(write.obj, routes)
    ]
    return [*first, *later, *routes_gone, *rest_gone]


def foreign(wanted: Iterable[Obj], existing: Mapping[Key, Obj]) -> list[str]:
    """Objects that stand in the way because others made them under the same name."""
    names = []
    for obj in wanted:
        there = existing.get(key_of(obj))
        if there is not None and not is_generated(there):
            names.append(f"{obj['kind']} {path_of(obj)}")
    return names


def _write(there: Obj | None, obj: Obj) -> Write | None:
    if there is None:
        return Write("create", obj)
    labels = there["metadata"].get("labels") or {}
    if not is_generated(there) or _is_let_alone(there):
        return None
    if there["spec"] == obj["spec"] and obj["metadata"]["labels"].items() <= labels.items():
        return None
    metadata = {**there["metadata"], "labels": {**labels, **obj["metadata"]["labels"]}}
    return Write("replace", {**obj, "metadata": metadata})


def _is_let_alone(obj: Obj) -> bool:
    """Whether an edit of the object is to stay: a fault, for tests of whoever looks for edits."""
    return (obj["metadata"].get("annotations") or {}).get(HANDS_OFF) == "true"


def _group_of(obj: Mapping[str, Any]) -> str:
    return str(obj["metadata"]["labels"][routing.GROUP_LABEL])


def _referenced(objects: Iterable[Obj]) -> set[tuple[str, str, str]]:
    """(group, host, subset) of every route of the VirtualServices among the generated objects."""
    return {
        (_group_of(obj), target.get("host", ""), target["subset"])
        for obj in objects
        if obj["kind"] == "VirtualService"
        for target in _targets(obj)
        if target.get("subset")
    }


def hosts(virtual_service: Obj) -> set[str]:
    """The hosts that a VirtualService routes to."""
    return {target["host"] for target in _targets(virtual_service) if target.get("host")}


def _targets(virtual_service: Obj) -> Iterator[Mapping[str, Any]]:
    for route in virtual_service["spec"].get("http") or ():
        for leg in route.get("route") or ():
            yield leg.get("destination") or {}
            yield (leg.get("fallback") or {}).get("target") or {}


def _with_needed_subsets(obj: Obj, there: Obj, routes: set[tuple[str, str, str]]) -> Obj:
    """The wanted rule, with those of the existing subsets that routes still refer to."""
    spec = obj["spec"]
    names = {subset["name"] for subset in spec["subsets"]}
    needed = [
        subset
        for subset in there["spec"].get("subsets") or ()
        if subset["name"] not in names and (_group_of(obj), spec["host"], subset["name"]) in routes
    ]
    return {**obj, "spec": {**spec, "subsets": [*spec["subsets"], *needed]}} if needed else obj


def _free(obj: Obj, routes: set[tuple[str, str, str]]) -> bool:
    owner = (_group_of(obj), obj["spec"].get("host"))
    return obj["kind"] != "DestinationRule" or all(route[:2] != owner for route in routes)
