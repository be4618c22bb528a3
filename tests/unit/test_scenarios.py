"""Scenarios of molecule that cannot run here: their variables are known, their playbooks can be read."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
ELSEWHERE = ("ack", "kind", "minikube")


def load(file: Path) -> Any:
    return yaml.safe_load(file.read_text())


def known_variables() -> set[str]:
    """Variables of all roles, and the shared ones that docs/real-asm.md lists."""
    specs = [load(file)["argument_specs"]["main"] for file in ROOT.glob("roles/*/meta/argument_specs.yml")]
    shared = {
        word for word in (ROOT / "docs/real-asm.md").read_text().split("`") if word.startswith("asm_lanes_")
    }
    return {name for spec in specs for name in spec.get("options") or {}} | shared


@pytest.mark.parametrize("name", ELSEWHERE)
def test_its_variables_exist(name: str) -> None:
    """And nothing else is expected than of the guide in the lab."""
    own = set(load(ROOT / "molecule" / name / "vars.yml"))
    assert own and own <= known_variables()


@pytest.mark.parametrize("name", ELSEWHERE)
@pytest.mark.parametrize("playbook", ["create", "converge", "check_mode", "cleanup", "destroy"])
def test_its_playbooks_can_be_read(name: str, playbook: str) -> None:
    command = [
        str(Path(sys.executable).with_name("ansible-playbook")),
        *("--syntax-check", "--inventory=localhost,"),
        f"--extra-vars=@{ROOT}/molecule/{name}/vars.yml",
        f"{ROOT}/molecule/shared/{playbook}.yml",
    ]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_make_test_leaves_them_out() -> None:
    makefile = (ROOT / "Makefile").read_text()
    assert "MOLECULE_GLOB := molecule/{default,custom}/molecule.yml" in makefile
    scenarios = {file.parent.name for file in ROOT.glob("molecule/*/molecule.yml")}
    assert scenarios == {"default", "custom", *ELSEWHERE}
