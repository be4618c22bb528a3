"""Whatever is wrong ends in one clear message: nothing written, no traceback, no secret (see User.play)."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from asm_lanes_lab.asm import Credential, Fault

from .conftest import ADMIN, EXPIRED, NOBODY, READONLY, WRONG_SECRET, Emulator, make_user

HELLO = ["default/helloworld"]
BASE = {"name": "base", "label_selector": {"version": "v1"}, "services": [*HELLO, "default/wsk-svc"]}
V2 = {"name": "v2", "label_selector": {"version": "v2"}, "services": HELLO}


def keys(credential: Credential, secret: str | None = None) -> dict[str, Any]:
    return {
        "access_key_id": credential.access_key_id,
        "access_key_secret": secret or credential.access_key_secret,
        "security_token": credential.security_token,
    }


def nobody_listens() -> str:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return f"127.0.0.1:{taken.getsockname()[1]}"


@dataclass(frozen=True)
class Row:
    """Bad input, the kind of failure it must end in, and words of the message."""

    options: dict[str, Any]
    kind: str
    words: list[str]


ROWS = {
    "unknown mesh": Row({"mesh_id": "nowhere"}, "rejected", ["ServiceMesh.NotFound", "Check mesh_id"]),
    "unknown key": Row(
        {"access_key_id": "AK-NONE"}, "rejected", ["InvalidAccessKeyId.NotFound", "Check access_key_id"]
    ),
    "wrong secret": Row(
        keys(ADMIN, WRONG_SECRET), "rejected", ["SignatureDoesNotMatch", "Check access_key_secret"]
    ),
    "expired token": Row(keys(EXPIRED), "rejected", ["InvalidSecurityToken.Expired", "obtain a new set"]),
    "no RAM permission": Row(
        keys(NOBODY), "rejected", ["Forbidden.RAM", "RAM action servicemesh:GetSwimLaneGroupList"]
    ),
    "no permission in the mesh": Row(keys(READONLY), "rejected", ["StatusForbidden", "mesh RBAC"]),
    "endpoint down": Row(
        {"endpoint": nobody_listens(), "timeout": 2},
        "unreachable",
        ["connection refused", "Check the endpoint option"],
    ),
    "endpoint with a scheme": Row(
        {"endpoint": "http://127.0.0.1:1"}, "invalid", ["is not an endpoint", "host or host:port"]
    ),
    "cluster of another mesh": Row(
        {"cluster": "elsewhere"}, "invalid", ["no cluster 'elsewhere', only lab (c-lab)", "Name one of them"]
    ),
    "lane with a service outside the group": Row(
        {"lanes": [BASE, {**V2, "services": ["default/strange"]}]},
        "specification",
        ["lanes[v2].services: default/strange is not a service of the group"],
    ),
    "two lanes with one name": Row(
        {"lanes": [BASE, V2, V2]}, "specification", ["lanes[v2]: two lanes have this name"]
    ),
    "no baseline": Row(
        {"baseline": None}, "specification", ["baseline: a permissive group needs a baseline", "base, v1, v2"]
    ),
    "baseline that is no lane": Row({"baseline": "v9"}, "specification", ["baseline: there is no lane 'v9'"]),
    "baggage as route header": Row(
        {"route_header": "baggage"}, "specification", ["route_header: 'baggage' carries trace context"]
    ),
    "two labels": Row(
        {"lanes": [BASE, {**V2, "label_selector": {"a": "b", "c": "d"}}]},
        "specification",
        ["lanes[v2].label_selector: has 2 labels (a, c)"],
    ),
    "names against the rules, all at once": Row(
        {
            "name": "My_Group",
            "services": ["default/helloworld", "wsk-svc"],
            "gateway_rule": {"name": "gate way"},
            "lanes": [{"name": "V2", "label_selector": {"ver sion": "v2"}, "services": HELLO}],
        },
        "specification",
        [
            "name: 'My_Group' is not a Kubernetes name",
            "services[1]: 'wsk-svc' is not a service",
            "gateway_rule.name: 'gate way' is not a Kubernetes name",
            "lanes[V2].name: 'V2' is not a Kubernetes name",
            "lanes[V2].label_selector: 'ver sion' is not a label key",
        ],
    ),
}


@pytest.fixture(scope="module")
def results(
    running_emulator: Emulator, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, dict[str, Any]]]:
    """What became of each row; one playbook with a task for each, and nothing was written."""
    running_emulator.reset()
    user = make_user(running_emulator.endpoint, tmp_path_factory.mktemp("rows"))
    tasks = [{**user.task(**row.options), "ignore_errors": True} for row in ROWS.values()]
    yield dict(zip(ROWS, user.play(tasks), strict=True))
    assert running_emulator.writes == 0


@pytest.mark.parametrize("name", ROWS)
def test_bad_input(results, name):
    row, result = ROWS[name], results[name]
    assert result["failure"]["kind"] == row.kind
    assert not result["changed"]
    for words in row.words:
        assert words in result["msg"]
    if row.kind == "rejected":
        assert result["failure"]["request_id"] in result["msg"]
    if row.kind == "specification":
        assert all(problem["remedy"] in result["msg"] for problem in result["failure"]["problems"])


def test_what_is_fixed_at_creation(user, asm):
    other = user.task(route_header="x-lane", gateway_rule={"name": "other-gateway"})
    _made, result = user.play([user.task(), other])
    assert result["failure"]["kind"] == "create_only"
    assert [field["name"] for field in result["failure"]["fields"]] == ["route_header", "gateway_rule"]
    assert "route_header is 'version', wanted 'x-lane'" in result["msg"]
    assert "remove the group first (state: absent" in result["msg"]
    assert asm.writes == 4  # those of the first task


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
    task = {**user.task(), "environment": {"PYTHONPATH": str(hidden.parent)}}
    [result] = user.play([task])
    assert "alibabacloud-servicemesh20200111 >= 3.4.0" in result["msg"]
    assert result["failure"]["kind"] == "library"
