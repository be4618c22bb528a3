"""The module lane_groups as its users run it, against the lab's ASM OpenAPI and its own counts."""

from __future__ import annotations

from asm_lanes_lab.asm import Fault

HELLO = "default/helloworld"
NEW = {"name": "new", "label_selector": {"version": "new"}, "services": [HELLO]}
WEIGHTY = {**NEW, "label_selector": {"version": "new", "track": "canary"}}


def actions(result):
    return [call["action"] for call in result["api_calls"]]


def test_three_groups_are_made_kept_and_only_one_is_changed(many, asm):
    groups = [many.group(name) for name in ("g1", "g2", "g3")]
    foretold = many.run(*groups, check=True)
    assert (foretold["changed"], asm.writes) == (True, 0)
    creation = ["CreateSwimLaneGroup", *["CreateSwimLane"] * 3]
    assert [action for action in actions(foretold) if action in creation] == creation * 3
    headers = [part["after_header"] for part in foretold["diff"] if "after" in part]
    assert [f"lane group g{number} (after)" in headers for number in (1, 2, 3)] == [True] * 3

    made = many.run(*groups)
    assert (made["changed"], asm.writes, len(asm.resources())) == (True, 12, 9)
    assert made["groups"] == foretold["groups"]
    assert [group["name"] for group in made["groups"]] == ["g1", "g2", "g3"]
    assert made["diff"] == foretold["diff"]

    asm.api.stats.reset()
    same = many.run(*groups)
    assert asm.api.stats.as_dict()["actions"] == {"GetSwimLaneGroupList": 1, "GetSwimLaneList": 3}
    assert (same["changed"], asm.writes, same["diff"], len(same["api_calls"])) == (False, 0, [], 4)
    assert [(group["changed"], group["plan"]) for group in same["groups"]] == [(False, [])] * 3
    assert [group["lane_group"] for group in same["groups"]] == [g["lane_group"] for g in made["groups"]]

    asm.api.stats.reset()
    changed = many.run(groups[0], {"name": "g2", "lanes": [NEW]}, groups[2])
    assert (changed["changed"], asm.writes) == (True, 1)
    assert [group["changed"] for group in changed["groups"]] == [False, True, False]
    assert [step["action"] for step in changed["groups"][1]["plan"]] == ["create_lane"]
    assert "g2-new" in asm.resources()
    assert any("g2 has lanes that are not stated" in warning for warning in changed["warnings"])


def test_absent_groups_go_and_others_stay(many, asm):
    many.run(many.group("g1"), many.group("g2"))
    asm.api.stats.reset()
    gone = many.run({"name": "g1", "state": "absent"}, many.group("g2"), {"name": "g3", "state": "absent"})
    assert [group["changed"] for group in gone["groups"]] == [True, False, False]
    assert [group["lane_group"] for group in gone["groups"]][::2] == [{}, {}]
    assert list(asm.resources("ASMSwimLaneGroup")) == ["g2"]
    assert asm.writes == 4
    nothing = many.run()
    assert (nothing["changed"], nothing["groups"], nothing["api_calls"]) == (False, [], [])


def test_all_problems_of_all_groups_are_told_before_anything_is_written_or_read(many, asm):
    bad = many.group("g2", route_header="baggage", services=["helloworld"])
    failed = many.run(
        many.group("g1"),
        bad,
        many.group("g1"),
        many.group("g4", baseline="no name", lanes=[{**NEW, "name": "No"}]),
    )
    paths = [problem["path"] for problem in failed["failure"]["problems"]]
    assert paths == [
        "groups[g1]",
        "groups[g2].services[0]",
        "groups[g2].route_header",
        "groups[g4].lanes[No].name",
    ]
    assert "groups[g1]: 2 groups have this name" in failed["msg"]
    assert (failed["changed"], failed["groups"]) == (False, [])
    assert asm.api.stats.as_dict()["actions"] == {}


def test_what_does_not_go_with_the_mesh_is_told_for_all_groups_before_anything_is_written(many, asm):
    many.run(many.group("g1"))
    asm.api.stats.reset()
    unlike = {"name": "g1", "route_header": "x-lane"}
    several = many.group("g3", lanes=[*many.user.defaults["lanes"], WEIGHTY])
    failed = many.run(many.group("g0"), unlike, many.group("g2", baseline="nowhere"), several)
    problems = {problem["path"]: problem["message"] for problem in failed["failure"]["problems"]}
    assert list(problems) == [
        "groups[g1].route_header",
        "groups[g2].baseline",
        "groups[g3].lanes[new].label_selector",
    ]
    assert "is 'version', wanted 'x-lane'" in problems["groups[g1].route_header"]
    assert (failed["failure"]["kind"], failed["changed"], asm.writes) == ("specification", False, 0)


def test_a_failure_names_the_group_and_the_next_run_continues(many, asm):
    groups = [many.group(name) for name in ("g1", "g2", "g3")]
    many.run(groups[0], groups[1])
    changed = [{"name": name, "lanes": [NEW]} for name in ("g1", "g2")]
    asm.faults(Fault("expired_token", action="CreateSwimLane", skip=1))
    failed = many.run(*changed, groups[2])
    assert (failed["changed"], failed["failure"]["group"]) == (True, "g2")
    assert "1 of 3 lane groups were done before" in failed["msg"]
    assert [(group["name"], group["changed"]) for group in failed["groups"]] == [("g1", True), ("g2", False)]
    again = many.run(*changed, groups[2])
    assert [group["changed"] for group in again["groups"]] == [False, True, True]


def test_what_one_group_needs_decides_the_way_for_all(many, asm):
    groups = [many.group("g1"), many.group("g2", lanes=[*many.user.defaults["lanes"], WEIGHTY])]
    made = many.run(*groups, mesh_kubeconfig=str(asm.mesh_kubeconfig))
    assert (made["backend"]["name"], made["changed"]) == ("custom_resource", True)
    assert asm.resources()["g2-new"]["spec"]["labelSelector"] == WEIGHTY["label_selector"]
    same = many.run(*groups, mesh_kubeconfig=str(asm.mesh_kubeconfig))
    assert (same["changed"], actions(same)) == (False, ["list ASMSwimLaneGroup", "list ASMSwimLane"])
