# Copyright (c) 2026, asm.lanes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""JUnit XML: a test case for each case × kind of message, so that AWX, CI and molecule can show a proof.

The shape is the one that Jenkins and most readers share: ``testsuites``, ``testsuite`` with counts,
``testcase`` with at most one of ``failure`` and ``skipped``.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from xml.etree import ElementTree

from .document import KINDS, TRANSPORTS, Case, Chain, Proof, Weight
from .matrix import UNTRIED, cells, sent, unexplained
from .text import moment, percent, printable

NOT_TRIED = "not tried"


@dataclass(frozen=True)
class Test:
    """One test case. failure: words, empty without one; skipped: why it was not made, empty when it was."""

    group: str
    name: str
    failure: str = ""
    details: str = ""
    skipped: str = ""


def render(proof: Proof) -> str:
    """The proof as JUnit XML."""
    prefix = f"asm.lanes.{proof.group.name or 'lanes'}"
    suites = {
        f"{prefix}.lanes": [test for case in proof.cases if case.kind == "lane" for test in case_tests(case)],
        f"{prefix}.negative": [
            test for case in proof.cases if case.kind != "lane" for test in case_tests(case)
        ],
        f"{prefix}.weights": [test for weight in proof.weights for test in weight_tests(weight)],
        f"{prefix}.audit": [chain_test(chain) for chain in (proof.audit.chains if proof.audit else ())],
    }
    suites = {name: tests for name, tests in suites.items() if tests}
    everything = [test for tests in suites.values() for test in tests]
    # The proof runs its cases at the same time, so its time is not the sum of theirs.
    seconds = f"{proof.seconds:.3f}"
    root = _element(
        None, "testsuites", name=f"lane proof {proof.group.name}", **_counts(everything), time=seconds
    )
    for name, tests in suites.items():
        suite = _element(
            root,
            "testsuite",
            name=name,
            **_counts(tests),
            time=seconds,
            timestamp=_timestamp(proof.started_at),
        )
        for test in tests:
            _add(suite, test, name)
    ElementTree.indent(root)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{ElementTree.tostring(root, encoding="unicode")}\n'


def case_tests(case: Case) -> list[Test]:
    """One test for each kind of message, and one for the connection: was it opened, kept, answered."""
    where = f"{TRANSPORTS.get(case.transport, case.transport)}, sent {sent(case.entry)}"
    skipped = NOT_TRIED if case.passed is None else ""
    rest = unexplained(case)
    tests = [Test(case.name, "connection", "; ".join(rest), where, skipped)]
    for cell in cells(case):
        name = KINDS.get(cell.kind, cell.kind)
        why = NOT_TRIED if cell.state == UNTRIED else ""
        details = f"{where}\nseen: {'; '.join(cell.lines)}\n" + "\n".join(case.differences)
        tests.append(Test(case.name, name, cell.problem, details, why))
    return tests


def weight_tests(weight: Weight) -> list[Test]:
    """One test for each lane's share, and one for what is wrong besides: samples that were not answered."""
    told = any(share.passed is False for share in weight.lanes)
    rest = "" if told else "; ".join(weight.differences)
    tests = [Test(weight.name, "samples", rest, weight.service)]
    for share in weight.lanes:
        allowed = f"{percent(share.low)} to {percent(share.high)} at {percent(weight.confidence)} confidence"
        seen = f"observed {percent(share.observed)} of {weight.samples}"
        words = f"expected {percent(share.expected)} ({allowed}), {seen}"
        failure = words if share.passed is False else ""
        skipped = NOT_TRIED if share.passed is None else ""
        tests.append(Test(weight.name, f"share of lane {share.lane}", failure, weight.service, skipped))
    return tests


def chain_test(chain: Chain) -> Test:
    """One test for a chain of the audit; what the logs do not tell is skipped, not passed."""
    untold = "; ".join(chain.unknown) or "the proxies' logs do not tell for every hop"
    return Test(
        chain.case,
        f"context of {KINDS.get(chain.message_kind, chain.message_kind)}",
        chain.broken.words if chain.broken else "",
        "\n".join(f"{hop.source} → {hop.target}: {hop.status}" for hop in chain.hops),
        untold if chain.passed is None else "",
    )


def _counts(tests: Iterable[Test]) -> dict[str, str]:
    tests = list(tests)
    return {
        "tests": str(len(tests)),
        "failures": str(sum(bool(test.failure) for test in tests)),
        "errors": "0",
        "skipped": str(sum(bool(test.skipped) for test in tests)),
    }


def _timestamp(started_at: str) -> str:
    """ISO 8601 without a time zone, as JUnit has it; UTC."""
    return moment(started_at).removesuffix(" UTC").replace(" ", "T")


def _add(suite: ElementTree.Element, test: Test, prefix: str) -> None:
    element = _element(suite, "testcase", classname=f"{prefix}.{test.group}", name=test.name, time="0")
    if test.skipped:
        _element(element, "skipped", message=test.skipped)
    elif test.failure:
        failure = _element(element, "failure", message=test.failure, type="difference")
        failure.text = printable(test.details)


def _element(parent: ElementTree.Element | None, tag: str, **attributes: str) -> ElementTree.Element:
    fit = {key: printable(value) for key, value in attributes.items()}
    return ElementTree.Element(tag, fit) if parent is None else ElementTree.SubElement(parent, tag, fit)
