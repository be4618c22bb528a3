"""Molecule's scenarios for clusters of one's own, with the lab in the place of what is not to be had here.

Everything of them runs but the cloud: a kubeconfig and an inventory of one's own, other images, and the wait
for the address of a load balancer, which the lab gives to the gateway's Service.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from lab_fixture import RunningLab, lab_command, start_lab

ROOT = Path(__file__).parents[3]
IMAGES = [
    {"image": "asm-lanes/wsk:*", "app": "wsk"},
    {"image": "asm-lanes/helloworld-v*:*", "app": "helloworld"},
]

pytestmark = [pytest.mark.full, pytest.mark.slow, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def instance(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningLab]:
    """Stands in for an ASM instance and its cluster, which are there before and after the scenario."""
    state_dir = tmp_path_factory.mktemp("lab")
    try:
        yield start_lab(state_dir, images=IMAGES)
    finally:
        lab_command("stop", state_dir, "--purge")


def molecule(command: str, scenario: str, inventory: Path) -> str:
    """Run a sequence of a scenario on the instance of an inventory; its output, as one line."""
    environment = os.environ | {
        "ANSIBLE_FORCE_COLOR": "0",
        "ANSIBLE_HOME": str(ROOT / ".ansible"),
        "ASM_LANES_INVENTORY": str(inventory),
        "MOLECULE_EPHEMERAL_DIRECTORY": str(inventory.parent / scenario),
        "MOLECULE_GLOB": "molecule/*/molecule.yml",
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
    }
    environment.pop("CONTROL_PLANE", None)  # of the lab that the scenario shall not start
    done = subprocess.run(
        ["molecule", command, "--scenario-name", scenario],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=800,
    )
    assert done.returncode == 0, done.stdout
    return " ".join(done.stdout.split())


@pytest.mark.parametrize("scenario", ["ack", "kind", "minikube"])
def test_it_runs_on_an_instance_of_ones_own(instance: RunningLab, scenario: str, tmp_path: Path) -> None:
    variables: dict[str, Any] = dict(instance.variables)
    address = variables.pop("asm_lanes_gateway_address")
    if scenario == "kind":  # whose nodes publish node ports
        variables["asm_lanes_gateway_address"] = address
    inventory = tmp_path / "my-mesh.yml"
    inventory.write_text(yaml.safe_dump({"lab": {"hosts": {"localhost": None}, "vars": variables}}))
    # Where no address is said, the proof finds that of the load balancer, or there is no proof.
    assert re.search(r"(\d+) of \1 cases passed", molecule("converge", scenario, inventory))
    assert re.search(r"\d+ passed", molecule("verify", scenario, inventory))
    molecule("destroy", scenario, inventory)  # which takes the guide back, and looks whether all is as before
    assert instance.status()["ready"], "an instance of one's own stays"
