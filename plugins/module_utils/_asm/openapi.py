# Copyright (c) 2026, asm.lanes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Lane groups behind the ASM OpenAPI: read and execute a change."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from typing import Any

from .._lanes.model import LaneGroup
from .._lanes.plan import UPDATE_GROUP, Change, Plan
from .backend import SETTLED, STANDING, LaneBackend, Observed, OvertakenError, took_effect
from .client import AsmClient
from .errors import AsmError, Kind
from .known_states import OVERWRITING, KnownStates
from .transforms import (
    AnswerError,
    Call,
    Cluster,
    call_for,
    group_from_answer,
    kept_parameters,
    objections_from_answer,
    services_from_answer,
)
from .writable import check_writable

READERS = 4  # lane lists that are read at once; the budget of the client paces them all


class OpenApiLanes(LaneBackend):
    """Lane groups of one mesh, through its OpenAPI.

    cluster: name or id, needed when the mesh has several clusters. known_cluster: the one that is meant,
    where it has been found already.
    """

    name = "openapi"

    def __init__(
        self,
        client: AsmClient,
        cluster: str | None = None,
        known_cluster: Cluster | None = None,
        settled: float = SETTLED,
        standing: float = STANDING,
    ) -> None:
        super().__init__(client.deadline, settled, standing)
        self._client = client
        self._wanted_cluster = cluster
        self._cluster = known_cluster
        self._clusters_in_use: set[Cluster] = set()
        self._item: Mapping[str, Any] = {}
        self._kept: dict[str, str] = {}
        self._known = KnownStates()

    def observe(self, name: str | None = None) -> list[Observed]:
        """The group of that name, or all by name; [] when there is none.

        Absence is taken from the lists, since the codes for "not found" are unknown.
        """
        self._item, self._kept, self._clusters_in_use = {}, {}, set()
        items = self._items(name)
        found = zip(items, self._lanes_of(items), strict=True)
        return [self._observed(item, lanes) for item, lanes in found]

    def _lanes_of(self, items: Sequence[Mapping[str, Any]]) -> list[list[dict[str, Any]]]:
        """The lanes of each group. After a failure no further one is asked for."""
        names = [str(item.get("GroupName")) for item in items]
        if len(names) < 2:
            return [self._lanes(name) for name in names]
        pool = ThreadPoolExecutor(READERS)
        try:
            return list(pool.map(self._lanes, names))
        finally:
            pool.shutdown(cancel_futures=True)

    def _items(self, name: str | None) -> list[dict[str, Any]]:
        groups = self._list("GetSwimLaneGroupList", f"mesh {self._client.mesh_id}", "SwimLaneGroupList")
        chosen = [group for group in groups if name in (None, group.get("GroupName"))]
        return sorted(chosen, key=lambda group: str(group.get("GroupName")))

    def _lanes(self, group: str) -> list[dict[str, Any]]:
        return self._list("GetSwimLaneList", f"lane group {group}", "SwimLaneList", group_name=group)

    def _observed(self, item: Mapping[str, Any], lanes: list[dict[str, Any]]) -> Observed:
        self._item, self._kept = item, kept_parameters(item)
        objections = {
            str(lane.get("Name")): objections_from_answer(lane.get("ValidationMessage")) for lane in lanes
        }
        group, self._clusters_in_use = _parse(item, lanes)
        return Observed(group, objections)

    def _list(self, action: str, obj: str, key: str, **parameters: Any) -> list[dict[str, Any]]:
        items: list[dict[str, Any]] = self._client.call(action, obj, **parameters).get(key) or []
        return items

    def check(self, plan: Plan) -> None:
        """Raises NotWritableError for what this API cannot express."""
        check_writable(plan)

    def prepare(self, plan: Plan) -> None:
        """Everything that can be known to fail before the first write; finds the cluster.

        Raises NotWritableError for what this API cannot express.
        """
        self.check(plan)
        self._known.add(plan)
        if any(change.after is not None for change in plan.changes):
            self._cluster = self._cluster or find_cluster(self._client, self._wanted_cluster)
            self._check_cluster(self._cluster)

    def _check_cluster(self, cluster: Cluster) -> None:
        # A write states the cluster of every service, so it would silently move those of another one.
        elsewhere = sorted(str(c) for c in self._clusters_in_use if c.id != cluster.id)
        if elsewhere:
            raise AsmError(
                Kind.INVALID,
                "GetSwimLaneGroupList",
                f"mesh {self._client.mesh_id}",
                f"the group has services in {', '.join(elsewhere)}, but would be written to {cluster}",
                hint="Name the cluster that the group uses; a group over several is not supported.",
            )

    def calls(self, group: str, changes: Iterable[Change]) -> list[Call]:
        """The calls that ``execute`` would make, in order; after ``prepare``."""
        asked = (change for change in changes if not change.by_itself)
        return [call_for(change, group, self._cluster, self._kept) for change in asked]

    def execute(self, group: str, change: Change) -> None:
        """Carry out one change of the group of that name; after ``prepare``.

        After an ambiguous failure it reads back before it writes again, so that nothing is
        done twice and nothing that succeeded is reported as failed. It looks before it
        overwrites, since nothing else shows what others did since the plan; so it sees, too, what ASM
        has brought about by itself.
        """
        if change.action in OVERWRITING:
            found = self._look(group, change)
            self._refuse_strangers(found, group, change)
            if change.by_itself and found is not None and _is_so(found, change):
                return
        call = call_for(change, group, self._cluster, self._kept)
        doubtful = False
        for attempt in count(1):
            try:
                self._client.call(call.action, call.object, **call.parameters)
                return
            except AsmError as error:
                doubtful = doubtful or error.ambiguous
                if not doubtful:
                    raise
                if self._took_effect(group, change, error):
                    return
                pause = self._client.policy.backoff(attempt)
                last = attempt >= self._client.policy.attempts or not self._client.deadline.allows(pause)
                if last or not error.ambiguous:
                    error.notes.append("Whether it took effect is not certain: the next run finds out")
                    raise
            self._client.deadline.pause(pause)

    def _refuse_strangers(self, found: LaneGroup | None, group: str, change: Change) -> None:
        stranger = self._known.stranger(found, change)
        if stranger:
            call = call_for(change, group, self._cluster, self._kept)
            raise OvertakenError(
                Kind.REJECTED,
                call.action,
                call.object,
                f"somebody else changed the lane group in the middle of this run: {stranger}",
                hint="Nothing of theirs was overwritten. Run again, to plan from what they left.",
            )

    def _look(self, group: str, change: Change) -> LaneGroup | None:
        """The group as far as the change overwrites it: its own fields, or its lanes. One read."""
        if change.action != UPDATE_GROUP:
            return _parse(self._item, self._lanes(group))[0]
        item = next(iter(self._items(group)), None)
        self._kept = kept_parameters(item or {})
        return _parse(item, [])[0] if item else None

    def _took_effect(self, group: str, change: Change, error: AsmError) -> bool:
        try:
            found = self.read(group)
        except AsmError as second:
            error.notes.append(f"Reading back failed too ({second.code or second.kind})")
            raise error from None
        return took_effect(found, change)


