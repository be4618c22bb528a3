"""The three-way merge of an apply: what is written, and what is left alone."""

from __future__ import annotations

from typing import Any

from ansible_collections.asm.lanes.plugins.module_utils._kube import merge
from hypothesis import given
from hypothesis import strategies as st

# A field of a Kubernetes object has one type: a number does not become a map.
FIELDS = {
    "number": st.integers(0, 2),
    "list": st.lists(st.integers(0, 2), max_size=2),
    "map": st.dictionaries(st.sampled_from("ab"), st.text("xy", max_size=1), min_size=1),
}
SPECS = st.fixed_dictionaries({}, optional={**FIELDS, "deep": st.fixed_dictionaries({}, optional=FIELDS)})


def thing(spec: dict[str, Any]) -> dict[str, Any]:
    return {"apiVersion": "example.com/v1", "kind": "Thing", "metadata": {"name": "it"}, "spec": spec}


def applied(found: dict[str, Any], wanted: dict[str, Any]) -> dict[str, Any]:
    """What is on the server after an apply."""
    patch = merge.to_patch(found, wanted)
    return found if patch is None else merge.laid(patch, found)


@given(SPECS, SPECS)
def test_an_apply_arrives_and_the_next_one_has_nothing_to_do(
    old: dict[str, Any], new: dict[str, Any]
) -> None:
    found = applied(merge.to_create(thing(old)), thing(new))
    assert found["spec"] == new
    assert merge.to_patch(found, thing(new)) is None


@given(SPECS, SPECS)
def test_what_others_have_added_stays(old: dict[str, Any], new: dict[str, Any]) -> None:
    found = merge.to_create(thing(old))
    found["spec"]["theirs"] = {"x": 1}
    found["status"] = {"ready": True}
    after = applied(found, thing(new))
    assert after["spec"]["theirs"] == {"x": 1}
    assert after["status"] == {"ready": True}


def test_defaults_of_the_server_in_a_list_are_no_difference() -> None:
    """The merge of kubernetes.core repeats such a list; it would be sent with every run."""
    wanted = {**thing({"ports": [{"port": 80, "protocol": "TCP"}]}), "kind": "Service"}
    found = merge.to_create(wanted)
    found["spec"]["ports"][0]["targetPort"] = 80
    assert merge.to_patch(found, wanted) is None


def test_a_difference_is_shown_without_the_servers_own_notes() -> None:
    found = merge.to_create(thing({"a": 1}))
    found["metadata"] |= {"uid": "u", "resourceVersion": "7", "managedFields": []}
    found["metadata"]["annotations"]["theirs"] = "stays"
    found["status"] = {"ready": True}
    shown = merge.readable(found)
    assert shown == {**thing({"a": 1}), "metadata": {"name": "it", "annotations": {"theirs": "stays"}}}
    assert merge.readable(None) == {}
    assert merge.same(found, {**found, "status": {}})
    assert not merge.same(found, {**found, "spec": {"a": 2}})
