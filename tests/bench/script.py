"""What a good engineer would write instead of playbooks: kubectl, the official SDK, a socket.io client.

As fast as we can make it, with the same objects, the same waiting and the same proof; without a preflight, a
plan, check mode, drift or error texts. Usage: ``script.py WORLD [STEP ...]``; steps: apply, lanes, prove.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Awaitable
from pathlib import Path
from typing import Any

MANIFESTS = Path(__file__).with_name("manifests")
DEPLOYMENTS = ("wsk-deploy", "helloworld-v1", "helloworld-v2")
SERVICES = ("wsk-svc", "helloworld")
LANES = {"base": ("v1", SERVICES), "v1": ("v1", SERVICES[1:]), "v2": ("v2", SERVICES[1:])}
#: Value of the route header -> version that must answer.
CASES = {
    **{"base": "v1", "v1": "v1", "v2": "v2", None: "v1", "no-such-lane": "v1"},
    **{"v22": "v1", "v2,base": "v1", "": "v1", "V2": "v1"},
}
CONNECTIONS, MESSAGES = 2, 2


def kubectl(kubeconfig: str, *arguments: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(["kubectl", "--kubeconfig", kubeconfig, *arguments], stdout=subprocess.DEVNULL)


def apply(world: dict[str, Any]) -> list[subprocess.Popen[bytes]]:
    """Start one kubectl for each API server."""
    return [
        kubectl(world["cluster"], "apply", "--validate=false", "-f", str(MANIFESTS / "application.yaml")),
        kubectl(world["mesh"], "apply", "--validate=false", "-f", str(MANIFESTS / "routing.yaml")),
    ]


def wait(world: dict[str, Any], running: list[subprocess.Popen[bytes]]) -> None:
    """Wait for both, then for the Deployments."""
    assert not any(process.wait() for process in running)
    names = [f"deployment/{name}" for name in DEPLOYMENTS]
    waiting = kubectl(world["cluster"], "wait", "--for=condition=Available", "--timeout=120s", *names)
    assert waiting.wait() == 0


async def lanes(world: dict[str, Any]) -> None:
    """Bring the lane group to its state, what is independent at the same time."""
    from alibabacloud_servicemesh20200111 import models as m
    from alibabacloud_servicemesh20200111.client import Client
    from alibabacloud_tea_openapi.models import Config

    client = Client(Config(**world["asm"]))
    mesh = {"service_mesh_id": world["mesh_id"]}
    found = (await client.get_swim_lane_group_list_async(m.GetSwimLaneGroupListRequest(**mesh))).body
    if any(group.group_name == "ws" for group in found.swim_lane_group_list or []):
        request = m.GetSwimLaneListRequest(**mesh, group_name="ws")
        known = (await client.get_swim_lane_list_async(request)).body.swim_lane_list
        assert {lane.name for lane in known} == set(LANES), "the script knows no repair"
        return
    # Not the asynchronous form: with an empty body it sends a content-type that it has not signed.
    request = m.DescribeClustersInServiceMeshRequest(**mesh)
    reply = (await asyncio.to_thread(client.describe_clusters_in_service_mesh, request)).body
    cluster = reply.clusters[0]

    def services(names: tuple[str, ...]) -> str:
        return json.dumps([f"{cluster.name}/{cluster.cluster_id}/default/{name}" for name in names])

    def lane(name: str) -> Awaitable[Any]:
        version, members = LANES[name]
        return client.create_swim_lane_async(
            m.CreateSwimLaneRequest(
                **mesh,
                group_name="ws",
                swim_lane_name=name,
                label_selector_key="version",
                label_selector_value=version,
                services_list=services(members),
            )
        )

    await client.create_swim_lane_group_async(
        m.CreateSwimLaneGroupRequest(
            **mesh,
            group_name="ws",
            services_list=services(SERVICES),
            ingress_type="ASM",
            ingress_gateway_name="ws-gateway",
            ingress_gateway_namespace="default",
            is_permissive=True,
            route_header="version",
            trace_header="baggage",
        )
    )
    await lane("base")  # the first lane becomes the baseline (documented)
    await asyncio.gather(lane("v1"), lane("v2"))


async def prove(world: dict[str, Any]) -> None:
    """Own answers from the lane, broadcasts from the baseline; until it is so or 15 seconds are over."""
    deadline = time.monotonic() + 15
    while not all(await _round(world["gateway"])):
        assert time.monotonic() < deadline, "the lanes are not as promised"
        await asyncio.sleep(0.1)


async def _round(url: str) -> list[bool]:
    everybody = len(CASES) * CONNECTIONS * MESSAGES
    ready = asyncio.Barrier(len(CASES) * CONNECTIONS)
    return await asyncio.gather(
        *(
            _converse(url, header, version, everybody, ready)
            for header, version in CASES.items()
            for _number in range(CONNECTIONS)
        )
    )


async def _converse(
    url: str, header: str | None, version: str, everybody: int, ready: asyncio.Barrier
) -> bool:
    import socketio

    client = socketio.AsyncClient(reconnection=False)
    own: list[str] = []
    broadcasts: list[str] = []
    done = asyncio.Event()

    def heard(*_unused: object) -> None:
        if len(own) >= MESSAGES and len(broadcasts) >= everybody:
            done.set()

    def hello(text: str) -> str:
        own.append(text)
        heard()
        return "got it"

    client.on("hello", hello)
    client.on("okok", lambda text: (broadcasts.append(text), heard())[1])
    headers = {} if header is None else {"version": header}
    try:
        await client.connect(url, headers=headers, transports=["websocket"])
    except socketio.exceptions.ConnectionError:
        await ready.abort()
        return False
    try:
        await ready.wait()
        for number in range(MESSAGES):
            await client.emit("test000", str(number))
        await asyncio.wait_for(done.wait(), 5)
    except (TimeoutError, asyncio.BrokenBarrierError):
        return False
    finally:
        await client.disconnect()
    return all(f"version: {version}," in text for text in own) and all(
        "version: v1," in text for text in broadcasts
    )


async def bring(world: dict[str, Any], steps: list[str]) -> None:
    """Objects and lanes at the same time: kubectl works, and waits, while the SDK does."""
    works: list[Awaitable[Any]] = []
    if "apply" in steps:
        works.append(asyncio.to_thread(wait, world, apply(world)))
    if "lanes" in steps:
        works.append(lanes(world))
    await asyncio.gather(*works)


async def run(world: dict[str, Any], steps: list[str]) -> None:
    """Run the steps."""
    await bring(world, steps)
    if "prove" in steps:
        await prove(world)


def main(world: dict[str, Any], steps: list[str]) -> None:
    """Run the steps."""
    asyncio.run(run(world, steps))


if __name__ == "__main__":
    main(json.loads(Path(sys.argv[1]).read_text()), sys.argv[2:] or ["apply", "lanes", "prove"])
