"""From evidence to causes, with the objects named; and which call was made for which text."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.asm.lanes.plugins.module_utils._audit import document, findings, judge, run
from ansible_collections.asm.lanes.plugins.module_utils._audit.findings import Evidence, locate
from ansible_collections.asm.lanes.plugins.module_utils._audit.judge import Chain
from ansible_collections.asm.lanes.plugins.module_utils._audit.observe import (
    Answer,
    Failed,
    Observations,
    Spread,
)
from ansible_collections.asm.lanes.plugins.module_utils._audit.sharing import share_out
from ansible_collections.asm.lanes.plugins.module_utils._drift import kinds
from ansible_collections.asm.lanes.plugins.module_utils._drift.kinds import Finding as Drift
from ansible_collections.asm.lanes.plugins.module_utils._lanes.words import parse

from .logs import HELLO, LANED, V1, V2, WSK, arrives, calls, journey, wanted

GROUP = parse(
    {
        "name": "ws",
        "mode": "permissive",
        "route_header": "version",
        "trace_header": "baggage",
        "gateway_rule": {"name": "g", "namespace": "default"},
        "services": [WSK, HELLO],
        "baseline": "base",
        "lanes": [
            {"name": "base", "label_selector": {"version": "v1"}, "services": [WSK, HELLO]},
            {"name": "v2", "label_selector": {"version": "v2"}, "services": [HELLO]},
        ],
    }
)
EDITED = Drift(
    kinds.GENERATED_EDITED, "DestinationRule a/b", "subsets[v2]", {"version": "v2"}, {}, inferred=True
)
MISSING = Drift(kinds.GENERATED_MISSING, "VirtualService a/b", wanted="routes")


def chain_of(at_wsk: dict[str, Any], *parts: Any) -> Chain:
    found = journey(arrives(**at_wsk), *parts)
    chain = judge.to_service(Chain("lane v2", "call"), found.arrivals, wanted())
    return judge.between_services(chain, found.hops, wanted(), found.arrivals)


CLEAN = chain_of(LANED, calls(V2, **LANED))
BROKEN = chain_of(LANED, calls(V1, subset="base"))
ANSWER = Answer("v2", HELLO, "v2", V2, WSK, "v2", "route")


def places(**given: Any) -> list[tuple[str, str]]:
    return [(one.kind, one.object) for one in locate(Evidence(GROUP, **given))]


def test_nothing_where_all_is_well() -> None:
    assert places(chains=[CLEAN], seen=Observations(answers=[ANSWER])) == []


def test_a_broken_chain_names_the_side_that_broke_it() -> None:
    assert places(chains=[BROKEN, BROKEN]) == [(findings.LOST_IN_APP, f"service {WSK}, its application")]


@pytest.mark.parametrize(("editors", "named"), [(1, True), (2, False)])
def test_a_rewritten_header_names_the_virtual_service_if_there_is_one(editors: int, named: bool) -> None:
    chain = chain_of({**LANED, "version": "v1"})
    routes = [{"headers": {"request": {"set": {"version": "v1"}}}, "route": []}]
    objects = [
        {"metadata": {"namespace": "default", "name": f"ws{n}"}, "spec": {"gateways": ["g"], "http": routes}}
        for n in range(editors)
    ]
    [(kind, subject)] = places(chains=[chain], virtual_services=objects)
    assert kind == findings.REWRITTEN
    assert (subject == "VirtualService default/ws0") is named


def test_pods_that_answer_as_another_version_than_their_label() -> None:
    wrong = replace(ANSWER, version="v1")
    assert places(seen=Observations(answers=[wrong, wrong])) == [(findings.WRONG_PODS, f"Pod {V2.name}")]
    other = replace(ANSWER, pod=replace(V2, name="default/hello-v2-b"))
    [found] = locate(Evidence(GROUP, seen=Observations(answers=[wrong, other])))
    assert (found.kind, found.object) == (findings.WRONG_REPLICA, f"Pod {V2.name}")
    assert "pod default/hello-v2-b with the same label answers as v2" in found.evidence


def test_failures_and_spread() -> None:
    stale = Failed("v2", "default/wsk-1", HELLO, "v2", 503, "UF", "r", "10.9.9.9", gone=True)
    assert places(seen=Observations(failed=[stale])) == [(findings.STALE, f"endpoint 10.9.9.9 of {HELLO}")]
    assert places(seen=Observations(failed=[replace(stale, gone=False)])) == []
    spread = [Spread("v2", WSK, ("a/1", "a/2"), 2), Spread("v1", WSK, ("a/1",), 0)]
    assert places(seen=Observations(spread=spread)) == [(findings.NOT_STICKY, f"service {WSK}")]


def test_inferred_drift_counts_only_where_requests_went_wrong() -> None:
    assert places(chains=[CLEAN], drift=[EDITED]) == []
    assert places(chains=[CLEAN], drift=[MISSING]) == [("generated_missing", "VirtualService a/b")]
    assert places(chains=[CLEAN], drift=[EDITED], failed=["proof: x"]) == [
        ("generated_edited", "DestinationRule a/b")
    ]


def test_a_call_that_went_astray_with_the_right_lane() -> None:
    astray = Observations(answers=[replace(ANSWER, pod=V1, version="v1")])
    assert places(chains=[CLEAN], seen=astray) == [(findings.MISROUTED, f"routing of {HELLO}")]
    assert places(chains=[CLEAN], seen=astray, drift=[EDITED]) == [
        ("generated_edited", "DestinationRule a/b")
    ]
    unknown = replace(CLEAN, unknown=["not seen"])
    assert places(chains=[unknown], seen=astray) == []


def test_what_breaks_once_is_unknown() -> None:
    [chain] = run.confirmed([replace(BROKEN)], [CLEAN])
    assert (chain.broken, chain.passed) == (None, None)
    assert "seen once and not again" in chain.unknown[-1]
    [chain] = run.confirmed([replace(BROKEN)], [BROKEN])
    assert chain.broken


def named(text: str) -> list[tuple[str, str]]:
    return [(HELLO, word) for word in text.split() if word.startswith("v")]


@pytest.mark.parametrize(
    ("answer", "broadcast", "own"),
    [
        ("v2", "v1", [V2]),
        ("v1", "v2", [V1]),
        ("Hello from hello-v2", "v1", [V2]),
        ("no version", "v1", [V2]),  # the texts tell nothing: the call that carries the lane
        (None, "v1", []),
        ("v2", None, [V1, V2]),
    ],
)
def test_calls_go_to_the_text_that_names_them(
    answer: str | None, broadcast: str | None, own: list[Any]
) -> None:
    found = journey(arrives(**LANED), calls(V1, at=1.1, subset="base"), calls(V2, at=1.2, **LANED))

    def carries(hop: Any) -> bool:
        return hop.sent.headers["baggage"] is not None

    mine, others = share_out(found.hops, answer, broadcast, named, "version", carries)
    assert [hop.pod for hop in mine] == own
    assert len(mine) + len(others) == 2


def test_a_merged_proof_keeps_what_the_probe_said() -> None:
    proof = {"passed": True, "cases": [], "not_tested": [{"what": "a", "why": "b"}], "audit": None}
    told = {"audit": {"passed": False}, "findings": [1], "not_tested": [{"what": "c", "why": "d"}]}
    merged = document.merge(proof, told)
    assert (merged["passed"], merged["audit"], merged["findings"]) == (True, {"passed": False}, [1])
    assert [one["what"] for one in merged["not_tested"]] == ["a", "c"]


def test_what_a_proof_found_wrong_is_evidence() -> None:
    weight = {"name": "w", "lanes": [{"lane": "v2", "expected": 0.1, "observed": 0.5, "passed": False}]}
    case = {"name": "lane v2", "differences": ["v1 answered"]}
    proof = {"passed": False, "cases": [case], "weights": [weight]}
    assert document.failures(proof) == [
        "proof, lane v2: v1 answered",
        "proof, w: lane v2 got 50.0% of the requests instead of 10.0%",
    ]
    assert document.failures({**proof, "passed": True}) == document.failures(None) == []


def test_the_table_marks_the_broken_hop() -> None:
    lines = document.table([BROKEN.as_dict()])
    assert f"client -> gateway -> {WSK} -X-> {HELLO}" in lines[-1] and lines[-1].endswith("BROKEN")
