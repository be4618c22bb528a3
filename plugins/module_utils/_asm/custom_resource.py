# Copyright (c) 2026, asm.lanes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Lane groups as custom resources of the mesh's control plane: read and execute a change.

Every write says which version of the resource it is meant for, so that nobody's edit is
lost. When the version does not fit, the group is read again: if only ASM's status has
moved, the write is repeated, else OvertakenError asks for a new plan.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from itertools import count
from typing import Any, TypeVar

from .._kube.client import Api
from .._kube.errors import KubeError
from .._lanes.model import Lane, LaneGroup
from .._lanes.plan import CREATE_GROUP, CREATE_LANE, DELETE_GROUP, DELETE_LANE, UPDATE_GROUP, Change, Plan
from .backend import SETTLED, STANDING, LaneBackend, Observed, OvertakenError
from .client import Record
from .deadline import Deadline
from .errors import AsmError, Kind
from .resource_transforms import (
    API_VERSION,
    GROUP_KIND,
    GROUP_LABEL,
    LANE_KIND,
    MANAGER,
    Resource,
    clusters_of,
    group_from_resources,
    group_spec,
    has_to_be_placed,
    is_ours,
    lane_spec,
    lanes_by_name,
    merge_patch,
    new_group,
    new_lane,
    objections_of,
)
from .retry import RetryPolicy
from .transforms import AnswerError, Call, Cluster

_VERBS = {CREATE_GROUP: "create", CREATE_LANE: "create", DELETE_GROUP: "delete", DELETE_LANE: "delete"}
_GROUP_ACTIONS = (CREATE_GROUP, UPDATE_GROUP, DELETE_GROUP)
_KINDS = {
    "unreachable": Kind.UNREACHABLE,
    "tls": Kind.TLS,
    "unauthorized": Kind.CREDENTIALS,
    "forbidden": Kind.REJECTED,
    "not_found": Kind.REJECTED,
    "api": Kind.REJECTED,
}
_CONFLICT = 409
_Answer = TypeVar("_Answer")


@dataclass
class _Found:
    """The resources of one group as they were last read or written."""

    group: Resource | None = None
    lanes: dict[str, Resource] = field(default_factory=dict)

    def copy(self) -> _Found:
        """The same, not affected by later writes."""
        return _Found(self.group, dict(self.lanes))

    def marks(self, without: Resource | None = None) -> set[tuple[Any, ...]]:
        """What changes whenever somebody edits a resource, and stays when ASM writes a status."""
        everything = [r for r in (self.group, *self.lanes.values()) if r and r is not without]
        return {_mark(resource) for resource in everything}


