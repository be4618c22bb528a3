"""The playbook asm.lanes.rollback on a whole lab: who answers before, after, and when the lanes are back."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import socketio
from lab_fixture import RunningLab, lab_command, start_lab

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def own_lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningLab]:
    state_dir = tmp_path_factory.mktemp("lab")
    try:
        lab = start_lab(state_dir)
        assert play(lab, "site").returncode == 0
        yield lab
    finally:
        lab_command("stop", state_dir, "--purge")


def play(lab: RunningLab, book: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [Path(sys.executable).with_name("ansible-playbook"), "-i", lab.inventory, f"asm.lanes.{book}"]
    environment = {**os.environ, "ANSIBLE_NOCOLOR": "1", "ANSIBLE_SHOW_CUSTOM_STATS": "1"}
    return subprocess.run(
        [*command, *arguments],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


async def answer(lab: RunningLab, lane: str) -> str:
    """What a client of the application hears that asks for a lane; it knows nothing of the collection."""
    async with socketio.AsyncSimpleClient() as client:
        await client.connect(lab.gateway_url(), headers={"version": lane}, transports=["websocket"])
        await client.emit("test000", "somebody")
        while True:
            event, text, *_more = await client.receive(timeout=10)
            if event == "hello":
                return str(text)


async def answered(lab: RunningLab, lane: str, version: str) -> None:
    """Wait until the lane's clients hear that version: proxies take a moment to learn."""
    deadline = asyncio.get_running_loop().time() + 30
    while f"version: {version}," not in (text := await answer(lab, lane)):
        assert asyncio.get_running_loop().time() < deadline, text
        await asyncio.sleep(0.1)


def changed(done: subprocess.CompletedProcess[str]) -> bool:
    assert done.returncode == 0, done.stdout + done.stderr
    return "changed=0" not in done.stdout


@pytest.mark.slow
@pytest.mark.timeout(900)
async def test_there_and_back(own_lab: RunningLab) -> None:
    await answered(own_lab, "v2", "v2")

    assert "Would be taken out of lane group ws: v1, v2." in play(own_lab, "rollback", "--check").stdout
    await answered(own_lab, "v2", "v2")

    one = play(own_lab, "rollback", "-e", "asm_lanes_rollback_lanes=v2")
    assert changed(one)
    assert '"removed": [ "v2" ]' in " ".join(one.stdout.split())
    await answered(own_lab, "v2", "v1")
    assert not changed(play(own_lab, "rollback", "-e", "asm_lanes_rollback_lanes=v2"))

    rest = play(own_lab, "rollback")
    assert changed(rest)
    assert "Taken out of lane group ws: v1." in rest.stdout
    assert not changed(play(own_lab, "rollback"))

    assert changed(play(own_lab, "site"))
    await answered(own_lab, "v2", "v2")


def test_the_baseline_and_what_is_not_there_are_refused(own_lab: RunningLab) -> None:
    baseline = play(own_lab, "rollback", "-e", "asm_lanes_rollback_lanes=base")
    assert baseline.returncode == 2
    assert "base is its baseline, to which the others go back" in baseline.stdout + baseline.stderr
    missing = play(own_lab, "rollback", "-e", "asm_lanes_group_name=nowhere")
    assert missing.returncode == 2
    assert "there is no such lane group in mesh" in missing.stdout + missing.stderr


def test_a_gateway_that_cannot_be_reached_is_no_reason_to_roll_back(own_lab: RunningLab) -> None:
    unreachable = {"lane_proof_url": "http://127.0.0.1:9", "lane_proof_settle_timeout": 0}
    done = play(own_lab, "guard", "-e", json.dumps(unreachable))
    assert done.returncode == 2
    assert "The lanes cannot be proven at http://127.0.0.1:9: connection refused" in done.stdout + done.stderr
    assert "out of lane group ws" not in done.stdout
    assert "Would be taken out of lane group ws: v1, v2." in play(own_lab, "rollback", "--check").stdout


def test_through_the_openapi_alone(own_lab: RunningLab) -> None:
    done = play(own_lab, "rollback", "--check", "-e", "lane_rollback_mesh_kubeconfig=")
    assert changed(done)
    assert "Would be taken out of lane group ws: v1, v2." in done.stdout
