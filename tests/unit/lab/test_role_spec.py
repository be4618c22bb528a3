"""The role's argument specification says what the lab really takes."""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml
from asm_lanes_lab import images, requirements
from asm_lanes_lab.images import ImageRow
from asm_lanes_lab.settings import Settings
from lab_fixture import LAB_FILES

ROLE = LAB_FILES.parent
REQUIREMENTS = LAB_FILES / "requirements.txt"


def specification() -> dict[str, Any]:
    data = yaml.safe_load((ROLE / "meta" / "argument_specs.yml").read_text())
    options: dict[str, Any] = data["argument_specs"]["main"]["options"]
    return options


def test_every_setting_is_in_the_specification() -> None:
    options = specification()["lab_settings"]["options"]
    elsewhere = {"state_dir", "control_plane", "mesh"}  # lab_state_dir, lab_control_plane, lab_mesh
    assert set(options) == {item.name for item in dataclasses.fields(Settings)} - elsewhere
    assert specification()["lab_control_plane"]["default"] == Settings.control_plane
    assert specification()["lab_mesh"]["default"] == Settings.mesh
    rows = options["images"]["options"]
    assert set(rows) == {item.name for item in dataclasses.fields(ImageRow)}
    assert tuple(rows["app"]["choices"]) == images.APPS


def test_documented_defaults_are_the_real_ones(tmp_path: Path) -> None:
    settings = Settings.parse({}, tmp_path).as_dict()
    for name, option in specification()["lab_settings"]["options"].items():
        if name not in ("images", "envoy_path"):
            assert f"Default C({settings[name]})." in option["description"], name


def test_every_variable_has_a_default_and_the_other_way_round() -> None:
    defaults = yaml.safe_load((ROLE / "defaults" / "main.yml").read_text())
    assert set(defaults) == set(specification())
    for name, option in specification().items():
        assert "default" not in option or option["default"] == defaults[name], name


def test_this_python_can_run_the_lab() -> None:
    assert requirements.missing(REQUIREMENTS) == []


def test_what_is_missing_is_named(tmp_path: Path) -> None:
    wanted = tmp_path / "requirements.txt"
    wanted.write_text("# two\naiohttp<1\nno-such-thing>=2  # never\nPyYAML\n")
    command = [sys.executable, "-m", "asm_lanes_lab.requirements", str(wanted), str(tmp_path / "none")]
    answer = json.loads(subprocess.run(command, cwd=LAB_FILES, capture_output=True, check=True).stdout)
    assert answer == {"python": "", "missing": ["aiohttp<1", "no-such-thing>=2"]}
