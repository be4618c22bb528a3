"""The rulebook, run by ansible-rulebook: a real event through to a real change in a lab."""

from __future__ import annotations

import json
import os
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
from kube_client import connected
from lab_fixture import RunningLab, lab_command, start_lab
from tools_env import ROOT, path_with_tools, program, tool

RULEBOOK = "asm.lanes.lanes"  # found in the collection, as users call it
TOKEN = "t0ken-for-senders-of-events"

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


def java() -> str:
    """The home of Java 17 or newer; skips the test without it."""
    found = program("java", "ansible-rulebook needs Java 17 or newer")
    return str(Path(found).resolve().parents[1])


class Rulebook:
    """ansible-rulebook, running against a lab."""

    def __init__(self, lab: RunningLab, folder: Path, port: int) -> None:
        self.lab, self.log, self.before = lab, folder / "rulebook.log", 0
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
        """Whether it has said these words since the last `forget`."""
        return lambda: words in self.log.read_text()[self.before :]

    def forget(self) -> None:
        """What was said until now is not this test's."""
        self.before = len(self.log.read_text())


def lanes(lab: RunningLab) -> set[str]:
    """The lanes, as the mesh's API server has them."""
    with connected(lab.mesh_kubeconfig) as mesh:
        return {lane["metadata"]["name"].removeprefix("ws-") for lane in mesh.all("ASMSwimLane")}


def play(lab: RunningLab, name: str, *arguments: str) -> None:
    command = ["ansible-playbook", "-i", str(lab.inventory), f"asm.lanes.{name}", *arguments]
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
        yield start_lab(state_dir)
    finally:
        lab_command("stop", state_dir, "--purge")


@pytest.fixture(scope="module")
def running(own_lab: RunningLab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rulebook]:
    rulebook = Rulebook(own_lab, tmp_path_factory.mktemp("eda"), free_port())
    try:
        rulebook.until(lambda: rulebook.send({"nothing": True}) == 200, "the webhook listens")
        yield rulebook
    finally:
        rulebook.process.terminate()
        rulebook.process.wait(30)


@pytest.fixture
def rulebook(own_lab: RunningLab, running: Rulebook) -> Rulebook:
    """The rulebook, over the guide's three lanes, whatever other tests left of them."""
    play(own_lab, "site")
    assert lanes(own_lab) == {"base", "v1", "v2"}
    running.forget()
    return running


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def test_without_the_token_nothing_is_heard(rulebook: Rulebook) -> None:
    assert rulebook.send({"asm_lanes_proof": {"passed": False}}, token="another") == 401


def test_an_alert_takes_its_lane_back(own_lab: RunningLab, rulebook: Rulebook) -> None:
    template = "{{ lookup('ansible.builtin.pipe', 'touch /tmp/x') }}"
    rulebook.send({"status": "firing", "commonLabels": {"asm_lanes_lane": template}})
    rulebook.send({"status": "resolved", "commonLabels": {"asm_lanes_lane": "v1"}})
    rulebook.send({"status": "firing", "commonLabels": {"asm_lanes_lane": "v2"}})
    rulebook.until(rulebook.played("Taken out of lane group ws: v2."), "the lane is taken back")
    assert lanes(own_lab) == {"base", "v1"}


@pytest.mark.full
def test_a_failed_job_makes_it_look_for_itself(own_lab: RunningLab, rulebook: Rulebook) -> None:
    # The proof of the guide's three lanes fails, for v2 is gone: what is left goes back, too.
    play(own_lab, "rollback", "-e", "asm_lanes_rollback_lanes=v2")
    rulebook.send({"name": "asm.lanes prove", "status": "failed", "playbook": "playbooks/prove.yml"})
    rulebook.until(rulebook.played("Taken out of lane group ws: v1."), "the rest is taken back")
    assert lanes(own_lab) == {"base"}


@pytest.mark.full
def test_a_failed_proof_goes_back_at_once(own_lab: RunningLab, rulebook: Rulebook) -> None:
    rulebook.send({"asm_lanes_proof": {"passed": False, "reached": True, "summary": "1 of 9 cases differ"}})
    rulebook.until(rulebook.played("Taken out of lane group ws: v1, v2."), "all lanes are taken back")
    assert lanes(own_lab) == {"base"}


@pytest.mark.full
def test_drift_of_lanes_that_answer_as_promised_changes_nothing(
    own_lab: RunningLab, rulebook: Rulebook
) -> None:
    rulebook.send({"asm_lanes_drift": {"counts": {"error": 1}}})
    rulebook.until(rulebook.played("PLAY RECAP"), "the lanes are proven")
    assert rulebook.played("17 of 17 cases passed")()
    assert lanes(own_lab) == {"base", "v1", "v2"}
