"""Deployments and pods against the lab's Kubernetes API, without a mesh: controllers and kubelet only."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import yaml
from asm_lanes_lab.client import Cluster
from asm_lanes_lab.controllers.deployments import DeploymentController
from asm_lanes_lab.controllers.replicasets import ReplicaSetController
from asm_lanes_lab.kube import KubeApiServer
from asm_lanes_lab.kubelet.agent import Kubelet
from asm_lanes_lab.kubelet.process import alive
from asm_lanes_lab.objects import Obj, condition, deleting, is_ready
from asm_lanes_lab.settings import Settings
from lab_fixture import free_networks, until

HELLO = "asm-lanes.lab/helloworld:1"


class Bench:
    """A cluster with nothing but Deployments and pods."""

    def __init__(self, cluster: Cluster, kubelet: Kubelet, settings: Settings) -> None:
        self.cluster = cluster
        self.kubelet = kubelet
        self.settings = settings

    async def deploy(self, name: str = "web", image: str = HELLO, replicas: int = 1, **spec: Any) -> Obj:
        labels = {"app": name, "version": "v7"}
        container = {"name": "main", "image": image, "ports": [{"containerPort": 5000}]}
        return await self.cluster.create(
            {
                "apiVersion": "apps/v1",
                "kind": "Deployment",
                "metadata": {"name": name, "namespace": "default"},
                "spec": {
                    "replicas": replicas,
                    "selector": {"matchLabels": {"app": name}},
                    "template": {
                        "metadata": {"labels": labels},
                        "spec": {
                            "containers": [container | spec.pop("container", {})],
                            **spec.pop("pod", {}),
                        },
                    },
                    **spec,
                },
            }
        )

    async def patch(self, patch: Obj, name: str = "web") -> None:
        await self.cluster.patch("apps/v1", "Deployment", name, {"spec": patch}, "default")

    async def change_template(self, value: str, container: Obj | None = None) -> None:
        """What ``kubectl rollout restart`` does, or an image change."""
        template: Obj = {"metadata": {"annotations": {"kubectl.kubernetes.io/restartedAt": value}}}
        if container:
            template["spec"] = {"containers": [container]}
        await self.patch({"template": template})

    async def deployment(self, name: str = "web") -> Obj:
        found = await self.cluster.get("apps/v1", "Deployment", name, "default")
        assert found
        return found

    async def pods(self) -> list[Obj]:
        return await self.cluster.list("v1", "Pod", "default")

    async def ready_pods(self, count: int, seconds: float = 15) -> list[Obj]:
        """Wait until exactly *count* pods are there, all ready."""
        pods: list[Obj] = []

        async def check() -> bool:
            pods[:] = await self.pods()
            return len(pods) == count and all(is_ready(pod) and not deleting(pod) for pod in pods)

        await until(check, f"{count} pods ready", seconds)
        return pods

    async def waiting(self, reason: str) -> str:
        """Wait until the first container waits for *reason*; its message."""
        messages: list[str] = []

        async def check() -> bool:
            for pod in await self.pods():
                for status in pod.get("status", {}).get("containerStatuses", []):
                    found = status["state"].get("waiting", {})
                    if found.get("reason") == reason:
                        messages.append(found["message"])
            return bool(messages)

        await until(check, reason)
        return messages[0]

    async def events(self) -> list[tuple[str, str, str]]:
        events = await self.cluster.list("v1", "Event", "default")
        return [(event["involvedObject"]["kind"], event["reason"], event["message"]) for event in events]

    def pids(self) -> set[int]:
        return {item.pid for item in self.kubelet.processes()}

    async def hello(self, pod: Obj) -> str:
        url = f"http://{pod['status']['podIP']}:5000/hello"
        async with aiohttp.ClientSession() as session, session.get(url) as response:
            return await response.text()


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    settings = Settings.parse(free_networks(), tmp_path)
    server = KubeApiServer("cluster", tokens={"secret": "admin"})
    await server.start("127.0.0.1", 0)
    settings.files.cluster_kubeconfig.write_text(yaml.safe_dump(server.kubeconfig("secret")))
    cluster = await Cluster.connect(settings.files.cluster_kubeconfig, "cluster")
    kubelet = Kubelet(cluster, settings)
    parts = [kubelet, DeploymentController(cluster), ReplicaSetController(cluster)]
    tasks = [asyncio.create_task(part.run()) for part in parts]
    bench = Bench(cluster, kubelet, settings)
    try:
        yield bench
        assert not [task for task in tasks if task.done()], "a controller has ended"
    finally:
        pids = bench.pids()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await cluster.close()
        await server.stop()
    assert not [pid for pid in pids if alive(pid)]


async def progress(bench: Bench, reason: str) -> Obj:
    """Wait for a reason of the condition Progressing."""
    found: list[Obj] = []

    async def check() -> bool:
        state = condition(await bench.deployment(), "Progressing")
        found[:] = [state] if state else []
        return bool(state) and state["reason"] == reason

    await until(check, reason, 15)
    return found[0]


async def test_a_deployment_becomes_pods_that_answer(bench: Bench) -> None:
    await bench.deploy(replicas=2)
    for pod in await bench.ready_pods(2):
        assert await bench.hello(pod) == f"Hello version: v7, instance: {pod['metadata']['name']}\n"
        status = pod["status"]["containerStatuses"][0]
        assert (status["ready"], status["restartCount"], list(status["state"])) == (True, 0, ["running"])
        assert pod["spec"]["nodeName"] == "lab"
        assert len(pod["metadata"]["labels"]["pod-template-hash"]) == 10
    await progress(bench, "NewReplicaSetAvailable")
    deployment = await bench.deployment()
    status = deployment["status"]
    counts = ("replicas", "updatedReplicas", "readyReplicas", "availableReplicas")
    assert [status[name] for name in counts] == [2, 2, 2, 2]
    assert status["observedGeneration"] == deployment["metadata"]["generation"]
    events = await bench.events()
    assert {"ScalingReplicaSet", "SuccessfulCreate"} <= {reason for _unused, reason, _unused in events}


async def test_scale_and_delete(bench: Bench) -> None:
    await bench.deploy(replicas=1)
    first = (await bench.ready_pods(1))[0]["metadata"]["name"]
    await asyncio.sleep(1.1)  # ages are counted in whole seconds
    await bench.patch({"replicas": 3})
    pods = await bench.ready_pods(3)
    assert len({pod["status"]["podIP"] for pod in pods}) == 3
    await bench.patch({"replicas": 1})
    assert (await bench.ready_pods(1))[0]["metadata"]["name"] == first, "the oldest stays"
    before = bench.pids()
    await bench.cluster.delete("v1", "Pod", first, "default")
    pods = await bench.ready_pods(1)
    assert pods[0]["metadata"]["name"] != first
    assert not any(alive(pid) for pid in before)
    await bench.cluster.delete("apps/v1", "Deployment", "web", "default")
    await bench.ready_pods(0)
    await until(_is(lambda: not bench.pids()), "no process is left")


async def test_rolling_update_and_back(bench: Bench) -> None:
    await bench.deploy(replicas=2)
    before = {pod["metadata"]["name"] for pod in await bench.ready_pods(2)}
    least = 2

    async def watch() -> None:
        nonlocal least
        while True:
            pods = [pod for pod in await bench.pods() if is_ready(pod) and not deleting(pod)]
            least = min(least, len(pods))
            await asyncio.sleep(0.02)

    watching = asyncio.create_task(watch())
    await bench.change_template("2026-01-01T00:00:00Z")
    await until(_gone(bench, before), "the old pods are gone")
    await bench.ready_pods(2)
    watching.cancel()
    assert least == 2, "maxUnavailable rounds down to 0 of 2 pods"
    await progress(bench, "NewReplicaSetAvailable")
    sets = await bench.cluster.list("apps/v1", "ReplicaSet", "default")
    revision = "deployment.kubernetes.io/revision"
    assert {item["metadata"]["annotations"][revision]: item["spec"]["replicas"] for item in sets} == {
        "1": 0,
        "2": 2,
    }
    assert (await bench.deployment())["metadata"]["annotations"][revision] == "2"


async def test_a_broken_image_change_keeps_the_old_pod_and_says_why(bench: Bench) -> None:
    await bench.deploy(progressDeadlineSeconds=2)
    before = (await bench.ready_pods(1))[0]
    ports = [{"containerPort": 5000}]
    await bench.change_template("x", {"name": "main", "image": "nginx:1.27", "ports": ports})
    message = await bench.waiting("ImagePullBackOff")
    assert '"nginx:1.27"' in message
    assert "images.yml" in message
    failed = await progress(bench, "ProgressDeadlineExceeded")
    assert failed["status"] == "False"
    assert await bench.hello(before) == f"Hello version: v7, instance: {before['metadata']['name']}\n"
    events = await bench.events()
    assert any(reason == "Failed" and "nginx:1.27" in text for kind, reason, text in events if kind == "Pod")
    await bench.change_template("y", {"name": "main", "image": HELLO, "ports": ports})
    await until(_gone(bench, {before["metadata"]["name"]}), "the old pod is gone")
    await bench.ready_pods(1)


async def test_a_crash_is_restarted_and_counted(bench: Bench) -> None:
    await bench.deploy()
    pod = (await bench.ready_pods(1))[0]
    os.kill(bench.pids().pop(), signal.SIGKILL)

    async def restarted() -> bool:
        status = (await bench.pods())[0]["status"]["containerStatuses"][0]
        return bool(status["restartCount"] == 1 and status["ready"])

    await until(restarted, "the container runs again")
    again = (await bench.pods())[0]
    assert again["metadata"]["uid"] == pod["metadata"]["uid"]
    last = again["status"]["containerStatuses"][0]["lastState"]["terminated"]
    assert (last["exitCode"], last["reason"]) == (137, "Error")
    assert any(reason == "BackOff" for _unused, reason, _unused in await bench.events())


async def test_a_container_that_cannot_run_backs_off(bench: Bench) -> None:
    await bench.deploy(container={"env": [{"name": "PORT", "value": "none"}]})
    assert "restarting failed container=main" in await bench.waiting("CrashLoopBackOff")
    pod = (await bench.pods())[0]
    ready = condition(pod, "Ready")
    assert ready and ready["reason"] == "ContainersNotReady"
    assert "exited with 1: PORT: expected a port number" in ready["message"]
    log = bench.settings.files.pods / f"default_{pod['metadata']['name']}" / "app.log"
    assert "PORT: expected a port number" in log.read_text()


async def test_environment_of_a_container(bench: Bench) -> None:
    fields = ["metadata.name", "metadata.namespace", "status.podIP", "metadata.labels['version']"]
    env: list[Obj] = [
        {"name": f"FIELD_{number}", "valueFrom": {"fieldRef": {"fieldPath": path}}}
        for number, path in enumerate(fields)
    ]
    env.append({"name": "VERSION", "value": "v9"})
    await bench.deploy(container={"env": env, "command": ["sleep"]})
    pod = (await bench.ready_pods(1))[0]
    name, address = pod["metadata"]["name"], pod["status"]["podIP"]
    assert await bench.hello(pod) == f"Hello version: v9, instance: {name}\n"
    process = Path(f"/proc/{bench.pids().pop()}/environ").read_bytes().decode()
    given = dict(item.split("=", 1) for item in process.split("\0") if item)
    assert [given[f"FIELD_{number}"] for number in range(4)] == [name, "default", address, "v7"]
    assert "HTTP_PROXY" not in given
    assert any("main: command" in text for _unused, _unused, text in await bench.events())


async def test_a_secret_reference_is_refused_by_name(bench: Bench) -> None:
    reference = {"secretKeyRef": {"name": "keys", "key": "password"}}
    await bench.deploy(container={"env": [{"name": "PASSWORD", "valueFrom": reference}]})
    message = await bench.waiting("CreateContainerConfigError")
    assert "env PASSWORD: the lab does not do valueFrom secretKeyRef" in message


@pytest.mark.parametrize(("path", "ready"), [("/health", True), ("/missing", False)])
async def test_readiness_probe(bench: Bench, path: str, ready: bool) -> None:
    probe = {"httpGet": {"path": path, "port": "http"}, "periodSeconds": 1}
    ports = [{"name": "http", "containerPort": 5000}]
    await bench.deploy(container={"readinessProbe": probe, "ports": ports})
    if ready:
        await bench.ready_pods(1)
        return

    async def says_why() -> bool:
        pods = await bench.pods()
        state = condition(pods[0], "Ready") if pods else None
        return bool(state) and "/missing answers 404" in state["message"]

    await until(says_why, "the condition says why")


async def test_min_ready_seconds_delays_availability(bench: Bench) -> None:
    await bench.deploy(minReadySeconds=2)
    await bench.ready_pods(1)
    assert "availableReplicas" not in (await bench.deployment())["status"]
    await progress(bench, "NewReplicaSetAvailable")


async def test_recreate_never_runs_two_generations(bench: Bench) -> None:
    await bench.deploy(strategy={"type": "Recreate"})
    before = {pod["metadata"]["name"] for pod in await bench.ready_pods(1)}
    await bench.change_template("x")
    await until(_gone(bench, before), "the old pod is gone")
    await bench.ready_pods(1)


async def test_a_single_pod_is_run_without_a_controller(bench: Bench) -> None:
    spec = {"containers": [{"name": "main", "image": HELLO}], "terminationGracePeriodSeconds": 1}
    meta = {"name": "alone", "namespace": "default"}
    await bench.cluster.create({"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": spec})
    pod = (await bench.ready_pods(1))[0]
    assert await bench.hello(pod) == "Hello version: v1, instance: alone\n"
    await bench.cluster.delete("v1", "Pod", "alone", "default")
    await bench.ready_pods(0)


def _is(check: Callable[[], bool]) -> Callable[[], Awaitable[bool]]:
    async def wrapped() -> bool:
        return check()

    return wrapped


def _gone(bench: Bench, names: set[str]) -> Callable[[], Awaitable[bool]]:
    async def check() -> bool:
        return not names & {pod["metadata"]["name"] for pod in await bench.pods()}

    return check
