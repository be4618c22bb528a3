# Copyright (c) 2026, asm.lanes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The lane controller and the namespace controller at work on real Kubernetes APIs."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from asm_lanes_lab.controllers.lanes import LaneController
from asm_lanes_lab.controllers.namespaces import NamespaceController
from lab_fixture import until

from .conftest import Obj, Sdk, World, services

pytestmark = pytest.mark.asyncio(loop_scope="session")

ISTIO = "networking.istio.io/v1beta1"
ASM = "istio.alibabacloud.com/v1beta1"
SYSTEM = "istio-system"


@contextlib.asynccontextmanager
async def running(*controllers: Any) -> AsyncIterator[None]:
    tasks = [asyncio.create_task(controller.run()) for controller in controllers]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        results = await asyncio.gather(*tasks, return_exceptions=True)
        assert all(isinstance(result, asyncio.CancelledError) for result in results), results


def lanes_of(world: World) -> LaneController:
    return LaneController(world.cluster, world.mesh, world.settings)


async def app(world: World, name: str, *versions: str, namespace: str = "default") -> None:
    """A Service and one pod per version."""
    await world.cluster.create(
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": name, "namespace": namespace},
            "spec": {"selector": {"app": name}, "ports": [{"name": "http", "port": 5000, "protocol": "TCP"}]},
        }
    )
    for version in versions:
        await world.cluster.create(
            {
                "apiVersion": "v1",
                "kind": "Pod",
                "metadata": {
                    "name": f"{name}-{version}",
                    "namespace": namespace,
                    "labels": {"app": name, "version": version},
                },
                "spec": {"containers": [{"name": "app", "image": "app:1"}]},
            }
        )


async def objects(world: World) -> dict[tuple[str, str], Obj]:
    """Everything generated, by kind and namespace/name."""
    found = {}
    for api, kind in ((ISTIO, "DestinationRule"), (ISTIO, "VirtualService"), (ASM, "ASMHeaderPropagation")):
        for obj in await world.mesh.list(api, kind):
            found[kind, f"{obj['metadata']['namespace']}/{obj['metadata']['name']}"] = obj
    return found


async def settled(world: World, count: int) -> dict[tuple[str, str], Obj]:
    async def there() -> bool:
        return len(await objects(world)) == count

    await until(there, f"{count} generated objects")
    return await objects(world)


async def quiet(world: World) -> None:
    """Wait until a third of a second has passed without a write to the mesh."""
    seen = -1
    while seen != world.mesh_server.stats["writes"]:
        seen = world.mesh_server.stats["writes"]
        await asyncio.sleep(0.3)


def host(name: str, namespace: str = "default") -> str:
    return f"{name}.{namespace}.svc.cluster.local"


async def gateway(world: World, name: str = "ws-gateway") -> None:
    await world.mesh.create(
        {
            "apiVersion": ISTIO,
            "kind": "Gateway",
            "metadata": {"name": name, "namespace": "default"},
            "spec": {
                "selector": {"istio": "ingressgateway"},
                "servers": [{"port": {"number": 30080, "name": "http", "protocol": "HTTP"}, "hosts": ["*"]}],
            },
        }
    )


