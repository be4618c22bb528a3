"""Variables with the shared prefix: each is documented, and the example inventories use no other."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.inventory.manager import InventoryManager
from ansible.parsing.dataloader import DataLoader
from ansible.vars.manager import VariableManager

ROOT = Path(__file__).parents[3]
EXAMPLES = sorted((ROOT / "docs/examples").glob("*.yml"))
#: Statistics, which a workflow hands on as variables, and what only the rulebook and single playbooks take.
ELSEWHERE = {"asm_lanes_plan", "asm_lanes_proof", "asm_lanes_drift", "asm_lanes_rollback"}


def in_roles() -> set[str]:
    """The shared variables that a role's defaults or variables read."""
    texts = [
        file.read_text() for part in ("defaults", "vars") for file in ROOT.glob(f"roles/*/{part}/main.yml")
    ]
    return {name for text in texts for name in re.findall(r"\basm_lanes_[a-z_]+\b", text)} - ELSEWHERE


def documented() -> set[str]:
    table = (ROOT / "docs/real-asm.md").read_text()
    return set(re.findall(r"`(asm_lanes_[a-z_]+)[`.]", table))


def test_every_shared_variable_is_documented() -> None:
    assert in_roles() - {"asm_lanes_lab"} <= documented()


@pytest.mark.parametrize("file", EXAMPLES, ids=lambda file: file.stem)
def test_the_examples_are_inventories_of_known_variables(file: Path) -> None:
    loader = DataLoader()
    inventory = InventoryManager(loader=loader, sources=[str(file)])
    manager = VariableManager(loader=loader, inventory=inventory)
    hosts = inventory.get_hosts()
    assert len(hosts) > 1
    for host in hosts:
        variables: dict[str, Any] = manager.get_vars(host=host, include_hostvars=False)
        assert variables["asm_lanes_mesh_id"]
        ours = {name for name in variables if name.startswith("asm_lanes_")}
        assert ours <= documented(), ours - documented()
        roles = {
            name
            for spec in ROOT.glob("roles/*/meta/argument_specs.yml")
            for name in yaml.safe_load(spec.read_text())["argument_specs"]["main"]["options"]
        }
        others = {
            name for name in variables if name.startswith(("lane_", "gateway_", "sample_", "preflight_"))
        }
        assert others <= roles
