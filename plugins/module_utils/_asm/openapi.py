# Copyright (c) 2026, asm.lanes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Lane groups behind the ASM OpenAPI: read, execute a change, wait for the result."""

from __future__ import annotations

import time
from collections.abc import Iterable
from itertools import count
from typing import Any

from .._lanes.model import Lane, LaneGroup, Problem, SpecError
from .._lanes.plan import (
    CREATE_GROUP,
    DELETE_GROUP,
    DELETE_LANE,
    Change,
    CreateOnlyError,
    Plan,
    make_plan,
)
from .client import AsmClient
from .errors import AsmError, Kind
from .transforms import (
    AnswerError,
    Call,
    Cluster,
    Objection,
    call_for,
    group_from_answer,
    kept_parameters,
    objections_from_answer,
    services_from_answer,
)

# ASM's objects are reconciled by a controller, which says nothing of when it has looked (inferred). So
# neither the first sight of a lane without objection counts, nor that of an objection: seconds for
# which either must stand.
SETTLED = 0.5
STANDING = 10.0
FIRST_POLL, SLOWEST_POLL = 0.1, 2.0  # seconds between two looks at what became of the changes


class OpenApiLanes:
    """Lane groups of one mesh.

    cluster: name or id, needed when the mesh has several clusters. settled, standing: see
    the constants. All methods raise AsmError.
    """

    def __init__(
        self,
        client: AsmClient,
        cluster: str | None = None,
        settled: float = SETTLED,
        standing: float = STANDING,
    ) -> None:
        self._client = client
        self._wanted_cluster = cluster
        self._cluster: Cluster | None = None
        self._clusters_in_use: set[Cluster] = set()
        self._kept: dict[str, str] = {}
        self._settled = settled
        self._standing = standing
        self.objections: dict[str, tuple[Objection, ...]] = {}
        """Lane name -> what ASM has against it, as of the last read."""

    def read(self, name: str) -> LaneGroup | None:
        """The group as it is now, None when there is none.

        Its absence is taken from the lists, since the codes for "not found" are unknown.
        """
        groups = self._list("GetSwimLaneGroupList", f"mesh {self._client.mesh_id}", "SwimLaneGroupList")
        item = next((group for group in groups if group.get("GroupName") == name), None)
        if item is None:
            self._kept, self.objections, self._clusters_in_use = {}, {}, set()
            return None
        lanes = self._list("GetSwimLaneList", f"lane group {name}", "SwimLaneList", group_name=name)
        self.objections = {
            str(lane.get("Name")): objections_from_answer(lane.get("ValidationMessage")) for lane in lanes
        }
        self._kept = kept_parameters(item)
        try:
            self._clusters_in_use = {
                c for entry in (item, *lanes) for c, _service in services_from_answer(entry)
            }
            return group_from_answer(item, lanes)
        except AnswerError as error:
            raise AsmError(
                Kind.UNREADABLE,
                "GetSwimLaneGroupList",
                f"lane group {name}",
                str(error),
                hint="This version of ASM answers in a form that is not known here: please report it.",
            ) from None

    def _list(self, action: str, obj: str, key: str, **parameters: Any) -> list[dict[str, Any]]:
        items: list[dict[str, Any]] = self._client.call(action, obj, **parameters).get(key) or []
        return items

    def prepare(self, plan: Plan) -> None:
        """Everything that can be known to fail before the first write; finds the cluster.

        Raises SpecError for what this API cannot express.
        """
        _check_labels(plan)
        if any(change.after is not None for change in plan.changes):
            self._cluster = self._find_cluster()
            self._check_cluster(self._cluster)

    def _find_cluster(self) -> Cluster:
        action, subject = "DescribeClustersInServiceMesh", f"mesh {self._client.mesh_id}"
        items = self._list(action, subject, "Clusters")
        clusters = [Cluster(str(item.get("Name")), str(item.get("ClusterId"))) for item in items]
        wanted = self._wanted_cluster
        found = [c for c in clusters if wanted in (None, "", c.name, c.id)]
        if len(found) == 1:
            return found[0]
        names = ", ".join(str(c) for c in clusters)
        if not clusters:
            message, hint = (
                "the mesh has no cluster",
                "Add the Kubernetes cluster of the services to the mesh.",
            )
        elif wanted and not found:
            message, hint = (
                f"the mesh has no cluster {wanted!r}, only {names}",
                "Name one of them in cluster.",
            )
        else:
            message = f"the mesh has {len(found)} clusters that may be meant: {names}"
            hint = "Say in the cluster option, by id, where the services are."
        raise AsmError(Kind.INVALID, action, subject, message, hint=hint)

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
        return [call_for(change, group, self._cluster, self._kept) for change in changes]

    def execute(self, group: str, change: Change) -> None:
        """Carry out one change of the group of that name; after ``prepare``.

        After an ambiguous failure it reads back before it writes again, so that nothing is
        done twice and nothing that succeeded is reported as failed.
        """
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

    def _took_effect(self, group: str, change: Change, error: AsmError) -> bool:
        try:
            found = self.read(group)
        except AsmError as second:
            error.notes.append(f"Reading back failed too ({second.code or second.kind})")
            raise error from None
        return took_effect(found, change)

    def wait_for(self, plan: Plan, name: str, purge_lanes: bool) -> None:
        """Return when what the plan asked for is there and ASM has no serious objection to any lane.

        Raises AsmError with the last state seen when the deadline passes, or when an objection stands.
        """
        pause, complete_since = FIRST_POLL, None
        deadline = self._client.deadline
        while True:
            missing = still_missing(self.read(name), plan, purge_lanes)
            complete_since = None if missing else complete_since or time.monotonic()
            stands_for = time.monotonic() - complete_since if complete_since else 0.0
            serious = self._serious()
            if complete_since and not serious and (plan.after is None or stands_for >= self._settled):
                return
            # The next look takes time, too.
            if (serious and stands_for >= self._standing) or not deadline.allows(2 * pause):
                raise self._unfinished(name, missing, serious)
            deadline.pause(pause)
            pause = min(pause * 1.6, SLOWEST_POLL)

    def _serious(self) -> str:
        return "; ".join(
            f"lane {lane}: {objection.text}"
            for lane, objections in sorted(self.objections.items())
            for objection in objections
            if objection.serious
        )

    def _unfinished(self, name: str, missing: str | None, serious: str) -> AsmError:
        if serious and not missing:
            return AsmError(
                Kind.INVALID,
                "Waiting",
                f"lane group {name}",
                f"ASM has stored the lanes but objects: {serious}",
                hint="Check that the services exist in the mesh and that their pods carry the lanes' labels.",
            )
        within = f"within {self._client.deadline.seconds:g} s"
        what = missing or "whether ASM objects to a lane"
        message = f"all calls succeeded, but {within} not everything is there: {what}"
        return AsmError(Kind.DEADLINE, "Waiting", f"lane group {name}", message)


