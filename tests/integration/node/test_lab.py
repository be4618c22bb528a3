"""The guide on a whole lab: the probe and the guide's own client see the same."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from integration.probe.probing import prove
from kube_client import connected
from lab_fixture import RunningLab

from .conftest import Client

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def guide(lab: RunningLab) -> Iterator[RunningLab]:
    """The lab with the guide replayed on it, as a user would; as new afterwards."""
    lab.reset()
    playbook = str(Path(sys.executable).with_name("ansible-playbook"))
    done = subprocess.run(
        [playbook, "-i", str(lab.inventory), "playbooks/site.yml"],
        cwd=ROOT,
        env={**os.environ, "ANSIBLE_NOCOLOR": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    yield lab
    lab.reset()


def scale(lab: RunningLab, deployment: str, replicas: int) -> None:
    with connected(lab.cluster_kubeconfig) as cluster:
        cluster.patch("Deployment", deployment, "default", {"spec": {"replicas": replicas}})


def test_the_probe_proves_the_lanes(guide: RunningLab) -> None:
    proof = prove(guide.gateway_url())
    assert proof["passed"], proof["message"]
    assert proof["summary"].startswith("17 of 17 cases passed: 20 connections, 25 messages, 25 answers")


@pytest.mark.node
@pytest.mark.parametrize(("version", "answer"), [("v2", "v2"), ("v1", "v1"), (None, "v1"), ("v22", "v1")])
def test_the_guides_own_client_sees_the_same(
    guide: RunningLab, node_client: Client, version: str | None, answer: str
) -> None:
    done = node_client(guide.gateway_url(), version, 2)
    assert done.returncode == 0, done.stderr
    connected, *said = done.stdout.splitlines()
    assert re.fullmatch(r"Connected! [0-9a-f-]{36}", connected)
    assert [line.partition(", ")[0] for line in sorted(said)] == [
        "Broadcast: Hello version: v1",
        f"Server response: Hello version: {answer}",
    ]


def test_a_lane_without_pods_is_found(guide: RunningLab) -> None:
    scale(guide, "helloworld-v2", 0)
    deadline = time.monotonic() + 15
    while (proof := prove(guide.gateway_url()))["passed"] and time.monotonic() < deadline:
        time.sleep(0.2)
    scale(guide, "helloworld-v2", 1)
    differences = {case["name"]: case["differences"] for case in proof["cases"] if not case["passed"]}
    assert "lane v2" in differences
    assert all(case["lane"] == "v2" for case in proof["cases"] if not case["passed"])
    deadline = time.monotonic() + 15
    while not (proof := prove(guide.gateway_url()))["passed"] and time.monotonic() < deadline:
        time.sleep(0.2)
    assert proof["passed"], proof["message"]
