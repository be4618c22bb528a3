# Copyright (c) 2026, asm.lanes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""From what was expected and what was heard to a verdict, case by case. Pure: no I/O."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .. import _table
from .entry import HEADER, NONE
from .failures import ANSWER_STATUS, STATUS
from .measure import spread
from .settings import ACK, BROADCAST, CALL, HANDSHAKE, KINDS, OWN, SOCKET_IO, TO_ONE

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from .cases import Case
    from .reading import Reading
    from .settings import Observation

#: Characters of a stranger's answer that are shown.
_EXCERPT = 80
#: Characters of a value in the table.
_WIDTH = 24
#: Kind of message -> how it is called in tables and differences.
NAMES = {
    OWN: "own messages",
    ACK: "acknowledgements",
    TO_ONE: "messages to one",
    BROADCAST: "broadcasts",
    CALL: "calls",
    HANDSHAKE: "handshakes",
}


@dataclass(frozen=True)
class Rules:
    """What is judged besides the versions.

    header: name of the route header. acknowledged: every answer on socket.io must ask for an acknowledgement.
    timeout: seconds there were, for the wording.
    """

    header: str
    acknowledged: bool = True
    timeout: float = 0.0


def judge(cases: Sequence[Case], seen: Iterable[Observation], rules: Rules) -> dict[str, Any]:
    """Return the proof: ``passed``, ``reached``, ``cases``, ``table`` (lines) and ``summary`` (one line)."""
    by_case: dict[str, list[Observation]] = {case.name: [] for case in cases}
    for observation in seen:
        by_case[observation.case].append(observation)
    results = [_judge_case(case, by_case[case.name], rules) for case in cases]
    passed = bool(results) and all(result["passed"] for result in results)
    return {
        "passed": passed,
        "reached": any(result["counts"]["connected"] for result in results),
        "cases": results,
        "table": table(results, rules),
        "summary": _summary(results),
    }


def expected(cases: Sequence[Case], rules: Rules) -> dict[str, Any]:
    """Return a proof that was not made: what would be tried and expected (check mode)."""
    results = [_result(case, [], rules.header) for case in cases]
    return {
        "passed": None,
        "reached": None,
        "cases": results,
        "table": table(results, rules),
        "summary": f"{len(results)} cases not tried (check mode); the table shows what is expected",
    }


def failure_message(proof: Mapping[str, Any], url: str) -> str:
    """Return what to tell the user when the proof failed: one line when nothing could be tried at all."""
    cases, tried = proof["cases"], [*proof["cases"], *proof.get("weights", ())]
    reasons = {reason for case in cases for reason in case["connection_failures"]}
    if len(reasons) == 1 and not proof["reached"]:
        return f"The lanes cannot be proven at {url}: {reasons.pop()}"
    named: dict[str, list[str]] = {}
    for case in tried:
        for difference in case["differences"]:
            named.setdefault(difference, []).append(case["name"])
    found = [f"  - {', '.join(names)}: {difference}" for difference, names in named.items()]
    count = f"{sum(not case['passed'] for case in tried)} of {len(tried)} cases"
    notes = [f"  ({note})" for note in proof.get("warnings", ())]
    return "\n".join([f"{count} differ from what the lanes promise at {url}:", *found, *notes])


def table(results: Sequence[Mapping[str, Any]], rules: Rules) -> list[str]:
    """Return case x message -> version as lines; of cases that were not tried, what is expected."""
    kinds = [kind for kind in KINDS if any(kind in result["expected"] for result in results)]
    rows = []
    for result in results:
        tried = result["passed"] is not None
        answers = result["observed"] if tried else result["expected"]
        verdict = {True: "ok", False: "FAILED", None: "not tried"}[result["passed"]]
        refused = result["counts"]["refused"] and not any(answers.values())
        told = ["refused" if refused else _versions(answers.get(kind, {})) or "-" for kind in kinds]
        rows.append([result["name"], _sent(result["entry"], rules.header), *told, verdict])
    return _table.lines(["case", rules.header, *(NAMES[kind] for kind in kinds), "verdict"], rows)


def _sent(entry: Mapping[str, Any], header: str) -> str:
    """What names the lane: the value of the route header, or whatever else it is, with its name."""
    if entry["via"] == NONE:
        return "(none)"
    value = "(empty)" if entry["value"] == "" else str(entry["value"])
    if entry["via"] != HEADER or entry["name"].lower() != header.lower():
        value = (
            f"{entry['name']}: {value}"
            if entry["via"] == HEADER
            else f"{entry['via']} {entry['name']}={value}"
        )
    return value if len(value) <= _WIDTH else value[: _WIDTH - 3] + "..."


def _judge_case(case: Case, seen: Sequence[Observation], rules: Rules) -> dict[str, Any]:
    result = _result(case, seen, rules.header)
    heard = {kind: _total(kind, seen) for kind in case.expected}
    result["observed"] = {kind: _observed(readings) for kind, readings in heard.items()}
    judged = [one for one in seen if not _refused(case, one)]
    differences = _connection_differences(judged)
    differences += _missing(case, judged, rules)
    for kind, wanted in case.expected.items():
        strange = next((one.strange[kind] for one in judged if kind in one.strange), "")
        differences += _wrong(NAMES[kind], heard[kind], wanted, strange)
    result["differences"] = differences or ([] if seen else ["no connection was tried"])
    result["passed"] = not result["differences"]
    return result


def _refused(case: Case, one: Observation) -> bool:
    """Whether a connection was refused as the case allows."""
    failure = one.failure
    return (
        failure is not None and failure.kind in (STATUS, ANSWER_STATUS) and failure.detail in case.may_refuse
    )


