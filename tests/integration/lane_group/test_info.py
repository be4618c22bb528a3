"""lane_group_info: what it tells, and that what it tells changes nothing when it is fed back."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.asm.lanes.plugins.module_utils._asm.lane_group import Run, Wish, ensure
from ansible_collections.asm.lanes.plugins.module_utils._asm.resource_transforms import new_group, new_lane
from ansible_collections.asm.lanes.plugins.module_utils._asm.transforms import Cluster
from ansible_collections.asm.lanes.plugins.module_utils._lanes.model import LaneGroup, merge
from ansible_collections.asm.lanes.plugins.module_utils._lanes.words import as_spec, parse
from hypothesis import given, settings
from integration.mesh.test_mesh_info import undocumented
from unit.lanes.strategies import groups

from .test_backends import RULE, V2
from .test_convergence import RANDOM

CLUSTER = Cluster("lab", "c-lab")


def at_the_console(asm: Any, group: LaneGroup) -> None:
    """The group as somebody else makes it."""
    resources = [
        new_group(group, CLUSTER),
        *(new_lane(group.name, lane, CLUSTER) for lane in group.lanes or ()),
    ]
    for resource in resources:
        del resource["metadata"]["labels"]["app.kubernetes.io/managed-by"]
        asm.wait(asm.mesh.create(resource))


@given(group=groups())
@settings(RANDOM, max_examples=100)
def test_what_it_tells_changes_nothing_when_it_is_fed_back(asm, lanes, group):
    asm.reset()
    at_the_console(asm, group)
    before = asm.resources() | asm.resources("ASMSwimLaneGroup")
    for way in ("openapi", "custom_resource"):
        [found] = lanes.backend(way).observe()
        run = Run()
        ensure(lanes.backend(way), Wish(parse(as_spec(found.group)), purge_lanes=True), run, False)
        assert run.plan.changes == ()
    assert found.group == merge(None, group)  # custom resources tell everything
    assert before == asm.resources() | asm.resources("ASMSwimLaneGroup")


@pytest.fixture
def info(user, asm):
    """A task that reads the groups."""
    shared = ("mesh_id", "access_key_id", "access_key_secret", "endpoint", "protocol")

    def task(**options: Any) -> dict[str, Any]:
        return {"asm.lanes.lane_group_info": {**{k: user.defaults[k] for k in shared}, **options}}

    return task


def test_none_one_and_all(user, asm, info):
    kubeconfig = {"mesh_kubeconfig": str(asm.mesh_kubeconfig)}
    other = user.task(**kubeconfig, backend="custom_resource", name="other")
    results = user.play(
        [
            info(),
            info(**kubeconfig),
            user.task(),
            other,
            info(name="ws"),
            info(name="nowhere"),
            info(),
            info(**kubeconfig),
            info(name="ws", as_spec=True, **kubeconfig),
        ]
    )
    none, no_resource, made, _other, one, nowhere, every, resources, spec = results
    assert none["lane_groups"] == no_resource["lane_groups"] == nowhere["lane_groups"] == []
    assert [group["name"] for group in every["lane_groups"]] == ["other", "ws"]
    assert [call["action"] for call in every["api_calls"]] == ["GetSwimLaneGroupList"] + [
        "GetSwimLaneList"
    ] * 2
    assert [call["action"] for call in resources["api_calls"]] == [
        "list ASMSwimLaneGroup",
        "list ASMSwimLane",
    ]
    assert one["lane_groups"][0]["status"] == {"state": None, "messages": [], "managed": None}
    assert [group["status"]["managed"] for group in resources["lane_groups"]] == [True, False]
    assert spec["lane_groups"] == [made["lane_group"]]
    assert one["notes"] == ["lane group ws: not known is gateway_rule.namespace"]
    assert spec["notes"] == []
    assert (one["backend"], spec["backend"]) == ("openapi", "custom_resource")


def test_what_asm_says_is_told(user, asm, info):
    [_made] = user.play([user.task()])
    text = {"code": "X", "level": "warning", "message": "it is odd"}
    asm.wait(asm.mesh.patch_status(asm.resources()["ws-v2"], {"validationMessage": [text]}))
    group = asm.resources("ASMSwimLaneGroup")["ws"]
    asm.wait(asm.mesh.patch_status(group, {"status": "Error", "error": "no gateway"}))
    kubeconfig = {"mesh_kubeconfig": str(asm.mesh_kubeconfig)}
    for result in user.play([info(), info(**kubeconfig)]):
        told = {lane["name"]: lane["messages"] for lane in result["lane_groups"][0]["lanes"]}
        assert told == {"base": [], "v1": [], "v2": [{"text": "it is odd", "serious": False}]}
    assert result["lane_groups"][0]["status"] == {
        "state": "Error",
        "messages": [{"text": "no gateway", "serious": True}],
        "managed": False,
    }


@pytest.mark.parametrize("name", ["lane_group", "lane_group_info"])
def test_every_return_key_is_documented(user, asm, info, name):
    kubeconfig = {"mesh_kubeconfig": str(asm.mesh_kubeconfig)}
    make = user.task(**kubeconfig, lanes=[*user.defaults["lanes"][:2], {**V2, "ingress_rules": [RULE]}])
    fails = {**user.task(route_header="x-lane"), "ignore_errors": True}
    made, failed, found = user.play([make, fails, info(**kubeconfig)])
    command = [Path(sys.executable).parent / "ansible-doc", "--json", f"asm.lanes.{name}"]
    page = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
    documented = {"contains": page[f"asm.lanes.{name}"]["return"]}
    ansibles_own = {"changed", "diff", "invocation", "warnings", "failed", "msg", "exception"}
    for result in [made, failed] if name == "lane_group" else [found]:
        told = {key: value for key, value in result.items() if key not in ansibles_own and key[0] != "_"}
        assert not list(undocumented(told, documented))
