"""The mesh and gateway controllers on two real API servers of the lab, with real Envoys behind."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio
import yaml
from asm_lanes_lab.client import Cluster
from asm_lanes_lab.controllers.gateways import GatewayController
from asm_lanes_lab.kube import KubeApiServer
from asm_lanes_lab.mesh.controller import MeshController
from asm_lanes_lab.settings import Settings
from lab_fixture import LAB_FILES, until
from unit.lab_mesh import objects
from unit.lab_mesh.objects import Obj, to, when

from .harness import EnvoyProcesses, Network, back_end, get

NET = Network()
WSK, V1, V2 = NET.pod(11), NET.pod(12), NET.pod(13)
OUT = f"http://{WSK}:15001"

pytestmark = pytest.mark.asyncio(loop_scope="module")


def crds() -> list[Obj]:
    files = (LAB_FILES / "asm_lanes_lab" / "crds").glob("*.yaml")
    return [document for file in files for document in yaml.safe_load_all(file.read_text())]


class Lab:
    """Two API servers, the controllers, and Envoys for the pods that the tests put into the API."""

    def __init__(self, folder: Path) -> None:
        self.settings = Settings(
            folder, gateway_address=NET.gateway, pod_network=NET.pods, app_network=NET.apps
        )
        self.envoys = EnvoyProcesses(self.settings.files.xds, folder)
        self.cluster: Cluster
        self.mesh: Cluster

    async def connect(self, stack: contextlib.AsyncExitStack, name: str, definitions: list[Obj]) -> Cluster:
        server = KubeApiServer(name, definitions, {f"{name}-token": "admin"})
        await server.start(NET.pod(2), 0)
        stack.push_async_callback(server.stop)
        kubeconfig = self.settings.state_dir / f"{name}.kubeconfig"
        kubeconfig.write_text(json.dumps(server.kubeconfig(f"{name}-token")))
        client = await Cluster.connect(kubeconfig, name)
        stack.push_async_callback(client.close)
        return client

    async def put(self, *objs: Obj) -> None:
        """Apply objects to the API where they belong, with their status."""
        for obj in objs:
            api = self.cluster if obj["kind"] in ("Service", "Pod") else self.mesh
            meta = {
                k: obj["metadata"][k]
                for k in ("name", "namespace", "labels", "annotations")
                if k in obj["metadata"]
            }
            sent = {**{k: v for k, v in obj.items() if k != "status"}, "metadata": meta}
            await api.apply(sent, "test")
            if "status" in obj:
                await api.patch_status(sent, obj["status"])

    async def condition(self, kind: str, name: str, namespace: str = "default") -> Obj:
        """The condition Reconciled of an object of the mesh, {} while there is none."""
        obj = await self.mesh.get(objects.VERSIONS[kind], kind, name, namespace)
        conditions = ((obj or {}).get("status") or {}).get("conditions") or []
        return next((item for item in conditions if item["type"] == "Reconciled"), {})


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def lab(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Lab]:
    lab = Lab(Path(tmp_path_factory.mktemp("lab")))
    async with contextlib.AsyncExitStack() as stack:
        for name, number in (("wsk", 11), ("v1", 12), ("v2", 13)):
            await stack.enter_async_context(back_end(name, NET.app(number)))
        lab.cluster = await lab.connect(stack, "cluster", [])
        lab.mesh = await lab.connect(stack, "mesh", crds())
        for controller in (MeshController, GatewayController):
            task = asyncio.create_task(controller(lab.cluster, lab.mesh, lab.settings).run())
            stack.push_async_callback(_cancel, task)
        stack.push_async_callback(lab.envoys.stop)
        await lab.put(
            objects.istio_gateway(30080),
            objects.gateway_pod(NET.gateway, f"{NET.pod(9)}:15000"),
            objects.gateway("ws-gateway", 30080),
            objects.virtual_service("ws", ["*"], {"route": [to("wsk-svc")]}, gateways=["ws-gateway"]),
            objects.service("wsk-svc")
            | {"spec": {"selector": {"app": "wsk"}, "ports": [{"name": "http-ws", "port": 5000}]}},
            objects.service("helloworld"),
            objects.pod("wsk-1", WSK, {"app": "wsk", "version": "v1"}),
            objects.pod("hello-v1", V1, {"app": "helloworld", "version": "v1"}),
            objects.pod("hello-v2", V2, {"app": "helloworld", "version": "v2"}),
            objects.destination_rule("hello", "helloworld", "v1", "v2"),
            objects.propagation("carry", "version"),
        )
        await until(lambda: _exists(lab, 4), "configuration for four proxies")
        await lab.envoys.start()
        yield lab


async def _cancel(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def _exists(lab: Lab, count: int) -> bool:
    return len(list(lab.settings.files.xds.glob("*/bootstrap.json"))) == count


async def effective(check: Callable[[], Awaitable[bool]], seconds: float = 3) -> float:
    """Seconds until a check holds."""
    begin = time.monotonic()
    while not await check():
        assert time.monotonic() < begin + seconds, "no effect"
    return time.monotonic() - begin


def lanes(subset: str) -> Obj:
    match = {"match": when("version", exact="v2"), "route": [to("helloworld", "v2", fallback="v1")]}
    return objects.virtual_service("hello", ["helloworld"], match, {"route": [to("helloworld", subset)]})


async def test_traffic_flows_through_the_gateway(lab: Lab) -> None:
    async def through() -> bool:
        return (await get(f"http://{NET.gateway}:30080/"))[0] == 200

    await effective(through)
    _unused, body = await get(f"http://{NET.gateway}:30080/", headers={"version": "v2"})
    assert (body["app"], body["headers"]["baggage"]) == ("wsk", "version=v2")


async def test_change_is_effective_soon(lab: Lab, record_property: Callable[[str, object], None]) -> None:
    """A VirtualService that is patched, until its new destination answers."""
    await lab.put(lanes("v1"))
    times = []
    async with aiohttp.ClientSession() as session:

        async def answers(subset: str) -> bool:
            async with session.get("http://helloworld:5000/", proxy=OUT) as answer:
                return answer.status == 200 and (await answer.json())["app"] == subset

        await effective(lambda: answers("v1"))
        for round_ in range(30):
            subset = ("v2", "v1")[round_ % 2]
            begin = time.monotonic()
            patch = {"spec": lanes(subset)["spec"]}
            await lab.mesh.patch("networking.istio.io/v1", "VirtualService", "hello", patch, "default")
            await effective(lambda wanted=subset: answers(wanted))
            times.append((time.monotonic() - begin) * 1000)
    times.sort()
    record_property("p50_ms", times[15])
    print(f"PATCH -> effective: p50 {times[15]:.1f} ms, p95 {times[28]:.1f} ms, max {times[-1]:.1f} ms")
    assert times[15] < 250


async def test_status_of_good_objects(lab: Lab) -> None:
    for kind, name, namespace in (
        ("Gateway", "ws-gateway", "default"),
        ("VirtualService", "ws", "default"),
        ("DestinationRule", "hello", "default"),
        ("ASMHeaderPropagation", "carry", "default"),
        ("IstioGateway", "ingressgateway", "istio-system"),
    ):

        async def good() -> bool:
            found = await lab.condition(kind, name, namespace)  # noqa: B023
            return (found.get("status"), found.get("message")) == ("True", "in force")

        await until(good, f"{kind} is reconciled")


async def test_status_follows_a_refusal_and_its_repair(lab: Lab) -> None:
    bad = lanes("v1")
    bad["spec"]["http"][1]["mirror"] = {"host": "helloworld"}
    await lab.put(bad)

    async def status(expected: str) -> bool:
        return (await lab.condition("VirtualService", "hello")).get("status") == expected

    await until(lambda: status("False"), "the refusal is reported")
    found = await lab.condition("VirtualService", "hello")
    assert found["reason"] == "Unsupported"
    assert found["message"].startswith("spec.http[1].mirror: not supported")
    obj = await lab.mesh.get("networking.istio.io/v1", "VirtualService", "hello", "default")
    assert obj is not None
    assert obj["status"]["observedGeneration"] == obj["metadata"]["generation"]
    await lab.put(lanes("v1"))
    await until(lambda: status("True"), "the repair is reported")


async def test_quiet_when_nothing_changes(lab: Lab) -> None:
    async def versions() -> dict[str, Any]:
        found = {}
        for kind in ("Gateway", "VirtualService", "DestinationRule"):
            for obj in await lab.mesh.list("networking.istio.io/v1", kind):
                found[kind, obj["metadata"]["name"]] = obj["metadata"]["resourceVersion"]
        return found

    files = {path: path.stat().st_mtime_ns for path in lab.settings.files.xds.rglob("*.json")}
    before = await versions()
    await lab.put(lanes("v1"))
    await asyncio.sleep(0.2)
    assert await versions() == before
    assert {path: path.stat().st_mtime_ns for path in lab.settings.files.xds.rglob("*.json")} == files


async def test_port_that_the_gateway_does_not_open(lab: Lab) -> None:
    await lab.put(objects.gateway("other", 30081))

    async def status(expected: str) -> bool:
        return (await lab.condition("Gateway", "other")).get("status") == expected

    await until(lambda: status("False"), "the closed port is reported")
    found = await lab.condition("Gateway", "other")
    assert (found["reason"], "30081" in found["message"]) == ("PortNotOpen", True)
    await lab.put(objects.istio_gateway(30080, 30081))
    await until(lambda: status("True"), "the port is open")
    service = await lab.cluster.get("v1", "Service", "istio-ingressgateway", "istio-system")
    assert service is not None
    assert [port["port"] for port in service["spec"]["ports"]] == [30080, 30081]
    await lab.put(objects.istio_gateway(30080))
    await lab.mesh.delete("networking.istio.io/v1", "Gateway", "other", "default")


async def test_gateway_becomes_deployment_and_service(lab: Lab) -> None:
    async def child(version: str, kind: str) -> Obj | None:
        return await lab.cluster.get(version, kind, "istio-extra", "istio-system")

    async def present() -> bool:
        service = await child("v1", "Service")
        return bool(service and (service.get("status") or {}).get("loadBalancer"))

    async def absent() -> bool:
        return not await child("v1", "Service") and not await child("apps/v1", "Deployment")

    await lab.put(objects.istio_gateway(8080, name="extra"))
    await until(present, "the Service has an address")
    service, deployment = await child("v1", "Service"), await child("apps/v1", "Deployment")
    assert service is not None
    assert deployment is not None
    assert service["status"]["loadBalancer"]["ingress"] == [{"ip": NET.gateway}]
    assert deployment["spec"]["template"]["spec"]["hostNetwork"] is True
    labels = deployment["spec"]["template"]["metadata"]["labels"]
    assert {"istio": "extra", "app": "istio-extra"}.items() <= labels.items()
    generation = deployment["metadata"]["generation"]
    await lab.cluster.delete("v1", "Service", "istio-extra", "istio-system")
    await until(present, "the Service is made again")
    deployment = await child("apps/v1", "Deployment")
    assert deployment is not None
    assert deployment["metadata"]["generation"] == generation
    await lab.mesh.delete("istio.alibabacloud.com/v1beta1", "IstioGateway", "extra", "istio-system")
    await until(absent, "Deployment and Service are gone")


async def test_pod_that_is_gone_leaves_no_configuration(lab: Lab) -> None:
    await lab.put(objects.pod("brief", NET.pod(77), {"app": "x"}))
    await until(lambda: _exists(lab, 5), "its configuration appears")
    await lab.cluster.delete("v1", "Pod", "brief", "default", grace_period_seconds=0)
    await until(lambda: _exists(lab, 4), "its configuration disappears")
