"""rollout_status as a module, against the lab's Kubernetes API."""

from __future__ import annotations

import base64
import json
import re
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.asm.lanes.plugins.module_utils._kube.client import KubeError, connect
from ansible_collections.asm.lanes.plugins.module_utils._kube.wait import await_rollouts
from asm_lanes_lab.kube.pki import Authority
from asm_lanes_lab.plane import REAL
from integration.probe.probing import GROUP, HELLO
from planes import wanted_plane

from .conftest import ROOT, Servers

NAMESPACE = "rollouts"


def run(module: str, **arguments: Any) -> dict[str, Any]:
    """Run a module in a process of its own, as Ansible does, and return its result."""
    source = ROOT / "plugins/modules" / f"{module}.py"
    done = subprocess.run(
        [sys.executable, str(source)],
        input=json.dumps({"ANSIBLE_MODULE_ARGS": arguments}),
        env={"PYTHONPATH": str(ROOT / ".ansible/collections"), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "Traceback" not in done.stdout + done.stderr, done.stderr
    result: dict[str, Any] = json.loads(done.stdout)
    return result


def deployment(name: str, **status: Any) -> dict[str, Any]:
    """A Deployment with one replica wanted."""
    labels = {"app": name}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": NAMESPACE},
        "spec": {
            "selector": {"matchLabels": labels},
            "template": {
                "metadata": {"labels": labels},
                "spec": {"containers": [{"name": "c", "image": "i:1"}]},
            },
        },
        "status": status,
    }


READY = {
    "observedGeneration": 1,
    "replicas": 1,
    "updatedReplicas": 1,
    "readyReplicas": 1,
    "availableReplicas": 1,
}


@pytest.fixture(scope="module")
def cluster(servers: Servers) -> Servers:
    """The cluster with one ready Deployment, one whose pod cannot get its image, and nothing else."""
    api = connect(servers.kubeconfig("cluster"))
    api.request("post", "/api/v1/namespaces", body={"metadata": {"name": NAMESPACE}})
    made = {name: create(servers, deployment(name)) for name in ("good", "stuck")}
    report(servers, "good", READY)
    report(servers, "stuck", {"observedGeneration": 1, "replicas": 1, "updatedReplicas": 1})
    owner = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "stuck", "controller": True}
    template = {**deployment("stuck")["spec"]}
    replica_set = create(
        servers,
        {
            "apiVersion": "apps/v1",
            "kind": "ReplicaSet",
            "metadata": {
                "name": "stuck-1",
                "namespace": NAMESPACE,
                "ownerReferences": [{**owner, "uid": made["stuck"]["metadata"]["uid"]}],
            },
            "spec": template,
        },
    )
    owner = {"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "stuck-1", "controller": True}
    metadata = {
        "name": "stuck-1-x",
        "namespace": NAMESPACE,
        "ownerReferences": [{**owner, "uid": replica_set["metadata"]["uid"]}],
    }
    spec = template["template"]["spec"]
    pod = patiently(
        lambda: create(servers, {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec})
    )
    waiting = {"waiting": {"reason": "ErrImagePull", "message": "no such image"}}
    state = {"name": "c", "ready": False, "image": "i:1", "imageID": "", "restartCount": 0, "state": waiting}
    status = {"phase": "Pending", "containerStatuses": [state]}
    api.request(
        "put", f"/api/v1/namespaces/{NAMESPACE}/pods/stuck-1-x/status", body={**pod, "status": status}
    )
    create(
        servers,
        {
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {"name": "stuck.1", "namespace": NAMESPACE},
            "type": "Warning",
            "reason": "Failed",
            "message": "Failed to pull image",
            "count": 3,
            "lastTimestamp": "2026-01-01T00:00:00Z",
            "involvedObject": {
                "kind": "Pod",
                "name": "stuck-1-x",
                "namespace": NAMESPACE,
                "uid": pod["metadata"]["uid"],
            },
        },
    )
    return servers


PLURALS = {"Deployment": "deployments", "ReplicaSet": "replicasets", "Pod": "pods", "Event": "events"}


def create(servers: Servers, obj: dict[str, Any]) -> dict[str, Any]:
    """Create an object and return it as the server keeps it."""
    prefix = "api" if obj["apiVersion"] == "v1" else "apis"
    path = f"/{prefix}/{obj['apiVersion']}/namespaces/{NAMESPACE}/{PLURALS[obj['kind']]}"
    return connect(servers.kubeconfig("cluster")).request("post", path, body=obj)


def patiently(action: Callable[[], Any]) -> Any:
    """Do something until a server lets it happen: it may start, or has still to make service accounts."""
    deadline = time.monotonic() + 60
    while True:
        try:
            return action()
        except KubeError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)


