# Copyright (c) 2026, asm.lanes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What was asked of the API: counts and the last calls, without secrets or values."""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Call:
    """One call. parameters: names of those that were sent; unread: of those that nobody looked at."""

    action: str
    status: int
    code: str
    request_id: str
    write: bool
    parameters: tuple[str, ...] = ()
    unread: tuple[str, ...] = ()


class Stats:
    """Counts since the start or the last reset."""

    def __init__(self, keep: int = 1000) -> None:
        self._keep = keep
        self.reset()

    def reset(self) -> None:
        """Begin anew."""
        self.actions: Counter[str] = Counter()
        self.codes: Counter[str] = Counter()
        self.writes = 0
        self.calls: deque[Call] = deque(maxlen=self._keep)

    def add(self, call: Call) -> None:
        """Count a call; a write counts only when it succeeded."""
        self.actions[call.action] += 1
        if call.code:
            self.codes[call.code] += 1
        elif call.write and call.status == 200:
            self.writes += 1
        self.calls.append(call)

    def as_dict(self) -> dict[str, Any]:
        """The counts as JSON data: requests, writes, errors, actions, codes, calls (oldest first)."""
        return {
            "requests": self.actions.total(),
            "writes": self.writes,
            "errors": self.codes.total(),
            "actions": dict(self.actions),
            "codes": dict(self.codes),
            "calls": [asdict(call) for call in self.calls],
        }
