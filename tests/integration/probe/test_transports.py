"""Every transport, every kind of message, every way in, and every way to tell the version that answered."""

from __future__ import annotations

from typing import Any

import pytest

from . import servers
from .probing import HELLO, WSK, by_name, prove

ALL = ["websocket", "polling", "raw_websocket", "http"]
RAW = {"path": "/ws", "text": "ask {id}", "broadcast_pattern": "^to all:"}


def test_all_transports_in_one_proof() -> None:
    app = servers.App()
    with servers.serve(app.build()) as url:
        proof = prove(url, transports=ALL, raw_websocket=RAW, http={"path": "/hello"}, timeout=30)
    assert proof["passed"], proof["message"]
    cases = by_name(proof)
    for suffix, kinds in (
        ("", {"own", "broadcast"}),
        (", polling", {"own", "broadcast"}),
        (", raw_websocket", {"own", "broadcast"}),
        (", http", {"call"}),
    ):
        case = cases[f"lane v2{suffix}"]
        assert set(case["expected"]) == set(case["observed"]) == kinds
        assert case["observed"].get("own", case["observed"].get("call")) == {HELLO: {"v2": 4}}
        assert cases[f"header twice{suffix}"]["passed"]
        assert cases[f"baggage percent-encoded{suffix}"]["lane"] == "v2"
    assert cases["lane v2, http"]["timings"]["handshake_ms"] == {}
    assert app.connected == 0
    assert len(app.raw) == 0


@pytest.mark.parametrize("transport", ALL)
def test_a_wrong_version_is_found_on_every_transport(transport: str) -> None:
    with servers.serve(servers.App(lanes={}).build()) as url:
        proof = prove(url, transports=[transport], raw_websocket=RAW, negative_cases=False)
    wrong = [case["name"].partition(",")[0] for case in proof["cases"] if not case["passed"]]
    assert wrong == ["lane v2"]
    assert f"{HELLO} v1 answered 4 of 4, expected v2" in proof["message"]


@pytest.mark.parametrize("transport", ["websocket", "polling"])
def test_acknowledgements_and_messages_to_one(transport: str) -> None:
    given: dict[str, Any] = {"ack_event": "ask", "to_one_event": "welcome", "transports": [transport]}
    with servers.serve(servers.App().build()) as url:
        proof = prove(url, **given, negative_cases=False)
    assert proof["passed"], proof["message"]
    case = proof["cases"][-1]
    assert case["observed"] == {
        "own": {HELLO: {"v2": 4}},
        "ack": {HELLO: {"v2": 4}},
        "to_one": {HELLO: {"v2": 2}},
        "broadcast": {HELLO: {"v1": 48 - 24}},
    }
    assert case["counts"]["sent"] == 8
    with servers.serve(servers.App(welcomes=False).build()) as url:
        proof = prove(url, **given, negative_cases=False, timeout=5)
    assert "2 of 2 connections heard no message to it alone in 5 s" in proof["message"]


def test_an_application_that_answers_by_acknowledgement_only() -> None:
    given = {"answer_event": "", "broadcast_event": "", "ack_event": "ask", "negative_cases": False}
    with servers.serve(servers.App(broadcasts=False).build()) as url:
        proof = prove(url, **given)
    assert proof["passed"], proof["message"]
    assert proof["cases"][-1]["observed"] == {"ack": {HELLO: {"v2": 4}}}


@pytest.mark.parametrize(
    "read",
    [
        {"answer_path": "data.0.version"},
        {"answer_path": "all"},
        {"answer_pattern": r'"version": "(?P<version>\w+)"'},
        {"answer_header": "X-Version"},
    ],
)
def test_ways_to_tell_the_version_of_a_call(read: dict[str, str]) -> None:
    with servers.serve(servers.App().build()) as url:
        proof = prove(url, transports=["http"], http={"path": "/json", **read})
    assert proof["passed"], proof["message"]
    assert by_name(proof)["lane v2, http"]["observed"] == {"call": {HELLO: {"v2": 4}}}


def test_json_in_events() -> None:
    app = servers.App(text=lambda version: {"version": version})  # type: ignore[arg-type,return-value]
    with servers.serve(app.build()) as url:
        proof = prove(url, answer_path="version", negative_cases=False)
    assert proof["passed"], proof["message"]


@pytest.mark.parametrize("transport", ["websocket", "polling", "raw_websocket"])
def test_the_handshake_tells_who_holds_the_connection(transport: str) -> None:
    told = {"answer_header": "x-version", "answered_by": WSK}
    common = {"transports": [transport], "raw_websocket": RAW, "negative_cases": False}
    with servers.serve(servers.App(lanes={}).build()) as url:
        case = prove(url, **common, handshake=told)["cases"][0]
    assert case["observed"]["handshake"] == {WSK: {"v1": 2}}
    assert case["expected"]["handshake"] == {WSK: "v1"}
    with servers.serve(servers.App(otherwise="v7", lanes={}).build()) as url:
        proof = prove(url, **common, handshake=told)
    assert f"handshakes: {WSK} v7 answered 2 of 2, expected v1" in proof["message"]


@pytest.mark.parametrize("via", ["cookie", "query"])
@pytest.mark.parametrize("transport", ALL)
def test_lanes_by_cookie_and_by_query(via: str, transport: str) -> None:
    app = servers.App(via=via)
    with servers.serve(app.build()) as url:
        proof = prove(
            url,
            transports=[transport],
            raw_websocket=RAW,
            entry={"via": via, "name": "lane"},
            headers={"Cookie": "session=hunter2"},
        )
    assert proof["passed"], proof["message"]
    case = proof["cases"][2]
    assert (case["lane"], case["entry"]) == ("v2", {"via": via, "name": "lane", "value": "v2"})
    assert case["header"] is None
    assert proof["not_tested"] == [
        {
            "what": f"a forged header version beside the {via} lane",
            "why": "whether the gateway strips or overrides it is a matter of its own configuration",
        }
    ]
    assert "hunter2" not in str(proof)
    if app.handshakes:
        assert all("session=hunter2" in handshake["Cookie"] for handshake in app.handshakes)
