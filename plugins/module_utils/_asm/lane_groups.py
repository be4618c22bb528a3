# Copyright (c) 2026, asm.lanes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Many lane groups as desired states: one look at all of them, then only those that differ.

An unchanged run costs one read per group and one for their list, where a run per group
would read the list every time.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from .._lanes.plan import CreateOnlyError, Plan
from .._lanes.problems import Problem, SpecError
from .backend import LaneBackend, LaneReader, Observed
from .lane_group import Run, Wish, ensure, look, objections, wish_from
from .writable import NotWritableError

SUBJECT = "the list of lane groups"


class ObservedLanes(LaneReader):
    """Lane groups as one look at the mesh found them, to plan for a backend."""

    def __init__(self, backend: LaneBackend) -> None:
        self._backend = backend
        self._found = {observed.group.name: observed for observed in backend.observe()}

    def observe(self, name: str | None = None) -> list[Observed]:
        """The group of that name, or all by name; [] when there is none."""
        if name is None:
            return [observed for _name, observed in sorted(self._found.items())]
        return [self._found[name]] if name in self._found else []

    def prepare(self, plan: Plan) -> None:
        """Raises SpecError for what the backend cannot express."""
        self._backend.check(plan)


def wishes_from(groups: Sequence[Mapping[str, Any]], wait: bool) -> list[Wish]:
    """The wishes in a module's option ``groups``. Raises one SpecError with the problems of all groups."""
    wishes, problems = [], _repeated([str(group["name"]) for group in groups])
    for group in groups:
        try:
            wishes.append(wish_from({**group, "wait": wait}))
        except SpecError as error:
            problems += _within(group["name"], error)
    if problems:
        raise SpecError(SUBJECT, problems)
    return wishes


def ensure_all(backend: LaneBackend, wishes: Sequence[Wish], runs: list[Run], check_mode: bool) -> None:
    """Make all groups as wished, in order, appending to ``runs`` one run for each wish that was begun.

    All wishes are planned before anything is written. Raises as ``ensure`` does, but always one
    SpecError with the problems of all groups, also for what only a new group could have;
    NotWritableError when the backend cannot express some of it.
    """
    if not wishes:
        return
    seen = ObservedLanes(backend)
    differing = _differing(seen, wishes)
    for wish in wishes:
        name = wish.group.name
        runs.append(Run())
        try:
            if name in differing:
                # This reads once more: the first look may be long ago by then.
                ensure(backend, wish, runs[-1], check_mode)
                continue
            look(seen, wish, runs[-1])
            runs[-1].warnings += [] if check_mode else objections(seen)
        except (SpecError, CreateOnlyError) as error:
            raise SpecError(SUBJECT, _within(name, error)) from None


def _differing(seen: ObservedLanes, wishes: Iterable[Wish]) -> set[str]:
    """Names of the groups that are not as wished."""
    names: set[str] = set()
    problems: list[Problem] = []
    sort: type[SpecError] = SpecError
    for wish in wishes:
        name, run = wish.group.name, Run()
        try:
            look(seen, wish, run)
        except (SpecError, CreateOnlyError) as error:
            problems += _within(name, error)
            sort = NotWritableError if isinstance(error, NotWritableError) else sort
        if run.plan is None or run.plan.changed:
            names.add(name)
    if problems:
        raise sort(SUBJECT, problems)
    return names


def _within(name: str, error: SpecError | CreateOnlyError) -> list[Problem]:
    """The problems of one group as problems of the list."""
    if isinstance(error, SpecError):
        found = error.problems
    else:
        found = tuple(
            Problem(
                field,
                f"ASM fixes it when a group is created: is {current!r}, wanted {wanted!r}",
                "State the current value, or set recreate, which deletes the group and creates it anew",
            )
            for field, current, wanted in error.fields
        )
    return [Problem(f"groups[{name}].{p.path}", p.message, p.remedy) for p in found]


def _repeated(names: Sequence[str]) -> list[Problem]:
    return [
        Problem(
            f"groups[{name}]",
            f"{names.count(name)} groups have this name",
            "State each group once, with everything that it shall have",
        )
        for name in sorted({name for name in names if names.count(name) > 1})
    ]
