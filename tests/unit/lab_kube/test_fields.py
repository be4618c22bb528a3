"""Field ownership and server-side apply: the laws that make ``apply`` what it is."""

from __future__ import annotations

from typing import Any

from asm_lanes_lab.kube import fields
from asm_lanes_lab.kube.schemas import builtin
from hypothesis import assume, given
from hypothesis import strategies as st

SCHEMA = builtin("V1Pod")
VERSION = "v1"
NOW, LATER = "2026-01-01T00:00:00Z", "2026-01-01T00:00:01Z"
ALICE, BOB = fields.applier("alice"), fields.applier("bob")

SMALL = st.integers(1, 3)


def _name(row: Any) -> Any:
    return row["name"]


PORTS: st.SearchStrategy[Any] = st.lists(
    st.fixed_dictionaries({"containerPort": SMALL}, optional={"name": st.sampled_from(["n", "m"])}),
    max_size=2,
    unique_by=lambda port: port["containerPort"],
)
CONTAINER: st.SearchStrategy[Any] = st.fixed_dictionaries(
    {"name": st.sampled_from("pqr")},
    optional={
        "image": st.sampled_from(["i:1", "i:2"]),
        "ports": PORTS,
        "args": st.lists(st.just("x"), max_size=2),
    },
)
POD: st.SearchStrategy[Any] = st.fixed_dictionaries(
    {"apiVersion": st.just("v1"), "kind": st.just("Pod")},
    optional={
        "metadata": st.fixed_dictionaries(
            {"name": st.just("pod")},
            optional={"labels": st.dictionaries(st.sampled_from("ab"), st.sampled_from("12"))},
        ),
        "spec": st.fixed_dictionaries(
            {},
            optional={
                "nodeName": st.sampled_from(["n1", "n2"]),
                "nodeSelector": st.dictionaries(st.sampled_from("ab"), st.just("1"), min_size=1),
                "containers": st.lists(CONTAINER, max_size=3, unique_by=_name),
            },
        ),
    },
)


def apply(
    live: Any, owners: fields.Owners, owner: fields.Owner, config: Any, now: str = NOW
) -> fields.Applied:
    return fields.apply(SCHEMA, owners, owner, VERSION, live, config, now)


@given(POD)
def test_fields_v1_round_trips(pod: Any) -> None:
    paths = fields.owned(SCHEMA, pod)
    assert fields.from_fields(fields.to_fields(paths)) == paths


@given(POD)
def test_managed_fields_round_trip(pod: Any) -> None:
    owners = apply({}, {}, ALICE, pod).owners
    owners = fields.after_update(
        SCHEMA, owners, fields.updater("ed", "v1", "status"), pod, {**pod, "status": {"phase": "x"}}, NOW
    )
    assert fields.read({"metadata": {"managedFields": fields.write(owners)}}) == owners


@given(POD, POD)
def test_applying_twice_changes_nothing_the_second_time(live: Any, config: Any) -> None:
    assume("[]" not in repr(live))  # no server keeps an empty list
    owners = fields.after_update(SCHEMA, {}, fields.updater("ed", "v1"), {}, live, NOW)
    first = apply(live, owners, ALICE, config)
    second = apply(first.obj, first.owners, ALICE, config, LATER)
    assert _told(second.obj) == _told(first.obj)
    assert second.owners == first.owners
    assert not second.conflicts


def _told(obj: Any) -> dict[fields.Path, Any]:
    """All that an object says; an empty list or map says nothing, and nobody owns it."""
    return {path: value for path, value in fields.leaves(SCHEMA, obj) if value not in ({}, [])}


@given(POD, POD)
def test_everything_applied_is_there(live: Any, config: Any) -> None:
    result = dict(fields.leaves(SCHEMA, apply(live, {}, ALICE, config).obj))
    for path, value in fields.leaves(SCHEMA, config):
        if value not in ({}, []):
            assert result[path] == value


