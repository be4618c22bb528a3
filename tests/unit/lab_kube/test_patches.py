"""Patches: the RFC's examples, the directives of strategic merges, and laws that hold for all objects."""

from __future__ import annotations

from typing import Any

import pytest
from asm_lanes_lab.kube.errors import ApiError
from asm_lanes_lab.kube.patches import json_patch, merge_patch, strategic_merge
from asm_lanes_lab.kube.schemas import builtin
from hypothesis import given
from hypothesis import strategies as st

JSON = st.recursive(
    st.none() | st.integers(0, 3) | st.sampled_from(["x", "y"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=8,
)
CONTAINERS = st.lists(
    st.fixed_dictionaries(
        {"name": st.sampled_from("pqr")}, optional={"image": st.sampled_from(["i:1", "i:2"])}
    ),
    max_size=3,
    unique_by=lambda container: container["name"],
)


# RFC 7386, appendix A.
@pytest.mark.parametrize(
    ("target", "patch", "result"),
    [
        ({"a": "b"}, {"a": "c"}, {"a": "c"}),
        ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
        ({"a": "b"}, {"a": None}, {}),
        ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
        ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
        ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}),
        (["a"], {"a": "b"}, {"a": "b"}),
        ({"e": None}, {"a": 1}, {"e": None, "a": 1}),
        ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
    ],
)
def test_merge_patch(target: Any, patch: Any, result: Any) -> None:
    assert merge_patch(target, patch) == result


@given(JSON, JSON)
def test_a_merge_patch_twice_is_as_once(target: Any, patch: Any) -> None:
    once = merge_patch(target, patch)
    assert merge_patch(once, patch) == once


def pod_spec(target: dict[str, Any], patch: dict[str, Any]) -> Any:
    return strategic_merge(builtin("V1PodSpec"), target, patch)


@given(CONTAINERS, CONTAINERS)
def test_containers_merge_by_name(before: list[Any], patch: list[Any]) -> None:
    result = pod_spec({"containers": before}, {"containers": patch})["containers"]
    names = [container["name"] for container in before]
    added = [container["name"] for container in patch if container["name"] not in names]
    assert [container["name"] for container in result] == names + added
    wanted = {container["name"]: container for container in before}
    for container in patch:
        wanted[container["name"]] = {**wanted.get(container["name"], {}), **container}
    assert {container["name"]: container for container in result} == wanted
    assert pod_spec({"containers": result}, {"containers": patch}) == {"containers": result}


def test_directives() -> None:
    before = {
        "containers": [{"name": "a", "image": "1"}, {"name": "b"}],
        "nodeSelector": {"x": "1"},
        "tolerations": [{"key": "k"}],
    }
    assert pod_spec(before, {"containers": [{"name": "a", "$patch": "delete"}]})["containers"] == [
        {"name": "b"}
    ]
    assert pod_spec(before, {"containers": [{"$patch": "replace"}, {"name": "c"}]})["containers"] == [
        {"name": "c"}
    ]
    assert pod_spec(before, {"nodeSelector": {"$patch": "replace", "y": "2"}})["nodeSelector"] == {"y": "2"}
    assert "nodeSelector" not in pod_spec(before, {"nodeSelector": {"$patch": "delete"}})
    assert pod_spec(before, {"tolerations": [{"key": "l"}]})["tolerations"] == [{"key": "l"}], "atomic"
    order = {"$setElementOrder/containers": [{"name": "b"}, {"name": "a"}]}
    assert [row["name"] for row in pod_spec(before, order)["containers"]] == ["b", "a"]
    with pytest.raises(ApiError, match="does not contain declared merge key: name"):
        pod_spec(before, {"containers": [{"image": "1"}]})


def test_primitive_lists_and_retained_keys() -> None:
    meta = builtin("V1ObjectMeta")
    before = {"finalizers": ["a/x", "b/x"]}
    assert strategic_merge(meta, before, {"finalizers": ["c/x", "a/x"]})["finalizers"] == [
        "a/x",
        "b/x",
        "c/x",
    ]
    removal = {"$deleteFromPrimitiveList/finalizers": ["a/x"]}
    assert strategic_merge(meta, before, removal)["finalizers"] == ["b/x"]
    strategy = {"strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1}}}
    patch = {"strategy": {"$retainKeys": ["type"], "type": "Recreate"}}
    assert strategic_merge(builtin("V1DeploymentSpec"), strategy, patch) == {"strategy": {"type": "Recreate"}}


def test_json_patch_and_what_it_refuses() -> None:
    assert json_patch({"a": [1]}, [{"op": "add", "path": "/a/-", "value": 2}]) == {"a": [1, 2]}
    for operations, code in (
        ([{"op": "test", "path": "/a", "value": 2}], 422),
        ([{"op": "remove", "path": "/b"}], 422),
        ([{"op": "fly", "path": "/a"}], 422),
        ({"a": 1}, 400),
    ):
        with pytest.raises(ApiError) as caught:
            json_patch({"a": 1}, operations)
        assert caught.value.code == code, operations
