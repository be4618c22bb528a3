# Copyright (c) 2026, asm.lanes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Many lane groups as desired states: one look at all of them, then only those that differ.

An unchanged run costs one read per group and one for their list, where a run per group
would read the list every time.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from .._lanes.plan import Change, Plan
from .backend import LaneBackend, Observed
from .lane_group import Run, Wish, ensure
from .transforms import Call


class ObservedLanes(LaneBackend):
    """Lane groups as they were found: everything can be read and planned, nothing executed."""

    name = "observed"

    def __init__(self, backend: LaneBackend) -> None:
        super().__init__(backend.deadline)
        self._found = {observed.group.name: observed for observed in backend.observe()}

    def observe(self, name: str | None = None) -> list[Observed]:
        """The group of that name, or all by name; [] when there is none."""
        return [observed for key, observed in sorted(self._found.items()) if name in (None, key)]

    def prepare(self, plan: Plan) -> None:
        """Nothing can fail here."""

    def calls(self, group: str, changes: Iterable[Change]) -> list[Call]:
        """None: who executes knows them."""
        return []

    def execute(self, group: str, change: Change) -> None:
        """Never called: a group that differs is handed to the real backend."""
        raise NotImplementedError(f"{change.describe()} cannot be carried out on what was observed")


def ensure_all(backend: LaneBackend, wishes: Sequence[Wish], runs: list[Run], check_mode: bool) -> None:
    """Make all groups as wished, in order, appending to ``runs`` one run for each wish that was begun.

    All wishes are planned before anything is written. Raises as ``ensure`` does.
    """
    seen = ObservedLanes(backend)
    differs = []
    for wish in wishes:
        foretold = Run()
        ensure(seen, wish, foretold, check_mode=True)
        differs.append(foretold.plan is None or foretold.plan.changed)
    for wish, different in zip(wishes, differs, strict=True):
        runs.append(Run())
        # Read once more where there is something to do: the first look may be long ago by then.
        ensure(backend if different else seen, wish, runs[-1], check_mode)
