"""Surveys for AWX hold to the roles: what is asked, with which default, and whether the answer arrives."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.errors import AnsibleFilterError
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar, trust_as_template
from ansible_collections.asm.lanes.plugins.filter.awx_survey import awx_survey

ROLES = Path(__file__).parents[3] / "roles"
PLAYBOOKS = ROLES.parent / "playbooks"
DEFAULTS = yaml.safe_load((ROLES / "awx_setup/defaults/main.yml").read_text())
TEMPLATES = {template["name"]: template for template in DEFAULTS["awx_setup_job_templates"]}
QUESTIONS = [
    pytest.param(question, id=f"{name} {question['variable']}")
    for name, template in TEMPLATES.items()
    for question in template["survey"]
]


def specifications() -> dict[str, Any]:
    return {
        file.parents[1].name: yaml.safe_load(file.read_text())["argument_specs"]["main"]["options"]
        for file in ROLES.glob("*/meta/argument_specs.yml")
    }


def effective(role: str, option: str, **variables: Any) -> Any:
    """What the role makes of an option, given the user's variables; the last part of a dotted option."""
    loader = DataLoader()
    known: dict[str, Any] = {"asm_lanes_mesh_id": "some-mesh"}
    for part in ("defaults", "vars"):
        known |= loader.load_from_file(str(ROLES / role / part / "main.yml"), trusted_as_template=True)
    return Templar(loader, variables=known | variables).template(trust_as_template("{{ " + option + " }}"))


@pytest.mark.parametrize("question", QUESTIONS)
def test_the_answer_arrives_at_the_option(question: dict[str, Any]) -> None:
    role, _dot, option = question["option"].partition(".")
    answer = "an-answer"
    assert effective(role, option, **{question["variable"]: answer}) == answer


@pytest.mark.parametrize("question", QUESTIONS)
def test_the_default_is_the_roles(question: dict[str, Any]) -> None:
    (item,) = awx_survey([question], specifications())
    role, _dot, option = question["option"].partition(".")
    if "default" in item:
        assert item["default"] == effective(role, option)
    assert item["question_description"]
    assert "C(" not in item["question_description"]


def test_the_templates_play_playbooks_that_there_are() -> None:
    for template in TEMPLATES.values():
        assert (PLAYBOOKS / template["playbook"]).exists(), template["name"]


def test_the_nodes_lead_to_nodes_that_come_later() -> None:
    nodes = DEFAULTS["awx_setup_workflow_nodes"]
    seen: set[str] = set()
    for node in reversed(nodes):
        for way in ("success", "failure", "always"):
            assert set(node.get(way, [])) <= seen, node
        seen.add(node["identifier"])
        assert "approval" in node or node["job_template"] in TEMPLATES
        assert "job_type" not in node or TEMPLATES[node["job_template"]].get("ask_job_type")


OPTIONS: dict[str, Any] = {
    "r": {
        "name": {"type": "str", "required": True, "description": "Name. Default C(asm_lanes_x), else V(a)."},
        "n": {"type": "int", "default": 3, "description": ["One O(r)", "Two"]},
        "on": {"type": "bool", "default": False},
        "mode": {"type": "str", "choices": ["a", "b"], "default": "a"},
        "many": {"type": "list"},
        "nested": {"type": "dict", "options": {"inner": {"type": "float", "default": 1}}},
    }
}


def ask(option: str, **more: Any) -> dict[str, Any]:
    variables = {key: more.pop(key) for key in ("inventory", "hosts") if key in more}
    (item,) = awx_survey([{"variable": "asm_lanes_x", "option": option, **more}], OPTIONS, **variables)
    return item


def test_types_choices_and_defaults() -> None:
    assert ask("r.name") == {
        "variable": "asm_lanes_x",
        "question_name": "X",
        "question_description": "Name.",
        "type": "text",
        "required": True,
    }
    assert (ask("r.n")["type"], ask("r.n")["default"]) == ("integer", 3)
    assert ask("r.n")["question_description"] == "One r Two"
    assert (ask("r.on")["choices"], ask("r.on")["default"]) == (["true", "false"], "false")
    assert (ask("r.mode")["choices"], ask("r.mode")["default"]) == (["a", "b"], "a")
    assert (ask("r.nested.inner")["type"], ask("r.nested.inner")["default"]) == ("float", 1.0)


def test_the_inventory_gives_the_default_and_hosts_take_the_question_away() -> None:
    stated = ask("r.name", inventory={"asm_lanes_x": "mine"})
    assert (stated["default"], stated["required"]) == ("mine", False)
    question = {"variable": "asm_lanes_x", "option": "r.name"}
    assert awx_survey([question], OPTIONS, {}, {"one": {"asm_lanes_x": "own"}, "two": None}) == []


def test_what_cannot_be_asked_is_told() -> None:
    with pytest.raises(AnsibleFilterError, match=r"asm_lanes_x: AWX asks for no list"):
        ask("r.many")
    assert ask("r.many", type="text")["type"] == "text"
    with pytest.raises(AnsibleFilterError, match=r"role r has no option nope\. Name one"):
        ask("r.nope")
