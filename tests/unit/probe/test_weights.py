"""Shares of weighted lanes: right ones pass, wrong ones do not, for so many seeds as the confidence says."""

from __future__ import annotations

import random
from collections import Counter
from typing import Any

import pytest
from ansible_collections.asm.lanes.plugins.module_utils._lanes.model import LaneGroup
from ansible_collections.asm.lanes.plugins.module_utils._probe import weights
from ansible_collections.asm.lanes.plugins.module_utils._probe.settings import Channel, Observation

from .groups import HELLO, WSK, channel, group, lane, oracle, weight


def weighted(*shares: int, versions: str = "123", **routing: Any) -> LaneGroup:
    """Lanes s1, s2 ... with these weights and versions."""
    lanes = [
        lane(f"s{number}", f"v{version}", WSK, HELLO, ingress_weight=weight(WSK, share))
        for number, (share, version) in enumerate(zip(shares, versions, strict=False), 1)
    ]
    return group(lanes=lanes, baseline="s1", ingress_routing={"strategy": "weighted", **routing})


def drawn(of: LaneGroup, *on: Channel, confidence: float = 0.9999) -> tuple[list[weights.Draw], list[str]]:
    left_out: list[str] = []
    found = weights.draws(
        oracle(of), on or (channel(),), confidence, 0.2, lambda what, why: left_out.append(f"{what}: {why}")
    )
    return found, left_out


def seen(draw: weights.Draw, answers: dict[str, int]) -> list[Observation]:
    counts = Counter({((draw.service, version),): times for version, times in answers.items()})
    return [Observation(draw.case.name, sent=sum(answers.values()), heard={draw.kind: counts})]


def sampled(draw: weights.Draw, rng: random.Random, **shares: float) -> dict[str, int]:
    return dict(Counter(rng.choices(list(shares), list(shares.values()), k=draw.samples)))


def test_both_draws_of_the_documented_example() -> None:
    found, left_out = drawn(weighted(60, 20, 20))
    assert left_out == []
    plain, forged = found
    assert plain.shares == {"s1": ("v1", 0.6), "s2": ("v2", 0.2), "s3": ("v3", 0.2)}
    assert (plain.case.entry.headers, forged.case.entry.headers) == ((), (("version", "s3"),))
    assert plain.case.connections == plain.samples > 200
    assert plain.case.messages == 1
    assert not plain.case.listens


def test_lanes_of_one_version_count_together_and_those_without_traffic_are_watched() -> None:
    (draw, _forged), _left = drawn(weighted(50, 30, 20, versions="121"))
    assert draw.shares == {"s1+s3": ("v1", 0.7), "s2": ("v2", 0.3)}
    (draw, _forged), _left = drawn(weighted(50, 50, 0))
    assert draw.shares["s3"] == ("v3", 0.0)
    told = weights.judge(draw, seen(draw, {"v1": draw.samples // 2, "v2": draw.samples // 2, "v3": 1}))
    assert [row["lane"] for row in told["lanes"] if not row["passed"]] == ["s3"]


def test_right_shares_pass_and_wrong_ones_do_not() -> None:
    (draw, _forged), _left = drawn(weighted(90, 10))
    rng = random.Random(7)
    right = [weights.judge(draw, seen(draw, sampled(draw, rng, v1=0.9, v2=0.1))) for _try in range(300)]
    wrong = [weights.judge(draw, seen(draw, sampled(draw, rng, v1=0.5, v2=0.5))) for _try in range(100)]
    assert all(told["passed"] for told in right)
    assert not any(told["passed"] for told in wrong)
    assert wrong[0]["differences"][0].startswith(f"{HELLO}: lane s1 had ")


def test_an_interval_is_told_as_shares() -> None:
    (draw, _forged), _left = drawn(weighted(90, 10))
    told = weights.judge(draw, seen(draw, {"v1": 9 * draw.samples // 10, "v2": draw.samples // 10}))
    assert told["passed"]
    for row in told["lanes"]:
        assert 0 <= row["low"] < row["observed"] < row["high"] <= 1
        assert row["low"] < row["expected"] < row["high"]


def test_strangers_silence_and_nothing_at_all_fail() -> None:
    (draw, _forged), _left = drawn(weighted(50, 50))
    half = draw.samples // 2
    told = weights.judge(draw, seen(draw, {"v1": half, "v2": half, "v9": 1}))
    assert [row["lane"] for row in told["lanes"] if not row["passed"]] == [weights.OTHERS]
    (quiet,) = seen(draw, {"v1": half, "v2": half})
    quiet.sent += 3
    assert weights.judge(draw, [quiet])["differences"] == [f"3 of {draw.samples} samples were not answered"]
    assert weights.judge(draw, [])["passed"] is False


def test_calls_share_connections() -> None:
    (draw, _forged), _left = drawn(weighted(50, 50), channel(transport="http", path="/"), channel())
    assert draw.case.channel.transport == "http"
    assert draw.case.connections == 10
    assert draw.case.connections * draw.case.messages == draw.samples


@pytest.mark.parametrize(
    ("of", "on", "said"),
    [
        (weighted(50, 50), channel(transport="polling"), "weights: each request of polling is split anew"),
        (
            weighted(50, 50, versions="11"),
            channel(),
            "weights: the versions that answer do not tell the lanes",
        ),
        (
            weighted(50, 50, matches=[{"uri": {"exact": "/x"}}]),
            channel(),
            "weights: no request for /socket.io/",
        ),
    ],
)
def test_what_cannot_be_drawn_is_said(of: LaneGroup, on: Channel, said: str) -> None:
    found, left_out = drawn(of, on)
    assert found == []
    assert left_out[0].startswith(said)


def test_groups_without_weights_have_no_draws() -> None:
    assert drawn(group()) == ([], [])


def test_requests_meet_what_the_weights_are_for() -> None:
    matches = [{"headers": {"version": {"exact": "beta"}}}]
    (only,), _left = drawn(weighted(50, 50, matches=matches, hosts=["*.example.com"]))
    assert only.case.entry.headers == (("version", "beta"),), "and the header is no forgery then"
    assert only.case.entry.host == "probe.example.com"