def _is_so(found: LaneGroup, change: Change) -> bool:
    return all(getattr(found, field) == getattr(change.after, field) for field in change.fields)


def _parse(item: Mapping[str, Any], lanes: Sequence[Mapping[str, Any]]) -> tuple[LaneGroup, set[Cluster]]:
    """A group from its answers, and the clusters that its services are in. Raises AsmError."""
    try:
        clusters = {cluster for entry in (item, *lanes) for cluster, _service in services_from_answer(entry)}
        return group_from_answer(item, lanes), clusters
    except AnswerError as error:
        raise AsmError(
            Kind.UNREADABLE,
            "GetSwimLaneGroupList",
            f"lane group {item.get('GroupName')}",
            str(error),
            hint="This version of ASM answers in a form that is not known here: please report it.",
        ) from None


def find_cluster(client: AsmClient, wanted: str | None) -> Cluster:
    """The one cluster of the mesh, or the one of that name or id. Raises AsmError."""
    action, subject = "DescribeClustersInServiceMesh", f"mesh {client.mesh_id}"
    items: list[dict[str, Any]] = client.call(action, subject).get("Clusters") or []
    clusters = [Cluster(str(item.get("Name")), str(item.get("ClusterId"))) for item in items]
    found = [c for c in clusters if wanted in (None, "", c.name, c.id)]
    if len(found) == 1:
        return found[0]
    names = ", ".join(str(c) for c in clusters)
    if not clusters:
        message, hint = "the mesh has no cluster", "Add the Kubernetes cluster of the services to the mesh."
    elif wanted and not found:
        message, hint = f"the mesh has no cluster {wanted!r}, only {names}", "Name one of them in cluster."
    else:
        message = f"the mesh has {len(found)} clusters that may be meant: {names}"
        hint = "Say in the cluster option, by id, where the services are."
    raise AsmError(Kind.INVALID, action, subject, message, hint=hint)
