"""Two runs at once, and edits on the console in the middle of a run: no lane is lost, the loser is told.

The OpenAPI has no locks: the product looks before it overwrites, and again when it has finished.
The console is the OpenAPI itself, called without the product.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import pytest
from ansible_collections.asm.lanes.plugins.module_utils._asm.errors import AsmError
from ansible_collections.asm.lanes.plugins.module_utils._asm.lane_group import Run, Wish, ensure
from ansible_collections.asm.lanes.plugins.module_utils._asm.openapi import OpenApiLanes
from ansible_collections.asm.lanes.plugins.module_utils._lanes.words import parse
from asm_lanes_lab.asm import Fault

HELLO, BOTH = ["default/helloworld"], ["default/helloworld", "default/wsk-svc"]
OVERTAKEN = "somebody else changed the lane group in the middle of this run"


def lane(name: str, services: list[str] | None = None) -> dict[str, Any]:
    return {"name": name, "label_selector": {"version": name}, "services": services or HELLO}


GUIDE: dict[str, Any] = {
    "name": "ws",
    "route_header": "version",
    "trace_header": "baggage",
    "gateway_rule": {"name": "ws-gateway", "namespace": "default"},
    "services": BOTH,
    "baseline": "base",
    "lanes": [lane("base", BOTH), lane("v1", BOTH), lane("v2", BOTH)],
}


@dataclass
class Outcome:
    """What became of a run."""

    run: Run
    error: AsmError | None

    @property
    def told(self) -> str:
        """Everything that the user is told of other people's doings."""
        return "\n".join([*self.run.warnings, *([str(self.error)] if self.error else [])])


class People:
    """Those who change the lanes, each with connections of their own."""

    def __init__(self, asm: Any, lanes: Any) -> None:
        self._asm, self._lanes = asm, lanes

    def run(self, seconds: float = 15, **wish: Any) -> Outcome:
        """A run of the product, as patient with ASM as the module is."""
        fields = {name: wish.pop(name) for name in ("absent", "purge_lanes", "recreate") if name in wish}
        run = Run()
        backend = OpenApiLanes(self._lanes.client(seconds))
        try:
            ensure(backend, Wish(parse({"name": "ws", **wish}), **fields), run, check_mode=False)
        except AsmError as error:
            return Outcome(run, error)
        return Outcome(run, None)

    def console(self, action: str, **parameters: Any) -> None:
        """A call of the OpenAPI, as the console makes it."""
        if "services_list" in parameters:
            places = [f"lab/c-lab/{service}" for service in parameters["services_list"]]
            parameters["services_list"] = json.dumps(places)
        self._lanes.client().call(action, "console", group_name="ws", **parameters)

    def console_adds_v9(self) -> None:
        selector = {"label_selector_key": "version", "label_selector_value": "v9"}
        self.console("CreateSwimLane", swim_lane_name="v9", services_list=HELLO, **selector)

    def meanwhile(self, action: str, calls: int, edit: Callable[[], None]) -> threading.Thread:
        """Make an edit as soon as so many calls of that action have been answered."""

        def wait() -> None:
            deadline = time.monotonic() + 15
            while self._asm.api.stats.actions[action] < calls and time.monotonic() < deadline:
                time.sleep(0.005)
            edit()

        thread = threading.Thread(target=wait)
        self._asm.api.stats.reset()
        thread.start()
        return thread

    def names(self) -> set[str]:
        group = self._lanes.read("ws")
        return {found.name for found in group.lanes} if group else set()


@pytest.fixture
def people(asm, lanes):
    people = People(asm, lanes)
    assert people.run(**GUIDE).error is None
    return people


def slow(action: str, times: int = 1, skip: int = 0) -> Fault:
    """Time for others to act before these calls take place."""
    return Fault("latency", action=action, delay=0.4, times=times, skip=skip)


def at_once(*runs: Callable[[], Outcome]) -> list[Outcome]:
    with ThreadPoolExecutor(len(runs)) as pool:
        return [future.result() for future in [pool.submit(run) for run in runs]]


def test_two_runs_add_lanes_at_once(asm, people):
    asm.faults(slow("DescribeClustersInServiceMesh", times=2))  # both have read before one writes
    outcomes = at_once(
        lambda: people.run(lanes=[lane("v3"), lane("v4")]), lambda: people.run(lanes=[lane("v5"), lane("v6")])
    )
    assert [outcome.error for outcome in outcomes] == [None, None]
    assert people.names() == {"base", "v1", "v2", "v3", "v4", "v5", "v6"}


