# Copyright (c) 2026, asm.lanes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""From what was expected and what was heard to a verdict, case by case. Pure: no I/O."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from math import ceil
from typing import TYPE_CHECKING, Any

from .. import _table

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from .cases import Case
    from .client import Observation
    from .reading import Reader

#: Characters of a stranger's answer that are shown.
_EXCERPT = 80


@dataclass(frozen=True)
class Rules:
    """What is judged besides the versions.

    header: name of the route header. acknowledged: every answer must ask for an acknowledgement.
    broadcasts: every connection must hear a broadcast. timeout: seconds there were, for the wording.
    """

    header: str
    reader: Reader
    acknowledged: bool = True
    broadcasts: bool = True
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
    cases = proof["cases"]
    reasons = {reason for case in cases for reason in case["connection_failures"]}
    if len(reasons) == 1 and not proof["reached"]:
        return f"The lanes cannot be proven at {url}: {reasons.pop()}"
    named: dict[str, list[str]] = {}
    for case in cases:
        for difference in case["differences"]:
            named.setdefault(difference, []).append(case["name"])
    found = [f"  - {', '.join(names)}: {difference}" for difference, names in named.items()]
    count = f"{sum(not case['passed'] for case in cases)} of {len(cases)} cases"
    return "\n".join([f"{count} differ from what the lanes promise at {url}:", *found])


def table(results: Sequence[Mapping[str, Any]], rules: Rules) -> list[str]:
    """Return case x message -> version as lines; of cases that were not tried, what is expected."""
    rows = []
    for result in results:
        tried = result["passed"] is not None
        answers = result["observed"] if tried else result["expected"]
        own, broadcast = _versions(answers["own"]), _versions(answers["broadcast"])
        verdict = {True: "ok", False: "FAILED", None: "not tried"}[result["passed"]]
        sent = "(none)" if result["header"] is None else result["header"] or "(empty)"
        rows.append([result["name"], sent, own or "-", broadcast or "-", verdict])
    return _table.lines(["case", rules.header, "own messages", "broadcasts", "verdict"], rows)


def _judge_case(case: Case, seen: Sequence[Observation], rules: Rules) -> dict[str, Any]:
    result = _result(case, seen, rules.header)
    own = [text for one in seen for text in one.own]
    broadcasts = [text for one in seen for text in one.broadcasts]
    result["observed"] = {
        "own": _observed(own, rules.reader),
        "broadcast": _observed(broadcasts, rules.reader),
    }
    differences = _connection_differences(seen)
    differences += _missing(seen, rules)
    differences += _wrong("own messages", own, case.own, rules.reader)
    differences += _wrong("broadcasts", broadcasts, case.broadcast, rules.reader)
    result["differences"] = differences or ([] if seen else ["no connection was tried"])
    result["passed"] = not result["differences"]
    return result


def _result(case: Case, seen: Sequence[Observation], header: str) -> dict[str, Any]:
    return {
        "name": case.name,
        "kind": case.kind,
        "lane": case.lane,
        "transport": "websocket",
        "entry": {"via": "none" if case.header is None else "header", "name": header, "value": case.header},
        "header": case.header,
        "passed": None,
        "expected": {"own": dict(case.own), "broadcast": dict(case.broadcast)},
        "observed": {"own": {}, "broadcast": {}},
        "counts": {
            "connections": len(seen),
            "connected": sum(one.failure is None for one in seen),
            "sent": sum(one.sent for one in seen),
            "acknowledged_by_server": sum(one.emits_acknowledged for one in seen),
            "answers": sum(len(one.own) for one in seen),
            "acknowledged_by_client": sum(one.acks_sent for one in seen),
            "broadcasts": sum(len(one.broadcasts) for one in seen),
        },
        "connection_failures": sorted({str(one.failure) for one in seen if one.failure}),
        "differences": [],
        "timings": {
            "handshake_ms": _spread([one.handshake_ms for one in seen if one.handshake_ms is not None]),
            "answer_ms": _spread([took for one in seen for took in one.answer_ms]),
        },
    }


def _spread(values: Sequence[float]) -> dict[str, float]:
    """Return median, 95th percentile and maximum in milliseconds; {} of nothing."""
    if not values:
        return {}
    ranked = sorted(values)
    at = {"p50": 0.5, "p95": 0.95, "max": 1.0}
    return {name: round(ranked[max(ceil(share * len(ranked)) - 1, 0)], 2) for name, share in at.items()}


def _observed(texts: Iterable[str], reader: Reader) -> dict[str, dict[str, int]]:
    """Return service -> version -> how often it was named."""
    found: dict[str, Counter[str]] = {}
    for text in texts:
        for service, version in reader.versions(text):
            found.setdefault(service, Counter())[version] += 1
    return {service: dict(sorted(counts.items())) for service, counts in sorted(found.items())}


def _connection_differences(seen: Sequence[Observation]) -> list[str]:
    reasons = Counter(str(one.failure) for one in seen if one.failure)
    return [f"{count} of {len(seen)} connections: {reason}" for reason, count in sorted(reasons.items())]


def _missing(seen: Sequence[Observation], rules: Rules) -> list[str]:
    """What should have come and did not, or came too often; failed connections are reported as such."""
    asked = [one for one in seen if one.failure is None]
    sent, answers = sum(one.sent for one in asked), sum(len(one.own) for one in asked)
    unanswered = sum(max(one.sent - len(one.own), 0) for one in asked)
    differences = []
    if unanswered:
        differences.append(f"{unanswered} of {sent} own messages unanswered within {rules.timeout:g} s")
    if answers + unanswered > sent:
        differences.append(f"{answers} answers to {sent} own messages")
    without_ack = answers - sum(one.acks_sent for one in asked)
    if rules.acknowledged and without_ack > 0:
        differences.append(f"{without_ack} of {answers} answers did not ask for an acknowledgement")
    deaf = sum(not one.broadcasts for one in asked)
    if rules.broadcasts and deaf:
        differences.append(f"{deaf} of {len(asked)} connections heard no broadcast in {rules.timeout:g} s")
    return differences


def _wrong(kind: str, texts: Sequence[str], wanted: Mapping[str, str], reader: Reader) -> list[str]:
    """Answers from another version than wanted, and answers that name none."""
    differences = []
    for service, version in wanted.items():
        others: Counter[str] = Counter()
        mute = []
        for text in texts:
            named = {found for name, found in reader.versions(text) if name == service}
            others.update(named - {version})
            if not named:
                mute.append(text)
        differences += [
            f"{kind}: {service} {other} answered {count} of {len(texts)}, expected {version}"
            for other, count in sorted(others.items())
        ]
        if mute:
            differences.append(
                f"{kind}: {len(mute)} of {len(texts)} name no version of {service}, expected {version}: "
                f"{mute[0][:_EXCERPT]!r}"
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
