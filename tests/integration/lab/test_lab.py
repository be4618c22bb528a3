"""A whole lab from its command line: start, status, reset, stop, and what may go wrong."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import yaml
from asm_lanes_lab.kubelet.process import alive
from kube_client import connected, until
from lab_fixture import RunningLab, free_loopback, lab_command, lab_settings, start_lab
from tools_env import program


@pytest.fixture
def own(tmp_path: Path) -> Iterator[RunningLab]:
    """A lab of the test's own, to be ill-treated."""
    state_dir = tmp_path / "state"
    try:
        yield start_lab(state_dir)
    finally:
        lab_command("stop", state_dir)


def kubectl(kubeconfig: Path, *arguments: str, stdin: str | None = None) -> str:
    command = [
        program("kubectl", "what it makes of a lab is not tried"),
        f"--kubeconfig={kubeconfig}",
        *arguments,
    ]
    done = subprocess.run(command, input=stdin, capture_output=True, check=False, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout


def hello(name: str = "hello", image: str = "asm-lanes.lab/helloworld:1") -> dict[str, Any]:
    labels = {"app": name, "version": "v5"}
    container = {"name": "main", "image": image, "ports": [{"containerPort": 5000, "protocol": "TCP"}]}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": "default"},
        "spec": {
            "selector": {"matchLabels": {"app": name}},
            "template": {"metadata": {"labels": labels}, "spec": {"containers": [container]}},
        },
    }


def deploy(lab: RunningLab, name: str = "hello") -> dict[str, Any]:
    """Make a Deployment and wait for its pod; the pod."""
    with connected(lab.cluster_kubeconfig) as cluster:
        cluster.apply(hello(name))
        until(lambda: [ready(pod) for pod in cluster.all("Pod", app=name)] == [True], f"{name} is ready")
        return cluster.all("Pod", app=name)[0]


def ready(pod: dict[str, Any]) -> bool:
    conditions = pod["status"].get("conditions", [])
    return {"Ready": "True"}.items() <= {item["type"]: item["status"] for item in conditions}.items()


def pids(lab: RunningLab) -> dict[str, int]:
    return {item["name"].rpartition(" ")[2]: item["pid"] for item in lab.status()["processes"]}


def wait_gone(some: list[int], seconds: float) -> list[int]:
    """The processes that are still there after so many seconds."""
    deadline = time.monotonic() + seconds
    while (left := [pid for pid in some if alive(pid)]) and time.monotonic() < deadline:
        time.sleep(0.01)
    return left


async def get(url: str) -> str:
    async with aiohttp.ClientSession() as session, session.get(url) as response:
        return await response.text()


def test_from_start_to_stop(tmp_path: Path) -> None:
    state_dir = tmp_path / "state"
    arguments = lab_settings()
    began = time.monotonic()
    try:
        shown = lab_command("start", state_dir, *arguments).stdout
        seconds = time.monotonic() - began
        steps = [line.split()[2:4] for line in shown.splitlines() if " s  " in line]
        assert [" ".join(step) for step in steps][:3] == ["cluster API", "mesh API", "ASM OpenAPI"]
        assert f"export KUBECONFIG={state_dir}/cluster.kubeconfig" in shown
        assert seconds < 20, "a lab comes up in seconds, on a busy machine too"

        again = lab_command("start", state_dir, *arguments)
        assert "is running already" in again.stdout
        other = lab_command("start", state_dir, "--set", "mesh_id=other", check=False)
        assert other.returncode == 1
        assert "mesh_id: 'lab-mesh', asked for 'other'" in other.stderr

        status = json.loads(lab_command("status", state_dir, "--json").stdout)
        assert status["ready"]
        assert {part["state"] for part in status["parts"]} == {"running"}
        assert {part["restarts"] for part in status["parts"]} == {0}
        processes = status["processes"]
        assert len(processes) == 2, "the lab and the gateway's Envoy"
        assert all(item["rss"] > 1_000_000 and Path(item["log"]).exists() for item in processes)
        told = lab_command("status", state_dir).stdout
        assert all(str(item["pid"]) in told and item["log"] in told for item in processes)
        secrets_stay_secret(state_dir, [item["pid"] for item in processes])
    finally:
        stopped = lab_command("stop", state_dir)
    assert "has been stopped" in stopped.stdout
    assert not [item for item in processes if alive(item["pid"])]
    assert [file.name for file in state_dir.iterdir()] == ["lab.log"]
    assert "is not running" in lab_command("stop", state_dir, "--purge").stdout
    assert not state_dir.exists()
    assert lab_command("status", state_dir, check=False).returncode == 3


def secrets_stay_secret(state_dir: Path, processes: list[int]) -> None:
    """Secrets are in files for their owner alone, and in no process's arguments nor in the log."""
    credentials = json.loads((state_dir / "credentials.json").read_text())
    kubeconfig = yaml.safe_load((state_dir / "cluster.kubeconfig").read_text())
    secret = [credentials["access_key_secret"], kubeconfig["users"][0]["user"]["token"]]
    for name in ("credentials.json", "cluster.kubeconfig", "mesh.kubeconfig", "inventory.yml", "ca.key"):
        assert (state_dir / name).stat().st_mode & 0o077 == 0, name
    told = (state_dir / "lab.log").read_text() + (state_dir / "status.json").read_text()
    told += "".join(Path(f"/proc/{pid}/cmdline").read_text() for pid in processes)
    assert not [item for item in secret if item in told]


