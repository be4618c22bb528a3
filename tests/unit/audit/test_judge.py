"""From lines to verdicts: where the lane is lost, and by whom; what cannot be known is not accused."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.asm.lanes.plugins.module_utils._audit import judge
from ansible_collections.asm.lanes.plugins.module_utils._audit.context import Carrier
from ansible_collections.asm.lanes.plugins.module_utils._audit.judge import Chain, Wanted
from ansible_collections.asm.lanes.plugins.module_utils._audit.trace import Journey
from hypothesis import given
from hypothesis import strategies as st

from .logs import HEADERS, HELLO, LANED, TAG, V1, V2, WSK, WSK_POD, arrives, calls, journey, line, wanted

ONLY_TAG = {"baggage": f"asm-lanes-audit={TAG}"}


def chain_of(found: Journey, want: Wanted | None = None) -> Chain:
    want = want or wanted()
    chain = judge.to_service(Chain("lane v2", "call"), found.arrivals, want)
    judge.between_services(chain, found.hops, want, found.arrivals)
    return judge.note_unlogged(chain, want, found)


def place(chain: Chain) -> tuple[Any, ...]:
    assert chain.broken
    return tuple(chain.broken[key] for key in ("from", "to", "direction", "what", "how", "culprit"))


def test_a_clean_chain() -> None:
    chain = chain_of(journey(arrives(**LANED), calls(V2, **LANED)))
    assert (chain.passed, chain.unknown) == (True, [])
    assert [(hop["from"], hop["to"]) for hop in chain.hops] == [
        ("client", "gateway"),
        ("gateway", WSK),
        (WSK, HELLO),
    ]
    assert chain.hops[2] == {
        "from": WSK,
        "to": HELLO,
        "pod": V2.name,
        "service": HELLO,
        "version": "v2",
        "lane": "v2",
        "header": "v2",
        "baggage": "version=v2",
        "status": "ok",
        "by": "baggage",
    }


@pytest.mark.parametrize(
    ("at_wsk", "called", "expected"),
    [
        ({"version": None}, {}, ("client", "gateway", "inbound", "header", "lost", "gateway")),
        ({**LANED, "version": "v1"}, {}, ("client", "gateway", "inbound", "header", "changed", "gateway")),
        ({"version": "v2"}, {}, ("gateway", WSK, "inbound", "baggage", "lost", "proxy")),
        (
            {"version": "v2", "baggage": "version=v1"},
            {},
            ("gateway", WSK, "inbound", "baggage", "changed", "proxy"),
        ),
        (LANED, {}, (WSK, HELLO, "outbound", "baggage", "lost", "application")),
        (LANED, ONLY_TAG, (WSK, HELLO, "outbound", "baggage", "lost", "application")),
        (
            LANED,
            {**LANED, "baggage": "version=v1", "version": "v1"},
            (WSK, HELLO, "outbound", "baggage", "changed", "application"),
        ),
        (LANED, {"version": "v2"}, (WSK, HELLO, "outbound", "baggage", "lost", "proxy")),
        (LANED, {**LANED, "version": None}, (WSK, HELLO, "outbound", "header", "lost", "proxy")),
    ],
)
def test_where_and_by_whom(at_wsk: dict[str, Any], called: dict[str, Any], expected: tuple[str, ...]) -> None:
    chain = chain_of(journey(arrives(**at_wsk), calls(V1, subset="base", **called)))
    assert place(chain) == expected
    assert chain.passed is False and chain.broken
    assert chain.hops[chain.broken["hop"]]["status"] == expected[4]
    assert not any(hop["status"] != "ok" for hop in chain.hops[: chain.broken["hop"]])


def test_lost_between_two_proxies() -> None:
    part = calls(V2, **LANED)
    part[V2.name][0] |= {"version": None, "baggage": None}
    assert place(chain_of(journey(arrives(**LANED), part))) == (
        WSK,
        HELLO,
        "inbound",
        "header",
        "lost",
        "proxy",
    )


@pytest.mark.parametrize("header", ["version", "baggage"])
def test_a_header_that_is_not_logged_makes_hops_unknown_and_accuses_nobody(header: str) -> None:
    parts = [arrives(**LANED), calls(V1, subset="base")]
    for part in parts:
        for lines in part.values():
            for one in lines:
                del one[header]
    chain = chain_of(journey(*parts))
    assert {hop["status"] for hop in chain.hops} >= {"unknown"}
    assert any(f"does not show the header {header}" in why for why in chain.unknown)
    assert chain.broken is None or (header, chain.broken["what"]) in {
        ("baggage", "header"),  # seen: the proxy sends it without
        ("version", "baggage"),  # seen: wsk had it, and its call has not
    }


def test_an_application_that_never_got_the_lane_has_not_lost_it() -> None:
    outside = Wanted("v2", wanted().carrier, frozenset((HELLO,)))
    chain = chain_of(journey(arrives(version="v2"), calls(V1, subset="base")), outside)
    assert place(chain) == (WSK, HELLO, "outbound", "baggage", "lost", "proxy")
    assert chain.broken and "is no service of the lane group" in chain.broken["words"]


def test_a_pod_without_the_line_is_unknown() -> None:
    part = calls(V2, **LANED)
    del part[V2.name]
    chain = chain_of(journey(arrives(**LANED), part))
    assert chain.passed is None
    assert f"{V2.name} of {HELLO}: its proxy has no line" in chain.unknown[0]


def test_another_request_in_the_same_pod_makes_an_unmarked_call_unknown() -> None:
    other = arrives(at=0.5, took=2, tag="f" * 32, version="v1", baggage="version=v1")
    chain = chain_of(journey(other, arrives(**LANED), calls(V1, subset="base")))
    assert (chain.broken, chain.passed) == (None, None)
    assert "other requests were open" in chain.unknown[0]
    marked = chain_of(journey(other, arrives(**LANED), calls(V2, **LANED)))
    assert marked.passed is True


def test_an_application_that_also_calls_by_itself_is_not_accused_by_time() -> None:
    chain = chain_of(journey(arrives(**LANED), calls(V1, subset="base"), calls(V1, at=9.0, subset="base")))
    assert (chain.broken, chain.passed) == (None, None)
    assert "also calls" in chain.unknown[0]


def test_calls_of_another_audit_are_not_taken() -> None:
    other = {"version": "v1", "baggage": f"version=v1,asm-lanes-audit={'f' * 32}"}
    chain = chain_of(journey(arrives(**LANED), calls(V2, **LANED), calls(V1, at=1.2, **other)))
    assert len(chain.hops) == 3


def test_the_trace_makes_sure() -> None:
    trace = {"traceparent": f"00-{TAG}-{'1' * 16}-00"}
    other = arrives(at=0.5, took=2, tag="f" * 32, version="v1", baggage="version=v1")
    chain = chain_of(journey(other, arrives(**LANED, **trace), calls(V1, subset="base", **trace)))
    assert place(chain) == (WSK, HELLO, "outbound", "baggage", "lost", "application")
    assert chain.hops[-1]["by"] == "trace"


def test_the_gateways_own_choice_is_not_a_change() -> None:
    chain = chain_of(journey(arrives(**LANED), calls(V2, **LANED)), wanted(at_gateway=False))
    assert chain.passed is True


def test_a_header_that_is_route_and_trace_header_at_once() -> None:
    carrier = Carrier.of("version", "version")
    want = Wanted("v2", carrier, frozenset((WSK, HELLO)))
    sent = {"version": "v2"}
    assert chain_of(journey(arrives(**sent), calls(V2, **sent)), want).passed is True
    chain = chain_of(journey(arrives(**sent), calls(V1, subset="base")), want)
    assert place(chain) == (WSK, HELLO, "outbound", "header", "lost", "application")


def test_another_trace_header_must_stay_as_it_came() -> None:
    carrier = Carrier.of("version", "traceparent")
    want = Wanted("v2", carrier, frozenset((WSK, HELLO)))
    trace = {"version": "v2", "traceparent": f"00-{TAG}-{'1' * 16}-00"}
    next_span = {**trace, "traceparent": f"00-{TAG}-{'2' * 16}-00"}
    found = journey(arrives(**trace), calls(V2, **next_span))
    assert chain_of(found, want.following(found)).passed is True
    found = journey(arrives(**trace), calls(V1, subset="base", traceparent=f"00-{'9' * 32}-{'2' * 16}-00"))
    assert place(chain_of(found, want.following(found))) == (
        WSK,
        HELLO,
        "outbound",
        "header",
        "changed",
        "application",
    )


def test_broadcasts_must_not_carry_a_lane() -> None:
    clean = journey(arrives(**LANED), calls(V1, subset="base"))
    assert judge.without_lane(Chain("lane v2", "broadcast"), clean.hops, wanted()).passed is True
    leak = journey(arrives(**LANED), calls(V2, **LANED))
    chain = judge.without_lane(Chain("lane v2", "broadcast"), leak.hops, wanted())
    assert place(chain) == (WSK, HELLO, "outbound", "baggage", "changed", "application")


@given(
    st.lists(st.tuples(st.floats(0, 20), st.sampled_from(HEADERS), st.sampled_from([None, "v1", "v2", ""])))
)
def test_foreign_traffic_never_breaks_a_marked_chain(noise: list[tuple[float, str, str | None]]) -> None:
    cluster = "outbound|5000||helloworld.default.svc.cluster.local"
    lines = [
        line(at, 0.1, upstream_cluster=cluster, upstream_host="10.0.0.3:5000", **{name: value})
        for at, name, value in noise
    ]
    chain = chain_of(journey(arrives(**LANED), calls(V2, **LANED), {WSK_POD.name: lines}))
    marked = [hop for hop in chain.hops if hop["by"] == "baggage"]
    assert [hop["status"] for hop in marked] == ["ok"]