@pytest.mark.parametrize("lag", [0.0, 0.2])
def test_two_runs_want_different_baselines_at_once(asm, lanes, people, lag):
    asm.faults(
        slow("DescribeClustersInServiceMesh", times=2),
        Fault("latency", "UpdateSwimLaneGroup", 1, 1, delay=lag),
    )
    outcomes = at_once(
        lambda: people.run(seconds=3, baseline="v1"), lambda: people.run(seconds=3, baseline="v2")
    )
    baseline = lanes.read("ws").baseline
    assert baseline in ("v1", "v2")
    loser = outcomes[baseline == "v1"]
    assert "baseline" in loser.told or OVERTAKEN in loser.told
    assert people.names() == {"base", "v1", "v2"}


def test_two_runs_with_purge_want_different_lanes_at_once(asm, people):
    asm.faults(slow("DescribeClustersInServiceMesh", times=2))
    outcomes = at_once(
        lambda: people.run(seconds=3, lanes=[*GUIDE["lanes"], lane("v3")], purge_lanes=True),
        lambda: people.run(seconds=3, lanes=[*GUIDE["lanes"], lane("v4")], purge_lanes=True),
    )
    assert people.names() == {"base", "v1", "v2", "v3", "v4"}, "neither run knew of the other's lane"
    told = [outcome.told for outcome in outcomes]
    assert "lane v4" in told[0] and "lane v3" in told[1]


def test_a_lane_added_on_the_console_in_mid_run_stays(asm, people):
    asm.faults(slow("CreateSwimLane", skip=1))
    edit = people.meanwhile("CreateSwimLane", 1, people.console_adds_v9)
    outcome = people.run(lanes=[lane("v3"), lane("v4"), lane("v5")])
    edit.join()
    assert outcome.error is None
    assert people.names() == {"base", "v1", "v2", "v3", "v4", "v5", "v9"}


def test_a_baseline_chosen_on_the_console_in_mid_run_is_not_undone(asm, lanes, people):
    def choose() -> None:
        people.console("UpdateSwimLaneGroup", services_list=BOTH, fallback_target="v2")

    asm.faults(slow("DescribeClustersInServiceMesh"))
    edit = people.meanwhile("GetSwimLaneList", 1, choose)
    outcome = people.run(service_fallback={"default/helloworld": "v1"})
    edit.join()
    assert outcome.error is None
    group = lanes.read("ws")
    assert (group.baseline, list(group.fallbacks.values())) == ("v2", ["v1"])
    assert OVERTAKEN in outcome.told


def test_a_lane_edited_on_the_console_in_mid_run_is_told(asm, lanes, people):
    def edit_v2() -> None:
        selector = {"label_selector_key": "track", "label_selector_value": "canary"}
        people.console("UpdateSwimLane", swim_lane_name="v2", services_list=BOTH, **selector)

    asm.faults(slow("DescribeClustersInServiceMesh"))
    edit = people.meanwhile("GetSwimLaneList", 1, edit_v2)
    outcome = people.run(lanes=[lane("v2", HELLO)])
    edit.join()
    assert outcome.error is None
    assert lanes.read("ws").lane("v2").labels == {"version": "v2"}, "as this run states it"
    assert f"{OVERTAKEN}: lane v2" in outcome.told


def test_a_lane_added_on_the_console_during_a_removal_does_not_vanish_unseen(asm, people):
    asm.faults(slow("GetSwimLaneList", skip=1))  # the look before the group itself goes
    edit = people.meanwhile("DeleteSwimLane", 3, people.console_adds_v9)
    outcome = people.run(absent=True)
    edit.join()
    assert outcome.error is None
    assert f"{OVERTAKEN}: lane v9" in outcome.told
    assert [change.name for change in outcome.run.plan.changes[-2:]] == ["v9", "ws"]


def test_lanes_added_on_the_console_during_a_recreation_stay(asm, people):
    asm.faults(slow("GetSwimLaneList", skip=1))
    edit = people.meanwhile("DeleteSwimLane", 3, people.console_adds_v9)
    # v1 and v2 are not stated: they live on because the first plan knows them.
    wish = {**GUIDE, "route_header": "x-lane", "lanes": [lane("base", BOTH)]}
    outcome = people.run(**wish, recreate=True)
    edit.join()
    assert outcome.error is None
    assert people.names() == {"base", "v1", "v2", "v9"}
    assert f"{OVERTAKEN}: lane v9" in outcome.told


def test_a_group_removed_on_the_console_in_mid_run_is_not_half_rebuilt_unseen(asm, people):
    asm.faults(slow("DescribeClustersInServiceMesh"))
    edit = people.meanwhile("GetSwimLaneList", 1, lambda: people.run(absent=True))
    outcome = people.run(service_fallback={"default/helloworld": "v1"})
    edit.join()
    assert OVERTAKEN in str(outcome.error)
    assert "What they left does not go with what is stated" in str(outcome.error)
    assert people.names() == set()
