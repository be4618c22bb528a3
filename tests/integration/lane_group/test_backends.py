"""The choice between OpenAPI and custom resources, by ansible-playbook, and what --diff shows."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from .test_lifecycle import BOTH, HELLO, same, writes

TARGET = {"service": "default/wsk-svc", "port": 5000}
RULE = {"name": "testers", "match": {"headers": {"x-user": {"exact": "alice"}}}, "destination": TARGET}
BASE = {"name": "base", "label_selector": {"version": "v1"}, "services": BOTH}
V2 = {"name": "v2", "label_selector": {"version": "v2"}, "services": HELLO}
UNSTATED = dict.fromkeys(["route_header", "trace_header", "gateway_rule", "services", "baseline"])


def weight(of: int) -> dict[str, Any]:
    return {"ingress_weight": {"weight": of, "destination": TARGET}}


WEIGHTED = {
    "ingress_routing": {"strategy": "weighted"},
    "lanes": [{**BASE, **weight(90)}, {**V2, **weight(10)}],
}


@pytest.fixture
def task(user, asm):
    """A task that may use custom resources, too."""

    def task(**options: Any) -> dict[str, Any]:
        return user.task(**{**UNSTATED, "mesh_kubeconfig": str(asm.mesh_kubeconfig), **options})

    return task


def test_the_way_that_fits_is_taken_for_all_changes(user, asm, task):
    results = user.play(
        [
            user.task(),
            task(lanes=[{**V2, "ingress_rules": [RULE]}]),
            task(lanes=[{**V2, "ingress_rules": []}]),
            task(**WEIGHTED),
            task(ingress_routing={"strategy": "rule_based"}, lanes=None),
            task(lanes=[V2]),
        ],
        "--diff",
    )
    ways = [(result["backend"]["name"], result["backend"]["reason"]) for result in results]
    assert ways == [
        ("openapi", "nothing needs the custom resources"),
        ("custom_resource", "only custom resources can express that lane v2 has ingress_rules"),
        ("custom_resource", "lanes[v2].ingress_rules: the ASM OpenAPI cannot write it"),
        (
            "custom_resource",
            "only custom resources can express that lane base has ingress_weight, lane v2 has ingress_weight",
        ),
        (
            "custom_resource",
            "lanes[base].ingress_weight: the ASM OpenAPI cannot write it; "
            "lanes[v2].ingress_weight: the ASM OpenAPI cannot write it",
        ),
        ("openapi", "nothing needs the custom resources"),
    ]
    assert [result["changed"] for result in results] == [True] * 5 + [False]
    assert writes_of(results[3]) == [
        "patch ASMSwimLane",
        "patch ASMSwimLane",
        "patch ASMSwimLaneGroup",
    ]
    assert results[3]["truth_table"]["shifts"][0] == {
        "service": "default/helloworld",
        "before": {"base": 100.0},
        "after": {"base": 90.0, "v2": 10.0},
        "moves": 10.0,
    }
    told = " ".join(user.output.split())
    assert "10 % of the weighted traffic to default/helloworld moves" in told
    assert "swimlane-ingress-vs-ws-0" in told


def writes_of(result: dict[str, Any]) -> list[str]:
    return [action for action, _object in writes(result) if not action.startswith(("get ", "list "))]


def test_custom_resources_without_a_kubeconfig(user, asm):
    rules = user.task(lanes=[BASE, {**V2, "ingress_rules": [RULE]}])
    stated = user.task(backend="custom_resource")
    nowhere = user.task(backend="custom_resource", mesh_kubeconfig="/no/where")
    tasks = [{**task, "ignore_errors": True} for task in (rules, stated, nowhere)]
    needed, missing, absent = user.play(tasks)
    assert needed["failure"]["kind"] == "specification"
    assert "lanes[v2].ingress_rules: the ASM OpenAPI cannot write it. Give mesh_kubeconfig" in needed["msg"]
    assert (
        "backend is custom_resource but all of the following are missing: mesh_kubeconfig" in missing["msg"]
    )
    assert "kubeconfig /no/where does not exist. Give the path" in absent["msg"]
    assert asm.writes == 0


def test_the_difference_is_readable_and_check_mode_tells_it(user, task):
    stated = {**task(**WEIGHTED, backend="custom_resource"), "name": "Change"}
    checked, made = user.play([user.task(), {**stated, "check_mode": True}, stated], "--diff")[1:]
    same(made, checked)
    changes, spec, derived, moving = checked["diff"]
    assert changes["prepared"].splitlines() == [
        "changes of lane group ws, in order",
        "  1. update lane base: ingress_weight none -> 90",
        "  2. update lane v2: ingress_weight none -> 10",
        "  3. update group ws: ingress_routing rule_based -> weighted",
    ]
    assert yaml.safe_load(spec["after"]) == made["lane_group"]
    assert "weight: 90" in derived["after"]
    assert "weight: 90" not in derived["before"]
    assert "moves" in moving["prepared"]
    assert "1. update lane base: ingress_weight none -> 90" in user.output


def test_the_same_task_through_custom_resources_alone(user, asm, task):
    whole = user.task(backend="custom_resource", mesh_kubeconfig=str(asm.mesh_kubeconfig))
    gone = {"asm.lanes.lane_group": {**whole["asm.lanes.lane_group"], "state": "absent"}}
    made, again, removed, still = user.play([whole, whole, gone, gone])
    assert [r["changed"] for r in (made, again, removed, still)] == [True, False, True, False]
    assert made["api_calls"][0]["action"] == "DescribeClustersInServiceMesh"
    assert [call["action"] for call in again["api_calls"]] == ["get ASMSwimLaneGroup", "list ASMSwimLane"]
    assert writes_of(removed) == ["delete ASMSwimLane"] * 3 + ["delete ASMSwimLaneGroup"]


def test_a_new_group_for_another_header(user):
    other = {"route_header": "x-lane"}
    checked = {**user.task(**other, recreate=True), "check_mode": True}
    _made, predicted, result, again = user.play(
        [user.task(), checked, user.task(**other, recreate=True), user.task(**other)], "--diff"
    )
    same(result, predicted)
    assert result["lane_group"]["route_header"] == "x-lane"
    assert [change["action"] for change in result["plan"]][3:5] == ["delete_group", "create_group"]
    assert "from the first deletion until the last creation requests are not laned" in " ".join(
        user.output.split()
    )
    assert not again["changed"]


def test_the_role_takes_all_of_it(user, asm):
    role = {
        "name": "Role",
        "ansible.builtin.include_role": {"name": "asm.lanes.lane_group"},
        "vars": {
            "asm_lanes_mesh_id": user.defaults["mesh_id"],
            "asm_lanes_access_key_id": user.defaults["access_key_id"],
            "asm_lanes_access_key_secret": user.defaults["access_key_secret"],
            "asm_lanes_endpoint": asm.endpoint,
            "asm_lanes_protocol": "http",
            "lane_group_mesh_kubeconfig": str(asm.mesh_kubeconfig),
            "lane_group_ingress_routing": WEIGHTED["ingress_routing"],
            "lane_group_lanes": WEIGHTED["lanes"],
            "lane_group_on_existing": "refuse",
        },
    }
    results = user.play([role, role])
    assert [result["changed"] for result in results] == [True, False]
    assert results[0]["backend"]["name"] == "custom_resource"
    assert asm.resources()["ws-v2"]["spec"]["ingressWeight"]["weight"] == 10
