"""What the probe tries, and what it expects: from lane groups alone."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.asm.lanes.plugins.module_utils._lanes import problems
from ansible_collections.asm.lanes.plugins.module_utils._probe import cases, negatives
from hypothesis import given
from hypothesis import strategies as st

from .groups import HELLO, WSK, channel, group, lane, matrix, rule, weight


def own(found: cases.Matrix, service: str = HELLO) -> dict[str, str]:
    """Case -> version that answers."""
    return {case.name: case.expected["own"][service] for case in found.cases}


def test_the_guides_truth_table() -> None:
    found = matrix(group())
    assert own(found) == {
        "lane base": "v1",
        "lane v1": "v1",
        "lane v2": "v2",
        "no header": "v1",
        "unknown value": "v1",
        "lookalike v22": "v1",
        "lookalike v2,base": "v1",
        "lookalike (empty)": "v1",
        "lookalike V2": "v1",
        "header twice": "v1",
        "header name in other case": "v2",
        "header percent-encoded": "v1",
        "baggage alone": "v2",
        "header against baggage": "v2",
        "several baggage members": "v2",
        "baggage percent-encoded": "v2",
        "oversize baggage": "v2",
    }
    assert all(case.expected["broadcast"] == {HELLO: "v1"} for case in found.cases)
    assert [case.kind for case in found.cases] == ["lane"] * 3 + ["negative"] * 14
    assert [case.lane for case in found.cases][:4] == ["base", "v1", "v2", "base"]
    assert found.left_out == []
    assumed = {case.name for case in found.cases if "assumed" in case.why}
    assert assumed == {case.name for case in found.cases if "baggage" in case.name} - {"oversize baggage"}


def test_what_the_negative_cases_send() -> None:
    sent = {case.name: case.entry.request_headers({}) for case in matrix(group()).cases}
    assert sent["header twice"] == [("version", "v2"), ("version", "base")]
    assert sent["header name in other case"] == [("VERSION", "v2")]
    assert sent["header percent-encoded"] == [("version", "%76%32")]
    assert sent["baggage percent-encoded"] == [("baggage", "version=%76%32")]
    assert sent["several baggage members"] == [("baggage", "tenant=a%20b;ttl=1, version=v2 ,debug=1")]
    assert sent["no header"] == []
    assert len(dict(sent["oversize baggage"])["baggage"]) > 60 * 1024


def test_baggage_of_clients_matters_in_baggage_mode_only() -> None:
    custom = matrix(group(trace_header="version"))
    assert not [case for case in custom.cases if "baggage" in case.name]
    by_trace = matrix(group(trace_header="x-request-id"))
    assert [what for what, _why in by_trace.left_out] == ["the trace id"]


def test_negative_cases_can_be_switched_off_and_are_missed() -> None:
    found = matrix(group(), negative=False)
    assert {case.kind for case in found.cases} == {"lane"}
    assert [what for what, _why in found.left_out] == ["negative cases"]


def test_negative_cases_cost_one_message() -> None:
    asked = {(case.kind, case.connections * case.messages) for case in matrix(group(), connections=4).cases}
    assert asked == {("lane", 8), ("negative", 1)}


def test_fallbacks_decide_where_a_lane_has_no_pods_of_its_own() -> None:
    lanes = [lane("base", "v1", WSK, HELLO), lane("v2", "v2", HELLO), lane("v3", "v3", WSK)]
    found = matrix(group(lanes=lanes, service_fallback={HELLO: "v2"}), WSK, HELLO)
    table = {case.name: case.expected for case in found.cases}
    assert table["lane v3"]["own"] == {WSK: "v3", HELLO: "v2"}
    assert table["lane base"]["own"] == {WSK: "v1", HELLO: "v1"}
    assert table["no header"]["broadcast"] == {WSK: "v1", HELLO: "v2"}


def test_another_label_holds_the_version() -> None:
    lanes = [lane("base", "old", WSK, HELLO, label="track"), lane("v2", "new", HELLO, label="track")]
    assert own(matrix(group(lanes=lanes), label="track"))["lane v2"] == "new"


@pytest.mark.parametrize("via", ["cookie", "query"])
def test_lanes_by_cookie_and_query(via: str) -> None:
    found = matrix(group(), via=via, name="lane")
    assert own(found)["lane v2"] == "v2"
    assert own(found)["lookalike V2"] == own(found)[f"no {via}"] == "v1"
    assert {case.entry.via for case in found.cases} == {via, "none"}
    ((what, _why),) = found.left_out
    assert what == f"a forged header version beside the {via} lane"


def ruled(**changes: Any) -> Any:
    """Lane v2 is for beta users; what the others get depends on whether base has a rule."""
    beta = lane("a2", "v2", WSK, HELLO, ingress_rules=[rule(WSK, {"x-user": {"prefix": "beta"}})])
    return group(lanes=[lane("base", "v1", WSK, HELLO, **changes), beta])


def test_rules_at_the_gateway_are_met_and_a_forged_header_changes_nothing() -> None:
    found = matrix(ruled(ingress_rules=[rule(WSK)]))
    table = {case.name: case for case in found.cases}
    assert table["lane a2"].entry.headers == (("x-user", "beta"),)
    assert table["lane base"].entry.via == "none"
    forged = table["forged header in lane a2"]
    assert forged.entry.headers == (("x-user", "beta"), ("version", "base"))
    assert forged.expected["own"] == {HELLO: "v2"}
    assert table["forged header in lane base"].entry.headers == (("version", "a2"),)
    assert own(found)["no header"] == own(found)["forged header in lane base"] == "v1"


def test_what_no_rule_matches_is_somebody_elses() -> None:
    found = matrix(ruled())
    assert [case.name for case in found.cases] == ["lane a2", "forged header in lane a2"]
    assert ("lane base", "no ingress rule or weight of the lanes matches it at /socket.io/") in found.left_out


def test_who_holds_the_connection_speaks_for_itself_in_broadcasts() -> None:
    table = {case.name: case for case in matrix(ruled(ingress_rules=[rule(WSK)]), WSK, HELLO).cases}
    assert table["lane a2"].expected["broadcast"] == {WSK: "v2", HELLO: "v1"}
    assert table["no header"].expected["broadcast"] == {WSK: "v1", HELLO: "v1"}


def strict(*rules: Any) -> Any:
    lanes = [
        lane(f"s{number}", f"v{number}", WSK, HELLO, ingress_rules=[one] if one else [])
        for number, one in enumerate(rules, 1)
    ]
    return group(mode="strict", baseline=None, route_header=None, trace_header=None, lanes=lanes)


def test_strict_lanes_are_entered_by_their_rules_and_keep_to_themselves() -> None:
    found = matrix(strict(rule(WSK, {"x-user": {"exact": "a"}}), rule(WSK, {"x-user": {"exact": "b"}})))
    assert [case.name for case in found.cases] == ["lane s1", "lane s2"]
    assert [case.lane for case in found.cases] == ["s1", "s2"]
    assert [case.expected for case in found.cases] == [
        {"own": {HELLO: version}, "broadcast": {HELLO: version}} for version in ("v1", "v2")
    ]
    assert ("no header", "no ingress rule or weight of the lanes matches it at /socket.io/") in found.left_out


def test_a_strict_lane_that_takes_all_the_rest_answers_everything_else() -> None:
    found = matrix(strict(rule(WSK), rule(WSK, {"x-user": {"exact": "b"}}, hosts=["b.example.com"])))
    table = {case.name: case for case in found.cases}
    assert table["lane s2"].entry.host == "b.example.com"
    assert table["unknown value"].lane == "s1"


@pytest.mark.parametrize(
    ("unmet", "said"),
    [
        (rule(WSK, {"x-user": {"regex": "b.*"}}), "could be made up"),
        (rule(WSK, {}, prefix="/elsewhere"), "could be made up"),
        (None, "no ingress rule"),
    ],
)
def test_a_lane_that_cannot_be_entered_is_left_out(unmet: Any, said: str) -> None:
    found = matrix(strict(rule(WSK, {"x-user": {"exact": "a"}}), unmet))
    assert [case.name for case in found.cases] == ["lane s1"]
    assert said in dict(found.left_out)["lane s2"]


def test_a_path_that_a_rule_wants_is_that_of_the_transport() -> None:
    spec = strict(rule(WSK, {}, exact="/socket.io/"), rule(WSK, {}, prefix="/api"))
    assert [case.name for case in matrix(spec).cases if case.kind == "lane"] == ["lane s1"]
    calls = channel(HELLO, transport="http", path="/api/x?y=1")
    assert [case.name for case in matrix(spec, on=calls).cases if case.kind == "lane"] == ["lane s2, http"]


def test_shares_are_no_matter_of_single_cases() -> None:
    lanes = [
        lane("base", "v1", WSK, HELLO, ingress_weight=weight(WSK, 90)),
        lane("v2", "v2", WSK, HELLO, ingress_weight=weight(WSK, 10)),
    ]
    assert matrix(group(lanes=lanes, ingress_routing={"strategy": "weighted"})).cases == []


@pytest.mark.parametrize(
    ("changes", "service", "label", "said"),
    [
        ({"mode": "strict", "baseline": None}, WSK, "version", "mode: in strict mode"),
        ({"lanes": [], "baseline": None}, HELLO, "version", "lanes: there is none"),
        ({}, "default/other", "version", "answered_by: default/other is not a service of the group"),
        ({}, HELLO, "track", "lanes[v2].label_selector: no label 'track'"),
    ],
)
def test_what_cannot_be_proven_is_refused(changes: Any, service: str, label: str, said: str) -> None:
    if changes.get("mode") == "strict":
        changes = {**changes, "lanes": [lane("v1", "v1", WSK, HELLO), lane("v2", "v2", WSK, HELLO)]}
    with pytest.raises(problems.SpecError) as caught:
        matrix(group(**changes), service, label=label)
    assert said in str(caught.value)


NAMES = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,8}[a-z0-9])?", fullmatch=True)


@given(st.lists(NAMES, min_size=1, unique=True))
def test_lookalikes_never_name_a_lane(names: list[str]) -> None:
    found = negatives.lookalikes(names, names[-1])
    assert not set(found) & set(names)
    assert "" in found
    assert len(set(found)) == len(found)


@given(st.lists(NAMES, min_size=1, max_size=5, unique=True))
def test_only_what_names_a_lane_enters_one(names: list[str]) -> None:
    lanes = [lane(name, f"v{number}", WSK, HELLO) for number, name in enumerate(names)]
    found = matrix(group(lanes=lanes, baseline=names[0]))
    assert len({case.name for case in found.cases}) == len(found.cases)
    version = {name: f"v{number}" for number, name in enumerate(names)}
    for case in found.cases:
        assert case.lane is not None
        assert case.expected["own"] == {HELLO: version[case.lane]}
        if case.kind == "lane":
            assert case.name == f"lane {case.lane}"
        else:
            assert case.lane == names[0] or "baggage" in case.name or "other case" in case.name