def _result(case: Case, seen: Sequence[Observation], header: str) -> dict[str, Any]:
    entry, failed = case.entry, [one for one in seen if one.failure]
    return {
        "name": case.name,
        "kind": case.kind,
        "lane": case.lane,
        "transport": case.channel.transport,
        "entry": {"via": entry.via, "name": entry.name, "value": entry.value},
        "header": entry.value if entry.via == HEADER and entry.name.lower() == header.lower() else None,
        "why": case.why,
        "passed": None,
        "expected": {kind: dict(versions) for kind, versions in case.expected.items()},
        "may_be_refused_with": [int(status) for status in case.may_refuse],
        "observed": {kind: {} for kind in case.expected},
        "counts": {
            "connections": len(seen),
            "connected": sum(one.failure is None for one in seen),
            "refused": sum(_refused(case, one) for one in seen),
            "sent": sum(one.sent for one in seen),
            "acknowledged_by_server": sum(one.emits_acknowledged for one in seen),
            "answers": sum(one.count(kind) for one in seen for kind in (OWN, ACK, CALL)),
            "acknowledged_by_client": sum(one.acks_sent for one in seen),
            "broadcasts": sum(one.count(BROADCAST) for one in seen),
            "to_one": sum(one.count(TO_ONE) for one in seen),
        },
        "connection_failures": sorted({str(one.failure) for one in failed}),
        "failure_kinds": dict(sorted(Counter(one.failure.kind for one in failed if one.failure).items())),
        "differences": [],
        "timings": {
            "handshake_ms": spread([one.handshake_ms for one in seen if one.handshake_ms is not None]),
            "answer_ms": spread([took for one in seen for took in one.answer_ms]),
        },
    }


def _total(kind: str, seen: Iterable[Observation]) -> Counter[Reading]:
    total: Counter[Reading] = Counter()
    for one in seen:
        total.update(one.heard.get(kind, {}))
    return total


def _observed(readings: Mapping[Reading, int]) -> dict[str, dict[str, int]]:
    """Return service -> version -> how often it was named."""
    found: dict[str, Counter[str]] = {}
    for reading, times in readings.items():
        for service, version in reading:
            found.setdefault(service, Counter())[version] += times
    return {service: dict(sorted(counts.items())) for service, counts in sorted(found.items())}


def _connection_differences(seen: Sequence[Observation]) -> list[str]:
    reasons = Counter(str(one.failure) for one in seen if one.failure)
    return [f"{count} of {len(seen)} connections: {reason}" for reason, count in sorted(reasons.items())]


def _missing(case: Case, seen: Sequence[Observation], rules: Rules) -> list[str]:
    """What should have come and did not, or came too often; failed connections are reported as such."""
    asked = [one for one in seen if one.failure is None]
    sent = sum(one.sent for one in asked)
    came = [sum(one.count(kind) for kind in (OWN, ACK, CALL)) for one in asked]
    unanswered = sum(max(one.sent - count, 0) for one, count in zip(asked, came, strict=True))
    differences = []
    if unanswered:
        differences.append(f"{unanswered} of {sent} own messages unanswered within {rules.timeout:g} s")
    if sum(came) + unanswered > sent:
        differences.append(f"{sum(came)} answers to {sent} own messages")
    answers = sum(one.count(OWN) for one in asked)
    without_ack = answers - sum(one.acks_asked for one in asked)
    if rules.acknowledged and case.channel.transport in SOCKET_IO and without_ack > 0:
        differences.append(f"{without_ack} of {answers} answers did not ask for an acknowledgement")
    for kind, what in ((BROADCAST, "broadcast"), (TO_ONE, "message to it alone")):
        deaf = sum(not one.count(kind) for one in asked)
        if kind in case.expected and deaf:
            differences.append(f"{deaf} of {len(asked)} connections heard no {what} in {rules.timeout:g} s")
    return differences


def _wrong(kind: str, readings: Mapping[Reading, int], wanted: Mapping[str, str], strange: str) -> list[str]:
    """Answers from another version than wanted, and answers that name none (*strange*: one of them)."""
    differences = []
    total = sum(readings.values())
    for service, version in wanted.items():
        others: Counter[str] = Counter()
        mute = 0
        for reading, times in readings.items():
            named = {found for name, found in reading if name == service}
            for other in named - {version}:
                others[other] += times
            mute += 0 if named else times
        differences += [
            f"{kind}: {service} {other} answered {count} of {total}, expected {version}"
            for other, count in sorted(others.items())
        ]
        if mute:
            differences.append(
                f"{kind}: {mute} of {total} name no version of {service}, expected {version}: "
                f"{strange[:_EXCERPT]!r}"
            )
    return differences


def _versions(answers: Mapping[str, Any]) -> str:
    """Return ``helloworld v2 x4, orders v1 x3 v2 x1``; without counts for expected answers."""
    parts = []
    for service, found in answers.items():
        counts = {} if isinstance(found, str) else found
        named = " ".join(f"{version} x{count}" for version, count in counts.items())
        parts.append(f"{service.rpartition('/')[2]} {named or found}")
    return ", ".join(parts)


def _summary(results: Sequence[Mapping[str, Any]]) -> str:
    total: Counter[str] = Counter()
    for result in results:
        total.update(result["counts"])
    passed = sum(bool(result["passed"]) for result in results)
    return (
        f"{passed} of {len(results)} cases passed: {total['connections']} connections, "
        f"{total['sent']} messages, {total['answers']} answers, {total['broadcasts']} broadcasts"
    )
