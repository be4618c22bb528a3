"""The role awx_setup against the stand-in: check mode, once, again, changed, taken back; in any order."""

from __future__ import annotations

import pytest
import yaml

from .conftest import ROOT, VARIABLES, Awx

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200)]
DEFAULTS = yaml.safe_load((ROOT / "roles/awx_setup/defaults/main.yml").read_text())
#: The type of question for a type of option; a list is asked for as text.
KINDS = {"str": "text", "list": "text", "int": "integer", "float": "float"}
TEMPLATES = ("preflight", "replay", "changes", "prove", "drift", "rollback", "teardown")


def test_check_mode_on_an_empty_awx(empty: Awx) -> None:
    done = empty.play("--check")
    assert done.code == 0, done.output
    assert done.changed > 0
    assert "would be made: preflight, replay" in done.output
    assert empty.controller.writes == []
    assert empty.controller.problems == []


def test_everything_is_made(awx: Awx) -> None:
    controller = awx.controller
    templates = controller.named("job_templates")
    assert set(templates) == {f"asm.lanes {name}" for name in TEMPLATES}
    assert templates["asm.lanes replay"]["playbook"] == "playbooks/site.yml"
    assert set(controller.named("credentials")) == {"asm.lanes Alibaba Cloud", "asm.lanes kubeconfigs"}
    assert list(controller.named("schedules")) == ["asm.lanes drift"]


def test_the_workflow_goes_as_stated(awx: Awx) -> None:
    controller = awx.controller
    nodes = {
        key: item["identifier"] for key, item in controller.objects["workflow_job_template_nodes"].items()
    }
    ways = {
        (nodes[key], way): {nodes[other] for other in others}
        for (key, way), others in controller.links.items()
        if key in nodes and others
    }
    assert ways == {
        ("preflight", "success_nodes"): {"plan"},
        ("plan", "success_nodes"): {"changes"},
        ("changes", "success_nodes"): {"approval"},
        ("changes", "failure_nodes"): {"prove"},
        ("approval", "success_nodes"): {"replay"},
        ("replay", "success_nodes"): {"prove"},
        ("replay", "failure_nodes"): {"rollback"},
        ("prove", "failure_nodes"): {"rollback"},
    }
    templates = {item["name"]: key for key, item in controller.objects["job_templates"].items()}
    plan = controller.named("workflow_job_template_nodes")["plan"]
    assert (plan["job_type"], plan["unified_job_template"]) == ("check", templates["asm.lanes replay"])


def test_who_is_told(awx: Awx) -> None:
    objects = awx.controller.objects
    templates = {**objects["job_templates"], **objects["workflow_job_templates"]}
    told = {
        (templates[key]["name"].removeprefix("asm.lanes "), way.removeprefix("notification_templates_"))
        for (key, way), others in awx.controller.links.items()
        if way.startswith("notification_templates_") and others
    }
    failures = {(name, "error") for name in ("replay", "prove", "drift", "rollback")}
    assert told == failures | {("gray release", "approvals")}


def test_the_surveys_ask_what_the_roles_take(awx: Awx) -> None:
    """What AWX was sent, against the argument specifications; by rules of the test's own."""
    objects = awx.controller.objects
    templates = {**objects["job_templates"], **objects["workflow_job_templates"]}
    asked = {
        templates[key]["name"].removeprefix("asm.lanes "): {item["variable"]: item for item in survey["spec"]}
        for key, survey in awx.controller.surveys.items()
    }
    stated = {template["name"]: template["survey"] for template in DEFAULTS["awx_setup_job_templates"]}
    for name, questions in stated.items():
        assert list(asked.get(name, {})) == [question["variable"] for question in questions]
        for question in questions:
            role, _dot, option = question["option"].partition(".")
            file = ROOT / "roles" / role / "meta/argument_specs.yml"
            wanted = yaml.safe_load(file.read_text())["argument_specs"]["main"]["options"][option]
            item = asked[name][question["variable"]]
            kind = "multiplechoice" if "choices" in wanted else KINDS[wanted.get("type", "str")]
            assert item["type"] == kind, question
            assert item.get("choices") == wanted.get("choices"), question
            default = VARIABLES["awx_setup_variables"].get(question["variable"], wanted.get("default"))
            assert item.get("default", default or None) == (default or None), question
            assert item["question_description"][:20] in " ".join(words(wanted["description"]))
    in_workflow = {"preflight", "replay", "prove", "rollback"}
    assert set(asked["gray release"]) == {q["variable"] for name in in_workflow for q in stated[name]}


def words(description: str | list[str]) -> list[str]:
    return [description] if isinstance(description, str) else description


@pytest.mark.parametrize("mode", ["run", pytest.param("check", marks=pytest.mark.full)])
def test_again_nothing_changes(awx: Awx, mode: str) -> None:
    done = awx.play("--check") if mode == "check" else awx.play()
    assert done.code == 0, done.output
    assert done.changed == 0, done.output
    assert awx.controller.writes == []
    assert awx.controller.problems == []


@pytest.mark.full
def test_what_differs_is_changed_and_nodes_go(awx: Awx) -> None:
    variables = {
        "awx_setup_image": "registry.example.com/asm-lanes-ee:2",
        "awx_setup_workflow_nodes": [
            {"identifier": "preflight", "job_template": "preflight", "success": ["replay"]},
            {"identifier": "replay", "job_template": "replay"},
        ],
    }
    done = awx.play(**variables)
    assert done.code == 0, done.output
    assert done.changed > 0
    assert awx.controller.problems == []
    assert set(awx.controller.named("workflow_job_template_nodes")) == {"preflight", "replay"}
    (image,) = awx.controller.objects["execution_environments"].values()
    assert image["image"].endswith(":2")
    assert awx.play(**variables).changed == 0


@pytest.mark.full
def test_all_of_it_is_taken_back(awx: Awx) -> None:
    checked = awx.play("--check", "-e", "awx_setup_state=absent")
    assert checked.code == 0, checked.output
    assert checked.changed > 0
    assert awx.controller.writes == []
    done = awx.play("-e", "awx_setup_state=absent")
    assert done.code == 0, done.output
    left = {
        resource: items
        for resource, items in awx.controller.objects.items()
        if items and resource not in ("organizations", "project_updates", "workflow_approval_templates")
    }
    assert left == {}
    assert awx.play("-e", "awx_setup_state=absent").changed == 0
    assert awx.controller.problems == []
