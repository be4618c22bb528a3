"""Lane groups as custom resources: the same groups as through the OpenAPI, and nobody's edit is lost."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.asm.lanes.plugins.module_utils._asm.backend import OvertakenError
from ansible_collections.asm.lanes.plugins.module_utils._asm.errors import AsmError
from ansible_collections.asm.lanes.plugins.module_utils._asm.lane_group import Run, Wish, ensure
from ansible_collections.asm.lanes.plugins.module_utils._lanes.model import LaneGroup, merge
from ansible_collections.asm.lanes.plugins.module_utils._lanes.plan import CreateOnlyError
from ansible_collections.asm.lanes.plugins.module_utils._lanes.words import parse
from asm_lanes_lab.asm import records
from asm_lanes_lab.controllers import lane_objects
from hypothesis import given
from unit.lanes.strategies import pairs

from .test_convergence import RANDOM, without_ingress

HELLO = ["default/helloworld"]
BOTH = ["default/helloworld", "default/wsk-svc"]
TARGET = {"service": "default/wsk-svc", "port": 5000}
GUIDE: dict[str, Any] = {
    "name": "ws",
    "mode": "permissive",
    "route_header": "version",
    "trace_header": "baggage",
    "gateway_rule": {"name": "ws-gateway", "namespace": "default"},
    "services": BOTH,
    "baseline": "base",
    "lanes": [
        {"name": "base", "label_selector": {"version": "v1"}, "services": BOTH},
        {"name": "v2", "label_selector": {"version": "v2"}, "services": HELLO},
    ],
}
RULE = {"name": "testers", "match": {"headers": {"x-user": {"exact": "alice"}}}, "destination": TARGET}
UNKNOWN_TO_US = {
    "autoUpdate": True,
    "defaultTrafficPolicyPatch": {"connectionPool": {"http": {"http1MaxPendingRequests": 1}}},
}


def only(lane: str, **fields: Any) -> dict[str, Any]:
    """The guide's group stated as nothing but one lane."""
    [entry] = [entry for entry in GUIDE["lanes"] if entry["name"] == lane]
    return {"name": "ws", "lanes": [{**entry, **fields}]}


class Ways:
    """Runs of the product through either way."""

    def __init__(self, lanes: Any) -> None:
        self._lanes = lanes

    def ensure(self, way: str, group: LaneGroup | dict[str, Any], check: bool = False, **wish: Any) -> Run:
        run = Run()
        wanted = group if isinstance(group, LaneGroup) else parse(group)
        ensure(self._lanes.backend(way), Wish(wanted, **wish), run, check)
        return run

    def read(self, way: str, name: str = "ws") -> LaneGroup | None:
        return self._lanes.backend(way).read(name)


@pytest.fixture
def ways(lanes):
    return Ways(lanes)


@given(pair=pairs())
@RANDOM
def test_any_group_becomes_any_other_and_back(asm, ways, pair):
    asm.reset()
    for group in (*pair, pair[0]):
        checked = ways.ensure("custom_resource", group, check=True, purge_lanes=True)
        before = {kind: asm.resources(kind) for kind in ("ASMSwimLaneGroup", "ASMSwimLane")}
        made = ways.ensure("custom_resource", group, purge_lanes=True)
        assert made.facts() == checked.facts()
        assert made.done == len(checked.planned)
        assert made.plan.changed == any(asm.resources(kind) != found for kind, found in before.items())
        assert ways.read("custom_resource", "g") == merge(None, group)
        stored = {kind: asm.resources(kind) for kind in before}
        assert not ways.ensure("custom_resource", group, purge_lanes=True).plan.changed
        assert stored == {kind: asm.resources(kind) for kind in before}
    ways.ensure("custom_resource", parse({"name": "g"}), absent=True)
    assert asm.resources() == asm.resources("ASMSwimLaneGroup") == {}