class CustomResourceLanes(LaneBackend):
    """Lane groups of one mesh, as custom resources.

    api: of the mesh's control plane. find_cluster: asked for the cluster of new services only when
    no service of the group tells. cluster: name or id, to choose among several.
    """

    name = "custom_resource"

    def __init__(
        self,
        api: Api,
        deadline: Deadline,
        find_cluster: Callable[[], Cluster],
        cluster: str | None = None,
        policy: RetryPolicy | None = None,
        settled: float = SETTLED,
        standing: float = STANDING,
    ) -> None:
        super().__init__(deadline, settled, standing)
        self.records: list[Record] = []
        self._api = api
        self._find_cluster = find_cluster
        self._wanted_cluster = cluster
        self._policy = policy or RetryPolicy()
        self._cluster: Cluster | None = None
        self._found = _Found()
        self._former = _Found()

    # --- reading ---

    def observe(self, name: str | None = None) -> list[Observed]:
        """The group of that name, or all by name; [] when there is none."""
        subject = f"lane group {name}" if name else "all lane groups"
        groups = self._groups(name, subject)
        selector = f"{GROUP_LABEL}={name}" if name else None
        lanes: list[Resource] = []
        if groups:
            lanes = self._try(
                f"list {LANE_KIND}",
                subject,
                lambda: self._api.list(API_VERSION, LANE_KIND, label_selector=selector),
            )
        found = [_Found(_typed(group, GROUP_KIND), _lanes_of(group, lanes)) for group in groups]
        if name is not None:
            self._found = found[0] if found else _Found()
        return [self._observed(one) for one in found]

    def _groups(self, name: str | None, subject: str) -> list[Resource]:
        if name is None:
            groups = self._try(f"list {GROUP_KIND}", subject, lambda: self._api.list(API_VERSION, GROUP_KIND))
            return sorted(groups, key=lambda group: str(group["metadata"]["name"]))
        group = self._try(f"get {GROUP_KIND}", subject, lambda: self._api.get(API_VERSION, GROUP_KIND, name))
        return [group] if group else []

    def _observed(self, found: _Found) -> Observed:
        group = found.group or {}
        try:
            parsed = group_from_resources(group, found.lanes.values())
        except (AnswerError, KeyError) as error:
            subject = f"lane group {group['metadata']['name']}"
            hint = "This version of ASM has resources in a form that is not known here: please report it."
            raise AsmError(Kind.UNREADABLE, f"get {GROUP_KIND}", subject, str(error), hint=hint) from None
        return Observed(
            parsed,
            {name: objections_of(lane) for name, lane in found.lanes.items()},
            str((group.get("status") or {}).get("status") or "") or None,
            objections_of(group),
            is_ours(group),
        )

    # --- writing ---

    def prepare(self, plan: Plan) -> None:
        """Everything that can be known to fail before the first write; finds the cluster."""
        # A group that is created anew keeps what our model does not know.
        self._former = self._found.copy() if plan.recreates else _Found()
        placed = [change.after for change in plan.changes if change.after is not None]
        if any(has_to_be_placed(self._spec_of(part), part.services or ()) for part in placed):
            self._cluster = self._choose_cluster()

    def _spec_of(self, part: Lane | LaneGroup) -> Mapping[str, Any]:
        found = self._found.group if isinstance(part, LaneGroup) else self._found.lanes.get(part.name)
        spec: Mapping[str, Any] = (found or {}).get("spec") or {}
        return spec

    def _choose_cluster(self) -> Cluster:
        used = clusters_of(r for r in (self._found.group, *self._found.lanes.values()) if r)
        fitting = [c for c in used if self._wanted_cluster in (None, "", c.name, c.id)]
        return fitting[0] if len(fitting) == 1 and fitting[0].name else self._find_cluster()

    def calls(self, group: str, changes: Iterable[Change]) -> list[Call]:
        """The calls that ``execute`` would make, in order; after ``prepare``."""
        return [Call(_action(change), _subject(group, change), {}) for change in changes]

    def execute(self, group: str, change: Change) -> None:
        """Carry out one change of the group of that name; after ``prepare``."""
        for attempt in count(1):
            before = self._found
            try:
                self._write(group, change)
                return
            except AsmError as error:
                if error.http_status != _CONFLICT and not error.ambiguous:
                    raise
                failure = error
            self.read(group)
            mine = self._resource(change)
            if self._is_there(change, mine):
                before_me = before.group if change.action in _GROUP_ACTIONS else before.lanes.get(change.name)
                if self._found.marks(without=mine) == before.marks(without=before_me):
                    return
                raise self._overtaken(failure)
            if self._found.marks() != before.marks():
                raise self._overtaken(failure)
            pause = self._policy.backoff(attempt)
            if attempt >= self._policy.attempts or not self.deadline.allows(pause):
                failure.notes.append("Whether it took effect is not certain: the next run finds out")
                raise failure
            self.deadline.pause(pause)

    def _write(self, group: str, change: Change) -> None:
        action, subject, now = _action(change), _subject(group, change), self._resource(change)
        if change.after is None:
            if now is not None:
                self._try(action, subject, lambda: self._api.delete(now), once=True)
            self._keep(change, None)
        elif now is None or change.before is None:
            new = self._new(group, change.after)
            self._keep(change, self._try(action, subject, lambda: self._api.create(new, MANAGER), once=True))
        else:
            patch = merge_patch(now["spec"], self._spec(now["spec"], change.after))
            if patch:
                written = self._try(
                    action, subject, lambda: self._api.patch(now, {"spec": patch}, MANAGER), once=True
                )
                self._keep(change, written)

    def _resource(self, change: Change) -> Resource | None:
        """The resource that a change is about, as it was last seen."""
        return self._found.group if change.action in _GROUP_ACTIONS else self._found.lanes.get(change.name)

    def _keep(self, change: Change, resource: Resource | None) -> None:
        if change.action in _GROUP_ACTIONS:
            self._found.group = resource
        elif resource is None:
            self._found.lanes.pop(change.name, None)
        else:
            self._found.lanes[change.name] = resource

    def _new(self, group: str, after: Lane | LaneGroup) -> Resource:
        if isinstance(after, LaneGroup):
            return new_group(after, self._cluster, (self._former.group or {}).get("spec"))
        former = (self._former.lanes.get(after.name) or {}).get("spec")
        return new_lane(group, after, self._cluster, former)

    def _spec(self, spec: Mapping[str, Any], after: Lane | LaneGroup) -> Resource:
        if isinstance(after, LaneGroup):
            return group_spec(spec, after, self._cluster)
        return lane_spec(spec, after, self._cluster)

    def _is_there(self, change: Change, now: Resource | None) -> bool:
        """Whether a change that failed, or seemed to, is in the resource as it is now."""
        if now is None or change.after is None:
            return now is None and change.after is None
        return not merge_patch(now["spec"], self._spec(now["spec"], change.after))

    def _overtaken(self, error: AsmError) -> OvertakenError:
        return OvertakenError(
            Kind.REJECTED,
            error.action,
            error.object,
            "somebody else changed the lane group in the middle of this run",
            http_status=error.http_status,
            code=error.code,
            hint="Nothing of theirs was overwritten. Run again; the plan then starts from what they left.",
        )

    # --- one request ---

    def _try(self, action: str, subject: str, send: Callable[[], _Answer], once: bool = False) -> _Answer:
        """Send a request, again where that may help and is safe. once: ``execute`` sees to that."""
        for attempt in count(1):
            if self.deadline.expired:
                words = f"the task's {self.deadline.seconds:g} s are used up"
                raise AsmError(Kind.DEADLINE, action, subject, words)
            try:
                answer = send()
            except KubeError as caught:
                error = from_kube_error(caught, action, subject)
                self.records.append(Record(action, subject, None, error.code or error.kind))
            else:
                self.records.append(Record(action, subject))
                return answer
            pause = self._policy.pause(error, attempt, repeatable=not once)
            if pause is None or not self.deadline.allows(pause):
                raise error
            self.deadline.pause(pause)
        raise RuntimeError("unreachable")