async def test_the_guides_group_from_the_first_call_to_the_last(own_world: World) -> None:
    world = own_world
    sdk = Sdk(await world.api())
    await app(world, "wsk-svc", "v1")
    await app(world, "helloworld", "v1", "v2")
    await gateway(world)
    async with running(lanes_of(world)):
        await sdk.create_guide()
        found = await settled(world, 6)
        name = "istio-system/trafficlabel-{}-ws-default-{}"
        rule = found["DestinationRule", name.format("dr", "helloworld")]
        assert rule["metadata"]["labels"] == {"asm-system": "true", "provider": "asm", "swimlane-group": "ws"}

        async def complete() -> bool:
            now = (await objects(world))["DestinationRule", name.format("dr", "helloworld")]
            return len(now["spec"]["subsets"]) == 3

        await until(complete, "three subsets")
        await quiet(world)
        found = await objects(world)
        assert found["DestinationRule", name.format("dr", "helloworld")]["spec"] == {
            "host": host("helloworld"),
            "subsets": [
                {"name": "base", "labels": {"version": "v1"}},
                {"name": "v1", "labels": {"version": "v1"}},
                {"name": "v2", "labels": {"version": "v2"}},
            ],
        }
        base = {"host": host("helloworld"), "subset": "base"}
        assert found["VirtualService", name.format("vs", "helloworld")]["spec"] == {
            "hosts": [host("helloworld")],
            "http": [
                *(
                    {
                        "match": [{"headers": {"version": {"exact": lane}}}],
                        "route": [
                            {
                                "destination": {"host": host("helloworld"), "subset": lane},
                                "fallback": {"target": base},
                            }
                        ],
                    }
                    for lane in ("v1", "v2")
                ),
                {"route": [{"destination": base}]},
            ],
        }
        assert found["VirtualService", name.format("vs", "wsk-svc")]["spec"]["http"] == [
            {"route": [{"destination": {"host": host("wsk-svc"), "subset": "base"}}]}
        ]
        assert found["ASMHeaderPropagation", "default/asm-swimlane-ws-wsk-svc"]["spec"] == {
            "headers": ["version"],
            "workloadSelector": {"labels": {"app": "wsk-svc"}},
        }
        [group] = await sdk.groups()
        assert json.loads(group["SwimLaneLabels"]) == {
            "app": ["helloworld", "wsk-svc"],
            "version": ["v1", "v2"],
        }
        assert {lane["ValidationMessage"] for lane in await sdk.lanes()} == {"null"}

        for lane in ("v2", "v1", "base"):
            await sdk.call("delete_swim_lane", group_name="ws", swim_lane_name=lane)
        await settled(world, 2)  # header propagation stays with the group
        await sdk.call("delete_swim_lane_group", group_name="ws")
        await settled(world, 0)


async def test_nothing_is_written_when_nothing_changes(own_world: World) -> None:
    world = own_world
    sdk = Sdk(await world.api())
    await app(world, "wsk-svc", "v1")
    await app(world, "helloworld", "v1", "v2")
    async with running(lanes_of(world)):
        await sdk.create_guide()
        await settled(world, 6)
        await quiet(world)
    writes = world.mesh_server.stats["writes"]
    async with running(lanes_of(world)):  # a restart
        pod = await world.cluster.get("v1", "Pod", "helloworld-v2", "default")
        assert pod
        await world.cluster.patch(
            "v1", "Pod", "helloworld-v2", {"metadata": {"annotations": {"a": "b"}}}, "default"
        )
        await asyncio.sleep(0.5)
    assert world.mesh_server.stats["writes"] == writes


async def test_routes_never_name_a_subset_that_is_not_there(own_world: World) -> None:
    world = own_world
    sdk = Sdk(await world.api())
    store = world.mesh_server.store
    checked: list[set[tuple[str, str]]] = []

    def specs(table: str) -> list[Obj]:
        return [obj["spec"] for _unused, obj in store.rows(f"{table}.networking.istio.io")]

    def check(event: Any) -> None:
        """After every single write: which subsets are routed to, and are not there?"""
        if event.table.endswith(".networking.istio.io"):
            rules, routes = specs("destinationrules"), specs("virtualservices")
            there = {(rule["host"], subset["name"]) for rule in rules for subset in rule["subsets"]}
            legs = [leg for spec in routes for route in spec["http"] for leg in route["route"]]
            used = {(leg["destination"]["host"], leg["destination"]["subset"]) for leg in legs}
            checked.append(used - there)

    store.listen(check)
    async with running(lanes_of(world)):
        await sdk.create_guide()
        await settled(world, 4)
        await quiet(world)
        await sdk.call("delete_swim_lane", group_name="ws", swim_lane_name="v2")
        await quiet(world)
        names = [subset["name"] for subset in specs("destinationrules")[0]["subsets"]]
        assert names == ["base", "v1"]
        await sdk.call("delete_swim_lane_group", group_name="ws")
        await settled(world, 0)
    assert len(checked) >= 10
    assert set().union(*checked) == set()


