# Copyright (c) 2026, asm.lanes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the two ways to lane groups have in common: the interface, and the wait for the outcome."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from .._lanes.model import Lane, LaneGroup
from .._lanes.plan import CREATE_GROUP, DELETE_GROUP, DELETE_LANE, Change, CreateOnlyError, Plan, make_plan
from .._lanes.problems import SpecError
from .deadline import Deadline
from .errors import AsmError, Kind
from .transforms import Objection

# ASM's objects are reconciled by a controller, which says nothing of when it has looked (inferred). So
# neither the first sight of a lane without objection counts, nor that of an objection: seconds for
# which either must stand.
SETTLED = 0.5
STANDING = 15.0
FIRST_POLL, SLOWEST_POLL = 0.1, 2.0  # seconds between two looks at what became of the changes


class Described(Protocol):
    """A call, for people."""

    @property
    def action(self) -> str: ...
    @property
    def object(self) -> str: ...


@dataclass(frozen=True)
class Observed:
    """A lane group as it was found.

    objections: lane name -> what ASM has against the lane. status, errors: of the group; status is
    None where the way to the mesh does not show one. ours: whether this collection made the group,
    None where that cannot be told.
    """

    group: LaneGroup
    objections: Mapping[str, tuple[Objection, ...]] = field(default_factory=dict)
    status: str | None = None
    errors: tuple[Objection, ...] = ()
    ours: bool | None = None


class OvertakenError(AsmError):
    """Somebody else changed the group in the middle of the run: what was planned no longer fits."""


class LaneReader(ABC):
    """Lane groups of one mesh, to read and to plan. All methods raise AsmError.

    seen: what the last ``read`` found.
    """

    seen: Observed | None = None

    @property
    def objections(self) -> Mapping[str, tuple[Objection, ...]]:
        """Lane name -> what ASM has against it, as of the last read."""
        return self.seen.objections if self.seen else {}

    @abstractmethod
    def observe(self, name: str | None = None) -> list[Observed]:
        """The group of that name, or all by name; [] when there is none."""

    @abstractmethod
    def prepare(self, plan: Plan) -> None:
        """Everything that can be known to fail before the first write.

        Raises SpecError for what this way cannot express.
        """

    def read(self, name: str) -> LaneGroup | None:
        """The group as it is now, None when there is none."""
        self.seen = next(iter(self.observe(name)), None)
        return self.seen.group if self.seen else None


class LaneBackend(LaneReader):
    """A way to lane groups that can change them, too.

    settled, standing: see the constants.
    """

    name: str

    def __init__(self, deadline: Deadline, settled: float = SETTLED, standing: float = STANDING) -> None:
        self.deadline = deadline
        self._settled = settled
        self._standing = standing

    def check(self, plan: Plan) -> None:
        """Raises SpecError for what this way cannot express; makes no calls. By default it can everything."""

    @abstractmethod
    def calls(self, group: str, changes: Iterable[Change]) -> Iterable[Described]:
        """The calls that ``execute`` would make, in order; after ``prepare``."""

    @abstractmethod
    def execute(self, group: str, change: Change) -> None:
        """Carry out one change of the group of that name; after ``prepare``.

        Raises OvertakenError when the state is no longer the one that was planned from.
        """

    def wait_until_gone(self, name: str) -> None:
        """Return when there is no group of that name."""
        pause = FIRST_POLL
        while self.read(name) is not None:
            if not self.deadline.allows(2 * pause):
                raise self._late(name, "it still exists")
            self.deadline.pause(pause)
            pause = min(pause * 1.6, SLOWEST_POLL)

    def wait_for(self, plan: Plan, name: str, purge_lanes: bool) -> None:
        """Return when what the plan asked for is there and ASM has no serious objection to any of it.

        Raises AsmError with the last state seen when the deadline passes, or when an objection stands.
        """
        pause = FIRST_POLL
        complete_since: float | None = time.monotonic()
        # A look before that would decide nothing.
        if plan.after is not None and self.deadline.allows(2 * self._settled):
            self.deadline.pause(self._settled)
        while True:
            missing = still_missing(self.read(name), plan, purge_lanes)
            complete_since = None if missing else complete_since or time.monotonic()
            stands_for = time.monotonic() - complete_since if complete_since else 0.0
            serious = self._serious()
            if complete_since and not serious and (plan.after is None or stands_for >= self._settled):
                return
            # The next look takes time, too.
            if (serious and stands_for >= self._standing) or not self.deadline.allows(2 * pause):
                raise self._unfinished(name, missing, serious)
            self.deadline.pause(pause)
            pause = min(pause * 1.6, SLOWEST_POLL)

    def _serious(self) -> str:
        errors = self.seen.errors if self.seen else ()
        return "; ".join(
            f"{subject}{objection.text}"
            for subject, objections in [
                ("", errors),
                *((f"lane {n}: ", o) for n, o in sorted(self.objections.items())),
            ]
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
        return self._late(name, missing or "whether ASM objects to a lane")

    def _late(self, name: str, what: str) -> AsmError:
        within = f"within {self.deadline.seconds:g} s"
        message = f"all calls succeeded, but {within} not everything is there: {what}"
        return AsmError(Kind.DEADLINE, "Waiting", f"lane group {name}", message)


def took_effect(found: LaneGroup | None, change: Change) -> bool:
    """Whether the change is to be seen in the state that was read back."""
    if change.action in (CREATE_GROUP, DELETE_GROUP):
        return (found is None) == (change.after is None)
    if change.action == DELETE_LANE:
        return found is None or found.lane(change.name) is None
    if found is None:
        return False
    if isinstance(change.after, Lane):
        return _same_lane(found.lane(change.name), change.after)
    return all(getattr(found, field) == getattr(change.after, field) for field in change.fields)


def _same_lane(found: Lane | None, lane: Lane) -> bool:
    # Where one of the two does not know a lane's rules or weight, they cannot be compared.
    if found is None or (found.label_selector, found.services) != (lane.label_selector, lane.services):
        return False
    pairs = ((found.ingress_rules, lane.ingress_rules), (found.ingress_weight, lane.ingress_weight))
    return all(one is None or other is None or one == other for one, other in pairs)


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
