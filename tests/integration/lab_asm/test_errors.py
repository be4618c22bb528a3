# Copyright (c) 2026, asm.lanes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Whatever is wrong ends in the SDK's own exception, with a code, a text and a request id."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from typing import Any

import aiohttp
import pytest
from alibabacloud_tea_openapi.exceptions import ClientException, ServerException
from asm_lanes_lab.asm import AsmApi, Behaviour, Credential
from Tea.exceptions import TeaException

from .conftest import ADMIN, EXPIRED, NOBODY, READONLY, STS, TOKEN, Sdk, World, service, services

pytestmark = pytest.mark.asyncio(loop_scope="session")

ONE = services("wsk-svc")


async def refused(coroutine: Any, status: int, code: str, *words: str) -> None:
    """The call is refused; the message holds all words."""
    with pytest.raises(ClientException) as caught:
        await coroutine
    error = caught.value
    assert isinstance(error, TeaException)
    assert (error.status_code, error.code) == (status, code)
    assert error.request_id in error.message
    for word in words:
        assert word in error.message


@pytest.mark.parametrize(
    ("parameters", "status", "code", "word"),
    [
        ({"mesh": "other"}, 404, "ServiceMesh.NotFound", "other"),
        ({"mesh": ""}, 400, "MissingServiceMeshId", "mandatory"),
        ({"group_name": ""}, 400, "MissingGroupName", "GroupName"),
        ({"group_name": None}, 400, "MissingGroupName", "GroupName"),
        ({"group_name": "Not_A_Name"}, 400, "InvalidParameter.GroupName", "Not_A_Name"),
        ({"group_name": "a" * 64}, 400, "InvalidParameter.GroupName", "aaa"),
        ({"ingress_type": "ingress"}, 400, "InvalidParameter.IngressType", "ASM"),
        ({"ingress_gateway_name": None}, 400, "MissingIngressGatewayName", "IngressGatewayName"),
        ({"ingress_gateway_name": "A b"}, 400, "InvalidParameter.IngressGatewayName", "A b"),
        ({"ingress_gateway_namespace": "-"}, 400, "InvalidParameter.IngressGatewayNamespace", "-"),
        ({"trace_header": None}, 400, "MissingTraceHeader", "TraceHeader"),
        ({"route_header": None}, 400, "MissingRouteHeader", "RouteHeader"),
        ({"route_header": "baggage"}, 400, "InvalidParameter.RouteHeader", "baggage"),
        ({"route_header": "Baggage"}, 400, "InvalidParameter.RouteHeader", "Baggage"),
        ({"route_header": "traceparent"}, 400, "InvalidParameter.RouteHeader", "traceparent"),
        ({"route_header": "not a header"}, 400, "InvalidParameter.RouteHeader", "not a header"),
        ({"is_permissive": False}, 400, "InvalidParameter.RouteHeader", "permissive"),
        ({"services_list": None}, 400, "MissingServicesList", "ServicesList"),
        ({"services_list": "[]"}, 400, "InvalidParameter.ServicesList", "no service"),
        ({"services_list": "{not json"}, 400, "InvalidParameter.ServicesList", "not JSON"),
        ({"services_list": '{"a": 1}'}, 400, "InvalidParameter.ServicesList", "array"),
        ({"services_list": "[1]"}, 400, "InvalidParameter.ServicesList", "array"),
        ({"services_list": '["default/wsk-svc"]'}, 400, "InvalidParameter.ServicesList", "default/wsk-svc"),
        (
            {"services_list": '["lab/c-lab/default/Bad_Name"]'},
            400,
            "InvalidParameter.ServicesList",
            "Bad_Name",
        ),
        ({"services_list": '["lab/c-other/default/a"]'}, 400, "InvalidParameter.ServicesList", "c-other"),
        (
            {"services_list": '["other/c-lab/default/a"]'},
            400,
            "InvalidParameter.ServicesList",
            "not in the mesh",
        ),
        ({"services_list": json.dumps([service("a")] * 2)}, 400, "InvalidParameter.ServicesList", "twice"),
    ],
)
async def test_groups_that_cannot_be(
    sdk: Sdk, parameters: dict[str, Any], status: int, code: str, word: str
) -> None:
    given = {"mesh": "lab-mesh", **parameters}
    name = given.pop("group_name", "ws")
    await refused(sdk.create_group(name, **given), status, code, word)
    assert await sdk.groups() == []


