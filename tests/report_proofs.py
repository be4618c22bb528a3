"""Proof documents made by hand, as lane_probe and lane_audit are to return them: good, bad and hostile."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

SCHEMA = "asm.lanes/proof/v1"
WSK, HELLO = "default/wsk-svc", "default/helloworld"
#: Text that would do harm wherever it is not escaped.
HOSTILE = "</script></style><img src=x onerror=alert(1)>\"'`&{{ 7*7 }}{% raw %}]]>\x00\x1b[31m\u202e\ud800"


def group(
    lanes: Sequence[str] = ("base", "v1", "v2"), services: Sequence[str] = (WSK, HELLO)
) -> dict[str, Any]:
    """A lane group whose first lane is the baseline and whose other lanes have the last service only."""
    return {
        "name": "ws",
        "mode": "permissive",
        "route_header": "version",
        "trace_header": "baggage",
        "gateway_rule": {"name": "ws-gateway", "namespace": "default"},
        "services": list(services),
        "baseline": lanes[0],
        "lanes": [
            {
                "name": name,
                "label_selector": {"version": version(name)},
                "services": list(services if name == lanes[0] else services[-1:]),
            }
            for name in lanes
        ],
    }


def version(lane: str) -> str:
    return "v1" if lane == "base" else lane


def case(
    name: str,
    lane: str | None,
    *,
    kind: str = "lane",
    transport: str = "websocket",
    value: str | None = None,
    services: Sequence[str] = (HELLO,),
) -> dict[str, Any]:
    """A case that passed: the lane's version answers, the baseline's v1 broadcasts."""
    wanted = version(lane or "base")
    kinds = {"websocket": ("own", "ack", "broadcast"), "polling": ("own", "broadcast")}.get(
        transport, ("own",)
    )
    kinds = ("call",) if transport == "http" else kinds
    expected = {k: dict.fromkeys(services, "v1" if k == "broadcast" else wanted) for k in kinds}
    return {
        "name": name,
        "kind": kind,
        "lane": lane,
        "transport": transport,
        "why": "" if kind == "lane" else "a value that names no lane is like none",
        "may_be_refused_with": [],
        "failure_kinds": {},
        "entry": {"via": "none" if value is None else "header", "name": "version", "value": value},
        "header": value,
        "passed": True,
        "expected": expected,
        "observed": {
            k: {s: {v: 72 if k == "broadcast" else 4} for s, v in found.items()}
            for k, found in expected.items()
        },
        "counts": {"connections": 2, "connected": 2, "sent": 4, "answers": 4, "broadcasts": 72},
        "connection_failures": [],
        "differences": [],
        "timings": {
            "handshake_ms": {"p50": 12.4, "p95": 19.0, "max": 24.8},
            "answer_ms": {"p50": 4.1, "p95": 7.9, "max": 11.2},
        },
    }


def proof(cases: list[dict[str, Any]], **keys: Any) -> dict[str, Any]:
    """A document round these cases."""
    passed = all(one["passed"] for one in cases)
    good = sum(bool(one["passed"]) for one in cases)
    document = {
        "schema": SCHEMA,
        "passed": passed,
        "reached": True,
        "summary": f"{good} of {len(cases)} cases passed: {2 * len(cases)} connections",
        "message": "",
        "table": [],
        "warnings": [],
        "attempts": 1,
        "seconds": 1.21,
        "started_at": "2026-07-01T12:00:00.000+00:00",
        "gateway": {"url": "http://192.0.2.10:30080", "path": "socket.io"},
        "lane_group": group(),
        "cases": cases,
        "weights": [],
        "load": {
            "connections": 2 * len(cases),
            "peak_open": 2 * len(cases),
            "messages": 4 * len(cases),
            "cpu_seconds": 0.31,
            "max_rss_mib": 61.5,
            "late_ms": {"p50": 0.1, "p95": 0.9, "max": 2.4},
        },
        "not_tested": [{"what": "real ASM", "why": "this was the lab"}],
        "audit": None,
        "findings": [],
    }
    return {**document, **keys}


def negatives() -> list[dict[str, Any]]:
    values = {
        "no header": None,
        "unknown value": "no-such-lane",
        "lookalike v22": "v22",
        "lookalike (empty)": "",
    }
    return [case(name, "base", kind="negative", value=value) for name, value in values.items()]


def passed() -> dict[str, Any]:
    """The guide's group, all well."""
    lanes = [case(f"lane {lane}", lane, value=lane) for lane in ("base", "v1", "v2")]
    return proof([*lanes, *negatives(), refused()])


