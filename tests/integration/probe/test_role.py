"""The role lane_proof: its report, check mode, what it hands over, and how it fails."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

from . import servers

ROOT = Path(__file__).parents[3]


def play(folder: Path, *arguments: str, **variables: Any) -> subprocess.CompletedProcess[str]:
    file = folder / "variables.json"
    file.write_text(json.dumps({"asm_lanes_report_dir": str(folder / "reports"), **variables}))
    command = [str(Path(sys.executable).with_name("ansible-playbook")), "playbooks/prove.yml"]
    return subprocess.run(
        [*command, "-e", f"@{file}", *arguments],
        cwd=ROOT,
        env={**os.environ, "ANSIBLE_NOCOLOR": "1", "ANSIBLE_SHOW_CUSTOM_STATS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_report_and_the_statistic(tmp_path: Path) -> None:
    with servers.serve(servers.App().build()) as url:
        done = play(tmp_path, asm_lanes_gateway_url=url, lane_proof_headers={"x-token": "hunter2-secret"})
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"lane v2 +v2 +helloworld v2 x4 +helloworld v1 x50 +ok", done.stdout)
    assert "17 of 17 cases passed" in done.stdout
    assert "changed=0" in done.stdout
    statistic = done.stdout.partition("CUSTOM STATS")[2]
    assert '"passed": true' in statistic
    assert '"lane v2": true' in statistic


def test_check_mode_connects_nowhere(tmp_path: Path) -> None:
    done = play(tmp_path, "--check", asm_lanes_gateway_url="http://127.0.0.1:9")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "17 cases not tried" in done.stdout


def test_a_difference_fails_the_play_naming_the_case_but_no_secret(tmp_path: Path) -> None:
    secret = "hunter2-secret"
    app = servers.App(lanes={}, text=lambda version: f"Hello version: {version}, you sent {secret}")
    with servers.serve(app.build()) as url:
        done = play(
            tmp_path,
            "-vvv",
            asm_lanes_gateway_url=url,
            lane_proof_settle_timeout=0,
            lane_proof_headers={"x-token": secret},
        )
    output = done.stdout + done.stderr
    assert done.returncode == 2
    assert "6 of 17 cases differ" in output
    assert "lane v2: own messages: default/helloworld v1 answered 4 of 4, expected v2" in output
    assert secret not in output


def test_a_lab_that_is_down_is_one_line(tmp_path: Path) -> None:
    done = play(
        tmp_path, asm_lanes_gateway_address="127.0.0.1", asm_lanes_gateway_port=9, lane_proof_settle_timeout=0
    )
    assert done.returncode == 2
    assert "The lanes cannot be proven at http://127.0.0.1:9: connection refused" in done.stdout + done.stderr
    assert "own messages" not in done.stdout


def test_an_unknown_gateway_is_told(tmp_path: Path) -> None:
    done = play(tmp_path)
    assert done.returncode == 2
    assert "Set asm_lanes_gateway_url" in done.stdout + done.stderr


def test_several_meshes_are_told_of_one_by_one(tmp_path: Path) -> None:
    inventory = tmp_path / "meshes.json"
    with (
        servers.serve(servers.App(lanes={}).build()) as broken,
        servers.serve(servers.App().build()) as sound,
    ):
        urls = {"staging": broken, "production": sound}
        hosts = {name: {"asm_lanes_gateway_url": url} for name, url in urls.items()}
        inventory.write_text(json.dumps({"all": {"hosts": hosts}}))
        done = play(tmp_path, "-i", str(inventory), asm_lanes_hosts="all", lane_proof_settle_timeout=0)
    assert done.returncode == 2
    told = done.stdout.partition("LANES prove")[2].splitlines()
    assert any(line.startswith("  staging: proof: 11 of 17 cases passed") for line in told), done.stdout
    assert any(line.startswith("  production: proof: 17 of 17 cases passed") for line in told), told
    assert any(line.startswith("  next: asm.lanes.preflight and asm.lanes.drift") for line in told)
    pages = {file.name for file in (tmp_path / "reports").glob("*.html")}
    assert pages == {"lane-proof-staging.html", "lane-proof-production.html"}
