"""The role ``lab`` and its playbook: check mode, idempotence, errors in the lab's own words."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from lab_fixture import RunningLab, free_networks

PLAYBOOK = Path(sys.executable).parent / "ansible-playbook"
ROOT = Path(__file__).parents[3]


def play(state: str, folder: Path, *arguments: str, **settings: Any) -> tuple[str, int]:
    """Run the playbook; its output, and how many tasks have changed something (-1 when it failed)."""
    given = {"cluster_api_port": 0, "mesh_api_port": 0, "asm_api_port": 0, **settings}
    values = {"lab_state": state, "lab_state_dir": str(folder), "lab_settings": given}
    done = subprocess.run(
        [str(PLAYBOOK), "asm.lanes.lab", "-e", json.dumps(values), *arguments],
        cwd=ROOT,
        env=os.environ | {"ANSIBLE_NOCOLOR": "1"},
        capture_output=True,
        check=False,
        text=True,
        timeout=100,
    )
    changed = re.search(r"changed=(\d+)", done.stdout)
    assert changed, done.stdout + done.stderr
    return done.stdout + done.stderr, int(changed[1]) if done.returncode == 0 else -1


def test_life_of_a_lab(tmp_path: Path) -> None:
    networks = free_networks()
    folder = tmp_path / "lab"
    try:
        said, changed = play("started", folder, "--check", **networks)
        assert (changed, folder.exists()) == (1, False), said
        said, changed = play("started", folder, **networks)
        assert changed == 1, said
        assert f"ansible-playbook -i {folder}/inventory.yml asm.lanes.site" in said
        said, changed = play("started", folder, **networks)
        assert changed == 0, said
    finally:
        said, changed = play("stopped", folder, "-e", "lab_purge=true")
    assert changed == 2, said
    assert not folder.exists()
    said, changed = play("stopped", folder)
    assert changed == 0, said


def test_reset_and_status_of_a_running_lab(lab: RunningLab) -> None:
    said, changed = play("status", lab.state_dir)
    assert changed == 0, said
    assert f'"pid": {lab.status()["pid"]}' in said
    assert lab.credentials["access_key_secret"] not in said
    resets = lab.status()["resets"]
    said, changed = play("reset", lab.state_dir, "--check")
    assert (changed, lab.status()["resets"]) == (1, resets), said


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"mesh_edition": "gold"}, "value of mesh_edition must be one of"),
        ({"gateway_address": "10.0.0.1"}, "gateway_address: expected a loopback address"),
    ],
)
def test_bad_settings_fail_in_plain_words(tmp_path: Path, settings: dict[str, Any], words: str) -> None:
    said, changed = play("started", tmp_path, **settings)
    assert changed == -1
    assert words in said
    assert "Traceback" not in said
