"""The probe's socket.io clients against a real server: what they count, and which differences they find."""

from __future__ import annotations

from typing import Any

import pytest

from . import servers
from .probing import HELLO, by_name, prove


def test_every_message_is_answered_acknowledged_and_counted() -> None:
    app = servers.App()
    with servers.serve(app.build()) as url:
        proof = prove(url, negative_cases=False, connections=3, headers={"x-team": "blue"})
    assert proof["passed"], proof["message"]
    assert list(by_name(proof)) == ["lane base", "lane v1", "lane v2"]
    for case in proof["cases"]:
        assert case["counts"] == {
            "connections": 3,
            "connected": 3,
            "refused": 0,
            "sent": 6,
            "acknowledged_by_server": 6,
            "answers": 6,
            "acknowledged_by_client": 6,
            "broadcasts": 54,  # 3 sockets of the case x 18 messages of all
            "to_one": 0,
        }
        assert (
            set(case["timings"]["handshake_ms"]) == set(case["timings"]["answer_ms"]) == {"p50", "p95", "max"}
        )
    assert proof["load"]["connections"] == proof["load"]["peak_open"] == 9
    assert proof["load"]["messages"] == 18
    assert app.acknowledged == [("got it",)] * 18
    sent = [handshake.get("version") for handshake in app.handshakes]
    assert {value: sent.count(value) for value in set(sent)} == {"base": 3, "v1": 3, "v2": 3}
    assert all(handshake["x-team"] == "blue" for handshake in app.handshakes)
    assert app.connected == 0


def test_what_must_not_lead_astray_is_sent_as_it_is_meant() -> None:
    app = servers.App()
    with servers.serve(app.build()) as url:
        proof = prove(url)
    assert proof["passed"], proof["message"]
    cases = by_name(proof)
    assert cases["header name in other case"]["observed"]["own"] == {HELLO: {"v2": 1}}
    assert cases["header twice"]["observed"]["own"] == {HELLO: {"v1": 1}}
    assert cases["oversize baggage"]["counts"]["refused"] == 1
    assert cases["oversize baggage"]["may_be_refused_with"] == [400, 413, 431]
    assert all(case["why"] for case in proof["cases"] if "baggage" in case["name"])
    names = [name for handshake in app.handshakes for name in handshake]
    assert "VERSION" in names, "the other case went over the wire"


def test_sockets_take_turns_when_there_are_too_many() -> None:
    most = 0

    def choose(app: servers.App, header: str | None) -> str:
        nonlocal most
        most = max(most, app.connected)
        return app.lanes.get(header or "", app.otherwise)

    with servers.serve(servers.App(choose=choose).build()) as url:
        proof = prove(url, negative_cases=False, connections=4, max_open=5)
    assert proof["passed"], proof["message"]
    assert most == 5
    assert proof["load"]["peak_open"] == 5


@pytest.mark.parametrize(
    ("app", "said"),
    [
        (servers.App(lanes={}), f"lane v2: own messages: {HELLO} v1 answered 4 of 4, expected v2"),
        (servers.App(broadcast_version="v2"), f"broadcasts: {HELLO} v2 answered 24 of 24, expected v1"),
        (servers.App(asks_ack=False), "4 of 4 answers did not ask for an acknowledgement"),
        (servers.App(broadcasts=False), "2 of 2 connections heard no broadcast"),
        (servers.App(answers=0, broadcasts=False), "4 of 4 own messages unanswered within 5 s"),
        (servers.App(answers=2), "8 answers to 4 own messages"),
        (servers.App(text=lambda _version: "sorry"), "own messages: 4 of 4 name no version"),
    ],
)
def test_a_difference_is_found(app: servers.App, said: str) -> None:
    with servers.serve(app.build()) as url:
        proof = prove(url, timeout=5, negative_cases=False)
    assert proof["passed"] is False
    assert said in proof["message"]
    assert app.connected == 0


@pytest.mark.parametrize(
    ("leaks", "case"),
    [
        (lambda header: header == "", "lookalike (empty)"),
        (lambda header: header and header.startswith("v2"), "lookalike v22"),
        (lambda header: header and "v2" in header.split(","), "header twice"),
        (lambda header: header and header.lower() == "v2", "lookalike V2"),
        (lambda header: header == "%76%32", "header percent-encoded"),
    ],
)
def test_what_leads_astray_is_found(leaks: Any, case: str) -> None:
    def choose(app: servers.App, header: str | None) -> str:
        return "v2" if leaks(header) else app.lanes.get(header or "", app.otherwise)

    with servers.serve(servers.App(choose=choose).build()) as url:
        cases = by_name(prove(url))
    assert cases[case]["passed"] is False
    assert cases[case]["differences"] == [f"own messages: {HELLO} v2 answered 1 of 1, expected v1"]
    assert cases["lane v2"]["passed"], "and nothing else is accused"


def test_one_case_that_fails_does_not_hold_up_the_others() -> None:
    def choose(app: servers.App, header: str | None) -> str:
        if header == "v2":
            raise RuntimeError("the application fails in lane v2")
        return app.otherwise

    with servers.serve(servers.App(choose=choose).build()) as url:
        proof = prove(url, timeout=5, negative_cases=False)
    assert {case["name"]: case["passed"] for case in proof["cases"]} == {
        "lane base": True,
        "lane v1": True,
        "lane v2": False,
    }
