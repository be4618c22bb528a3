"""Whatever is wrong ends in one clear message: nothing written, no traceback, no secret (see User.play)."""

from __future__ import annotations

import socket
from typing import Any

import pytest
from asm_lanes_lab.asm import Credential, Fault

from .conftest import ADMIN, EXPIRED, NOBODY, READONLY, WRONG_SECRET

HELLO = ["default/helloworld"]
BASE = {"name": "base", "label_selector": {"version": "v1"}, "services": [*HELLO, "default/wsk-svc"]}
V2 = {"name": "v2", "label_selector": {"version": "v2"}, "services": HELLO}


def keys(credential: Credential, secret: str | None = None) -> dict[str, Any]:
    return {
        "access_key_id": credential.access_key_id,
        "access_key_secret": secret or credential.access_key_secret,
        "security_token": credential.security_token,
    }


SERVER = {
    "unknown mesh": ({"mesh_id": "nowhere"}, "ServiceMesh.NotFound", "Check mesh_id"),
    "unknown key": (
        {"access_key_id": "AK-NONE"},
        "InvalidAccessKeyId.NotFound",
        "Check access_key_id",
    ),
    "wrong secret": (keys(ADMIN, WRONG_SECRET), "SignatureDoesNotMatch", "Check access_key_secret"),
    "expired token": (keys(EXPIRED), "InvalidSecurityToken.Expired", "obtain a new set"),
    "no RAM permission": (keys(NOBODY), "Forbidden.RAM", "servicemesh:GetSwimLaneGroupList"),
    "no mesh permission": (keys(READONLY), "StatusForbidden", "mesh RBAC"),
}


@pytest.mark.parametrize(("options", "code", "remedy"), SERVER.values(), ids=SERVER)
def test_the_server_refuses(user, asm, options, code, remedy):
    result = user.lane_group(**options)
    assert result["failed"]
    assert result["failure"]["code"] == code
    assert result["failure"]["request_id"] in result["msg"]
    assert remedy in result["msg"]
    assert not result["changed"]
    assert asm.writes == 0


SPECIFICATION: dict[str, tuple[dict[str, Any], list[str]]] = {
    "lane with a service outside the group": (
        {"lanes": [BASE, {**V2, "services": ["default/strange"]}]},
        ["lanes[v2].services: default/strange is not a service of the group"],
    ),
    "two lanes with one name": ({"lanes": [BASE, V2, V2]}, ["lanes[v2]: two lanes have this name"]),
    "no baseline": ({"baseline": None}, ["baseline: a permissive group needs a baseline"]),
    "baseline that is no lane": ({"baseline": "v9"}, ["baseline: there is no lane 'v9'"]),
    "baggage as route header": (
        {"route_header": "baggage"},
        ["route_header: 'baggage' carries trace"],
    ),
    "two labels": (
        {"lanes": [BASE, {**V2, "label_selector": {"a": "b", "c": "d"}}]},
        ["lanes[v2].label_selector: has 2 labels (a, c)"],
    ),
    "names against the rules": (
        {
            "name": "My_Group",
            "services": ["default/helloworld", "wsk-svc"],
            "gateway_rule": {"name": "gate way"},
            "lanes": [{"name": "V2", "label_selector": {"ver sion": "v2"}, "services": HELLO}],
        },
        [
            "name: 'My_Group' is not a Kubernetes name",
            "services[1]: 'wsk-svc' is not a service",
            "gateway_rule.name: 'gate way' is not a Kubernetes name",
            "lanes[V2].name: 'V2' is not a Kubernetes name",
            "lanes[V2].label_selector: 'ver sion' is not a label key",
        ],
    ),
}


@pytest.mark.parametrize(("options", "problems"), SPECIFICATION.values(), ids=SPECIFICATION)
def test_the_specification_is_wrong(user, asm, options, problems):
    result = user.lane_group(**options)
    assert result["failure"]["kind"] == "specification"
    for problem in problems:
        assert problem in result["msg"]
    assert len(result["failure"]["problems"]) >= len(problems)
    assert all(problem["remedy"] for problem in result["failure"]["problems"])
    assert asm.writes == 0


def test_what_is_fixed_at_creation(user, asm):
    user.lane_group()
    asm.api.stats.reset()
    result = user.lane_group(route_header="x-lane", gateway_rule={"name": "other-gateway"})
    assert result["failure"]["kind"] == "create_only"
    assert [field["name"] for field in result["failure"]["fields"]] == ["route_header", "gateway_rule"]
    assert "route_header is 'version', wanted 'x-lane'" in result["msg"]
    assert "remove the group first (state: absent" in result["msg"]
    assert asm.writes == 0


def test_nobody_answers(user):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        endpoint = f"127.0.0.1:{taken.getsockname()[1]}"
    result = user.lane_group(endpoint=endpoint, timeout=1)
    assert result["failure"]["kind"] == "unreachable"
    assert "connection refused" in result["msg"]
    assert "Check the endpoint option" in result["msg"]


def test_an_endpoint_with_a_scheme(user, asm):
    result = user.lane_group(endpoint=f"http://{asm.endpoint}")
    assert "is not an endpoint. Write the endpoint option as host or host:port" in result["msg"]


def test_the_server_is_too_slow(user, asm):
    asm.faults(Fault("timeout_before", times=0, delay=3))
    result = user.lane_group(timeout=2, request_timeout=0.5)
    assert result["failure"]["kind"] == "timeout"
    assert "no answer in time" in result["msg"]
    assert asm.writes == 0


def test_throttled_for_ever(user, asm):
    asm.faults(Fault("throttled", times=0, retry_after=100))
    result = user.lane_group()
    assert result["failure"]["code"] == "Throttling.User"
    assert "Tried 5 times" in result["msg"]
    assert "Too many calls" in result["msg"]
    assert asm.writes == 0


def test_a_cluster_that_the_mesh_does_not_have(user, asm):
    result = user.lane_group(cluster="elsewhere")
    assert (
        "the mesh has no cluster 'elsewhere', only lab (c-lab). Name one of them in cluster." in result["msg"]
    )
    assert asm.writes == 0


def test_a_failure_in_the_middle_says_how_far_it_got_and_the_next_run_goes_on(user, asm):
    asm.faults(Fault("expired_token", action="CreateSwimLane", skip=1, times=0))
    result = user.lane_group()
    assert result["changed"]
    assert "3 of 5 changes were made, the next run continues from there" in result["msg"]
    assert [call["action"] for call in result["api_calls"]][-1] == "CreateSwimLane"
    asm.faults()
    again = user.lane_group()
    assert [change["description"] for change in again["plan"]] == ["create lane v1", "create lane v2"]


def test_the_library_is_missing(user, asm):
    # A package of that name without anything in it hides the installed one.
    hidden = user.folder / "hidden" / "alibabacloud_servicemesh20200111"
    hidden.mkdir(parents=True)
    (hidden / "__init__.py").write_text(
        "raise ImportError('No module named alibabacloud_servicemesh20200111')\n"
    )
    task = {"name": "Lane group", "asm.lanes.lane_group": {k: v for k, v in user.defaults.items() if v}}
    result = user.play([{**task, "environment": {"PYTHONPATH": str(hidden.parent)}}])
    assert "alibabacloud-servicemesh20200111 >= 3.4.0" in result["msg"]
    assert result["failure"]["kind"] == "library"