def from_kube_error(error: KubeError, action: str, subject: str) -> AsmError:
    """The AsmError for what a Kubernetes API answered; its text already says what to do next."""
    kind = _KINDS.get(error.failure, Kind.INVALID)
    if error.status == 429:
        kind = Kind.THROTTLED
    elif error.status and error.status >= 500:
        kind = Kind.SERVER
    elif error.failure == "unreachable" and "timed out" in error.message:
        kind = Kind.TIMEOUT
    message, _dot, hint = error.message.partition(". ")
    return AsmError(kind, action, subject, message, http_status=error.status, code=error.reason, hint=hint)


def _typed(resource: Resource, kind: str) -> Resource:
    """Members of a list may come without their type."""
    return {"apiVersion": API_VERSION, "kind": kind, **resource}


def _lanes_of(group: Resource, lanes: Iterable[Resource]) -> dict[str, Resource]:
    name = group["metadata"]["name"]
    mine = [lane for lane in lanes if (lane["metadata"].get("labels") or {}).get(GROUP_LABEL) == name]
    return {lane: _typed(resource, LANE_KIND) for lane, resource in lanes_by_name(mine).items()}


def _mark(resource: Resource) -> tuple[Any, ...]:
    metadata = resource["metadata"]
    labels = tuple(sorted((metadata.get("labels") or {}).items()))
    return metadata["name"], metadata["uid"], metadata.get("generation"), labels


def _action(change: Change) -> str:
    kind = GROUP_KIND if change.action in _GROUP_ACTIONS else LANE_KIND
    return f"{_VERBS.get(change.action, 'patch')} {kind}"


def _subject(group: str, change: Change) -> str:
    return (
        f"lane group {group}"
        if change.action in _GROUP_ACTIONS
        else f"lane {change.name} of lane group {group}"
    )
