# Copyright (c) 2026, asm.lanes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Every action through the official SDK."""

from __future__ import annotations

import asyncio
import json

import pytest
import yaml
from asm_lanes_lab.asm import AsmApi

from .conftest import Sdk, World, service, services

pytestmark = pytest.mark.asyncio(loop_scope="session")

GROUP = ("istio.alibabacloud.com/v1", "ASMSwimLaneGroup")
LANE = ("istio.alibabacloud.com/v1", "ASMSwimLane")


async def test_the_guides_group_reads_back_as_it_was_made(sdk: Sdk) -> None:
    await sdk.create_guide()
    [group] = await sdk.groups()
    assert json.loads(group.pop("ServiceList")) == [service("wsk-svc"), service("helloworld")]
    assert group == {
        "FallbackTarget": "base",
        "GroupName": "ws",
        "IngressGatewayName": "ws-gateway",
        "IngressRoutingStrategy": "rule-based",
        "IngressType": "ASM",
        "IsPermissive": True,
        "RouteHeader": "version",
        "ServiceLevelFallbackTarget": "{}",
        "SwimLaneLabels": "{}",
        "TraceHeader": "baggage",
    }
    lanes = await sdk.lanes()
    assert [(lane["Name"], lane["LabelSelectorValue"]) for lane in lanes] == [
        ("base", "v1"),
        ("v1", "v1"),
        ("v2", "v2"),
    ]
    assert lanes[2] == {
        "GroupName": "ws",
        "IngressRule": "[]",
        "LabelSelectorKey": "version",
        "LabelSelectorValue": "v2",
        "Name": "v2",
        "ServiceList": json.dumps([service("helloworld")]),
        "ValidationMessage": "null",
    }


async def test_the_guides_group_as_custom_resources(sdk: Sdk, world: World) -> None:
    await sdk.create_guide()
    group = await world.mesh.get(*GROUP, "ws")
    assert group is not None
    assert group["spec"] == {
        "services": [
            {"name": name, "namespace": "default", "cluster": {"name": "lab", "id": "c-lab"}}
            for name in ("wsk-svc", "helloworld")
        ],
        "ingress": {
            "gateway": {"name": "ws-gateway", "namespace": "default", "type": "ASM"},
            "ingressRouting": {"ingressRoutingStrategy": "rule_based"},
        },
        "isPermissive": True,
        "permissiveModeConfiguration": {
            "routeHeader": "version",
            "traceHeader": "baggage",
            "fallbackTarget": "base",
        },
    }
    lane = await world.mesh.get(*LANE, "ws-v2")
    assert lane is not None
    assert lane["metadata"]["labels"] == {"swimlane-group": "ws", "swimlane-name": "v2"}
    assert lane["spec"]["labelSelector"] == {"version": "v2"}


