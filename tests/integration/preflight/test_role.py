"""The role on real APIs: its report, check mode, failure, and no secrets anywhere."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from .conftest import KEY, World

ROOT = Path(__file__).parents[3]


def play(world: World, *arguments: str, **variables: Any) -> subprocess.CompletedProcess[str]:
    """Run playbooks/preflight.yml; variables by file, as secrets have no place on a command line."""
    given = {
        "asm_lanes_mesh_id": "lab-mesh",
        "asm_lanes_endpoint": world.asm,
        "asm_lanes_protocol": "http",
        "asm_lanes_access_key_id": KEY.access_key_id,
        "asm_lanes_access_key_secret": KEY.access_key_secret,
        "asm_lanes_cluster_kubeconfig": str(world.cluster_file),
        "asm_lanes_mesh_kubeconfig": str(world.mesh_file),
        **variables,
    }
    file = world.folder / "variables.json"
    file.write_text(json.dumps(given))
    command = [str(Path(sys.executable).with_name("ansible-playbook")), "playbooks/preflight.yml"]
    return subprocess.run(
        [*command, "-e", f"@{file}", *arguments],
        cwd=ROOT,
        env={**os.environ, "ANSIBLE_NOCOLOR": "1"},
        capture_output=True,
        text=True,
        check=False,
    )


def test_all_is_well_also_in_check_mode(world: World) -> None:
    done = play(world, "--check")
    assert done.returncode == 0, done.stdout
    assert "17 checks: 17 ok, 0 warning, 0 failed, 0 skipped" in done.stdout
    assert "changed=0" in done.stdout


def test_all_failures_are_told_at_once_and_no_secret(world: World) -> None:
    secret = "hunter2-is-a-secret"
    done = play(
        world,
        "-vvv",
        asm_lanes_access_key_secret=secret,
        asm_lanes_gateway_port=8080,
        asm_lanes_namespace="shop",
        asm_lanes_gateway_rule_namespace="default",
    )
    assert done.returncode == 2
    assert "3 of 17 prerequisites are not met" in done.stdout + done.stderr
    for check in ("mesh", "namespace", "gateway_port"):
        assert f"- {check} (failed)" in done.stdout + done.stderr
    assert secret not in done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr


def test_failing_is_a_choice(world: World) -> None:
    done = play(world, asm_lanes_gateway_port=8080, preflight_fail_on="never")
    assert done.returncode == 0
    assert "1 failed" in done.stdout
    assert "gateway_routing_manage_gateway_port" in done.stdout