@given(pair=pairs())
@RANDOM
def test_either_way_leads_to_the_same_resources_and_routes(asm, ways, pair):
    first, second = map(without_ingress, pair)
    specs = []
    for one, other in (("openapi", "custom_resource"), ("custom_resource", "openapi")):
        asm.reset()
        ways.ensure(one, first, purge_lanes=True)
        assert not ways.ensure(other, first, purge_lanes=True).plan.changed
        ways.ensure(other, second, purge_lanes=True)
        assert not ways.ensure(one, second, purge_lanes=True).plan.changed
        group, made = asm.resources("ASMSwimLaneGroup")["g"], asm.resources()
        specs.append([normal(r["spec"]) for r in (group, *(made[name] for name in sorted(made)))])
        generated = lane_objects.desired(records.to_group(group, made.values()), {}, (1, 22))
        assert generated == lane_objects.desired(merge(None, second), {}, (1, 22))
    assert specs[0] == specs[1]


def normal(spec: dict[str, Any]) -> dict[str, Any]:
    """Without what is empty, and services in order: both mean the same."""
    settings = {k: v for k, v in spec.get("permissiveModeConfiguration", {}).items() if v}
    services = sorted(spec["services"], key=lambda s: s["name"])
    return {**spec, "services": services, "permissiveModeConfiguration": settings}


FIELDS = {
    "services": {
        "services": [*BOTH, "default/more"],
        "lanes": [{**GUIDE["lanes"][0], "services": [*BOTH, "default/more"]}],
    },
    "baseline": {"baseline": "v2", "lanes": [{**GUIDE["lanes"][1], "services": BOTH}]},
    "service_fallback": {"service_fallback": {"default/helloworld": "v2"}},
    "label_selector": only("v2", label_selector={"version": "v3", "track": "x"}),
    "lane services": only("v2", services=BOTH),
    "ingress_rules": only("v2", ingress_rules=[RULE]),
    "weights": {
        "ingress_routing": {
            "strategy": "weighted",
            "hosts": ["a.example"],
            "matches": [{"uri": {"prefix": "/"}}],
        },
        "lanes": [{**GUIDE["lanes"][1], "ingress_weight": {"weight": 10, "destination": TARGET}}],
    },
    "lane": {"lanes": [{"name": "v3", "label_selector": {"version": "v3"}, "services": HELLO}]},
}


@pytest.mark.parametrize("name", FIELDS)
def test_each_field_is_written_and_the_rest_is_kept(asm, ways, name):
    ways.ensure("custom_resource", GUIDE)
    asm.edit("ASMSwimLaneGroup", "ws", spec=UNKNOWN_TO_US)
    asm.edit("ASMSwimLane", "ws-base", spec={"services": patched(asm.resources()["ws-base"])})
    change = {"name": "ws", **FIELDS[name]}
    made = ways.ensure("custom_resource", change)
    assert made.plan.changed
    assert not ways.ensure("custom_resource", change).plan.changed
    spec = asm.resources("ASMSwimLaneGroup")["ws"]["spec"]
    assert {key: spec[key] for key in UNKNOWN_TO_US} == UNKNOWN_TO_US
    assert asm.resources()["ws-base"]["spec"]["services"][0]["httpRoutePatch"] == {"timeout": "3s"}


def patched(lane: dict[str, Any]) -> list[dict[str, Any]]:
    first, *others = lane["spec"]["services"]
    return [{**first, "httpRoutePatch": {"timeout": "3s"}}, *others]


def test_rules_that_are_offline_stay(asm, ways):
    ways.ensure("custom_resource", GUIDE)
    target = {"host": "wsk-svc.default.svc.cluster.local", "portNum": 5000}
    offline = {"name": "old", "online": False, "hosts": ["*"], "match": {}, "route": {"destination": target}}
    asm.edit("ASMSwimLane", "ws-v2", spec={"ingressRules": [offline]})
    assert not ways.ensure("custom_resource", only("v2", ingress_rules=[])).plan.changed
    ways.ensure("custom_resource", only("v2", ingress_rules=[RULE]))
    assert [r["name"] for r in asm.resources()["ws-v2"]["spec"]["ingressRules"]] == ["testers", "old"]
    ways.ensure("custom_resource", only("v2", ingress_rules=[]))
    assert asm.resources()["ws-v2"]["spec"]["ingressRules"] == [offline]