async def test_custom_resources_written_by_others_are_shown(sdk: Sdk, world: World) -> None:
    reference = {"name": "a", "namespace": "shop"}
    await world.mesh.create(
        {
            "apiVersion": GROUP[0],
            "kind": GROUP[1],
            "metadata": {"name": "shop"},
            "spec": {
                "services": [reference],
                "ingress": {
                    "gateway": {"name": "front", "namespace": "istio-system", "type": "ASM"},
                    "ingressRouting": {
                        "ingressRoutingStrategy": "weighted",
                        "weightedRoutingRule": {
                            "hosts": ["shop.example"],
                            "requestMatches": [
                                {"uri": {"prefix": "/"}, "headers": {"x-tester": {"exact": "yes"}}}
                            ],
                        },
                    },
                },
            },
        }
    )
    lane = {
        "apiVersion": LANE[0],
        "kind": LANE[1],
        "metadata": {"name": "green", "labels": {"swimlane-group": "shop"}},
        "spec": {
            "labelSelector": {"version": "v2", "track": "green"},
            "services": [reference],
            "ingressRules": [
                {
                    "name": "r1",
                    "hosts": ["shop.example"],
                    "match": {"uri": {"exact": "/cart"}, "headers": {"user": {"regex": "t.*"}}},
                    "route": {"destination": {"host": "a.shop.svc.cluster.local", "portNum": 80}},
                }
            ],
            "ingressWeight": {"destination": {"host": "a.shop.svc.cluster.local"}, "weight": 40},
        },
    }
    await world.mesh.create(lane)
    await world.mesh.patch_status(
        lane, {"validationMessage": [{"code": "X", "level": "error", "message": "no such service"}]}
    )
    await world.mesh.patch_status(
        {"apiVersion": GROUP[0], "kind": GROUP[1], "metadata": {"name": "shop"}},
        {"servicesInSwimLaneGroup": {"commonLabels": {"version": ["v1", "v2"]}}},
    )

    [group] = await sdk.groups()
    assert group["IsPermissive"] is False
    assert group["IngressRoutingStrategy"] == "weighted"
    assert json.loads(group["SwimLaneLabels"]) == {"version": ["v1", "v2"]}
    assert json.loads(group["ServiceList"]) == ["lab/c-lab/shop/a"]
    assert json.loads(group["WeightedIngressRule"]) == {
        "Domains": ["shop.example"],
        "MatchRequests": [
            {
                "URI": {"MatchingMode": "prefix", "MatchingContent": "/"},
                "Headers": [{"Name": "x-tester", "MatchingMode": "exact", "MatchingContent": "yes"}],
            }
        ],
    }
    [shown] = await sdk.lanes("shop")
    destination = {"Host": "a.shop.svc.cluster.local", "Subset": "green"}
    assert shown["Name"] == "green"
    assert (shown["LabelSelectorKey"], shown["LabelSelectorValue"]) == ("track", "green")
    assert json.loads(shown["ValidationMessage"])[0]["message"] == "no such service"
    assert json.loads(shown["WeightedIngressDestinatin"]) == {"RouteDestination": destination, "Weight": 40}
    assert json.loads(shown["IngressRule"]) == [
        {
            "Domains": ["shop.example"],
            "RouteName": "r1",
            "MatchRequest": {
                "URI": {"MatchingMode": "exact", "MatchingContent": "/cart"},
                "Headers": [{"Name": "user", "MatchingMode": "regex", "MatchingContent": "t.*"}],
            },
            "RouteDestinations": [{"Destination": destination}],
        }
    ]
    detail = await sdk.call("get_swim_lane_detail", group_name="shop", swim_lane_name="green")
    assert detail["IngressRule"] == shown["IngressRule"]
    assert detail["WeightedIngressDestination"] == shown["WeightedIngressDestinatin"]
    assert detail["ServicesList"] == shown["ServiceList"]


async def test_update_of_a_group_field_by_field(sdk: Sdk) -> None:
    await sdk.create_guide()
    before = (await sdk.groups())[0]

    async def update(**parameters: str) -> dict[str, str]:
        await sdk.call("update_swim_lane_group", group_name="ws", **parameters)
        after = (await sdk.groups())[0]
        return {key: value for key, value in after.items() if before.get(key) != value}

    assert await update() == {}
    assert await update(fallback_target="base") == {}
    more = services("wsk-svc", "helloworld", "extra")
    assert json.loads((await update(services_list=more))["ServiceList"]) == json.loads(more)
    before = (await sdk.groups())[0]
    fallback = '{"default/helloworld":"v2"}'
    assert await update(service_level_fallback_target=fallback) == {"ServiceLevelFallbackTarget": fallback}
    assert await update(service_level_fallback_target="{}") == {}
    rule = '{"Domains":["*"],"MatchRequests":[{"URI":{"MatchingMode":"prefix","MatchingContent":"/"}}]}'
    assert await update(ingress_routing_strategy="weighted", weighted_ingress_rule=rule) == {
        "IngressRoutingStrategy": "weighted",
        "WeightedIngressRule": rule,
    }
    assert (await update(weighted_ingress_rule=""))[
        "WeightedIngressRule"
    ] == '{"Domains":["*"],"MatchRequests":[]}'
    assert await update(ingress_routing_strategy="rule-based") == {}
    assert await update(fallback_target="v1") == {"FallbackTarget": "v1"}
    assert await update(fallback_target="") == {"FallbackTarget": ""}


