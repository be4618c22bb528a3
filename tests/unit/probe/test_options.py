"""From the module's options to a plan: what is refused, and how."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.asm.lanes.plugins.module_utils._probe import options
from integration.probe.probing import HELLO, parameters, planned

URL = "http://192.0.2.10:30080"


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"url": "192.0.2.10:30080"}, "url: '192.0.2.10:30080' is not of the form"),
        ({"connections": 0}, "connections: 0 is not allowed"),
        ({"rate": -1}, "rate: -1 is not allowed"),
        ({"weight_confidence": 1}, "weight_confidence: 1 is not allowed"),
        ({"weight_tolerance": 0.9}, "weight_tolerance: 0.9 is not allowed"),
        ({"transports": []}, "transports: there is none"),
        ({"ca_path": "/ca.pem", "validate_certs": False}, "ca_path: has no use"),
        ({"entry": {"via": "cookie"}}, "entry.name: not given; name the cookie that holds the lane"),
        ({"answered_by": ["helloworld"]}, "answered_by 'helloworld': write each service as namespace/name"),
        ({"emit_event": "", "broadcast_event": ""}, "emit_event: no event asks the server"),
        (
            {"transports": ["http"], "http": {"answer_path": "a", "answer_header": "b"}},
            "http.answer_path: cannot be together with answer_header",
        ),
        (
            {"transports": ["raw_websocket"], "raw_websocket": {"broadcast_pattern": "("}},
            "raw_websocket.broadcast_pattern '(' is not a regular expression",
        ),
    ],
)
def test_bad_options_are_named(given: Any, said: str) -> None:
    with pytest.raises(ValueError, match=re.escape(said)):
        planned(given.pop("url", URL), **given)


def test_a_load_above_the_limit_is_refused_with_the_numbers() -> None:
    with pytest.raises(ValueError, match="max_load") as caught:
        planned(URL, connections=100, messages=20)
    assert str(caught.value) == (
        "max_load: this proof would open 314 connections and send 6014 messages, together 6328, more than "
        "max_load=2000. Ask less (connections, messages, weight_tolerance), or allow it with max_load=6328 "
        "when the gateway can bear it"
    )
    assert planned(URL, connections=100, messages=20, max_load=6328).load() == (314, 6014)


def test_the_load_counts_all_that_is_sent() -> None:
    assert planned(URL, negative_cases=False).load() == (6, 12)
    assert planned(URL, negative_cases=False, ack_event="ask").load() == (6, 24)
    assert planned(URL, negative_cases=False, transports=["http"]).load() == (0, 12)


def test_a_rate_that_the_deadline_does_not_allow_is_refused() -> None:
    with pytest.raises(
        ValueError, match=r"timeout: 46 handshakes and messages at rate=1 per second take 46 s"
    ):
        planned(URL, rate=1)


def test_a_file_of_certificates_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="is not a readable file of certificates"):
        options.settings(parameters(URL, ca_path=str(tmp_path / "none.pem")))
    file = tmp_path / "other.pem"
    file.write_text("no certificate")
    with pytest.raises(ValueError, match="is not a readable file of certificates"):
        options.settings(parameters(URL, ca_path=str(file)))


def test_transports_are_read_in_their_own_ways() -> None:
    plan = planned(
        URL,
        transports=["websocket", "http"],
        http={"path": "/x", "answered_by": ["default/wsk-svc"], "answer_header": "X-Version"},
    )
    by_name = {case.name: case for case in plan.cases}
    assert by_name["lane v2"].expected["own"] == {HELLO: "v2"}
    assert by_name["lane v2, http"].expected == {"call": {"default/wsk-svc": "v1"}}
    assert by_name["lane v2, http"].channel.readers["call"].header == "x-version"