def test_another_strategy_sweeps_what_the_lanes_have(ways):
    weighted = {"strategy": "weighted"}
    weight = {"weight": 1, "destination": TARGET}
    ways.ensure("custom_resource", GUIDE)
    ways.ensure("custom_resource", only("v2", ingress_rules=[RULE]))
    ways.ensure("custom_resource", {**only("base", ingress_weight=weight), "ingress_routing": weighted})
    assert [lane.ingress_rules for lane in ways.read("custom_resource").lanes] == [(), ()]
    ways.ensure("custom_resource", {"name": "ws", "ingress_routing": {"strategy": "rule_based"}})
    assert [lane.ingress_weight for lane in ways.read("custom_resource").lanes] == [(), ()]


def test_what_is_fixed_at_creation_is_brought_about_by_a_new_group(asm, ways):
    ways.ensure("custom_resource", GUIDE)
    asm.edit("ASMSwimLaneGroup", "ws", spec=UNKNOWN_TO_US)
    before = asm.resources("ASMSwimLaneGroup")["ws"]
    other = {
        "name": "ws",
        "route_header": "x-lane",
        "gateway_rule": {"name": "ws-gateway", "namespace": "shop"},
    }
    with pytest.raises(CreateOnlyError, match=r"route_header is 'version'.*recreate: true"):
        ways.ensure("custom_resource", other)
    checked = ways.ensure("custom_resource", other, check=True, recreate=True)
    made = ways.ensure("custom_resource", other, recreate=True)
    assert made.facts() == checked.facts()
    assert made.warnings == checked.warnings
    assert "deleted and created anew" in made.warnings[0]
    after = asm.resources("ASMSwimLaneGroup")["ws"]
    assert after["metadata"]["uid"] != before["metadata"]["uid"]
    assert {key: after["spec"][key] for key in UNKNOWN_TO_US} == UNKNOWN_TO_US
    expected = replace(merge(None, parse(GUIDE)), route_header="x-lane")
    expected = replace(expected, gateway_rule=replace(expected.gateway_rule, namespace="shop"))
    assert ways.read("custom_resource") == expected


@pytest.mark.parametrize("way", ["openapi", "custom_resource"])
def test_a_group_that_somebody_else_made_is_refused(asm, ways, way):
    ways.ensure("openapi", GUIDE)
    assert not ways.ensure(way, GUIDE, refuse=True).plan.changed
    with pytest.raises(AsmError, match=r"on_existing is refuse: update lane v2.*Set on_existing to adopt"):
        ways.ensure(way, only("v2", services=BOTH), refuse=True)
    with pytest.raises(AsmError, match="on_existing is refuse: delete lane v2"):
        ways.ensure(way, GUIDE, absent=True, refuse=True)


def test_a_group_of_ours_is_not_refused(ways):
    ways.ensure("custom_resource", GUIDE, refuse=True)
    assert ways.ensure("custom_resource", only("v2", services=BOTH), refuse=True).plan.changed


class Interruption:
    """Lets somebody else act right before the n-th change of a run."""

    def __init__(self, backend: Any, act: Any, before: int = 0) -> None:
        self._execute, self._act, self._left = backend.execute, act, before
        backend.execute = self.execute

    def execute(self, group: str, change: Any) -> None:
        if self._left == 0:
            self._act()
        self._left -= 1
        self._execute(group, change)


def interrupted(lanes: Any, act: Any, spec: dict[str, Any], before: int = 0) -> Run:
    run, backend = Run(), lanes.backend("custom_resource")
    Interruption(backend, act, before)
    ensure(backend, Wish(parse(spec)), run, False)
    return run


