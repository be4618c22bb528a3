"""What the probe tries, and what it expects: from lane groups alone."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.asm.lanes.plugins.module_utils._lanes import model, problems, words
from ansible_collections.asm.lanes.plugins.module_utils._probe import cases
from hypothesis import given
from hypothesis import strategies as st

WSK, HELLO = "default/wsk-svc", "default/helloworld"


def lane(name: str, version: str, *services: str, label: str = "version") -> dict[str, Any]:
    return {"name": name, "label_selector": {label: version}, "services": list(services)}


def group(**changes: Any) -> model.LaneGroup:
    """The guide's group, changed."""
    spec = {
        "name": "ws",
        "mode": "permissive",
        "route_header": "version",
        "trace_header": "baggage",
        "gateway_rule": {"name": "ws-gateway", "namespace": "default"},
        "services": [WSK, HELLO],
        "baseline": "base",
        "lanes": [lane("base", "v1", WSK, HELLO), lane("v1", "v1", HELLO), lane("v2", "v2", HELLO)],
    }
    return words.parse({**spec, **changes})


def built(of: model.LaneGroup, *services: str, label: str = "version") -> dict[str | None, cases.Case]:
    refs = [model.parse_service(service) for service in services or (HELLO,)]
    return {case.header: case for case in cases.from_group(of, [ref for ref in refs if ref], label)}


def test_the_guides_truth_table() -> None:
    table = built(group())
    own = {header: case.own[HELLO] for header, case in table.items()}
    assert own == {
        "base": "v1",
        "v1": "v1",
        "v2": "v2",
        None: "v1",
        "no-such-lane": "v1",
        "v22": "v1",
        "v2,base": "v1",
        "": "v1",
        "V2": "v1",
    }
    assert all(case.broadcast == {HELLO: "v1"} for case in table.values())
    assert len({case.name for case in table.values()}) == len(table)


def test_fallbacks_decide_where_a_lane_has_no_pods_of_its_own() -> None:
    lanes = [lane("base", "v1", WSK, HELLO), lane("v2", "v2", HELLO), lane("v3", "v3", WSK)]
    table = built(group(lanes=lanes, service_fallback={HELLO: "v2"}), WSK, HELLO)
    assert table["v3"].own == {WSK: "v3", HELLO: "v2"}
    assert table["base"].own == {WSK: "v1", HELLO: "v1"}
    assert table[None].broadcast == {WSK: "v1", HELLO: "v2"}


def test_another_label_holds_the_version() -> None:
    lanes = [lane("base", "old", WSK, HELLO, label="track"), lane("v2", "new", HELLO, label="track")]
    assert built(group(lanes=lanes), label="track")["v2"].own == {HELLO: "new"}


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
        built(group(**changes), service, label=label)
    assert said in str(caught.value)


@given(st.lists(st.from_regex(r"[a-z0-9]([a-z0-9-]{0,8}[a-z0-9])?", fullmatch=True), min_size=1, unique=True))
def test_lookalikes_never_name_a_lane(names: list[str]) -> None:
    found = cases.lookalikes(names, names[-1])
    assert not set(found) & set(names)
    assert "" in found
    assert len(set(found)) == len(found)
    tried = [case.header for case in cases.build(names, lambda header: {HELLO: header or ""})]
    assert len(set(tried)) == len(tried)