async def test_names_that_are_taken(sdk: Sdk) -> None:
    await sdk.create_guide()
    await refused(sdk.create_group(), 400, "NameAlreadyExist", "SwimLaneGroup ws")
    await refused(sdk.create_lane("v2", "helloworld"), 400, "NameAlreadyExist", "ws/v2")


async def test_lanes_that_cannot_be(sdk: Sdk) -> None:
    await refused(sdk.create_lane("v2", "helloworld"), 404, "Lab.SwimLaneGroup.NotFound", "ws")
    await sdk.create_group()
    for parameters, code, word in (
        ({"swim_lane_name": None}, "MissingSwimLaneName", "SwimLaneName"),
        ({"swim_lane_name": "V2"}, "InvalidParameter.SwimLaneName", "V2"),
        ({"label_selector_key": "a b"}, "InvalidParameter.LabelSelectorKey", "a b"),
        ({"label_selector_value": "a b"}, "InvalidParameter.LabelSelectorValue", "a b"),
        ({"label_selector_value": None}, "MissingLabelSelectorValue", "LabelSelectorValue"),
        ({"services_list": services("other")}, "InvalidParameter.ServicesList", "default/other"),
        ({"services_list": None}, "MissingServicesList", "ServicesList"),
    ):
        given: dict[str, Any] = {
            "group_name": "ws",
            "swim_lane_name": "v2",
            "label_selector_key": "version",
            "label_selector_value": "v2",
            "services_list": services("helloworld"),
        }
        await refused(sdk.call("create_swim_lane", **{**given, **parameters}), 400, code, word)
    assert await sdk.lanes() == []


async def test_a_strict_lane_needs_every_service(sdk: Sdk) -> None:
    await sdk.create_group(is_permissive=False, route_header=None, trace_header=None)
    await refused(
        sdk.create_lane("s1", "wsk-svc"), 400, "InvalidParameter.ServicesList", "default/helloworld"
    )
    await sdk.create_lane("s1", "wsk-svc", "helloworld")
    one = sdk.call("update_swim_lane", group_name="ws", swim_lane_name="s1", services_list=ONE)
    await refused(one, 400, "InvalidParameter.ServicesList", "default/helloworld")
    for name, value in (("FallbackTarget", "s1"), ("ServiceLevelFallbackTarget", "{}")):
        field = {"FallbackTarget": "fallback_target"}.get(name, "service_level_fallback_target")
        update = sdk.call("update_swim_lane_group", group_name="ws", **{field: value})
        await refused(update, 400, f"InvalidParameter.{name}", "strict")


@pytest.mark.parametrize(
    ("parameters", "code", "word"),
    [
        ({"fallback_target": "none"}, "InvalidParameter.FallbackTarget", "none"),
        ({"ingress_routing_strategy": "rule_based"}, "InvalidParameter.IngressRoutingStrategy", "rule-based"),
        ({"weighted_ingress_rule": "{}"}, "InvalidParameter.WeightedIngressRule", "weighted"),
        ({"services_list": "oops"}, "InvalidParameter.ServicesList", "not JSON"),
        ({"service_level_fallback_target": "[]"}, "InvalidParameter.ServiceLevelFallbackTarget", "object"),
        (
            {"service_level_fallback_target": '{"a":"v2"}'},
            "InvalidParameter.ServiceLevelFallbackTarget",
            "'a'",
        ),
        (
            {"service_level_fallback_target": '{"default/wsk-svc":"v2"}'},
            "InvalidParameter.ServiceLevelFallbackTarget",
            "v2",
        ),
        (
            {"service_level_fallback_target": '{"default/other":"v2"}'},
            "InvalidParameter.ServiceLevelFallbackTarget",
            "default/other",
        ),
    ],
)
async def test_updates_that_cannot_be(sdk: Sdk, parameters: dict[str, str], code: str, word: str) -> None:
    await sdk.create_guide()
    before = await sdk.groups()
    await refused(sdk.call("update_swim_lane_group", group_name="ws", **parameters), 400, code, word)
    assert await sdk.groups() == before


