# Copyright (c) 2026, asm.lanes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""From the module's options to what is tried and how. Pure, but for reading a file of certificates."""

from __future__ import annotations

import re
from typing import Any

from . import cases, client_options, verdict, weights
from .expect import Oracle
from .proof import Plan
from .reading import Reader
from .settings import (
    ACK,
    BROADCAST,
    CALL,
    HANDSHAKE,
    HTTP,
    OWN,
    RAW_WEBSOCKET,
    TO_ONE,
    TRANSPORTS,
    WEBSOCKET,
    Channel,
    Events,
    Settings,
)

Params = dict[str, Any]

_READING = {
    "answered_by": {"type": "list", "elements": "str"},
    "answer_pattern": {"type": "str"},
    "answer_path": {"type": "str"},
}
#: The options besides ``lane_group``.
ARGUMENTS: Params = {
    **client_options.ARGUMENTS,
    "transports": {
        "type": "list",
        "elements": "str",
        "choices": list(TRANSPORTS),
        "default": [WEBSOCKET],
    },
    "ack_event": {"type": "str", "default": ""},
    "to_one_event": {"type": "str", "default": ""},
    "expect_ack": {"type": "bool", "default": True},
    "handshake": {
        "type": "dict",
        "options": {
            "answer_header": {"type": "str", "required": True},
            "answered_by": {"type": "str", "required": True},
        },
    },
    "raw_websocket": {
        "type": "dict",
        "options": {
            "path": {"type": "str", "default": "/"},
            "text": {"type": "str", "default": "{id}"},
            "broadcast_pattern": {"type": "str", "default": ""},
            **_READING,
        },
    },
    "http": {
        "type": "dict",
        "options": {
            "path": {"type": "str", "default": "/"},
            "method": {"type": "str", "choices": ["GET", "POST", "PUT"], "default": "GET"},
            "body": {"type": "str", "default": ""},
            "answer_header": {"type": "str"},
            **_READING,
        },
    },
    "negative_cases": {"type": "bool", "default": True},
    "connections": {"type": "int", "default": 2},
    "messages": {"type": "int", "default": 2},
    "max_open": {"type": "int", "default": 50},
    "rate": {"type": "float", "default": 500},
    "max_load": {"type": "int", "default": 2000},
    "weight_confidence": {"type": "float", "default": 0.9999},
    "weight_tolerance": {"type": "float", "default": 0.2},
    "timeout": {"type": "float", "default": 15},
    "settle_timeout": {"type": "float", "default": 0},
    "fail_on_difference": {"type": "bool", "default": True},
}


def plan(params: Params) -> Plan:
    """Return what is to be tried; raises ValueError naming the option that is wrong."""
    group = client_options.group(params)
    channels = [_channel(params, transport) for transport in dict.fromkeys(params["transports"])]
    judged = [
        service for channel in channels for reader in channel.readers.values() for service in reader.services
    ]
    cases.check(group, judged, params["version_label"])
    oracle = Oracle(group, params["version_label"], client_options.host(params))
    via, name = client_options.entry(params)
    wish = cases.Wish(
        channels=channels,
        via=via,
        name=name,
        connections=params["connections"],
        messages=params["messages"],
        negative=params["negative_cases"],
    )
    matrix = cases.matrix(oracle, wish)
    drawn = weights.draws(
        oracle, channels, params["weight_confidence"], params["weight_tolerance"], matrix.leave_out
    )
    if not matrix.cases and not drawn:
        why = "; ".join(f"{what}: {reason}" for what, reason in matrix.left_out)
        raise ValueError(f"lane_group {group.name}: nothing can be proven: {why}")
    rules = verdict.Rules(
        header=group.route_header or "entry",
        acknowledged=params["expect_ack"],
        timeout=params["timeout"],
    )
    return Plan(matrix, drawn, rules)


def settings(params: Params) -> Settings:
    """Return how to talk to the application; raises ValueError for a file of certificates that is none."""
    return Settings(
        url=params["url"],
        headers=client_options.headers(params),
        events=Events(
            emit=params["emit_event"],
            answer=params["answer_event"],
            ack=params["ack_event"],
            to_one=params["to_one_event"],
            broadcast=params["broadcast_event"],
        ),
        max_open=params["max_open"],
        rate=params["rate"],
        timeout=params["timeout"],
        tls=client_options.tls(params),
    )


def check(params: Params) -> None:
    """Raise ValueError for values that the argument spec cannot refuse."""
    client_options.check(params)
    for name in ("connections", "messages", "max_open", "timeout", "max_load"):
        if params[name] <= 0:
            raise ValueError(f"{name}: {params[name]} is not allowed, must be more than 0")
    if params["rate"] < 0:
        raise ValueError(f"rate: {params['rate']:g} is not allowed, must be 0 (as fast as can be) or more")
    if not 0.5 <= params["weight_confidence"] < 1:
        raise ValueError(
            f"weight_confidence: {params['weight_confidence']:g} is not allowed, must be from 0.5 to below 1"
        )
    if not 0 < params["weight_tolerance"] <= 0.5:
        raise ValueError(
            f"weight_tolerance: {params['weight_tolerance']:g} is not allowed, must be above 0, at most 0.5"
        )
    if not params["transports"]:
        raise ValueError(f"transports: there is none; choose from {', '.join(TRANSPORTS)}")


def _channel(params: Params, transport: str) -> Channel:
    if transport == RAW_WEBSOCKET:
        own = params["raw_websocket"] or _defaults("raw_websocket")
        reader = client_options.reader(params, own, "raw_websocket.")
        readers = {OWN: reader, **({BROADCAST: reader} if own["broadcast_pattern"] else {})}
        _compiles(own["broadcast_pattern"], "raw_websocket.broadcast_pattern")
        return Channel(
            transport,
            own["path"],
            {**readers, **_handshake(params)},
            message=own["text"],
            broadcast_pattern=own["broadcast_pattern"],
        )
    if transport == HTTP:
        own = params["http"] or _defaults("http")
        readers = {CALL: client_options.reader(params, own, "http.")}
        return Channel(transport, own["path"], readers, message=own["body"], method=own["method"])
    reader = client_options.reader(params)
    events = {
        OWN: params["emit_event"] and params["answer_event"],
        ACK: params["ack_event"],
        TO_ONE: params["to_one_event"],
        BROADCAST: params["broadcast_event"],
    }
    readers = {kind: reader for kind, event in events.items() if event}
    if OWN not in readers and ACK not in readers and TO_ONE not in readers:
        raise ValueError(
            "emit_event: no event asks the server; name emit_event and answer_event, or ack_event"
        )
    return Channel(transport, params["path"], {**readers, **_handshake(params)})


def _handshake(params: Params) -> dict[str, Reader]:
    """The reader of the response that opens a connection, when one is declared."""
    told = params["handshake"]
    if not told:
        return {}
    return {HANDSHAKE: Reader.in_header(told["answer_header"], [told["answered_by"]])}


def _defaults(name: str) -> Params:
    options = ARGUMENTS[name]["options"]
    return {key: spec.get("default") for key, spec in options.items()}


def _compiles(pattern: str, option: str) -> None:
    try:
        re.compile(pattern)
    except re.error as error:
        raise ValueError(f"{option} {pattern!r} is not a regular expression: {error}") from error