def refused() -> dict[str, Any]:
    """A case that the gateway refused, as it may."""
    found = case("oversize baggage", "base", kind="negative", value="v2")
    found["observed"] = {kind: {} for kind in found["observed"]}
    found["counts"] |= {"connected": 0, "refused": 1, "sent": 0, "answers": 0, "broadcasts": 0}
    found["connection_failures"] = ["HTTP 431 at the handshake"]
    found["failure_kinds"] = {"status": 1}
    return {**found, "may_be_refused_with": [400, 413, 431]}


def failed() -> dict[str, Any]:
    """Lane v2 is answered by v1, broadcasts leak into it, a connection fails; the audit names the hop."""
    document = passed()
    v2, empty = document["cases"][2], document["cases"][-2]
    v2["observed"]["own"][HELLO] = {"v1": 4}
    v2["observed"]["broadcast"][HELLO] = {"v1": 68, "v2": 4}
    v2["differences"] = [
        f"own messages: {HELLO} v1 answered 4 of 4, expected v2",
        f"broadcasts: {HELLO} v2 answered 4 of 72, expected v1",
    ]
    empty["connection_failures"] = ["HTTP 503 at the handshake: the gateway's route leads to no ready pod"]
    empty["differences"] = ["1 of 2 connections: " + empty["connection_failures"][0]]
    for one in (v2, empty):
        one["passed"] = False
    lost = {
        "what": "baggage",
        "how": "lost",
        "direction": "outbound",
        "hop": 2,
        "from": WSK,
        "to": HELLO,
        "culprit": "application",
        "pod": "default/wsk-deploy-7d9c5",
        "route": None,
    }
    return {
        **document,
        "passed": False,
        "warnings": ["this machine was busy: times may say more about it than about the lanes"],
        "summary": "6 of 8 cases passed: 16 connections",
        "message": "2 of 8 cases differ from what the lanes promise:\n  - lane v2: " + v2["differences"][0],
        "audit": audit({**lost, "words": "wsk-svc received baggage version=v2 and did not pass it on"}),
        "weights": weights(0.48, False),
        "findings": [
            {
                "kind": "baggage dropped by the application",
                "object": "Deployment default/wsk-deploy",
                "words": "wsk-svc does not pass baggage on to helloworld",
                "remedy": "Forward the header baggage of the handshake with every call (the guide's FAQ)",
                "evidence": ["wsk-svc inbound: baggage version=v2", "wsk-svc outbound: no baggage"],
            }
        ],
    }


def audit(broken: dict[str, Any] | None) -> dict[str, Any]:
    """Client → gateway → wsk-svc → helloworld for lane v2; of the broadcast the log does not tell all."""
    baggage = None if broken else "version=v2"
    second = {"from": WSK, "to": HELLO, "service": HELLO, "version": "v2", "lane": "v2", "by": "request id"}
    if broken:
        second |= {"version": "v1", "lane": "base"}
    hops = [
        {"from": "client", "to": "gateway", "pod": "istio-system/ingressgateway-6f", "service": None}
        | {"version": None, "lane": None, "header": "v2", "baggage": None, "status": "ok", "by": "path"},
        {
            "from": "gateway",
            "to": WSK,
            "pod": "default/wsk-deploy-7d9c5",
            "service": WSK,
            "version": "v1",
        }
        | {"lane": "base", "header": "v2", "baggage": "version=v2", "status": "ok", "by": "path"},
        second
        | {"pod": "default/helloworld-v1-5b6f7", "header": baggage and "v2", "baggage": baggage}
        | {"status": "lost" if broken else "ok"},
    ]
    clean = copy.deepcopy(hops)
    clean[2] |= {"header": None, "baggage": None, "status": "unknown"}
    chains = [
        {"case": "lane v2", "message_kind": "own", "passed": not broken, "hops": hops}
        | {"broken": broken, "unknown": []},
        {"case": "lane v2", "message_kind": "broadcast", "passed": None, "hops": clean}
        | {"broken": None, "unknown": ["the log of default/wsk-svc does not have baggage"]},
    ]
    return {"passed": broken is None, "chains": chains}


