"""The rulebook, run by ansible-rulebook: a real event through to a real change in a lab."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import Request, urlopen

import pytest
import yaml
from lab_fixture import RunningLab, lab_command, start_lab
from tools_env import ROOT, path_with_tools, tool

RULEBOOK = "asm.lanes.lanes"  # found in the collection, as users call it
TOKEN = "t0ken-for-senders-of-events"

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


def java() -> str:
    """The home of Java 17 or newer; skips the test without it."""
    program = shutil.which("java")
    if not program:
        pytest.skip("ansible-rulebook needs Java 17 or newer, and there is no java on PATH")
    return str(Path(program).resolve().parents[1])


class Rulebook:
    """ansible-rulebook, running against a lab."""

    def __init__(self, lab: RunningLab, folder: Path, port: int) -> None:
        self.lab, self.log = lab, folder / "rulebook.log"
        self.url = f"http://127.0.0.1:{port}/events"
        variables = folder / "events.yml"
        variables.write_text(yaml.safe_dump({"asm_lanes_event_port": port, "asm_lanes_event_token": TOKEN}))
        command = [
            tool("ansible-rulebook"),
            "-r",
            str(RULEBOOK),
            "-i",
            str(lab.inventory),
            "-e",
            str(variables),
        ]
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                command,
                cwd=ROOT,
                env={**os.environ, "PATH": path_with_tools(), "JAVA_HOME": java(), "ANSIBLE_NOCOLOR": "1"},
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def send(self, event: dict[str, Any], token: str = TOKEN) -> int:
        """Post an event; returns the status."""
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {token}"}
        request = Request(self.url, json.dumps(event).encode(), headers)
        try:
            with urlopen(request, timeout=10) as answer:
                return int(answer.status)
        except URLError as error:
            return int(getattr(error, "code", 0))

    def until(self, check: Callable[[], bool], what: str) -> None:
        deadline = time.monotonic() + 300
        while not check():
            assert self.process.poll() is None, self.log.read_text()
            assert time.monotonic() < deadline, f"not within five minutes: {what}\n{self.log.read_text()}"
            time.sleep(0.2)

    def played(self, words: str) -> Callable[[], bool]:
        return lambda: words in self.log.read_text()


def lanes(lab: RunningLab) -> set[str]:
    """The lanes, as the mesh's API server has them."""
    command = ["kubectl", "--kubeconfig", str(lab.mesh_kubeconfig), "get", "asmswimlanes", "-A", "-o", "json"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return {item["metadata"]["name"].removeprefix("ws-") for item in json.loads(done.stdout)["items"]}


def replay(lab: RunningLab) -> None:
    command = ["ansible-playbook", "-i", str(lab.inventory), "asm.lanes.site"]
    done = subprocess.run(
        command,
        cwd=ROOT,
        env={**os.environ, "PATH": path_with_tools()},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="module")
def own_lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningLab]:
    tool("ansible-rulebook")
    java()
    state_dir = tmp_path_factory.mktemp("lab")
    try:
        lab = start_lab(state_dir)
        replay(lab)
        yield lab
    finally:
        lab_command("stop", state_dir, "--purge")


@pytest.fixture(scope="module")
def rulebook(own_lab: RunningLab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rulebook]:
    running = Rulebook(own_lab, tmp_path_factory.mktemp("eda"), free_port())
    try:
        running.until(lambda: running.send({"nothing": True}) == 200, "the webhook listens")
        yield running
    finally:
        running.process.terminate()
        running.process.wait(30)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def test_without_the_token_nothing_is_heard(rulebook: Rulebook) -> None:
    assert rulebook.send({"asm_lanes_proof": {"passed": False}}, token="another") == 401


def test_an_alert_takes_its_lane_back(own_lab: RunningLab, rulebook: Rulebook) -> None:
    before = lanes(own_lab)
    assert any("v2" in lane for lane in before), before
    template = "{{ lookup('ansible.builtin.pipe', 'touch /tmp/x') }}"
    rulebook.send({"status": "firing", "commonLabels": {"asm_lanes_lane": template}})
    rulebook.send({"status": "resolved", "commonLabels": {"asm_lanes_lane": "v1"}})
    rulebook.send({"status": "firing", "commonLabels": {"asm_lanes_lane": "v2"}})
    rulebook.until(rulebook.played("Taken out of lane group ws: v2."), "the lane is taken back")
    assert before - lanes(own_lab) == {lane for lane in before if "v2" in lane}


@pytest.mark.full
def test_a_failed_job_makes_it_look_for_itself(own_lab: RunningLab, rulebook: Rulebook) -> None:
    # The proof of the guide's three lanes fails, for v2 is gone: what is left goes back, too.
    rulebook.send({"name": "asm.lanes prove", "status": "failed", "playbook": "playbooks/prove.yml"})
    rulebook.until(rulebook.played("Taken out of lane group ws: v1."), "the rest is taken back")
    assert len(lanes(own_lab)) == 1


@pytest.mark.full
def test_a_failed_proof_goes_back_at_once(own_lab: RunningLab, rulebook: Rulebook) -> None:
    replay(own_lab)
    assert len(lanes(own_lab)) == 3
    rulebook.send({"asm_lanes_proof": {"passed": False, "reached": True, "summary": "1 of 9 cases differ"}})
    rulebook.until(rulebook.played("Taken out of lane group ws: v1, v2."), "all lanes are taken back")
    assert len(lanes(own_lab)) == 1
