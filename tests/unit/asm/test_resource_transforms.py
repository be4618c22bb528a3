"""Lane groups to and from the custom resources, without a server."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.asm.lanes.plugins.module_utils._asm.resource_transforms import (
    group_from_resources,
    group_spec,
    lane_spec,
    lanes_by_name,
    merge_patch,
    new_group,
    new_lane,
)
from ansible_collections.asm.lanes.plugins.module_utils._asm.transforms import AnswerError, Cluster
from ansible_collections.asm.lanes.plugins.module_utils._lanes.model import merge
from hypothesis import given
from unit.lanes.strategies import groups, pairs

CLUSTER = Cluster("demo", "c-1")


def resources(group: Any) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    return new_group(group, CLUSTER), [new_lane(group.name, lane, CLUSTER) for lane in group.lanes]


def patched(target: Any, patch: Any) -> Any:
    """RFC 7386, written down a second time."""
    if not isinstance(patch, dict):
        return patch
    result = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = patched(result.get(key), value)
    return result


@given(group=groups())
def test_what_is_written_reads_back_the_same(group):
    assert group_from_resources(*resources(group)) == merge(None, group)


@given(pair=pairs())
def test_an_update_leads_to_the_other_group_and_keeps_what_is_not_ours(pair):
    one, other = pair
    resource, _lanes = resources(one)
    before = {**resource["spec"], "autoUpdate": True}
    after = group_spec(before, merge(None, other), CLUSTER)
    assert patched(before, merge_patch(before, after)) == after
    assert after["autoUpdate"] is True
    lanes = [new_lane("g", lane, CLUSTER) for lane in other.lanes]
    assert group_from_resources({"metadata": {"name": "g"}, "spec": after}, lanes) == merge(None, other)
    assert group_spec(after, merge(None, other), None) == after


@given(group=groups())
def test_an_unchanged_lane_needs_no_patch(group):
    for lane in group.lanes:
        spec = new_lane("g", lane, CLUSTER)["spec"]
        assert merge_patch(spec, lane_spec(spec, lane, None)) == {}


def test_the_oldest_of_two_lanes_with_one_name_counts():
    def lane(name: str, created: str) -> dict[str, Any]:
        labels = {"swimlane-group": "g", "swimlane-name": "v1"}
        return {"metadata": {"name": name, "labels": labels, "creationTimestamp": created}}

    young, old = lane("a", "2026-02-01T00:00:00Z"), lane("b", "2026-01-01T00:00:00Z")
    assert lanes_by_name([young, old]) == {"v1": old}
    assert list(lanes_by_name([{"metadata": {"name": "v9"}}])) == ["v9"]


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ({"services": [{"name": "a"}]}, "has the service 'None/a'"),
        (
            {
                "isPermissive": True,
                "permissiveModeConfiguration": {"serviceLevelFallbackTarget": {"a.default": "v2"}},
            },
            "has the key 'a.default' instead of namespace/name",
        ),
    ],
)
def test_resources_that_cannot_be_understood_are_named(spec, words):
    with pytest.raises(AnswerError, match=words):
        group_from_resources({"metadata": {"name": "g"}, "spec": spec}, [])
