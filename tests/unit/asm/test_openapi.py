"""The backend against a scripted server: clusters, doubtful writes, waiting."""

from __future__ import annotations

import json
import time
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest
from ansible_collections.asm.lanes.plugins.module_utils._asm.errors import AsmError, Kind
from ansible_collections.asm.lanes.plugins.module_utils._asm.openapi import OpenApiLanes
from ansible_collections.asm.lanes.plugins.module_utils._asm.transforms import Cluster, Objection
from ansible_collections.asm.lanes.plugins.module_utils._asm.ways import known_cluster
from ansible_collections.asm.lanes.plugins.module_utils._lanes.model import merge
from ansible_collections.asm.lanes.plugins.module_utils._lanes.plan import make_absent_plan, make_plan
from ansible_collections.asm.lanes.plugins.module_utils._lanes.problems import SpecError
from ansible_collections.asm.lanes.plugins.module_utils._lanes.words import parse
from unit.asm.wire import Call, Reply, answers, drops, expect, fails, playing

SPEC: dict[str, Any] = {
    "name": "ws",
    "mode": "strict",
    "gateway_rule": {"name": "gate"},
    "services": ["default/a"],
    "lanes": [{"name": "v1", "label_selector": {"version": "v1"}, "services": ["default/a"]}],
}
V2 = {"name": "v2", "label_selector": {"version": "v2"}, "services": ["default/a"]}
ON_A = '["demo/c-1/default/a"]'
GROUP = {"GroupName": "ws", "IsPermissive": False, "IngressGatewayName": "gate", "ServiceList": ON_A}
OTHER = {"GroupName": "other", "IsPermissive": True}
WITH_V2 = parse({**SPEC, "lanes": [*SPEC["lanes"], V2]})
CREATE_V2 = {
    "GroupName": "ws",
    "SwimLaneName": "v2",
    "LabelSelectorKey": "version",
    "LabelSelectorValue": "v2",
    "ServicesList": ON_A,
}


def lane(name: str, message: str = "null") -> dict[str, str]:
    selector = {"LabelSelectorKey": "version", "LabelSelectorValue": name}
    return {"Name": name, **selector, "ServiceList": ON_A, "ValidationMessage": message}


def groups(*items: dict[str, Any]) -> Call:
    return expect("GetSwimLaneGroupList", answers(SwimLaneGroupList=list(items)))


def lanes(*items: dict[str, str]) -> Call:
    return expect("GetSwimLaneList", answers(SwimLaneList=list(items)), GroupName="ws")


def clusters(*names: str) -> Call:
    items = [
        {"Name": name, "ClusterId": f"c-{index}", "State": "running"} for index, name in enumerate(names, 1)
    ]
    return expect("DescribeClustersInServiceMesh", answers(Clusters=items))


def create_v2(reply: Reply) -> Call:
    return expect("CreateSwimLane", reply, **CREATE_V2)


def run_plan(client, wanted=WITH_V2, cluster: str | None = None, wait: bool = True) -> OpenApiLanes:
    backend = OpenApiLanes(client, cluster, settled=0.2, standing=0.2)
    plan = make_plan(backend.read("ws"), wanted)
    backend.prepare(plan)
    for change in plan.changes:
        backend.execute("ws", change)
    if wait:
        backend.wait_for(plan, "ws", purge_lanes=False)
    return backend


def test_reading(connect):
    with playing(groups(OTHER, GROUP), lanes(lane("v1", "it is odd"))) as server:
        backend = OpenApiLanes(connect(server.endpoint))
        found = backend.read("ws")
    assert found is not None
    assert found == merge(None, parse(SPEC))
    assert backend.objections == {"v1": (Objection("it is odd"),)}


def test_absence_is_seen_from_the_list(connect):
    with playing(groups(OTHER)) as server:
        assert OpenApiLanes(connect(server.endpoint)).read("ws") is None


def test_an_answer_in_an_unknown_form(connect):
    with (
        playing(groups({**GROUP, "ServiceList": '["a"]'}), lanes()) as server,
        pytest.raises(AsmError, match="ServiceList has 'a' instead of cluster name/cluster id") as caught,
    ):
        OpenApiLanes(connect(server.endpoint)).read("ws")
    assert caught.value.kind == Kind.UNREADABLE


KNOWN = {"mesh_id": "m", "name": "demo", "id": "c-1"}


@pytest.mark.parametrize(
    ("stated", "meant"),
    [
        ({}, True),
        ({"cluster": ""}, True),
        ({"cluster": "demo"}, True),
        ({"cluster": "c-1"}, True),
        ({"cluster": "other"}, False),
        ({"mesh_id": "another"}, False),
        ({"known_cluster": None}, False),
    ],
)
def test_a_cluster_that_is_known_counts_where_it_is_the_one_that_is_meant(stated, meant):
    found = known_cluster({"mesh_id": "m", "known_cluster": KNOWN, **stated})
    assert found == (Cluster("demo", "c-1") if meant else None)