async def test_four_lanes_over_three_services_in_another_namespace(own_world: World) -> None:
    world = own_world
    sdk = Sdk(await world.api())
    for server in (world.cluster, world.mesh):
        await server.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}})
    for name in ("front", "middle", "back"):
        await app(world, name, "blue", "green", namespace="shop")
    chain = json.dumps([f"lab/c-lab/shop/{name}" for name in ("front", "middle", "back")])
    async with running(lanes_of(world)):
        await sdk.create_group("chain", services_list=chain, route_header="x-lane", trace_header="x-lane")
        for lane, names in (
            ("stable", ("front", "middle", "back")),
            ("s1", ("front", "middle", "back")),
            ("s2", ("front", "back")),
            ("s3", ("middle",)),
        ):
            await sdk.call(
                "create_swim_lane",
                group_name="chain",
                swim_lane_name=lane,
                label_selector_key="version",
                label_selector_value="blue" if lane == "stable" else "green",
                services_list=json.dumps([f"lab/c-lab/shop/{name}" for name in names]),
            )
        await sdk.call(
            "update_swim_lane_group",
            group_name="chain",
            service_level_fallback_target='{"shop/back":"s1"}',
        )
        await settled(world, 6)  # one header on the whole way: no header propagation
        await quiet(world)
        found = await objects(world)

    def subsets(name: str) -> list[str]:
        rule = found["DestinationRule", f"istio-system/trafficlabel-dr-chain-shop-{name}"]
        return [subset["name"] for subset in rule["spec"]["subsets"]]

    def default(name: str) -> str:
        route = found["VirtualService", f"istio-system/trafficlabel-vs-chain-shop-{name}"]["spec"]["http"][-1]
        assert "match" not in route
        subset: str = route["route"][0]["destination"]["subset"]
        return subset

    assert {name: subsets(name) for name in ("front", "middle", "back")} == {
        "front": ["s1", "s2", "stable"],
        "middle": ["s1", "s3", "stable"],
        "back": ["s1", "s2", "stable"],
    }
    assert {name: default(name) for name in ("front", "middle", "back")} == {
        "front": "stable",
        "middle": "stable",
        "back": "s1",
    }


async def test_strict_mode_routes_by_the_caller(own_world: World) -> None:
    world = own_world
    sdk = Sdk(await world.api())
    async with running(lanes_of(world)):
        await sdk.create_group(is_permissive=False, route_header=None, trace_header=None)
        for lane in ("s1", "s2"):
            await sdk.create_lane(lane, "wsk-svc", "helloworld")
        await settled(world, 4)
        await quiet(world)
        found = await objects(world)
    route = found["VirtualService", "istio-system/trafficlabel-vs-ws-default-helloworld"]["spec"]["http"]
    assert [entry.get("match") for entry in route] == [
        [{"sourceLabels": {"version": "s1"}}],
        [{"sourceLabels": {"version": "s2"}}],
        None,
    ]
    assert [entry["route"][0]["destination"].get("subset") for entry in route] == ["s1", "s2", None]