async def test_update_of_a_lane_keeps_what_is_not_sent(sdk: Sdk, world: World) -> None:
    await sdk.create_guide()
    await world.mesh.patch(*LANE, "ws-v2", {"spec": {"ingressWeight": {"weight": 10}}})
    await sdk.call("update_swim_lane", group_name="ws", swim_lane_name="v2", label_selector_value="v3")
    lane = (await sdk.lanes())[2]
    assert (lane["LabelSelectorKey"], lane["LabelSelectorValue"]) == ("version", "v3")
    assert json.loads(lane["ServiceList"]) == [service("helloworld")]
    both = services("helloworld", "wsk-svc")
    await sdk.call(
        "update_swim_lane",
        group_name="ws",
        swim_lane_name="v2",
        label_selector_key="track",
        services_list=both,
    )
    resource = await world.mesh.get(*LANE, "ws-v2")
    assert resource is not None
    assert resource["spec"]["labelSelector"] == {"track": "v3"}
    assert [s["name"] for s in resource["spec"]["services"]] == ["helloworld", "wsk-svc"]
    assert resource["spec"]["ingressWeight"] == {"weight": 10}


async def test_the_first_lane_becomes_the_baseline(sdk: Sdk) -> None:
    await sdk.create_group()
    await sdk.create_lane("one", "wsk-svc", "helloworld")
    await sdk.create_lane("two", "wsk-svc", "helloworld")
    assert (await sdk.groups())[0]["FallbackTarget"] == "one"
    for lane in ("two", "one"):
        await sdk.call("delete_swim_lane", group_name="ws", swim_lane_name=lane)
    assert (await sdk.groups())[0]["FallbackTarget"] == ""
    await sdk.create_lane("three", "wsk-svc", "helloworld")
    assert (await sdk.groups())[0]["FallbackTarget"] == "three"


async def test_a_strict_group(sdk: Sdk) -> None:
    await sdk.create_group(is_permissive=None, route_header=None, trace_header=None)
    await sdk.create_lane("s1", "wsk-svc", "helloworld")
    [group] = await sdk.groups()
    assert (group["IsPermissive"], group["FallbackTarget"], group["RouteHeader"]) == (False, "", "")
    await sdk.call("delete_swim_lane", group_name="ws", swim_lane_name="s1")
    assert await sdk.lanes() == []


async def test_a_lane_without_a_label_key_uses_the_documented_one(sdk: Sdk) -> None:
    await sdk.create_group()
    await sdk.call(
        "create_swim_lane",
        group_name="ws",
        swim_lane_name="v1",
        label_selector_value="v1",
        services_list=services("helloworld"),
    )
    assert (await sdk.lanes())[0]["LabelSelectorKey"] == "ASM_TRAFFIC_TAG"


async def test_lanes_of_the_same_name_in_two_groups(sdk: Sdk) -> None:
    for group in ("ws", "shop"):
        await sdk.create_group(group)
        await sdk.create_lane("base", "wsk-svc", "helloworld", group=group)
    await sdk.call("delete_swim_lane_group", group_name="shop")
    assert [group["GroupName"] for group in await sdk.groups()] == ["ws"]
    assert [lane["Name"] for lane in await sdk.lanes()] == ["base"]
    assert await sdk.lanes("shop") == []


async def test_lanes_whose_resources_would_have_one_name(sdk: Sdk) -> None:
    for group, lane in (("a-b", "c"), ("a", "b-c")):
        await sdk.create_group(group)
        await sdk.create_lane(lane, "wsk-svc", "helloworld", group=group)
    for group, lane in (("a-b", "c"), ("a", "b-c")):
        assert [found["Name"] for found in await sdk.lanes(group)] == [lane]
        await sdk.call("delete_swim_lane", group_name=group, swim_lane_name=lane)


