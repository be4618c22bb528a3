# Copyright (c) 2026, asm.lanes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the actions work on: the instance, its clusters, and the lane resources in the mesh's API."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any, Literal

from asm_lanes_lab.client import Cluster, ClusterError
from asm_lanes_lab.domain import problems, words
from asm_lanes_lab.settings import Settings

from . import errors, records
from .errors import ApiError

REGION = "cn-hangzhou"
_ATTEMPTS = 5  # at an edit that others keep overtaking

Resource = dict[str, Any]


@dataclass(frozen=True)
class Behaviour:
    """Switches for what nobody knows of the real service (assumed, each of them).

    group_delete: lanes that are left go with their group, or keep it from going.
    baseline_delete: the baseline may only go last, or any time.
    """

    group_delete: Literal["cascade", "refuse"] = "cascade"
    baseline_delete: Literal["last", "any"] = "last"


@dataclass(frozen=True)
class Context:
    """One ASM instance with its one cluster. mesh, cluster: their Kubernetes APIs."""

    settings: Settings
    mesh: Cluster
    cluster: Cluster
    behaviour: Behaviour = Behaviour()
    started: datetime = field(default_factory=lambda: datetime.now(timezone.utc))

    @property
    def clusters(self) -> dict[str, str]:
        """id -> name of the clusters in the mesh."""
        return {self.settings.cluster_id: self.settings.cluster_name}

    @property
    def default_cluster(self) -> tuple[str, str]:
        """(name, id) of the cluster that a service without one is in."""
        return self.settings.cluster_name, self.settings.cluster_id

    def need_version(self, minimum: tuple[int, ...], what: str) -> None:
        """Refuse what the instance's version does not have yet."""
        if version(self.settings.mesh_version) < minimum:
            text = ".".join(map(str, minimum))
            raise errors.conflict(f"{what} needs ASM {text} or later, this is {self.settings.mesh_version}.")

    async def groups(self) -> list[Resource]:
        """All lane groups, oldest first."""
        return sorted(await self.mesh.list(records.API_VERSION, records.GROUP_KIND), key=_age)

    async def group(self, name: str) -> Resource:
        """A lane group; ApiError when there is none."""
        found = await self.mesh.get(records.API_VERSION, records.GROUP_KIND, name)
        if found is None:
            raise errors.not_found("SwimLaneGroup", name)
        return found

    async def lanes(self, group: str) -> list[Resource]:
        """The lanes of a group, oldest first."""
        selector = f"{records.GROUP_LABEL}={group}"
        found = await self.mesh.list(records.API_VERSION, records.LANE_KIND, label_selector=selector)
        return sorted(found, key=_age)

    async def group_and_lanes(self, name: str) -> tuple[Resource, list[Resource]]:
        """A lane group and its lanes, oldest first; ApiError when there is no such group."""
        return await asyncio.gather(self.group(name), self.lanes(name))

    async def lane(self, group: str, name: str) -> Resource:
        """A lane of a group; ApiError when there is no such group or lane."""
        _group, lanes = await self.group_and_lanes(group)
        found = find_lane(lanes, name)
        if found is None:
            raise errors.not_found("SwimLane", f"{group}/{name}")
        return found

    async def edit_group(
        self,
        name: str,
        change: Callable[[Resource, list[Resource]], None],
        read: tuple[Resource, list[Resource]] | None = None,
    ) -> None:
        """Read a group with its lanes, change the group in place, write it back; again when overtaken.

        read: both, where they have just been read.
        """
        for _attempt in range(_ATTEMPTS):
            group, lanes = read or await self.group_and_lanes(name)
            read = None
            change(group, lanes)
            if await self._replace(group):
                return
        raise errors.unavailable(f"Lane group {name} is being changed by others all the time.")

    async def edit_lane(self, group: str, name: str, change: Callable[[Resource, Resource], None]) -> None:
        """Read a lane with its group, change the lane in place, write it back; again when overtaken."""
        for _attempt in range(_ATTEMPTS):
            owner, lane = await asyncio.gather(self.group(group), self.lane(group, name))
            change(owner, lane)
            if await self._replace(lane):
                return
        raise errors.unavailable(f"Lane {group}/{name} is being changed by others all the time.")

    async def _replace(self, resource: Resource) -> bool:
        try:
            await self.mesh.replace(resource)
        except ClusterError as error:
            if error.status == 409:
                return False
            raise
        return True


def find_lane(lanes: list[Resource], name: str) -> Resource | None:
    """The lane of that name, or None."""
    return next((lane for lane in lanes if records.lane_name(lane) == name), None)


def check_syntax(spec: Mapping[str, Any], parameters: Mapping[str, str]) -> None:
    """Names, headers and labels by the domain's rules (assumed: the service's own are unknown).

    parameters: ending of the domain's path -> parameter of the API, for the error.
    """
    try:
        words.parse(spec)
    except problems.SpecError as error:
        problem = error.problems[0]
        name = next((p for path, p in parameters.items() if problem.path.endswith(path)), "")
        text = f"{problem.message}."
        raise errors.invalid(name, text, f"{problem.remedy}.") if name else errors.conflict(text) from None


def version(text: str) -> tuple[int, ...]:
    """The numbers of a version such as ``v1.22.6.90-g0000000-aliyun``."""
    match = re.match(r"v?(\d+(?:\.\d+)*)", text)
    return tuple(map(int, match[1].split("."))) if match else ()


def from_cluster_error(error: ClusterError, resource: str) -> ApiError:
    """A refusal of the Kubernetes API in the OpenAPI's shape (assumed)."""
    if error.status == 409:
        return errors.already_exists("Resource", resource)
    if error.status == 404:
        return errors.not_found("Resource", resource)
    if 400 <= error.status < 500:
        return errors.conflict(error.message)
    return errors.unavailable(f"The mesh's Kubernetes API does not answer: {error.message}")


def _age(resource: Mapping[str, Any]) -> tuple[str, str]:
    return resource["metadata"].get("creationTimestamp", ""), resource["metadata"]["name"]