@given(POD, POD)
def test_the_last_applied_configuration_alone_counts_for_its_only_owner(first: Any, second: Any) -> None:
    """What one manager no longer applies goes away, if nobody else wanted it."""
    start = apply({}, {}, ALICE, first)
    end = apply(start.obj, start.owners, ALICE, second)
    assert fields.owned(SCHEMA, end.obj) - _empty(end.obj) == fields.owned(SCHEMA, second) - _empty(second)


@given(POD, POD, POD)
def test_what_two_apply_stays_when_one_lets_go(first: Any, both: Any, other: Any) -> None:
    start = apply({}, {}, ALICE, first)
    shared = apply(start.obj, start.owners, BOB, both)
    after = apply(shared.obj, shared.owners, ALICE, other)
    if not after.conflicts:
        assert fields.owned(SCHEMA, both) - _empty(both) <= fields.owned(SCHEMA, after.obj)


@given(POD, POD)
def test_conflicts_are_exactly_the_differing_common_fields(first: Any, second: Any) -> None:
    start = apply({}, {}, ALICE, first)
    result = apply(start.obj, start.owners, BOB, second)
    mine, theirs = dict(fields.leaves(SCHEMA, first)), dict(fields.leaves(SCHEMA, second))
    differing = {fields.dotted(path) for path in mine.keys() & theirs.keys() if mine[path] != theirs[path]}
    assert {path for _unused, path in result.conflicts} == differing
    for path in differing:
        owners = [owner for owner, row in result.owners.items() if path in map(fields.dotted, row.paths)]
        assert owners == [BOB], "whoever forces takes the field over"


def test_the_words_of_a_conflict() -> None:
    owner = fields.updater("kubectl", "apps/v1", "scale")
    assert owner.words == '"kubectl" with subresource "scale" using apps/v1'
    assert ALICE.words == '"alice"'
    path = ("f:spec", 'k:{"containerPort":80,"protocol":"TCP"}', "f:name")
    assert fields.dotted(path) == '.spec[containerPort=80,protocol="TCP"].name'


def test_an_update_takes_fields_over_and_forgets_removed_ones() -> None:
    before = {"metadata": {"labels": {"a": "1", "b": "1"}}}
    after = {"metadata": {"labels": {"a": "2"}}}
    owners = apply({}, {}, ALICE, before).owners
    editor = fields.updater("ed", "v1")
    owners = fields.after_update(SCHEMA, owners, editor, before, after, LATER)
    assert {owner: {fields.dotted(path) for path in row.paths} for owner, row in owners.items()} == {
        editor: {".metadata.labels.a"}
    }


def test_items_come_in_the_order_of_the_configuration_and_others_stay_between() -> None:
    live = {"spec": {"containers": [{"name": "x"}, {"name": "b"}, {"name": "y"}, {"name": "a"}]}}
    config = {"spec": {"containers": [{"name": "a"}, {"name": "b"}, {"name": "c"}]}}
    result = apply(live, {}, ALICE, config).obj
    assert [row["name"] for row in result["spec"]["containers"]] == ["x", "y", "a", "b", "c"]


def _empty(obj: Any) -> set[fields.Path]:
    return {path for path, value in fields.leaves(SCHEMA, obj) if value in ({}, [])}


def test_defaults_go_with_the_field_that_they_completed() -> None:
    """A probe that is no longer applied is gone, not left with what the server had filled in."""
    container = {"name": "p", "image": "i:1", "readinessProbe": {"httpGet": {"port": 5000}}}
    pod = {"apiVersion": "v1", "kind": "Pod", "spec": {"containers": [container]}}
    first = apply({}, {}, ALICE, pod)
    filled = {**container, "readinessProbe": {"httpGet": {"port": 5000, "path": "/"}, "periodSeconds": 10}}
    live = {**first.obj, "spec": {"containers": [filled]}}
    bare = {"apiVersion": "v1", "kind": "Pod", "spec": {"containers": [{"name": "p", "image": "i:1"}]}}
    assert apply(live, first.owners, ALICE, bare).obj["spec"] == bare["spec"]