def test_reset_makes_the_lab_as_new(own: RunningLab) -> None:
    deploy(own)
    before = pids(own)
    assert set(before) == {"lab", "main", "istio-proxy"}
    own.reset()
    with connected(own.cluster_kubeconfig) as cluster:
        assert cluster.names("Deployment", namespace="default") == set()
    after = own.status()
    assert after["ready"]
    assert after["pid"] == before["lab"]
    assert not alive(before["main"])
    assert len(after["processes"]) == 2
    with connected(own.mesh_kubeconfig) as mesh:
        assert mesh.names("IstioGateway", namespace="istio-system") == {"IstioGateway/ingressgateway"}


def test_nothing_outlives_a_killed_daemon(own: RunningLab) -> None:
    deploy(own)
    processes = [item["pid"] for item in own.status()["processes"]]
    assert len(processes) == 4, "lab, gateway, sidecar, app"
    os.kill(own.status()["pid"], signal.SIGKILL)
    assert wait_gone(processes, 2) == []
    assert lab_command("status", own.state_dir, check=False).returncode == 3
    shown = lab_command("start", own.state_dir, *lab_settings()).stdout
    assert "Starting the lab" in shown, "the stale pid file does not count"


def test_a_pod_with_a_sidecar(lab: RunningLab) -> None:
    pod = deploy(lab, "sidecar")
    name, address = pod["metadata"]["name"], pod["status"]["podIP"]
    with connected(lab.cluster_kubeconfig) as cluster:
        try:
            assert (
                pod["metadata"]["annotations"]["sidecar.istio.io/status"] == '{"containers":["istio-proxy"]}'
            )
            text = asyncio.run(get(f"http://{address}:5000/hello"))
            assert text == f"Hello version: v5, instance: {name}\n"
            assert asyncio.run(get(f"http://{address}:15000/ready")).strip() == "LIVE"
            proxy = next(
                item["pid"]
                for item in lab.status()["processes"]
                if name in item["name"] and "proxy" in item["name"]
            )
            os.kill(proxy, signal.SIGKILL)
            told = []
            for change in cluster.changes(pod, seconds=60):
                told.append(ready(change))
                if told[-2:] == [False, True]:
                    break
            assert told[-2:] == [False, True], "unready, then ready again"
            assert asyncio.run(get(f"http://{address}:5000/hello")).startswith("Hello version: v5")
        finally:
            cluster.delete(hello("sidecar"))


def test_what_kubectl_tells_of_pods(lab: RunningLab) -> None:
    kubectl(lab.cluster_kubeconfig, "apply", "-f", "-", stdin=yaml.safe_dump(hello("told")))
    try:
        kubectl(lab.cluster_kubeconfig, "rollout", "status", "deployment/told", "--timeout=20s")
        assert "Running on" in kubectl(lab.cluster_kubeconfig, "logs", "-l", "app=told")
    finally:
        kubectl(lab.cluster_kubeconfig, "delete", "deployment", "told")


def test_unknown_image_in_kubectls_eyes(lab: RunningLab) -> None:
    odd = hello("odd", "nginx:1.27")
    kubectl(lab.cluster_kubeconfig, "apply", "-f", "-", stdin=yaml.safe_dump(odd))
    try:
        deadline = time.monotonic() + 20
        while "ImagePullBackOff" not in (seen := kubectl(lab.cluster_kubeconfig, "get", "pods")):
            assert time.monotonic() < deadline, seen
            time.sleep(0.1)
        events = kubectl(lab.cluster_kubeconfig, "get", "events")
        assert "nginx:1.27" in events
        assert "images.yml" in events
    finally:
        kubectl(lab.cluster_kubeconfig, "delete", "deployment", "odd")


def test_inventory_leads_to_this_lab(lab: RunningLab) -> None:
    variables = lab.variables
    assert variables["asm_lanes_endpoint"] == lab.asm_endpoint
    assert variables["asm_lanes_access_key_id"] == lab.credentials["access_key_id"]
    assert variables["asm_lanes_gateway_address"] == lab.settings.gateway_address
    assert Path(variables["asm_lanes_cluster_kubeconfig"]) == lab.cluster_kubeconfig


@pytest.mark.parametrize("name", ["cluster_api_port", "asm_api_port", "gateway_ports"])
def test_a_taken_port_is_named(tmp_path: Path, name: str) -> None:
    address = free_loopback(25000)
    where = {"gateway_address" if name == "gateway_ports" else "api_address": address}
    value = [25000] if name == "gateway_ports" else 25000
    with socket.create_server((address, 25000)):
        done = lab_command("start", tmp_path, *lab_settings(**where, **{name: value}), check=False)
    assert done.returncode == 1
    assert f"{address}:25000" in done.stderr
    assert name in done.stderr
    assert "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("argument", "words"),
    [
        ("mesh_edition=gold", "mesh_edition: expected one of"),
        ("colour=red", "colour: expected one of"),
        ("mesh_id", "--set: expected NAME=VALUE"),
        ("envoy_path=/no/envoy", "envoy_path: /no/envoy is no program"),
    ],
)
def test_a_bad_setting_is_one_line(tmp_path: Path, argument: str, words: str) -> None:
    done = lab_command("start", tmp_path / "state", *lab_settings(), "--set", argument, check=False)
    assert done.returncode == 1
    assert words in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_two_labs_need_two_networks(lab: RunningLab, tmp_path: Path) -> None:
    networks = {"pod_network": lab.settings.pod_network, "app_network": lab.settings.app_network}
    done = lab_command("start", tmp_path, *lab_settings(**networks), check=False)
    assert done.returncode == 1
    assert f"the pod network {lab.settings.pod_network} is used by another lab" in done.stderr


def test_reset_without_a_lab(tmp_path: Path) -> None:
    done = lab_command("reset", tmp_path, check=False)
    assert done.returncode == 1
    assert "no lab runs in" in done.stderr