def test_a_cluster_that_is_known_is_not_asked_for(connect):
    with playing(groups(GROUP), lanes(lane("v1")), create_v2(answers())) as server:
        backend = OpenApiLanes(connect(server.endpoint), known_cluster=Cluster("demo", "c-1"))
        plan = make_plan(backend.read("ws"), WITH_V2)
        backend.prepare(plan)
        for change in plan.changes:
            backend.execute("ws", change)


PERMISSIVE = parse(
    {
        **SPEC,
        "mode": "permissive",
        "route_header": "version",
        "trace_header": "baggage",
        "baseline": "v1",
    }
)


@pytest.mark.parametrize("by_itself", [True, False])
def test_the_baseline_is_only_set_where_asm_has_not_made_the_first_lane_the_one(connect, by_itself):
    made = {
        **GROUP,
        "IsPermissive": True,
        "RouteHeader": "version",
        "TraceHeader": "baggage",
        "FallbackTarget": "v1" if by_itself else "",
    }
    in_group = {"GroupName": "ws", "ServicesList": ON_A}
    fixed = {"IngressType": "ASM", "IngressGatewayName": "gate", "IsPermissive": "True"}
    headers = {"RouteHeader": "version", "TraceHeader": "baggage"}
    lane_v1 = {"SwimLaneName": "v1", "LabelSelectorKey": "version", "LabelSelectorValue": "v1"}
    update = expect("UpdateSwimLaneGroup", answers(), **in_group, FallbackTarget="v1")
    with playing(
        groups(),
        clusters("demo"),
        expect("CreateSwimLaneGroup", answers(), **in_group, **fixed, **headers),
        expect("CreateSwimLane", answers(), **in_group, **lane_v1),
        groups(made),
        *([] if by_itself else [update]),
    ) as server:
        backend = run_plan(connect(server.endpoint), PERMISSIVE, wait=False)
        planned = backend.calls("ws", make_plan(None, PERMISSIVE).changes)
        assert [call.action for call in planned] == ["CreateSwimLaneGroup", "CreateSwimLane"]


def test_a_lane_is_added_and_waited_for(connect):
    with playing(
        groups(GROUP),
        lanes(lane("v1")),
        clusters("demo"),
        create_v2(answers()),
        groups(GROUP),
        lanes(lane("v1")),  # not there yet
        groups(GROUP),
        lanes(lane("v1"), lane("v2", "service default/a is not known")),  # not accepted yet
        again=(groups(GROUP), lanes(lane("v1"), lane("v2"))),
    ) as server:
        run_plan(connect(server.endpoint))


def test_an_objection_that_comes_late_is_seen(connect):
    created: list[float] = []

    def creating(handler: BaseHTTPRequestHandler, request_id: str) -> None:
        created.append(time.monotonic())
        answers()(handler, request_id)

    def judged(handler: BaseHTTPRequestHandler, request_id: str) -> None:
        objection = "no such service" if time.monotonic() - created[0] > 0.15 else "null"
        answers(SwimLaneList=[lane("v1"), lane("v2", objection)])(handler, request_id)

    with (
        playing(
            groups(GROUP),
            lanes(lane("v1")),
            clusters("demo"),
            create_v2(creating),
            again=(groups(GROUP), expect("GetSwimLaneList", judged, GroupName="ws")),
        ) as server,
        pytest.raises(AsmError, match="objects: lane v2: no such service"),
    ):
        run_plan(connect(server.endpoint))


def test_a_warning_does_not_hold_up(connect):
    warning = json.dumps([{"level": "warning", "message": "no pods yet"}])
    with playing(
        groups(GROUP),
        lanes(lane("v1")),
        clusters("demo"),
        create_v2(answers()),
        again=(groups(GROUP), lanes(lane("v1"), lane("v2", warning))),
    ) as server:
        backend = run_plan(connect(server.endpoint))
    assert backend.objections["v2"] == (Objection("no pods yet", serious=False),)


@pytest.mark.parametrize("fault", [drops, fails(500, "InternalError"), fails(503, "ServiceUnavailable")])
def test_a_doubtful_write_that_took_effect_is_not_repeated(connect, fault):
    with playing(
        groups(GROUP),
        lanes(lane("v1")),
        clusters("demo"),
        create_v2(fault),
        groups(GROUP),
        lanes(lane("v1"), lane("v2")),
    ) as server:
        run_plan(connect(server.endpoint), wait=False)


def test_a_doubtful_write_that_had_no_effect_is_repeated(connect):
    with playing(
        groups(GROUP),
        lanes(lane("v1")),
        clusters("demo"),
        create_v2(drops),
        groups(GROUP),
        lanes(lane("v1")),
        create_v2(answers()),
    ) as server:
        run_plan(connect(server.endpoint), wait=False)