def _check_labels(plan: Plan) -> None:
    lanes = [change.after for change in plan.changes if isinstance(change.after, Lane)]
    problems = {
        lane.name: Problem(
            f"lanes[{lane.name}].label_selector",
            f"has {len(lane.label_selector)} labels ({', '.join(lane.labels)})",
            "The ASM OpenAPI takes exactly one label for a lane: choose one that tells its pods apart.",
        )
        for lane in lanes
        if len(lane.label_selector) != 1
    }
    if problems:
        raise SpecError(f"lane group {(plan.after or plan.before or LaneGroup('')).name}", problems.values())


def took_effect(found: LaneGroup | None, change: Change) -> bool:
    """Whether the change is to be seen in the state that was read back."""
    if change.action in (CREATE_GROUP, DELETE_GROUP):
        return (found is None) == (change.after is None)
    if change.action == DELETE_LANE:
        return found is None or found.lane(change.name) is None
    if found is None:
        return False
    if isinstance(change.after, Lane):
        return found.lane(change.name) == change.after
    return all(getattr(found, field) == getattr(change.after, field) for field in change.fields)


def still_missing(found: LaneGroup | None, plan: Plan, purge_lanes: bool) -> str | None:
    """What of the plan's outcome is not there yet, in words; None when nothing is missing."""
    if plan.after is None:
        return "it still exists" if found else None
    if found is None:
        return "it does not exist"
    try:
        left = make_plan(found, plan.after, purge_lanes).changes
    except (SpecError, CreateOnlyError) as error:
        return str(error)
    return "; ".join(change.describe() for change in left) or None