async def test_ingress_rules_of_a_lane_reach_the_gateway(own_world: World) -> None:
    world = own_world
    sdk = Sdk(await world.api())
    async with running(lanes_of(world)):
        await sdk.create_guide()
        rule = {
            "name": "r1",
            "hosts": ["shop.example"],
            "match": {"headers": {"x-user": {"exact": "tester"}}},
            "route": {"destination": {"host": host("wsk-svc"), "portNum": 5000}},
        }
        await world.mesh.patch(
            "istio.alibabacloud.com/v1", "ASMSwimLane", "ws-v2", {"spec": {"ingressRules": [rule]}}
        )

        async def there() -> bool:
            return any("swimlane-ingress-vs" in name for _unused, name in await objects(world))

        await until(there, "the gateway's VirtualService")
        found = await objects(world)
        [made] = [obj for (_unused, name), obj in found.items() if "swimlane-ingress-vs" in name]
        assert made["spec"]["gateways"] == ["default/ws-gateway"]
        leg = made["spec"]["http"][0]["route"][0]
        assert leg["headers"] == {"request": {"set": {"version": "v2"}}}
        await world.mesh.patch(
            "istio.alibabacloud.com/v1", "ASMSwimLane", "ws-v2", {"spec": {"ingressRules": None}}
        )

        async def gone() -> bool:
            return not await there()

        await until(gone, "the gateway's VirtualService is gone")


async def test_what_others_delete_or_edit_comes_back(own_world: World) -> None:
    world = own_world
    sdk = Sdk(await world.api())
    name = "trafficlabel-vs-ws-default-helloworld"
    async with running(lanes_of(world)):
        await sdk.create_guide()
        await settled(world, 4)
        await quiet(world)
        good = (await objects(world))["VirtualService", f"istio-system/{name}"]["spec"]
        await world.mesh.patch(ISTIO, "VirtualService", name, {"spec": {"hosts": ["edited"]}}, SYSTEM)

        async def mended() -> bool:
            obj = await world.mesh.get(ISTIO, "VirtualService", name, SYSTEM)
            return obj is not None and obj["spec"] == good

        await until(mended, "the edit is undone")
        await world.mesh.delete(ISTIO, "VirtualService", name, SYSTEM)
        await until(mended, "the object is back")


async def test_trouble_is_told_in_the_validation_message(own_world: World) -> None:
    world = own_world
    sdk = Sdk(await world.api())
    await app(world, "wsk-svc", "v1")
    async with running(lanes_of(world)):
        await sdk.create_group()
        await sdk.create_lane("base", "wsk-svc", "helloworld", label="v1")

        async def message() -> str:
            text: str = (await sdk.lanes())[0]["ValidationMessage"]
            return text

        async def told() -> bool:
            return "default/helloworld does not exist in the cluster" in await message()

        await until(told, "the service that is missing")
        await app(world, "helloworld", "v1")

        async def clean() -> bool:
            return await message() == "null"

        await until(clean, "all is well")
        await sdk.call("update_swim_lane_group", group_name="ws", services_list=services("wsk-svc"))

        async def outside() -> bool:
            return "does not exist in lane group ws" in await message()

        await until(outside, "the service outside the group")


async def test_namespaces_and_injection_labels(own_world: World) -> None:
    world = own_world
    sdk = Sdk(await world.api())

    async def label(connection: Any, name: str) -> str | None:
        namespace = await connection.get("v1", "Namespace", name)
        return (
            None
            if namespace is None
            else (namespace["metadata"].get("labels") or {}).get("istio-injection", "")
        )

    async with running(NamespaceController(world.cluster, world.mesh, world.settings)):
        await world.cluster.create(
            {
                "apiVersion": "v1",
                "kind": "Namespace",
                "metadata": {"name": "shop", "labels": {"istio-injection": "disabled"}},
            }
        )

        async def known() -> bool:
            return await label(world.mesh, "shop") == ""

        await until(known, "the namespace in the mesh")
        for enable, wanted in ((True, "enabled"), (False, "disabled")):
            await sdk.call("update_istio_injection_config", namespace="shop", enable_istio_injection=enable)

            async def carried(wanted: str = wanted) -> bool:
                return await label(world.cluster, "shop") == wanted

            await until(carried, f"injection {wanted} in the cluster")
        await world.cluster.delete("v1", "Namespace", "shop")
        await asyncio.sleep(0.2)
        assert await label(world.mesh, "shop") == "disabled"