def test_a_doubtful_write_that_took_effect_late(connect):
    with playing(
        groups(GROUP),
        lanes(lane("v1")),
        clusters("demo"),
        create_v2(drops),
        groups(GROUP),
        lanes(lane("v1")),
        create_v2(fails(400, "NameAlreadyExist")),
        groups(GROUP),
        lanes(lane("v1"), lane("v2")),
    ) as server:
        run_plan(connect(server.endpoint), wait=False)


def test_a_name_that_somebody_else_took_is_an_error(connect):
    with (
        playing(
            groups(GROUP), lanes(lane("v1")), clusters("demo"), create_v2(fails(400, "NameAlreadyExist"))
        ) as server,
        pytest.raises(AsmError, match="An object of this name was made in the meantime"),
    ):
        run_plan(connect(server.endpoint))


def test_a_doubt_that_cannot_be_settled_is_told(connect):
    with (
        playing(
            groups(GROUP),
            lanes(lane("v1")),
            clusters("demo"),
            create_v2(fails(500, "InternalError", "oops")),
            expect("GetSwimLaneGroupList", fails(403, "StatusForbidden")),
        ) as server,
        pytest.raises(AsmError, match=r"oops .*Reading back failed too .StatusForbidden") as caught,
    ):
        run_plan(connect(server.endpoint))
    assert caught.value.action == "CreateSwimLane"


def test_a_fault_that_stays_ends_the_attempts(connect):
    still_there = [groups(GROUP), lanes(lane("v1"))]
    with (
        playing(
            *still_there,
            clusters("demo"),
            *[create_v2(fails(500, "InternalError")), *still_there] * 2,
        ) as server,
        pytest.raises(AsmError, match="Whether it took effect is not certain: the next run finds out"),
    ):
        run_plan(connect(server.endpoint, attempts=2))


def test_removal_in_doubt(connect):
    with playing(
        groups(GROUP),
        lanes(),
        lanes(),  # once more before the group goes, for those that others have added
        expect("DeleteSwimLaneGroup", drops, GroupName="ws"),
        groups(OTHER),
        groups(OTHER),
    ) as server:
        backend = OpenApiLanes(connect(server.endpoint))
        plan = make_absent_plan(backend.read("ws"))
        backend.prepare(plan)
        for change in plan.changes:
            backend.execute("ws", change)
        backend.wait_for(plan, "ws", purge_lanes=False)


def test_waiting_ends_with_the_deadline_and_says_what_is_missing(connect):
    polls = (groups(GROUP), lanes(lane("v1")))
    with (
        playing(*polls, clusters("demo"), create_v2(answers()), again=polls) as server,
        pytest.raises(AsmError, match=r"within 0.7 s not everything is there: create lane v2") as caught,
    ):
        run_plan(connect(server.endpoint, seconds=0.7))
    assert caught.value.kind == Kind.DEADLINE


def test_an_objection_that_stands_is_an_error(connect):
    objection = json.dumps([{"level": "error", "message": "service default/a does not exist"}])
    polls = (groups(GROUP), lanes(lane("v1"), lane("v2", objection)))
    with (
        playing(
            groups(GROUP), lanes(lane("v1")), clusters("demo"), create_v2(answers()), again=polls
        ) as server,
        pytest.raises(AsmError, match="objects: lane v2: service default/a does not exist") as caught,
    ):
        run_plan(connect(server.endpoint))
    assert caught.value.kind == Kind.INVALID


@pytest.mark.parametrize("cluster", ["demo", "c-1"])
def test_one_of_several_clusters(connect, cluster):
    with playing(groups(GROUP), lanes(lane("v1")), clusters("demo", "spare"), create_v2(answers())) as server:
        run_plan(connect(server.endpoint), cluster=cluster, wait=False)


@pytest.mark.parametrize(
    ("names", "cluster", "words"),
    [
        (("demo", "spare"), None, r"2 clusters that may be meant: demo \(c-1\), spare \(c-2\)"),
        (("demo", "demo"), "demo", r"2 clusters that may be meant: demo \(c-1\), demo \(c-2\)"),
        (("demo",), "other", r"no cluster 'other', only demo \(c-1\). Name one of them"),
        ((), None, "the mesh has no cluster. Add the Kubernetes cluster"),
        (("demo", "spare"), "spare", r"services in demo \(c-1\), but would be written to spare \(c-2\)"),
    ],
)
def test_clusters_that_are_not_clear_stop_before_any_write(connect, names, cluster, words):
    with (
        playing(groups(GROUP), lanes(lane("v1")), clusters(*names)) as server,
        pytest.raises(AsmError, match=words),
    ):
        run_plan(connect(server.endpoint), cluster=cluster)


def test_a_lane_with_two_labels_is_refused_before_any_write(connect):
    two = {**V2, "label_selector": {"version": "v2", "track": "x"}}
    with (
        playing(groups(GROUP), lanes(lane("v1"))) as server,
        pytest.raises(SpecError, match=r"lanes\[v2\].label_selector: has 2 labels \(track, version\)"),
    ):
        run_plan(connect(server.endpoint), wanted=parse({**SPEC, "lanes": [*SPEC["lanes"], two]}))