def report(servers: Servers, name: str, status: dict[str, Any]) -> None:
    """Report the status of a Deployment, as its controller does."""
    api = connect(servers.kubeconfig("cluster"))
    found = api.get("apps/v1", "Deployment", name, NAMESPACE)
    assert found is not None
    path = f"/apis/apps/v1/namespaces/{NAMESPACE}/deployments/{name}/status"
    api.request("put", path, body={**found, "status": status})


def rollout_status(servers: Servers, *names: str, **options: Any) -> dict[str, Any]:
    """Run the module against the cluster."""
    given = {
        "kubeconfig": str(servers.kubeconfig("cluster")),
        "namespace": NAMESPACE,
        "timeout": 1,
        **options,
    }
    return run("rollout_status", deployments=list(names), **given)


def test_ready(cluster: Servers) -> None:
    result = rollout_status(cluster, "good", timeout=30)
    assert "failed" not in result
    assert result["changed"] is False
    assert result["deployments"] == [
        {
            "name": "good",
            "exists": True,
            "ready": True,
            "failed": False,
            "replicas": 1,
            "updated_replicas": 1,
            "available_replicas": 1,
            "images": ["i:1"],
            "message": "1 of 1 replicas available",
        }
    ]


def test_not_ready_in_time_says_why(cluster: Servers) -> None:
    started = time.monotonic()
    result = rollout_status(cluster, "stuck", "good")
    assert 1 <= time.monotonic() - started < 5
    assert (result["failed"], result["failure"]) == (True, "timeout")
    assert [item["ready"] for item in result["deployments"]] == [False, True]
    assert result["reasons"] == {
        "stuck": [
            "pod stuck-1-x: container c waiting: ErrImagePull: no such image",
            "event Failed (Pod stuck-1-x, 3 times): Failed to pull image",
        ]
    }
    lines = result["msg"].splitlines()
    assert lines[0] == f"1 of 2 Deployments in namespace {NAMESPACE} are not ready, after 1 s:"
    assert lines[1] == "- stuck: 0 of 1 replicas available"
    assert lines[2].strip() == result["reasons"]["stuck"][0]
    assert "good" not in result["msg"]


def test_a_proof_waits_for_them_and_fails_as_the_module_does(cluster: Servers) -> None:
    given = {
        "url": "http://127.0.0.1:1",
        "answered_by": [HELLO],
        "lane_group": GROUP,
        "fail_on_difference": False,
    }

    def probe(*names: str, **more: Any) -> dict[str, Any]:
        kubeconfig = str(cluster.kubeconfig("cluster"))
        where = {"kubeconfig": kubeconfig, "namespace": NAMESPACE, "deployments": list(names), "timeout": 1}
        return run("lane_probe", rollout=where, **given, **more)

    alone = rollout_status(cluster, "stuck", "good")
    late = probe("stuck", "good")
    for key in ("failed", "failure", "msg", "reasons", "deployments"):
        assert late[key] == alone[key]
    assert "proof" not in late
    ready = probe("good")
    assert ready["proof"]["reached"] is False, "nothing listens there"
    assert [(one["name"], one["ready"]) for one in ready["deployments"]] == [("good", True)]
    before = cluster.requests("cluster")[0]
    assert "deployments" not in probe()
    assert "deployments" not in probe("stuck", _ansible_check_mode=True)
    assert cluster.requests("cluster")[0] == before


def test_an_unknown_deployment_fails_at_once(cluster: Servers) -> None:
    started = time.monotonic()
    result = rollout_status(cluster, "good", "gone", timeout=60)
    assert time.monotonic() - started < 5
    assert (result["failed"], result["failure"]) == (True, "missing")
    assert "- gone: there is no Deployment of this name" in result["msg"]