@pytest.mark.parametrize(
    ("rule", "word"),
    [
        ("[", "not JSON"),
        ("[]", "expected an object"),
        ('{"domains":[]}', "domains"),
        ('{"Domains":"*"}', "Domains"),
        ('{"MatchRequests":{}}', "MatchRequests"),
        ('{"MatchRequests":[{"URI":{"MatchingMode":"like","MatchingContent":"/"}}]}', "like"),
        ('{"MatchRequests":[{"URI":{"MatchingMode":"exact","MatchingContent":1}}]}', "MatchingContent"),
        ('{"MatchRequests":[{"Headers":{}}, {"Headers":{"Name":"a"}}]}', "Headers"),
        ('{"MatchRequests":[{"Headers":[{"MatchingMode":"exact","MatchingContent":"a"}]}]}', "Name"),
    ],
)
async def test_weighted_rules_that_cannot_be(sdk: Sdk, rule: str, word: str) -> None:
    await sdk.create_guide()
    call = sdk.call(
        "update_swim_lane_group",
        group_name="ws",
        ingress_routing_strategy="weighted",
        weighted_ingress_rule=rule,
    )
    await refused(call, 400, "InvalidParameter.WeightedIngressRule", word)
    assert (await sdk.groups())[0]["IngressRoutingStrategy"] == "rule-based"


async def test_the_baseline_and_fallbacks_are_kept_as_long_as_they_are_needed(sdk: Sdk) -> None:
    await sdk.create_guide()
    delete = {"group_name": "ws"}
    base = sdk.call("delete_swim_lane", swim_lane_name="base", **delete)
    await refused(base, 400, "Lab.InvalidOperation", "baseline")
    await sdk.call(
        "update_swim_lane_group", group_name="ws", service_level_fallback_target='{"default/helloworld":"v2"}'
    )
    await refused(
        sdk.call("delete_swim_lane", swim_lane_name="v2", **delete), 400, "Lab.InvalidOperation", "falls back"
    )
    narrow = sdk.call("update_swim_lane", swim_lane_name="v2", services_list=ONE, **delete)
    await refused(narrow, 400, "Lab.InvalidOperation", "default/helloworld")
    assert len(await sdk.lanes()) == 3


async def test_what_does_not_exist(sdk: Sdk) -> None:
    group, lane = {"group_name": "ws"}, {"group_name": "ws", "swim_lane_name": "v9"}
    for action, parameters in (
        ("update_swim_lane_group", group),
        ("delete_swim_lane_group", group),
        ("update_swim_lane", lane),
        ("delete_swim_lane", lane),
        ("get_swim_lane_detail", lane),
    ):
        await refused(sdk.call(action, **parameters), 404, "Lab.SwimLaneGroup.NotFound", "ws")
    await sdk.create_group()
    for action in ("update_swim_lane", "delete_swim_lane", "get_swim_lane_detail"):
        await refused(sdk.call(action, **lane), 404, "Lab.SwimLane.NotFound", "ws/v9")
    await refused(
        sdk.call("describe_guest_cluster_namespaces", guest_cluster_id="c-1"),
        404,
        "Lab.Cluster.NotFound",
        "c-1",
    )
    await refused(
        sdk.call("update_istio_injection_config", namespace="nowhere", enable_istio_injection=True),
        404,
        "Lab.Namespace.NotFound",
        "nowhere",
    )


async def test_actions_and_parameters_that_the_lab_lacks(sdk: Sdk) -> None:
    await refused(
        sdk.call("describe_cr_templates", mesh=None), 404, "InvalidAction.NotFound", "DescribeCrTemplates"
    )
    await refused(
        sdk.call("update_istio_injection_config", namespace="default", data_plane_mode="ambient"),
        400,
        "Lab.UnsupportedParameter",
        "DataPlaneMode",
    )


async def test_keys_tokens_and_rights(sdk_as: Callable[..., Sdk]) -> None:
    group = {"group_name": "ws"}
    assert await sdk_as(ADMIN).groups() == []
    assert await sdk_as(STS).groups() == []
    assert await sdk_as(READONLY).groups() == []
    await refused(sdk_as(ADMIN, "wrong").groups(), 400, "SignatureDoesNotMatch")
    await refused(sdk_as(Credential("key-x", "y")).groups(), 404, "InvalidAccessKeyId.NotFound")
    await refused(sdk_as(EXPIRED).groups(), 400, "InvalidSecurityToken.Expired")
    await refused(sdk_as(NOBODY).groups(), 403, "Forbidden.RAM", "servicemesh:GetSwimLaneGroupList")
    delete = sdk_as(READONLY).call("delete_swim_lane_group", **group)
    await refused(delete, 403, "StatusForbidden", "DeleteSwimLaneGroup")


