# Copyright (c) 2026, asm.lanes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a preflight check says, what it was given to read, and the report made of all findings."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

from .. import _table

if TYPE_CHECKING:
    from collections.abc import Sequence

OK, WARNING, FAILED, SKIPPED = "ok", "warning", "failed", "skipped"

Value = TypeVar("Value")


@dataclass(frozen=True)
class Finding:
    """One prerequisite.

    check: its name, stable for programs. status: one of the constants above. found: what there is, or why
    nothing could be found out. needed: what there has to be. remedy: what to do, empty when all is well.
    """

    check: str
    status: str
    found: str
    needed: str
    remedy: str = ""

    def as_dict(self) -> dict[str, str]:
        return asdict(self)


@dataclass(frozen=True)
class Reading(Generic[Value]):
    """Something that was read from a server, or why it could not be.

    value: what was read; None may mean that it does not exist. problem, remedy: set when reading failed.
    blocked: set instead when reading was not tried, because something before it had failed.
    """

    value: Value | None = None
    problem: str = ""
    remedy: str = ""
    blocked: str = ""

    @property
    def known(self) -> bool:
        """Whether it was read, there or not."""
        return not (self.problem or self.blocked)

    def unread(self, check: str, needed: str) -> Finding | None:
        """Return the finding for a check that cannot be made on this reading; None when it can."""
        if self.blocked:
            return Finding(check, SKIPPED, f"not checked: {self.blocked}", needed)
        if self.problem:
            return Finding(check, FAILED, self.problem, needed, self.remedy)
        return None

    def blocking(self, because: str) -> Reading[Value]:
        """Return the reading to hand on to what depends on this one; `because` names it."""
        if self.blocked or not self.problem:
            return self
        return Reading(blocked=because)


def table(findings: Sequence[Finding]) -> list[str]:
    """Return all findings as lines to print."""
    rows = [[finding.check, finding.status, finding.found, finding.needed] for finding in findings]
    return _table.lines(["check", "status", "found", "needed"], rows)


def summary(findings: Sequence[Finding]) -> str:
    """Return how many findings there are of each status, as one line."""
    counts = [
        (status, sum(one.status == status for one in findings)) for status in (OK, WARNING, FAILED, SKIPPED)
    ]
    return f"{len(findings)} checks: " + ", ".join(f"{count} {status}" for status, count in counts)


def failure_message(findings: Sequence[Finding], statuses: Sequence[str]) -> str:
    """Return every finding with one of *statuses*, each with the way out, as lines to read."""
    told = [finding for finding in findings if finding.status in statuses]
    lines = [f"{len(told)} of {len(findings)} prerequisites are not met:"]
    for finding in told:
        lines += [
            f"  - {finding.check} ({finding.status})",
            f"      found:  {finding.found}",
            f"      needed: {finding.needed}",
            f"      remedy: {finding.remedy}",
        ]
    return "\n".join(lines)
