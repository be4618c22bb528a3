"""The guide on a whole lab: the probe and the guide's own client see the same."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.asm.lanes.plugins.module_utils._lanes import model, words
from ansible_collections.asm.lanes.plugins.module_utils._probe import cases, client, verdict
from ansible_collections.asm.lanes.plugins.module_utils._probe.reading import DEFAULT_PATTERN, Reader
from lab_fixture import RunningLab

from .conftest import Client

ROOT = Path(__file__).parents[3]
HELLO = "default/helloworld"
BOTH = ["default/wsk-svc", HELLO]
GROUP = words.parse(
    {
        "name": "ws",
        "mode": "permissive",
        "route_header": "version",
        "trace_header": "baggage",
        "gateway_rule": {"name": "ws-gateway", "namespace": "default"},
        "services": BOTH,
        "baseline": "base",
        "lanes": [
            {"name": "base", "label_selector": {"version": "v1"}, "services": BOTH},
            {"name": "v1", "label_selector": {"version": "v1"}, "services": [HELLO]},
            {"name": "v2", "label_selector": {"version": "v2"}, "services": [HELLO]},
        ],
    }
)


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


def prove(lab: RunningLab) -> dict[str, Any]:
    tried = cases.from_group(GROUP, [model.ServiceRef("default", "helloworld")], "version")
    seen = client.run(
        [(case.name, case.header) for case in tried], client.Settings(lab.gateway_url(), "version")
    )
    return verdict.judge(tried, seen, verdict.Rules("version", Reader.parse(DEFAULT_PATTERN, [HELLO])))


def scale(lab: RunningLab, deployment: str, replicas: int) -> None:
    kubectl = ["kubectl", "--kubeconfig", str(lab.cluster_kubeconfig)]
    subprocess.run([*kubectl, "scale", f"deployment/{deployment}", f"--replicas={replicas}"], check=True)


def test_the_probe_proves_the_lanes(guide: RunningLab) -> None:
    proof = prove(guide)
    assert proof["passed"], verdict.failure_message(proof, guide.gateway_url())
    assert proof["summary"].startswith("9 of 9 cases passed: 18 connections, 36 messages, 36 answers")


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
    while (proof := prove(guide))["passed"] and time.monotonic() < deadline:
        time.sleep(0.2)
    scale(guide, "helloworld-v2", 1)
    differences = {case["name"]: case["differences"] for case in proof["cases"] if not case["passed"]}
    assert set(differences) == {"lane v2"}
    deadline = time.monotonic() + 15
    while not (proof := prove(guide))["passed"] and time.monotonic() < deadline:
        time.sleep(0.2)
    assert proof["passed"], verdict.failure_message(proof, guide.gateway_url())
