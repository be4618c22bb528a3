"""One lane group from nothing to nothing, by ansible-playbook against the lab's ASM API."""

from __future__ import annotations

from typing import Any

import yaml

HELLO = ["default/helloworld"]
BOTH = ["default/helloworld", "default/wsk-svc"]
NO_ENTRY = {"ingress_rules": [], "ingress_weight": {}}
V3 = {"name": "v3", "label_selector": {"version": "v3"}, "services": HELLO}


def same(real: dict[str, Any], checked: dict[str, Any]) -> None:
    """Check mode tells what the real run tells, but for the calls themselves."""
    assert set(real) == set(checked)
    for key in ("changed", "lane_group", "plan", "truth_table", "diff", "backend"):
        assert checked[key] == real[key], key


def writes(result: dict[str, Any]) -> list[tuple[str, str]]:
    reads = ("Get", "Describe")
    return [(c["action"], c["object"]) for c in result["api_calls"] if not c["action"].startswith(reads)]


def answering(rows: list[dict[str, Any]]) -> dict[tuple[str | None, str], str | None]:
    return {(row["entry"], row["service"]): row["lane"] for row in rows}


def test_create_unchanged_delete(user, asm):
    checked = user.lane_group("--check")
    assert asm.writes == 0
    assert [call["request_id"] for call in checked["api_calls"]][2:] == [None] * 4

    made = user.lane_group("--diff")
    same(made, checked)
    assert made["changed"]
    assert (
        writes(made)
        == writes(checked)
        == [
            ("CreateSwimLaneGroup", "lane group ws"),
            ("CreateSwimLane", "lane base of lane group ws"),
            ("CreateSwimLane", "lane v1 of lane group ws"),
            ("CreateSwimLane", "lane v2 of lane group ws"),
        ]
    )
    assert all(call["request_id"] for call in made["api_calls"])
    spec = made["diff"][1]
    assert spec["before"] == ""
    assert yaml.safe_load(spec["after"]) == made["lane_group"]
    assert made["lane_group"] == {
        "name": "ws",
        "mode": "permissive",
        "route_header": "version",
        "trace_header": "baggage",
        "gateway_rule": {"name": "ws-gateway", "namespace": "default"},
        "services": BOTH,
        "baseline": "base",
        "service_fallback": {},
        "ingress_routing": {"strategy": "rule_based"},
        "lanes": [
            {"name": "base", "label_selector": {"version": "v1"}, "services": BOTH, **NO_ENTRY},
            {"name": "v1", "label_selector": {"version": "v1"}, "services": HELLO, **NO_ENTRY},
            {"name": "v2", "label_selector": {"version": "v2"}, "services": HELLO, **NO_ENTRY},
        ],
    }
    assert made["truth_table"]["before"] == []
    table = answering(made["truth_table"]["after"])
    assert table[None, "default/helloworld"] == "base"
    assert table["v2", "default/helloworld"] == "v2"
    assert table["v2", "default/wsk-svc"] == "base"

    removal = user.task(state="absent")
    again, checked, gone, still_gone = user.play(
        [user.task(), {**removal, "check_mode": True}, removal, removal], "--diff"
    )
    assert not again["changed"]
    assert again["plan"] == []
    assert again["diff"] == []
    assert again["lane_group"] == made["lane_group"]
    assert [call["action"] for call in again["api_calls"]] == ["GetSwimLaneGroupList", "GetSwimLaneList"]

    same(gone, checked)
    assert gone["changed"]
    assert gone["lane_group"] == {}
    assert gone["diff"][1]["after"] == ""
    assert writes(gone) == [
        ("DeleteSwimLane", "lane v1 of lane group ws"),
        ("DeleteSwimLane", "lane v2 of lane group ws"),
        ("DeleteSwimLane", "lane base of lane group ws"),
        ("DeleteSwimLaneGroup", "lane group ws"),
    ]
    assert not still_gone["changed"]
    assert still_gone["plan"] == []


def test_one_lane_is_added_and_the_others_are_left_alone(user):
    unstated = dict.fromkeys(["route_header", "trace_header", "gateway_rule", "services", "baseline"])
    one_lane = user.task(**unstated, lanes=[V3])
    _made, added, again = user.play([user.task(), one_lane, one_lane])
    assert [change["description"] for change in added["plan"]] == ["create lane v3"]
    assert [lane["name"] for lane in added["lane_group"]["lanes"]] == ["base", "v1", "v2", "v3"]
    warning = "lane group ws has lanes that are not stated and are left alone: base, v1, v2. Set purge_lanes"
    assert warning in " ".join(user.output.split())
    assert not again["changed"]


def test_the_role_makes_the_guides_group(user, asm):
    variables = {
        "asm_lanes_mesh_id": user.defaults["mesh_id"],
        "asm_lanes_access_key_id": user.defaults["access_key_id"],
        "asm_lanes_access_key_secret": user.defaults["access_key_secret"],
        "asm_lanes_endpoint": asm.endpoint,
        "asm_lanes_protocol": "http",
    }
    role = {
        "name": "Role",
        "ansible.builtin.include_role": {"name": "asm.lanes.lane_group"},
        "vars": variables,
    }
    removal = {**role, "vars": {**variables, "lane_group_state": "absent"}}
    results = user.play([role, role, user.task(), removal, removal])
    assert [result["changed"] for result in results] == [True, False, False, True, False]


def test_keys_from_the_environment_and_defaults_from_the_action_group(user):
    shared = ("mesh_id", "endpoint", "protocol")
    keys = ("access_key_id", "access_key_secret")
    task = {k: v for k, v in user.defaults.items() if k not in (*shared, *keys)}
    block = {
        "module_defaults": {"group/asm.lanes.asm": {key: user.defaults[key] for key in shared}},
        "block": [{"name": "Lane group", "asm.lanes.lane_group": task}],
    }
    official = {"ALIBABA_CLOUD_ACCESS_KEY_ID": keys[0], "ALIBABA_CLOUD_ACCESS_KEY_SECRET": keys[1]}
    older = {"ALICLOUD_ACCESS_KEY": keys[0], "ALICLOUD_SECRET_KEY": keys[1]}
    for names in (official, older):
        environment = {name: user.defaults[key] for name, key in names.items()}
        [result] = user.play([block], "--check", **environment)
        assert len(result["plan"]) == 5
