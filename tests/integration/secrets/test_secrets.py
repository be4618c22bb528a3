"""Every module and every playbook at -vvvv, in good days and bad: no secret in any output."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import yaml
from lab_fixture import RunningLab

ROOT = Path(__file__).parents[3]
MODULES = sorted(file.stem for file in (ROOT / "plugins/modules").glob("*.py"))
WRONG_SECRET = "wr0ng-5ecret-of-an-access-key"
STS_TOKEN = "5ts+t0ken/of-a-session=="
BEARER = "eyJhbGciOi.b3arer-token-of-a-stranger"
GARBLED = "t0ken-in-a-garbled-kubeconfig"
PROBE_HEADER = "cookie-of-a-tester-hunter2"
INVENTED = (WRONG_SECRET, STS_TOKEN, BEARER, GARBLED, PROBE_HEADER)


class User:
    """Plays against the lab, and looks through everything that is shown."""

    def __init__(self, lab: RunningLab, folder: Path) -> None:
        self.lab, self.folder = lab, folder
        self.secrets = [lab.credentials["access_key_secret"], lab.credentials["lab_token"], *INVENTED]
        for file in (lab.cluster_kubeconfig, lab.mesh_kubeconfig):
            self.secrets += list(_leaves(yaml.safe_load(file.read_text())))

    def play(self, book: str | list[dict[str, Any]], *arguments: str) -> str:
        """The output of a playbook, without a secret; rc must be 0."""
        if not isinstance(book, str):
            file = self.folder / "play.yml"
            file.write_text(yaml.safe_dump(book, sort_keys=False))
            book = str(file)
        command = [str(Path(sys.executable).with_name("ansible-playbook")), "-i", str(self.lab.inventory)]
        done = subprocess.run(
            [*command, book, "-vvvv", "--diff", *arguments],
            cwd=ROOT,
            env={**os.environ, "ANSIBLE_NOCOLOR": "1", "ANSIBLE_SHOW_CUSTOM_STATS": "1"},
            capture_output=True,
            text=True,
            check=False,
            timeout=200,
        )
        output = done.stdout + done.stderr
        self.look_through(output)
        assert done.returncode == 0, output[-3000:]
        assert "Unsupported parameters" not in output, "a task that does nothing shows nothing"
        assert "Traceback" not in output, output[output.index("Traceback") - 500 :][:3000]
        return output

    def look_through(self, output: str) -> None:
        """Fail when there is a secret in it."""
        shown = [secret for secret in self.secrets if any(form in output for form in forms(secret))]
        assert not shown, f"{len(shown)} secrets are shown: {[_where(output, s) for s in shown]}"


def forms(secret: str) -> set[str]:
    """How a secret may be written."""
    return {
        secret,
        quote(secret, safe=""),
        json.dumps(secret)[1:-1],
        base64.b64encode(secret.encode()).decode(),
    }


def _leaves(kubeconfig: dict[str, Any]) -> Iterator[str]:
    """Whatever gives access, and the certificate, which only the content of the file has."""
    for user in kubeconfig["users"]:
        yield from (str(value) for value in user["user"].values())
    for cluster in kubeconfig["clusters"]:
        yield str(cluster["cluster"]["certificate-authority-data"])


def _where(output: str, secret: str) -> str:
    """The line without the secret."""
    found = next(form for form in forms(secret) if form in output)
    line = next(line for line in output.splitlines() if found in line)
    return line.replace(found, "<HERE>")[:300]


def play_of(tasks: list[dict[str, Any]]) -> list[dict[str, Any]]:
    connection = {
        option: f"{{{{ asm_lanes_{option} }}}}"
        for option in ("mesh_id", "access_key_id", "access_key_secret", "endpoint", "protocol")
    }
    defaults = {"group/asm.lanes.asm": {**connection, "timeout": 20}}
    return [{"hosts": "lab", "gather_facts": False, "module_defaults": defaults, "tasks": tasks}]


@pytest.fixture
def user(lab: RunningLab, tmp_path: Path) -> Iterator[User]:
    yield User(lab, tmp_path)
    lab.reset()


def test_what_is_looked_for_would_be_found(user: User) -> None:
    """Else the other tests could not fail."""
    for secret in user.secrets:
        assert len(secret) >= 12
    with pytest.raises(AssertionError, match="1 secrets are shown"):
        user.play(play_of([{"ansible.builtin.debug": {"msg": "{{ asm_lanes_access_key_secret }}"}}]))
    with pytest.raises(AssertionError, match="1 secrets are shown"):
        user.play(play_of([{"ansible.builtin.debug": {"msg": f"{{{{ '{STS_TOKEN}' | b64encode }}}}"}}]))


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_playbooks_of_the_guide(user: User) -> None:
    variables = user.folder / "headers.json"
    reports = user.folder / "reports"
    formats = ["json", "junit", "html", "svg", "mermaid"]
    told = {"lane_proof_headers": {"cookie": PROBE_HEADER}, "asm_lanes_report_dir": str(reports)}
    variables.write_text(json.dumps({**told, "lane_proof_report_formats": formats}))
    assert "checks:" in user.play("asm.lanes.preflight")
    user.play("asm.lanes.site", "--check")
    assert "lane v2" in user.play("asm.lanes.site")
    assert "cases passed" in user.play("asm.lanes.prove", "-e", f"@{variables}")
    files = list(reports.iterdir())
    assert len(files) == len(formats)
    for file in files:
        user.look_through(file.read_text(encoding="utf-8"))
    user.play("asm.lanes.drift")
    user.play("asm.lanes.teardown")


SERVICE = "default/helloworld"
GROUP = {
    "name": "ws",
    "route_header": "version",
    "trace_header": "baggage",
    "gateway_rule": {"name": "ws-gateway", "namespace": "default"},
    "services": [SERVICE],
    "baseline": "v1",
    "lanes": [{"name": "v1", "label_selector": {"version": "v1"}, "services": [SERVICE]}],
}
OBJECTS = [{"apiVersion": "v1", "kind": "Service", "metadata": {"name": "none", "namespace": "nowhere"}}]
SERVICES = [{"name": "none", "app": "none", "port": 80}]
MESH, CLUSTER = "{{ asm_lanes_mesh_kubeconfig }}", "{{ asm_lanes_cluster_kubeconfig }}"


def tasks_of_all_modules(folder: Path) -> list[dict[str, Any]]:
    fetched = str(folder / "fetched.kubeconfig")
    resources = {"mesh_kubeconfig": MESH}
    tasks: list[dict[str, Any]] = [
        {"mesh_info": {}},
        {"mesh_kubeconfig": {"dest": fetched}},
        {"mesh_kubeconfig": {"dest": fetched, "force": True, "renew_before": 1}},
        {"mesh_kubeconfig": {}, "no_log": True},
        {"mesh_kubeconfig": {"dest": fetched, "state": "absent"}},
        {"lane_group": {**GROUP, "wait": False}, "check_mode": True},
        {"lane_group": {**GROUP, "wait": False}},
        {"lane_group": {**GROUP, **resources, "backend": "custom_resource", "wait": False}},
        {"lane_groups": {"groups": [GROUP], "wait": False}},
        {"lane_group_info": {"as_spec": True}},
        {"lane_group_info": resources},
        {"lane_group_drift": {**GROUP, **resources, "cluster_kubeconfig": CLUSTER}},
        {"preflight": {"cluster_kubeconfig": CLUSTER, **resources, "fail_on": "never"}},
        {"kube_objects": {"kubeconfig": CLUSTER, "objects": OBJECTS}},
        {"application": {"kubeconfig": CLUSTER, "namespace": "nowhere", "services": SERVICES}},
        {"gateway_routing": {"kubeconfig": MESH, "manage_gateway_port": True}},
        {
            "rollout_status": {
                "kubeconfig": CLUSTER,
                "namespace": "default",
                "deployments": ["no-such-deployment"],
                "timeout": 1,
            }
        },
        {
            "lane_probe": {
                "url": "http://127.0.0.1:9",
                "answered_by": [SERVICE],
                "lane_group": GROUP,
                "headers": {"cookie": "{{ asm_lanes_access_key_secret }}"},
                "timeout": 2,
            },
            "register": "probed",
        },
        {"lane_report": {"proof": "{{ probed.proof }}", "dest": str(folder / "reports")}},
        {
            "lane_audit": {
                "url": "http://127.0.0.1:9",
                "answered_by": [SERVICE],
                "lane_group": GROUP,
                "headers": {"cookie": "{{ asm_lanes_access_key_secret }}"},
                "cluster_kubeconfig": CLUSTER,
                **resources,
                "timeout": 2,
                "log_timeout": 1,
            }
        },
        {"lane_group": {"name": "ws", "state": "absent"}},
        {
            "role_arguments": {"roles": ["preflight", "lane_group", "lane_proof"]},
            "vars": {"lane_proof_headers": PROBE_HEADER, "lane_group_connection": WRONG_SECRET},
        },
        {"replay_summary": {"lane_group": "{{ lane_group_result | default({}) }}"}},
    ]
    return [{f"asm.lanes.{k}" if k in MODULES else k: v for k, v in t.items()} for t in tasks]


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_every_module(user: User) -> None:
    tasks = tasks_of_all_modules(user.folder)
    assert {f"asm.lanes.{module}" for module in MODULES} <= {name for task in tasks for name in task}
    user.play(play_of([{**task, "ignore_errors": True} for task in tasks]))


def bad_days(folder: Path, lab: RunningLab) -> Iterator[dict[str, Any]]:
    """Credentials that are refused, and kubeconfigs that are of no use."""
    # Variables, for Ansible shows the lines of a task that fails.
    wrong = {"access_key_secret": "{{ wrong_secret }}"}
    for credentials in (
        wrong,
        {**wrong, "access_key_id": "STS.unknown", "security_token": "{{ sts_token }}"},
        {"security_token": "{{ sts_token }}"},
        {**wrong, "endpoint": "127.0.0.1:9", "timeout": 2},
        {**wrong, "endpoint": "http://{{ wrong_secret }}@nowhere"},
    ):
        yield {"asm.lanes.mesh_info": credentials}
        yield {"asm.lanes.lane_group": {**GROUP, **credentials}}
    stranger = yaml.safe_load(lab.mesh_kubeconfig.read_text())
    stranger["users"][0]["user"] = {"token": BEARER}
    contents = {
        "stranger": yaml.safe_dump(stranger),
        "garbled": f"users:\n- user: {{token: {GARBLED}: : [\n",
        "no_mapping": f"[{GARBLED}]\n",
    }
    for name, text in contents.items():
        file = folder / f"{name}.kubeconfig"
        file.write_text(text)
        yield {"asm.lanes.kube_objects": {"kubeconfig": str(file), "objects": OBJECTS}}
        yield {"asm.lanes.lane_group_info": {"mesh_kubeconfig": str(file)}}
        yield {"asm.lanes.preflight": {"cluster_kubeconfig": str(file), "mesh_kubeconfig": str(file)}}
        yield {"asm.lanes.mesh_kubeconfig": {"dest": str(file)}}


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_when_everything_goes_wrong(user: User) -> None:
    tasks = [{**task, "ignore_errors": True} for task in bad_days(user.folder, user.lab)]
    variables = user.folder / "variables.json"
    variables.write_text(json.dumps({"wrong_secret": WRONG_SECRET, "sts_token": STS_TOKEN}))
    output = user.play(play_of(tasks), "-e", f"@{variables}")
    assert output.count("...ignoring") >= 15, "these are failures"
