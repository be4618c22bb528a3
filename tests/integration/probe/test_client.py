"""The probe's clients against a real socket.io server, and against broken servers."""

from __future__ import annotations

import gc
import time
from collections.abc import Sequence
from typing import Any

import pytest
from ansible_collections.asm.lanes.plugins.module_utils._probe import client, verdict
from ansible_collections.asm.lanes.plugins.module_utils._probe.cases import Case
from ansible_collections.asm.lanes.plugins.module_utils._probe.reading import DEFAULT_PATTERN, Reader
from integration.probe import servers

HELLO = "default/helloworld"
V1, V2 = {HELLO: "v1"}, {HELLO: "v2"}
CASES = (
    Case("lane v2", "v2", V2, V1),
    Case("no header", None, V1, V1),
    Case("lookalike (empty)", "", V1, V1),
)
OPEN = '0{"sid":"x","upgrades":[],"pingInterval":25000,"pingTimeout":20000,"maxPayload":1000000}'
CONNECTED = '40{"sid":"y"}'


def probe(url: str, cases: Sequence[Case] = CASES, **changes: Any) -> dict[str, Any]:
    settings = client.Settings(url, "version", **{"timeout": 1.0, **changes})
    seen = client.run([(case.name, case.header) for case in cases], settings)
    rules = verdict.Rules("version", Reader.parse(DEFAULT_PATTERN, [HELLO]), timeout=settings.timeout)
    return verdict.judge(cases, seen, rules)


def test_every_message_is_answered_acknowledged_and_counted() -> None:
    app = servers.App()
    with servers.serve(app.build()) as url:
        proof = probe(url, timeout=15, connections=3, messages=2, headers={"x-team": "blue"})
    assert proof["passed"], proof
    for case in proof["cases"]:
        assert case["counts"] == {
            "connections": 3,
            "connected": 3,
            "sent": 6,
            "acknowledged_by_server": 6,
            "answers": 6,
            "acknowledged_by_client": 6,
            "broadcasts": 54,  # 3 sockets of the case x 18 messages of all
        }
    assert app.acknowledged == [("got it",)] * 18
    sent = [handshake.get("version") for handshake in app.handshakes]
    assert {value: sent.count(value) for value in set(sent)} == {"v2": 3, None: 3, "": 3}
    assert all(handshake["x-team"] == "blue" for handshake in app.handshakes)
    assert app.connected == 0


def test_sockets_take_turns_when_there_are_too_many() -> None:
    most = 0

    def choose(app: servers.App, header: str | None) -> str:
        nonlocal most
        most = max(most, app.connected)
        return app.lanes.get(header or "", app.otherwise)

    with servers.serve(servers.App(choose=choose).build()) as url:
        proof = probe(url, timeout=15, connections=4, max_open=5)
    assert proof["passed"], proof
    assert most == 5


@pytest.mark.parametrize(
    ("app", "said"),
    [
        (servers.App(lanes={}), f"lane v2: own messages: {HELLO} v1 answered 4 of 4, expected v2"),
        (
            servers.App(broadcast_version="v2"),
            f"broadcasts: {HELLO} v2 answered 24 of 24, expected v1",
        ),
        (
            servers.App(
                choose=lambda app, header: "v2" if header == "" else app.lanes.get(header or "", "v1")
            ),
            f"lookalike (empty): own messages: {HELLO} v2 answered 4 of 4, expected v1",
        ),
        (servers.App(asks_ack=False), "4 of 4 answers did not ask for an acknowledgement"),
        (servers.App(broadcasts=False), "2 of 2 connections heard no broadcast"),
        (servers.App(answers=0, broadcasts=False), "4 of 4 own messages unanswered within 1 s"),
        (servers.App(answers=2), "8 answers to 4 own messages"),
        (servers.App(text=lambda _version: "sorry"), "own messages: 4 of 4 name no version"),
    ],
)
def test_a_difference_is_found(app: servers.App, said: str) -> None:
    with servers.serve(app.build()) as url:
        proof = probe(url, messages=2)
    assert not proof["passed"]
    assert said in verdict.failure_message(proof, url)
    assert app.connected == 0


@pytest.mark.parametrize(
    ("what", "said"),
    [
        (servers.RAW["silent"], "stays silent"),
        (servers.RAW["closes"], "the server closed the connection"),
        (servers.RAW["garbage"], "not a socket.io server"),
        (servers.answering(200), "HTTP 200 at the handshake: an HTTP server that is not socket.io"),
        (servers.answering(404), "HTTP 404 at the handshake: the gateway has no route"),
        (servers.answering(503), "HTTP 503 at the handshake: the gateway's route leads to no ready pod"),
        (servers.websocket_saying(then_close=True), "hung up during the handshake"),
        (servers.websocket_saying(then_close=False), "stays silent"),
        (servers.websocket_saying("hello", then_close=False), "not a socket.io server"),
        (servers.websocket_saying(OPEN, then_close=False), "stays silent"),
        (servers.websocket_saying(OPEN, '44{"message":"no"}', then_close=False), "the application rejected"),
        (servers.websocket_saying(OPEN, CONNECTED, then_close=True), "the server closed the connection"),
    ],
)
def test_a_server_that_is_none_gets_a_clear_verdict_in_one_line(
    what: Any, said: str, capfd: pytest.CaptureFixture[str]
) -> None:
    with servers.serve(what) as url:
        started = time.monotonic()
        proof = probe(url)
        assert time.monotonic() - started < 2.5
    message = verdict.failure_message(proof, url)
    assert said in message
    assert "\n" not in message
    gc.collect()  # asyncio complains about forgotten tasks when they are collected
    assert capfd.readouterr().err == ""


def test_broken_packets_end_the_connection(capfd: pytest.CaptureFixture[str]) -> None:
    with servers.serve(servers.websocket_saying(OPEN, CONNECTED, '42["hello"', then_close=False)) as url:
        message = verdict.failure_message(probe(url, timeout=10), url)
    assert "the server sent something that is not a socket.io packet" in message
    gc.collect()
    assert capfd.readouterr().err == ""


def test_nothing_listens_and_no_such_host() -> None:
    with servers.serve(servers.answering(200)) as url:
        pass  # the port was free and is free again
    assert "connection refused" in verdict.failure_message(probe(url), url)
    unknown = "http://gateway.invalid:30080"
    assert "cannot be reached" in verdict.failure_message(probe(unknown), unknown)


def test_one_case_that_fails_does_not_hold_up_the_others() -> None:
    def choose(app: servers.App, header: str | None) -> str:
        if header == "v2":
            raise RuntimeError("the application fails in lane v2")
        return app.otherwise

    with servers.serve(servers.App(choose=choose).build()) as url:
        proof = probe(url)
    assert {case["name"]: case["passed"] for case in proof["cases"]} == {
        "lane v2": False,
        "no header": True,
        "lookalike (empty)": True,
    }
