# Copyright (c) 2026, asm.lanes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The coverage table is true: what it calls implemented is done, what it does not is refused or absent."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from asm_lanes_lab.asm import AsmApi, coverage

from .conftest import Sdk, World, raw_call, services

pytestmark = pytest.mark.asyncio(loop_scope="session")

TABLE = coverage.load()
LANE = ("istio.alibabacloud.com/v1", "ASMSwimLane")
MESH = {"ServiceMeshId": "lab-mesh"}
NAMES = {**MESH, "GroupName": "ws", "SwimLaneName": "v2"}
LABEL = {"LabelSelectorKey": "version", "LabelSelectorValue": "v2"}

# One good call of every action with every parameter that it implements, in an order that works.
CALLS: list[tuple[str, dict[str, str]]] = [
    (
        "CreateSwimLaneGroup",
        {
            **MESH,
            "GroupName": "other",
            "ServicesList": services("a"),
            "IngressType": "ASM",
            "IngressGatewayName": "front",
            "IngressGatewayNamespace": "istio-system",
            "IsPermissive": "true",
            "TraceHeader": "x-trace",
            "RouteHeader": "x-lane",
        },
    ),
    (
        "UpdateSwimLaneGroup",
        {
            **MESH,
            "GroupName": "ws",
            "ServicesList": services("wsk-svc", "helloworld"),
            "FallbackTarget": "base",
            "IngressRoutingStrategy": "weighted",
            "WeightedIngressRule": "{}",
            "ServiceLevelFallbackTarget": '{"default/helloworld":"v2"}',
        },
    ),
    ("CreateSwimLane", {**NAMES, "SwimLaneName": "v3", **LABEL, "ServicesList": services("helloworld")}),
    ("UpdateSwimLane", {**NAMES, **LABEL, "ServicesList": services("helloworld")}),
    ("GetSwimLaneGroupList", MESH),
    ("GetSwimLaneList", {**MESH, "GroupName": "ws"}),
    ("GetSwimLaneDetail", NAMES),
    ("DeleteSwimLane", {**NAMES, "SwimLaneName": "v3"}),
    ("DeleteSwimLaneGroup", {**MESH, "GroupName": "ws"}),
    ("DescribeServiceMeshes", {}),
    ("DescribeServiceMeshDetail", MESH),
    ("DescribeClustersInServiceMesh", MESH),
    ("DescribeServiceMeshKubeconfig", {**MESH, "PrivateIpAddress": "1"}),
    ("DescribeGuestClusterNamespaces", {**MESH, "GuestClusterID": "c-lab", "ShowNsLabels": "True"}),
    ("UpdateIstioInjectionConfig", {**MESH, "Namespace": "default", "EnableIstioInjection": "0"}),
]


def paths(value: Any, prefix: str = "") -> Iterator[str]:
    """Paths of all fields in a reply; maps that are data (labels of namespaces) count as one field."""
    for name, item in value.items():
        yield prefix + name
        if isinstance(item, dict) and name != "NsLabels":
            yield from paths(item, f"{prefix}{name}.")
        elif isinstance(item, list):
            for entry in item:
                yield from paths(entry, f"{prefix}{name}[].") if isinstance(entry, dict) else ()


async def test_every_action_is_called() -> None:
    assert sorted(action for action, _unused in CALLS) == sorted(TABLE.operations)


@pytest.mark.parametrize("in_query", [False, True])
async def test_every_action_does_what_the_table_says(
    api: AsmApi, sdk: Sdk, world: World, in_query: bool
) -> None:
    await sdk.create_guide()
    await world.mesh.patch(*LANE, "ws-v2", {"spec": {"ingressWeight": {"weight": 10}}})
    for action, parameters in CALLS:
        operation = TABLE.operations[action]
        implemented = {p.name for p in operation.parameters.values() if p.status == "implemented"}
        assert set(parameters) == implemented, action
        status, reply = await raw_call(api, action, parameters, in_query=in_query)
        assert status == 200, (action, reply)
        assert api.stats.calls[-1].unread == (), action
        expected = {field.path for field in operation.response if field.status == "implemented"}
        assert set(paths(reply)) == expected, action
    assert await sdk.lanes() == []


async def test_refused_parameters_are_refused(api: AsmApi) -> None:
    for operation in TABLE.operations.values():
        good = dict(CALLS)[operation.name]
        for parameter in operation.parameters.values():
            if parameter.status == "refused":
                status, reply = await raw_call(api, operation.name, {**good, parameter.name: "true"})
                assert (status, reply["Code"]) == (400, "Lab.UnsupportedParameter")
                assert parameter.name in reply["Message"]
                assert reply["Recommend"] == parameter.note


async def test_unknown_parameters_are_refused(api: AsmApi) -> None:
    for action, good in CALLS:
        status, reply = await raw_call(api, action, {**good, "Serviceslist": "[]"})
        assert (status, reply["Code"]) == (400, "Lab.UnknownParameter"), action
        assert "Serviceslist" in reply["Message"]


async def test_mandatory_parameters_are_demanded(api: AsmApi) -> None:
    for operation in TABLE.operations.values():
        good = dict(CALLS)[operation.name]
        for parameter in operation.parameters.values():
            if parameter.required:
                for sent in ({}, {parameter.name: ""}):
                    rest = {name: value for name, value in good.items() if name != parameter.name}
                    status, reply = await raw_call(api, operation.name, {**rest, **sent})
                    assert (status, reply["Code"]) == (400, f"Missing{parameter.name}"), operation.name


async def test_booleans_are_booleans(api: AsmApi) -> None:
    good = dict(CALLS)["DescribeGuestClusterNamespaces"]
    for text in ("True", "true", "1", "False", "false", "0"):
        _unused, reply = await raw_call(api, "DescribeGuestClusterNamespaces", {**good, "ShowNsLabels": text})
        assert ("NsLabels" in reply) is (text.lower() in ("true", "1"))
    status, reply = await raw_call(api, "DescribeGuestClusterNamespaces", {**good, "ShowNsLabels": "yes"})
    assert (status, reply["Code"]) == (400, "InvalidParameter.ShowNsLabels")


async def test_other_versions_and_altered_headers(api: AsmApi) -> None:
    for headers in ({"x-acs-action": "DeleteSwimLaneGroup"}, {"x-acs-version": "2019-01-01"}):
        status, reply = await raw_call(api, "GetSwimLaneGroupList", MESH, altered=headers)
        assert (status, reply["Code"]) == (400, "SignatureDoesNotMatch")


async def test_a_request_is_not_taken_twice(api: AsmApi) -> None:
    nonce = "0123456789abcdef"
    assert (await raw_call(api, "GetSwimLaneGroupList", MESH, nonce=nonce))[0] == 200
    status, reply = await raw_call(api, "GetSwimLaneGroupList", MESH, nonce=nonce)
    assert (status, reply["Code"]) == (400, "SignatureNonceUsed")