def test_waiting_ends_with_the_change_that_makes_it_ready(cluster: Servers) -> None:
    create(cluster, deployment("late"))
    before, _writes = cluster.requests("cluster")
    timer = threading.Timer(0.5, report, (cluster, "late", READY))
    timer.start()
    outcome = await_rollouts(connect(cluster.kubeconfig("cluster")), NAMESPACE, ["late", "good"], 60)
    timer.join()
    assert outcome.failure == ""
    # Ours: discovery, list, watch. The timer's: discovery, get, put. Nobody asked again and again.
    assert cluster.requests("cluster")[0] - before <= 6


def test_waiting_survives_a_restart_of_the_server(cluster: Servers) -> None:
    create(cluster, deployment("patient"))

    def restart() -> None:
        cluster.restart("cluster")
        patiently(lambda: report(cluster, "patient", READY))

    timer = threading.Timer(0.3, restart)
    timer.start()
    outcome = await_rollouts(connect(cluster.kubeconfig("cluster")), NAMESPACE, ["patient"], 90)
    timer.join()
    assert outcome.failure == ""


def test_a_controller_that_gave_up_ends_the_waiting(cluster: Servers) -> None:
    create(cluster, deployment("hopeless"))
    condition = {"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded"}
    report(cluster, "hopeless", {"observedGeneration": 1, "conditions": [condition]})
    started = time.monotonic()
    result = rollout_status(cluster, "hopeless", timeout=60)
    assert time.monotonic() - started < 5
    assert result["failure"] == "failed"
    assert "condition Progressing=False (ProgressDeadlineExceeded)" in result["msg"]


def variant(servers: Servers, folder: Path, **changes: Any) -> Path:
    """A kubeconfig like the cluster's with another server, CA or token."""
    config = yaml.safe_load(servers.kubeconfig("cluster").read_text())
    cluster, user = config["clusters"][0]["cluster"], config["users"][0]["user"]
    for key, value in changes.items():
        (user if key == "token" else cluster)[key.replace("_", "-")] = value
    path = folder / "variant.kubeconfig"
    path.write_text(yaml.safe_dump(config))
    return path


def wrong(case: str, servers: Servers, folder: Path) -> Path:
    """A kubeconfig that is wrong in one way."""
    if case == "missing":
        return folder / "none"
    if case == "nonsense":
        (folder / "nonsense").write_text("- just\n- a list\n")
        return folder / "nonsense"
    if case == "refused":
        with socket.create_server(("127.0.0.1", 0)) as unused:
            server = f"https://127.0.0.1:{unused.getsockname()[1]}"
        return variant(servers, folder, server=server)
    if case == "other CA":
        other = base64.b64encode(Authority.create().pem.encode()).decode()
        return variant(servers, folder, certificate_authority_data=other)
    if case == "plain http":
        return variant(servers, folder, server=servers.urls["cluster"].replace("https", "http"))
    return variant(servers, folder, token="s3cret-but-wrong")


@pytest.mark.parametrize(
    ("case", "failure", "words"),
    [
        ("missing", "kubeconfig", "does not exist"),
        ("nonsense", "kubeconfig", "it is not a kubeconfig"),
        ("refused", "unreachable", r"cannot be reached \(Connection refused\)"),
        ("other CA", "tls", "is not the server that kubeconfig"),
        # The emulated server hangs up, a real one answers that it wants TLS.
        (
            "plain http",
            "not_kubernetes" if wanted_plane() == REAL else "unreachable",
            "http or https|reached",
        ),
        ("bad token", "unauthorized", "download the kubeconfig again"),
    ],
)
def test_a_wrong_server_is_one_clear_error(
    case: str, failure: str, words: str, servers: Servers, tmp_path: Path
) -> None:
    kubeconfig = wrong(case, servers, tmp_path)
    result = rollout_status(servers, "x", kubeconfig=str(kubeconfig))
    assert (result["failed"], result["failure"]) == (True, failure)
    assert re.search(words, result["msg"])
    assert str(kubeconfig) in result["msg"]
    assert "s3cret" not in json.dumps(result)