async def test_deleting_a_group_takes_its_lanes_along(sdk: Sdk, world: World) -> None:
    await sdk.create_guide()
    await sdk.call("delete_swim_lane_group", group_name="ws")
    assert await sdk.groups() == []
    assert await world.mesh.list(*LANE) == []


async def test_changes_made_at_once_are_all_kept(sdk: Sdk, world: World) -> None:
    await sdk.create_group()
    names = [f"lane{number}" for number in range(8)]
    await asyncio.gather(*(sdk.create_lane(name, "wsk-svc", "helloworld") for name in names))
    assert sorted(lane["Name"] for lane in await sdk.lanes()) == names
    assert (await sdk.groups())[0]["FallbackTarget"] in names


@pytest.mark.parametrize(
    ("settings", "profile"),
    [
        ({}, "Pro"),
        ({"mesh_edition": "ultimate"}, "Pro"),
        (
            {"mesh_edition": "standard", "mesh_version": "v1.17.2.1-g0-aliyun", "mesh_state": "initial"},
            "Default",
        ),
    ],
)
async def test_the_instance_is_described(world: World, settings: dict[str, str], profile: str) -> None:
    sdk = Sdk(await world.api(**settings))
    mesh = (await sdk.call("describe_service_mesh_detail"))["ServiceMesh"]
    assert mesh["ClusterSpec"] == settings.get("mesh_edition", "enterprise")
    assert mesh["Clusters"] == ["c-lab"]
    info = mesh["ServiceMeshInfo"]
    assert info["ServiceMeshId"] == "lab-mesh"
    assert info["State"] == settings.get("mesh_state", "running")
    assert info["Version"] == settings.get("mesh_version", "v1.22.6.90-g0000000-aliyun")
    assert info["Profile"] == mesh["Spec"]["MeshConfig"]["Edition"]["Name"] == profile
    assert mesh["Endpoints"]["PublicApiServerEndpoint"] == world.mesh_server.url
    [listed] = (await sdk.call("describe_service_meshes", mesh=None))["ServiceMeshes"]
    assert listed["ServiceMeshInfo"] == info


async def test_clusters_and_kubeconfig(sdk: Sdk, world: World) -> None:
    [cluster] = (await sdk.call("describe_clusters_in_service_mesh"))["Clusters"]
    assert (cluster["Name"], cluster["ClusterId"], cluster["State"]) == ("lab", "c-lab", "running")
    for private in (None, True, False):
        reply = await sdk.call("describe_service_mesh_kubeconfig", private_ip_address=private)
        assert (
            yaml.safe_load(reply["Kubeconfig"])["clusters"][0]["cluster"]["server"] == world.mesh_server.url
        )
        assert reply["ExpireTime"] > "2026-01-01 00:00:00"


async def test_namespaces_and_injection(sdk: Sdk, world: World) -> None:
    await world.cluster.create(
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop", "labels": {"team": "a"}}}
    )
    plain = await sdk.call("describe_guest_cluster_namespaces", guest_cluster_id="c-lab")
    assert "shop" in plain["NsList"]
    assert "NsLabels" not in plain
    labelled = await sdk.call(
        "describe_guest_cluster_namespaces", guest_cluster_id="c-lab", show_ns_labels=True
    )
    assert labelled["NsLabels"]["shop"]["team"] == "a"
    for enable, label in ((True, "enabled"), (False, "disabled")):
        await sdk.call("update_istio_injection_config", namespace="default", enable_istio_injection=enable)
        namespace = await world.mesh.get("v1", "Namespace", "default")
        assert namespace is not None
        assert namespace["metadata"]["labels"]["istio-injection"] == label


async def test_stop_and_taken_port(world: World, api: AsmApi) -> None:
    other = AsmApi(world.settings, world.mesh, world.cluster, ())
    with pytest.raises(OSError, match=f"cannot listen on 127.0.0.1:{api.port}.*choose another asm_api_port"):
        await other.start("127.0.0.1", api.port)
    await api.stop()
    await other.start("127.0.0.1", api.port)
    await other.stop()
    await other.stop()