def weights(observed: float, good: bool) -> list[dict[str, Any]]:
    shares = [("base", 0.9, 1 - observed), ("v2", 0.1, observed)]
    lanes = [
        {"lane": name, "expected": want, "observed": seen, "passed": good}
        | {"low": max(want - 0.07, 0), "high": min(want + 0.07, 1)}
        for name, want, seen in shares
    ]
    return [
        {"name": "canary", "service": HELLO, "confidence": 0.999, "samples": 400, "lanes": lanes}
        | {"transport": "http", "answered": 400, "passed": good}
        | {"differences": [] if good else [f"{HELLO}: lane v2 had {observed:.1%} of 400, expected 10.0%"]}
    ]


def many(count: int = 12) -> dict[str, Any]:
    """Many lanes of three services, over all four transports."""
    names = ["base", *(f"feature-{number}" for number in range(1, count))]
    services = ("shop/front", "shop/orders", "shop/stock")
    transports = ("websocket", "polling", "raw_websocket", "http")
    cases = [
        case(f"lane {lane} over {transport}", lane, value=lane, transport=transport, services=services[-1:])
        for lane in names
        for transport in transports
    ]
    stated = group(names, services)
    for lane in stated["lanes"][3::3]:
        lane["services"] = ["shop/orders", "shop/stock"]
    return proof(cases, lane_group=stated, weights=weights(0.11, True), audit=audit(None))


def down() -> dict[str, Any]:
    """Nothing listens at the gateway."""
    reason = "connection refused: nothing listens there; is the gateway (or the lab) up, and the port right?"
    document = passed()
    for one in document["cases"]:
        one["passed"], one["connection_failures"] = False, [reason]
        one["differences"] = [f"2 of 2 connections: {reason}"]
        one["observed"] = {kind: {} for kind in one["observed"]}
        one["timings"] = {"handshake_ms": None, "answer_ms": None}
    words = f"The lanes cannot be proven at http://192.0.2.10:30080: {reason}"
    return {**document, "passed": False, "reached": False, "message": words, "summary": "0 of 8 cases passed"}


def untried() -> dict[str, Any]:
    """As lane_probe returns it in check mode."""
    document = passed()
    for one in document["cases"]:
        one["passed"], one["observed"] = None, {kind: {} for kind in one["observed"]}
    return {
        **document,
        "passed": None,
        "reached": None,
        "attempts": 0,
        "seconds": 0.0,
        "summary": "not tried",
    }


def hostile() -> dict[str, Any]:
    """The failed proof with hostile text wherever a server, a pod or a user can put text."""
    return _poisoned(failed())


#: Words of the format itself; everything else is free text.
_WORDS = {"schema", "kind", "transport", "via", "status", "message_kind", "direction", "how", "mode"}


def _poisoned(value: Any, key: str = "") -> Any:
    if isinstance(value, dict):
        free = key in ("label_selector", "own", "ack", "broadcast", HELLO)
        return {(k + HOSTILE if free else k): _poisoned(item, k) for k, item in value.items()}
    if isinstance(value, list):
        return [_poisoned(item, key) for item in value]
    if isinstance(value, str) and value and key not in _WORDS:
        return value + HOSTILE
    return value


def closed(rule: Any) -> Any:
    """The schema with every object closed whose properties it names: finds keys that it does not describe."""
    if isinstance(rule, list):
        return [closed(item) for item in rule]
    if not isinstance(rule, dict):
        return rule
    inner = {key: closed(item) for key, item in rule.items()}
    if isinstance(rule.get("properties"), dict) and "type" in rule:
        inner.setdefault("additionalProperties", False)
    return inner


def doubtful() -> dict[str, Any]:
    """All answers are right, yet the audit found something."""
    found = failed()
    return {**passed(), "audit": found["audit"], "findings": found["findings"]}


ALL = {
    "passed": passed,
    "failed": failed,
    "many": many,
    "down": down,
    "doubtful": doubtful,
    "untried": untried,
    "hostile": hostile,
}
