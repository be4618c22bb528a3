"""Modules in Ansible's own process: the same results as elsewhere, and only where that is allowed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from .conftest import Result, Servers

MODULE_FILE = "Using module file"
"""What ``-vvv`` says of every module that gets a process of its own."""
TASK = """
- asm.lanes.kube_objects:
    kubeconfig: "{{ asm_lanes_cluster_kubeconfig }}"
    objects: "{{ wanted }}"
  register: seen
  ignore_errors: true
"""
SHOW = "- debug: {var: seen}\n"
SERVICE = {
    "apiVersion": "v1",
    "kind": "Service",
    "metadata": {"name": "in-process", "namespace": "default"},
    "spec": {"ports": [{"port": 80, "protocol": "TCP"}]},
}


def play(servers: Servers, task: str, *arguments: str, **variables: Any) -> Result:
    return servers.play(task, "-vvv", *arguments, **{"wanted": [SERVICE], **variables})


def seen(result: Result) -> dict[str, Any]:
    """The registered result, without Ansible's own notes."""
    found: dict[str, Any] = json.loads(result.output.split('"seen": ', 1)[1].split("\n}\n", 1)[0])
    noise = ("ansible_facts", "exception", "invocation", "warnings", "deprecations")
    return {key: value for key, value in found.items() if key not in noise}


@pytest.mark.parametrize("wanted", [[SERVICE], [{**SERVICE, "apiVersion": "v9"}], "nonsense"])
def test_the_result_is_the_same_either_way(servers: Servers, wanted: Any) -> None:
    here = play(servers, TASK + SHOW, "--check", "--diff", wanted=wanted)
    there = play(servers, TASK + SHOW, "--check", "--diff", wanted=wanted, asm_lanes_in_process=False)
    assert MODULE_FILE not in here.output
    assert there.output.count(MODULE_FILE) == 1
    assert seen(here) == seen(there)
    assert here.counts == there.counts


def test_a_task_that_asks_for_another_place_gets_it(servers: Servers) -> None:
    keywords = (
        "environment: {ANY: thing}",
        "vars: {ansible_python_interpreter: '{{ ansible_playbook_python }} -B'}",
        "async: 30",
    )
    tasks = "".join(TASK.replace("  register:", f"  {keyword}\n  register:") for keyword in keywords)
    result = play(servers, tasks)
    for module in ("asm/lanes/plugins/modules/kube_objects.py", "async_status"):
        assert module in result.output
    assert result.output.count("modules/kube_objects.py") == len(keywords)


def test_a_host_of_its_own_runs_the_module_there(servers: Servers) -> None:
    """It cannot be reached, which is what is seen."""
    task = TASK.replace("  register:", "  delegate_to: elsewhere.invalid\n  register:")
    result = play(
        servers, task.replace("ignore_errors", "ignore_unreachable"), "-e", "ansible_connection=ssh"
    )
    assert "UNREACHABLE!" in result.output


def test_what_a_task_hides_stays_hidden(servers: Servers) -> None:
    task = TASK.replace("  register:", "  no_log: true\n  register:")
    hidden = "{{ [service | combine({'metadata': {'name': 'hidden' ~ 'name', 'namespace': 'default'}})] }}"
    result = play(servers, task, "--check", "--diff", wanted=hidden, service=SERVICE)
    assert result.counts["changed"] == 1
    assert "hiddenname" not in result.output


def test_a_task_that_runs_out_of_time_leaves_the_next_one_its_host(servers: Servers) -> None:
    deployment = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "never-ready", "namespace": "default"},
        "spec": {
            "selector": {"matchLabels": {"app": "never"}},
            "template": {
                "metadata": {"labels": {"app": "never"}},
                "spec": {"containers": [{"name": "one", "image": "none.example.com/one:1"}]},
            },
        },
    }
    waits = TASK.replace("    objects:", "    wait: true\n    timeout: 60\n    objects:").replace(
        "  register:", "  timeout: 3\n  register:"
    )
    after = TASK.replace("wanted", "others").replace("ignore_errors: true", "failed_when: seen is failed")
    result = play(servers, waits + SHOW + after, wanted=[deployment], others=[SERVICE])
    assert '"period": 3' in result.output
    assert result.counts["failed"] == 0
    assert result.counts["ok"] == 3


def test_no_certificate_and_no_key_is_left_in_a_temporary_file(servers: Servers) -> None:
    """The Kubernetes client writes those of a kubeconfig to files, for it can load them from there only."""

    def files() -> set[Path]:
        return {file for file in servers.folder.glob("tmp*") if file.is_file()}

    before = files()
    forked = TASK.replace("  register:", "  timeout: 60\n  register:")
    result = play(servers, TASK + forked, "--check")
    assert result.counts["failed"] == 0
    assert MODULE_FILE not in result.output
    assert files() - before == set()