@pytest.mark.parametrize(
    ("settings", "parameters", "status", "code", "word"),
    [
        ({"mesh_state": "initial"}, {}, 403, "StillInitializing", "initial"),
        ({"mesh_edition": "standard"}, {}, 400, "Lab.InvalidOperation", "enterprise or ultimate"),
        ({"mesh_version": "v1.18.2.110-g0-aliyun"}, {}, 400, "Lab.InvalidOperation", "1.18.2.111"),
        ({"mesh_version": "v1.17.2.27"}, {}, 400, "Lab.InvalidOperation", "1.17.2.28"),
    ],
)
async def test_instances_that_are_not_fit(
    world: World, settings: dict[str, str], parameters: dict[str, Any], status: int, code: str, word: str
) -> None:
    sdk = Sdk(await world.api(**settings))
    await refused(sdk.create_group(**parameters), status, code, word)
    assert await sdk.groups() == []


async def test_service_fallback_needs_its_version(world: World) -> None:
    sdk = Sdk(await world.api(mesh_version="v1.20.6.1-g0-aliyun"))
    await sdk.create_guide()
    call = sdk.call(
        "update_swim_lane_group", group_name="ws", service_level_fallback_target='{"default/helloworld":"v2"}'
    )
    await refused(call, 400, "Lab.InvalidOperation", "1.21")


async def test_the_switches_for_what_is_unknown(world: World) -> None:
    behaviour = Behaviour(group_delete="refuse", baseline_delete="any")
    api = AsmApi(world.settings, world.mesh, world.cluster, [ADMIN], behaviour)
    await api.start("127.0.0.1", 0)
    world.apis.append(api)
    sdk = Sdk(api)
    await sdk.create_guide()
    await refused(
        sdk.call("delete_swim_lane_group", group_name="ws"), 400, "Lab.InvalidOperation", "still has lanes"
    )
    for lane in ("base", "v1", "v2"):
        await sdk.call("delete_swim_lane", group_name="ws", swim_lane_name=lane)
    await sdk.call("delete_swim_lane_group", group_name="ws")
    assert await sdk.groups() == []


async def test_without_the_kubernetes_api_the_service_is_unavailable(own_world: World) -> None:
    sdk = Sdk(await own_world.api())
    await own_world.mesh_server.stop()
    with pytest.raises(ServerException) as caught:
        await sdk.groups()
    assert (caught.value.status_code, caught.value.code) == (503, "ServiceUnavailable")


async def test_plain_http_is_answered_in_the_platforms_shape(api: AsmApi) -> None:
    async with aiohttp.ClientSession(f"http://127.0.0.1:{api.port}") as session:
        reply = await session.get("/")
        body = await reply.json()
    assert reply.status == 400
    assert set(body) == {"RequestId", "HostId", "Code", "Message", "Recommend"}
    assert body["Code"] == "IncompleteSignature"
    assert reply.headers["x-acs-request-id"] == body["RequestId"]


async def test_statistics_and_log(
    api: AsmApi, sdk_as: Callable[..., Sdk], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "asm_lanes_lab.asm")
    await sdk_as(ADMIN).create_guide()
    await sdk_as(STS).groups()
    await refused(sdk_as(STS).create_group(), 400, "NameAlreadyExist")
    await refused(sdk_as(ADMIN, "wrong").groups(), 400, "SignatureDoesNotMatch")
    async with aiohttp.ClientSession(f"http://127.0.0.1:{api.port}") as session:
        assert (await session.get("/lab/stats")).status == 403
        assert (await session.get("/lab/stats", headers={"x-lab-token": "wrong"})).status == 403
        stats = await (await session.get("/lab/stats", headers={"x-lab-token": TOKEN})).json()
        assert (await session.delete("/lab/stats", headers={"x-lab-token": TOKEN})).status == 200
    assert (stats["requests"], stats["writes"], stats["errors"]) == (7, 4, 2)
    assert stats["actions"] == {"CreateSwimLaneGroup": 2, "CreateSwimLane": 3, "GetSwimLaneGroupList": 2}
    assert stats["codes"] == {"NameAlreadyExist": 1, "SignatureDoesNotMatch": 1}
    assert stats["calls"][-1]["status"] == 400
    assert api.stats.as_dict()["requests"] == 0
    assert f"CreateSwimLane 200 OK request={stats['calls'][1]['request_id']}" in caplog.text
    for credential in (ADMIN, STS):
        assert credential.access_key_secret not in caplog.text + json.dumps(stats)
    assert "token-sts" not in caplog.text + json.dumps(stats)
