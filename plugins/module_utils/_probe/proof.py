# Copyright (c) 2026, asm.lanes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A proof from plan to verdict: what it would do to a gateway; doing it until it passes or time is over."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .. import _elsewhere
from . import client, verdict, weights
from .measure import Meter
from .settings import ACK, HTTP, OWN, SOCKET_IO

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .cases import Case, Matrix
    from .settings import Settings
    from .weights import Draw

#: Pause after the first attempt, doubled after each, and at most (seconds). Configuration is late by little.
PAUSE, LONGEST_PAUSE = 0.1, 0.8
#: Seconds of repeating that need no words.
SOON = 2.0


@dataclass(frozen=True)
class Plan:
    """Everything that one attempt tries."""

    matrix: Matrix
    draws: Sequence[Draw]
    rules: verdict.Rules

    @property
    def cases(self) -> list[Case]:
        """All cases, those of the weights included."""
        return [*self.matrix.cases, *(draw.case for draw in self.draws)]

    @property
    def not_tested(self) -> list[dict[str, str]]:
        """What is not tried, and why."""
        return [{"what": what, "why": why} for what, why in self.matrix.left_out]

    def load(self) -> tuple[int, int]:
        """Return how many connections one attempt opens, and how many messages it sends."""
        connections = sum(case.connections for case in self.cases if case.channel.transport != HTTP)
        return connections, sum(case.connections * case.messages * _asking(case) for case in self.cases)

    def check_load(self, settings: Settings, most: int) -> None:
        """Raise ValueError, naming the number and the option, when that is more than is allowed."""
        connections, messages = self.load()
        total = connections + messages
        if total > most:
            raise ValueError(
                f"max_load: this proof would open {connections} connections and send {messages} messages, "
                f"together {total}, more than max_load={most}. Ask less (connections, messages, "
                f"weight_tolerance), or allow it with max_load={total} when the gateway can bear it"
            )
        seconds = total / settings.rate if settings.rate else 0.0
        if seconds > settings.timeout:
            raise ValueError(
                f"timeout: {total} handshakes and messages at rate={settings.rate:g} per second take "
                f"{seconds:.0f} s, more than timeout={settings.timeout:g}. Give a longer timeout, or a "
                "higher rate"
            )


def _asking(case: Case) -> int:
    """How many messages stand behind one of a case's: events that ask are sent one after the other."""
    if case.channel.transport not in SOCKET_IO:
        return 1
    return sum(kind in case.channel.readers for kind in (OWN, ACK))


def foretell(plan: Plan) -> dict[str, Any]:
    """Return what would be tried and expected, as a proof that was not made."""
    told = {**verdict.expected(plan.matrix.cases, plan.rules), "message": "", "attempts": 0, "seconds": 0.0}
    return {**told, "load": Meter().read(), "not_tested": plan.not_tested, "weights": [], "warnings": []}


def make(plan: Plan, settings: Settings, settle_timeout: float) -> dict[str, Any]:
    """Make the proof; repeat it until it passes or *settle_timeout* seconds for settling are over.

    ``load`` is that of the last attempt. The weights get a deadline of their own, as long as the cases'.
    """
    started = time.monotonic()
    attempts = 0
    while True:
        attempts += 1
        told = _attempt(plan, settings)
        seconds = time.monotonic() - started
        if told["passed"] or seconds >= settle_timeout:
            message = "" if told["passed"] else verdict.failure_message(told, settings.url)
            told |= {"message": message, "attempts": attempts, "seconds": round(seconds, 2)}
            return {**told, "not_tested": plan.not_tested}
        if seconds > SOON:
            _elsewhere.say(f"{told['summary']}; asking again until {settle_timeout:g} s are over")
        time.sleep(min(PAUSE * 2.0 ** (attempts - 1), LONGEST_PAUSE))


def _attempt(plan: Plan, settings: Settings) -> dict[str, Any]:
    meter = Meter()
    seen = client.run(plan.matrix.cases, settings, meter)
    told = verdict.judge(plan.matrix.cases, seen, plan.rules)
    told["weights"] = []
    if plan.draws and (told["reached"] or not plan.matrix.cases):
        sampled = client.run([draw.case for draw in plan.draws], settings, meter)
        told["weights"] = [
            weights.judge(draw, [one for one in sampled if one.case == draw.case.name]) for draw in plan.draws
        ]
        told = _with_weights(told, bool(plan.matrix.cases))
    return {**told, "load": meter.read(), "warnings": meter.warnings()}


def _with_weights(told: dict[str, Any], cases: bool) -> dict[str, Any]:
    drawn = told["weights"]
    right = sum(draw["passed"] for draw in drawn)
    return {
        **told,
        "passed": (told["passed"] or not cases) and right == len(drawn),
        "reached": told["reached"] or any(draw["answered"] for draw in drawn),
        "summary": f"{told['summary']}; {right} of {len(drawn)} draws of weights fit",
    }
