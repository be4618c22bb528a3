"""Which lanes a rollback keeps, and with which weights, without a server."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar, trust_as_template

ROLE = Path(__file__).parents[3] / "roles/lane_rollback"
DESTINATION = {"service": "default/wsk-svc", "port": 5000}


def evaluate(name: str, group: dict[str, Any], **variables: Any) -> Any:
    """A variable of the role, given the group that was read and the user's variables."""
    loader = DataLoader()
    known: dict[str, Any] = {"lane_rollback_found": {"lane_groups": [group]}, "asm_lanes_mesh_id": "c1"}
    for part in ("defaults", "vars"):
        known |= loader.load_from_file(str(ROLE / part / "main.yml"), trusted_as_template=True)
    return Templar(loader, variables=known | variables).template(trust_as_template("{{ " + name + " }}"))


def group(**weights: int) -> dict[str, Any]:
    """A group of base, v1 and v2, with weights at the gateway where they are given."""
    lanes = []
    for lane in ("base", "v1", "v2"):
        weight = {"weight": weights[lane], "destination": DESTINATION} if lane in weights else {}
        lanes.append({"name": lane, "services": ["default/wsk-svc"], "ingress_weight": weight})
    return {"mode": "permissive", "baseline": "base", "lanes": lanes}


def kept(group: dict[str, Any], **variables: Any) -> dict[str, int | None]:
    """Weights of the lanes that stay, by name; None without."""
    lanes = evaluate("__lane_rollback_kept", group, **variables)
    return {lane["name"]: lane["ingress_weight"].get("weight") for lane in lanes}


@pytest.mark.parametrize(
    ("lanes", "expected"),
    [([], {"base"}), (["v2"], {"base", "v1"}), ("v1, v2", {"base"}), (["gone"], {"base", "v1", "v2"})],
)
def test_who_stays(lanes: Any, expected: set[str]) -> None:
    assert set(kept(group(), asm_lanes_rollback_lanes=lanes)) == expected


def test_weights_that_are_left_stay() -> None:
    assert kept(group(base=90, v1=5, v2=5), asm_lanes_rollback_lanes="v2") == {"base": 90, "v1": 5}


@pytest.mark.parametrize("weights", [{"base": 0, "v2": 100}, {"v2": 100}])
def test_without_any_weight_left_the_baseline_takes_all(weights: dict[str, int]) -> None:
    assert kept(group(**weights), asm_lanes_rollback_lanes=["v2"]) == {"base": 100, "v1": None}


def test_rule_based_groups_get_no_weight() -> None:
    assert kept(group()) == {"base": None}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"mode": "strict"}, "it is strict"),
        ({"baseline": None}, "it has no baseline"),
        ({"baseline": "v2"}, "v2 is its baseline"),
    ],
)
def test_problems(change: dict[str, Any], words: str) -> None:
    found = evaluate("__lane_rollback_problem", {**group(), **change}, asm_lanes_rollback_lanes="v2")
    assert words in found
    assert not evaluate("__lane_rollback_problem", group(), asm_lanes_rollback_lanes="v2")
