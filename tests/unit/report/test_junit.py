"""JUnit XML: the usual shape, and a failure for everything that failed."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest
import report_proofs
from ansible_collections.asm.lanes.plugins.plugin_utils._report import junit, parsing


def suites(name: str) -> ElementTree.Element:
    return ElementTree.fromstring(junit.render(parsing.parse(report_proofs.ALL[name]())))


@pytest.mark.parametrize("name", report_proofs.ALL)
def test_the_usual_shape(name: str) -> None:
    root = suites(name)
    assert root.tag == "testsuites"
    check_counts(root)
    names = []
    for suite in root:
        assert suite.tag == "testsuite"
        assert suite.attrib.keys() >= {"name", "tests", "failures", "errors", "skipped", "time", "timestamp"}
        check_counts(suite)
        for case in suite:
            assert case.tag == "testcase"
            assert case.attrib.keys() == {"classname", "name", "time"}
            names.append((case.get("classname"), case.get("name")))
            assert [child.tag for child in case] in ([], ["failure"], ["skipped"])
            for failure in case.iter("failure"):
                assert failure.get("message")
                assert failure.get("type")
                assert failure.text
    assert len(set(names)) == len(names), "readers merge test cases of one name"


def check_counts(element: ElementTree.Element) -> None:
    found = {kind: len(list(element.iter(kind))) for kind in ("failure", "error", "skipped")}
    assert int(element.get("tests", "")) == len(list(element.iter("testcase")))
    assert [int(element.get(key, "")) for key in ("failures", "errors", "skipped")] == list(found.values())


@pytest.mark.parametrize("name", report_proofs.ALL)
def test_a_case_fails_when_the_proof_says_so_and_only_then(name: str) -> None:
    document = report_proofs.ALL[name]()
    proof = parsing.parse(document)
    for case in proof.cases:
        failed = any(test.failure for test in junit.case_tests(case))
        assert failed == (case.passed is False)


def test_the_failures_say_what_was_seen() -> None:
    failures = {
        (case.get("classname", "").rpartition(".")[2], case.get("name")): failure.get("message")
        for case in suites("failed").iter("testcase")
        for failure in case.iter("failure")
    }
    assert failures["lane v2", "own answer"] == "helloworld v1 answered 4 of 4; expected v2"
    assert failures["lane v2", "broadcast"] == "helloworld v2 answered 4 of 72; expected v1"
    assert "HTTP 503" in str(failures["lookalike (empty)", "connection"])
    assert failures["lane v2", "context of own answer"] == (
        "wsk-svc received baggage version=v2 and did not pass it on"
    )
    assert str(failures["canary", "share of lane v2"]).startswith(
        "expected 10 % (3 % to 17 % at 99.9 % confidence)"
    )
    assert len(failures) == 6


def test_samples_that_were_not_answered_fail_even_when_the_shares_are_right() -> None:
    (weight,) = report_proofs.weights(0.1, True)
    document = {**report_proofs.passed(), "weights": [{**weight, "differences": ["3 of 400 not answered"]}]}
    root = ElementTree.fromstring(junit.render(parsing.parse(document)))
    assert [failure.get("message") for failure in root.iter("failure")] == ["3 of 400 not answered"]


def test_nothing_tried_is_skipped_and_not_passed() -> None:
    root = suites("untried")
    assert root.get("tests") == root.get("skipped")


def test_what_the_logs_do_not_tell_is_skipped_and_not_passed() -> None:
    (case,) = [c for c in suites("failed").iter("testcase") if c.get("name") == "context of broadcast"]
    skipped = case.find("skipped")
    assert skipped is not None
    assert skipped.get("message") == "the log of default/wsk-svc does not have baggage"
