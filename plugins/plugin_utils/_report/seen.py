# Copyright (c) 2026, asm.lanes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the cases of a proof expected and observed, by lane and service, for the picture."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from .document import Case, Proof, services_of

OK = "ok"
WRONG = "wrong"
SILENT = "silent"
UNSEEN = "unseen"  # no answer names a version of the service
UNTRIED = "untried"

BROADCAST = "broadcast"


class Seen:
    """What the cases expected and observed, by lane and service."""

    def __init__(self, proof: Proof) -> None:
        self.answering = services_of(proof.cases)
        self.tried = any(case.passed is not None for case in proof.cases)
        self.labels = {lane.name: lane.labels for lane in proof.group.lanes}
        self.own: dict[tuple[str, str], Counter[str]] = {}
        self.heard: dict[str, Counter[str]] = {}
        self._expected: dict[tuple[str, str], str] = {}
        self.spoken: dict[str, str] = {}
        for case in proof.cases:
            self._add(case)

    def _add(self, case: Case) -> None:
        for kind, services in case.expected.items():
            for service, version in services.items():
                counts = case.observed.get(kind, {}).get(service, {})
                if kind == BROADCAST:
                    self.spoken[service] = version
                    self.heard.setdefault(service, Counter()).update(counts)
                elif case.kind == "lane" and case.lane:
                    self._expected[case.lane, service] = version
                    self.own.setdefault((case.lane, service), Counter()).update(counts)

    def version(self, lane: str, service: str) -> str:
        """The version that a lane's pods of a service have: as expected, else by the lane's only label."""
        labels = list(self.labels.get(lane, {}).values())
        return self._expected.get((lane, service)) or (labels[0] if len(labels) == 1 else "")

    def state(self, counts: Mapping[str, int], service: str, wanted: str) -> str:
        if service not in self.answering:
            return UNSEEN
        if not self.tried:
            return UNTRIED
        return OK if counts.get(wanted) else SILENT
