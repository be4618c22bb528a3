"""The guide replayed, again, taken back and replayed once more, on the control plane that is wanted."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from lab_fixture import RunningLab, lab_command, start_lab
from planes import Http

ROOT = Path(__file__).parents[3]
PODS = "/api/v1/namespaces/default/pods"


@pytest.fixture(scope="module")
def own_lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningLab]:
    state_dir = tmp_path_factory.mktemp("lab")
    try:
        yield start_lab(state_dir)
    finally:
        lab_command("stop", state_dir, "--purge")


def play(lab: RunningLab, playbook: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Play a playbook of the collection."""
    program = str(Path(sys.executable).with_name("ansible-playbook"))
    return subprocess.run(
        [program, f"--inventory={lab.inventory}", playbook, *arguments],
        cwd=ROOT,
        env={**os.environ, "ANSIBLE_NOCOLOR": "1"},
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )


def changes(lab: RunningLab, playbook: str) -> int:
    """Play a playbook of the collection, which must succeed; the tasks that changed something."""
    done = play(lab, playbook)
    found = re.search(r"localhost .*changed=(\d+) ", done.stdout)
    assert done.returncode == 0 and found, done.stdout + done.stderr
    return int(found[1])


@pytest.mark.full
@pytest.mark.slow
@pytest.mark.timeout(900)
def test_site_teardown_and_site_again(own_lab: RunningLab) -> None:
    assert changes(own_lab, "asm.lanes.site") > 0
    assert changes(own_lab, "asm.lanes.site") == 0
    cluster = Http(own_lab.cluster_kubeconfig)
    pods = cluster("GET", PODS).body["items"]
    owners = [pod["metadata"]["ownerReferences"][0]["kind"] for pod in pods]
    assert owners == ["ReplicaSet"] * 3
    log = cluster("GET", f"{PODS}/{pods[0]['metadata']['name']}/log")
    assert log.code == 200
    assert changes(own_lab, "asm.lanes.teardown") > 0
    assert changes(own_lab, "asm.lanes.teardown") == 0
    assert cluster("GET", PODS).body["items"] == []
    cluster.close()
    assert changes(own_lab, "asm.lanes.site") > 0  # it proves the lanes again
    assert changes(own_lab, "asm.lanes.site") == 0


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_replay_that_proves_nothing_fails_in_the_end_and_says_who_answered(own_lab: RunningLab) -> None:
    services = ["default/wsk-svc", "default/helloworld", "default/missing"]
    variables = {
        # The pattern finds version "v" in whatever is answered, which no lane promises.
        "lane_proof_answer_pattern": "(?P<version>v)ersion",
        "lane_proof_settle_timeout": 1,
        # ASM takes a service that does not exist, and objects to the lane.
        "asm_lanes_services": services,
        "asm_lanes_lanes": [
            {"name": "base", "label_selector": {"version": "v1"}, "services": services},
            {"name": "v2", "label_selector": {"version": "v2"}, "services": services[1:2]},
        ],
    }
    chosen = ["--extra-vars", json.dumps(variables), "--skip-tags", "preflight"]
    done = play(own_lab, "asm.lanes.site", *chosen)
    assert done.returncode != 0
    after = done.stdout.partition("TASK [Summary")[2]
    assert "fatal: [localhost]: FAILED!" in after, done.stdout
    assert "lane group ws: changed" in after or "lane group ws: unchanged" in after
    assert "lane v2: " in after
    assert "ASM objects to lane base: service default/missing does not exist" in after
    assert "asm.lanes.preflight and asm.lanes.drift look for the cause" in after  # it was handed over