def test_the_controllers_status_is_no_conflict(asm, lanes, ways):
    ways.ensure("custom_resource", GUIDE)

    def act() -> None:
        lane = asm.resources()["ws-v2"]
        asm.wait(asm.mesh.patch_status(lane, {"error": "", "validationMessage": []}))

    run = interrupted(lanes, act, only("v2", services=BOTH))
    assert (run.done, run.warnings[1:]) == (1, [])


def test_an_edit_in_mid_run_is_kept_and_told(asm, lanes, ways):
    ways.ensure("custom_resource", GUIDE)

    def act() -> None:
        asm.edit("ASMSwimLane", "ws-v2", spec={"labelSelector": {"version": "v2", "track": "x"}})
        asm.edit("ASMSwimLaneGroup", "ws", spec={"autoUpdate": True})

    stated = {"name": "ws", "service_fallback": {"default/helloworld": "v2"}}
    run = interrupted(lanes, act, stated)
    assert run.warnings == [
        "somebody else changed the lane group in the middle of this run: planned anew after 0 changes"
    ]
    group = ways.read("custom_resource")
    assert group.lane("v2").labels == {"version": "v2", "track": "x"}
    assert group.fallbacks
    assert asm.resources("ASMSwimLaneGroup")["ws"]["spec"]["autoUpdate"] is True


def test_two_runs_that_make_different_lanes_lose_none(lanes, ways):
    ways.ensure("custom_resource", GUIDE)
    lane = {"label_selector": {"version": "v3"}, "services": HELLO}
    mine, theirs = ({"name": "ws", "lanes": [{**lane, "name": name}]} for name in ("v3", "v4"))
    interrupted(lanes, lambda: ways.ensure("custom_resource", theirs), mine)
    assert [lane.name for lane in ways.read("custom_resource").lanes] == ["base", "v2", "v3", "v4"]


def test_two_runs_that_make_the_same_group(lanes, ways):
    run = interrupted(lanes, lambda: ways.ensure("custom_resource", GUIDE), GUIDE, before=1)
    assert "planned anew after 1 changes" in run.warnings[0]
    assert ways.read("custom_resource") == merge(None, parse(GUIDE))


def test_the_loser_is_told_when_it_goes_on(asm, lanes, ways):
    ways.ensure("custom_resource", GUIDE)
    backend, turns = lanes.backend("custom_resource"), iter("abcdefgh")
    execute = backend.execute

    def act(group: str, change: Any) -> None:
        asm.edit("ASMSwimLaneGroup", "ws", spec={"defaultHttpRoutePatch": {"timeout": next(turns)}})
        execute(group, change)

    backend.execute = act
    stated = parse({"name": "ws", "service_fallback": {"default/helloworld": "v2"}})
    with pytest.raises(OvertakenError, match="Nothing of theirs was overwritten"):
        ensure(backend, Wish(stated), Run(), False)


def test_a_name_that_another_groups_lane_has(asm, ways):
    ways.ensure("custom_resource", {**GUIDE, "name": "ws-a"})
    taken = {**GUIDE, "name": "ws", "lanes": [*GUIDE["lanes"], {**GUIDE["lanes"][1], "name": "a-v2"}]}
    with pytest.raises(AsmError, match="ws-a-v2"):
        ways.ensure("custom_resource", taken)


@pytest.mark.parametrize("level", ["error", "warning"])
def test_what_asm_says_in_the_status_is_read(asm, lanes, ways, level):
    ways.ensure("custom_resource", GUIDE)
    message = {"code": "X", "level": level, "message": "it is odd"}
    lane = asm.resources()["ws-v2"]
    asm.wait(asm.mesh.patch_status(lane, {"validationMessage": [message]}))
    if level == "error":
        with pytest.raises(AsmError, match="objects: lane v2: it is odd"):
            ways.ensure("custom_resource", only("v2", services=BOTH))
        assert ways.ensure("custom_resource", only("v2", services=HELLO), wait=False).done == 1
    else:
        run = ways.ensure("custom_resource", only("v2", services=BOTH))
        assert "ASM objects to lane v2: it is odd" in run.warnings
