"""Every job template as AWX runs it: ansible-runner, survey defaults, injected credentials.

What AWX does around ansible-runner is done here from the role's own data: the credential types' injectors are
rendered, the surveys' defaults become extra variables. Stated outside is only what the lab is.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest
import yaml
from ansible.parsing.dataloader import DataLoader
from ansible_collections.asm.lanes.plugins.filter.awx_survey import awx_survey
from jinja2 import Environment
from kube_client import connected, until
from lab_fixture import RunningLab, lab_command, start_lab
from tools_env import ROOT, path_with_tools, tool

ROLE = ROOT / "roles/awx_setup"
DEFAULTS = yaml.safe_load((ROLE / "defaults/main.yml").read_text())
TEMPLATES = {template["name"]: template for template in DEFAULTS["awx_setup_job_templates"]}
#: Of the lab's variables, what a credential gives instead.
FROM_CREDENTIALS = {"access_key_id", "access_key_secret", "cluster_kubeconfig", "mesh_kubeconfig"}

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


@dataclass
class Job:
    """What AWX keeps of a job."""

    status: str
    stdout: str
    artifacts: dict[str, Any] = field(default_factory=dict)
    events: list[dict[str, Any]] = field(default_factory=list)


class Controller:
    """Runs job templates against a lab, the way AWX does."""

    def __init__(self, lab: RunningLab, folder: Path) -> None:
        self.lab, self.folder, self.count = lab, folder, 0
        own = lab.variables
        self.inventory = {
            name: value
            for name, value in own.items()
            if name.removeprefix("asm_lanes_") not in FROM_CREDENTIALS and name.startswith("asm_lanes_")
        }
        self.inputs = {
            "access_key_id": own["asm_lanes_access_key_id"],
            "access_key_secret": own["asm_lanes_access_key_secret"],
            "security_token": "",
            "cluster": lab.cluster_kubeconfig.read_text(),
            "mesh": lab.mesh_kubeconfig.read_text(),
        }

    def start(self, name: str, **extra: Any) -> tuple[subprocess.Popen[str], Path]:
        """Prepare the private data folder of a job and start it."""
        self.count += 1
        folder = self.folder / f"job{self.count}"
        environment, variables = self.injected(folder)
        job_type = extra.pop("job_type", "run")
        answers = {item["variable"]: item["default"] for item in self.survey(name) if "default" in item}
        write(
            folder / "env/envvars",
            {
                **environment,
                "ANSIBLE_COLLECTIONS_PATH": str(ROOT / ".ansible/collections"),
                "ANSIBLE_FORCE_COLOR": "True",
            },
        )
        extravars = {"asm_lanes_hosts": "all", **answers, **variables, **extra}
        assert not [secret for secret in self.secrets() if secret in json.dumps(extravars)]
        write(folder / "env/extravars", extravars)
        write(folder / "env/settings", {"idle_timeout": 0})
        (folder / "env/cmdline").write_text("--diff" + (" --check" if job_type == "check" else ""))
        local = {"ansible_connection": "local", "ansible_python_interpreter": "{{ ansible_playbook_python }}"}
        hosts = {"all": {"hosts": {"localhost": {}}, "vars": {**local, **self.inventory}}}
        write(folder / "inventory/hosts.json", hosts)
        shutil.copytree(ROOT / "playbooks", folder / "project/playbooks")
        shutil.copy(ROOT / "ansible.cfg", folder / "project")
        command = [
            tool("ansible-runner"),
            "run",
            str(folder),
            "-p",
            f"playbooks/{TEMPLATES[name]['playbook']}",
        ]
        clean = {
            key: value for key, value in os.environ.items() if not key.startswith(("ANSIBLE_", "ALIBABA_"))
        }
        process = subprocess.Popen(
            [*command, "-i", "job"],
            cwd=folder,
            env={**clean, "PATH": path_with_tools(), "HOME": str(self.folder)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        return process, folder

    def faults(self, faults: list[dict[str, Any]]) -> None:
        """What the ASM API has to do wrong from now on."""
        headers = {"x-lab-token": self.lab.credentials["lab_token"], "Content-Type": "application/json"}
        body = json.dumps(faults).encode()
        request = Request(f"http://{self.lab.asm_endpoint}/lab/faults", body, headers, method="PUT")
        with urlopen(request, timeout=10) as answer:
            assert answer.status < 300

    def run(self, name: str, **extra: Any) -> Job:
        """Run a job template to its end."""
        process, folder = self.start(name, **extra)
        process.communicate(timeout=400)
        return self.finished(folder)

    def finished(self, folder: Path) -> Job:
        """What is kept of a job; nothing of it may show a secret."""
        kept = folder / "artifacts/job"
        files = sorted((kept / "job_events").glob("*.json"), key=lambda file: int(file.name.split("-")[0]))
        texts = [file.read_text() for file in files]
        stdout = (kept / "stdout").read_text()
        for secret in self.secrets():
            assert secret not in stdout
            assert not any(secret in text for text in texts)
        events = [json.loads(text) for text in texts]
        stats = [event["event_data"] for event in events if event["event"] == "playbook_on_stats"]
        artifacts = stats[-1].get("artifact_data", {}) if stats else {}
        return Job((kept / "status").read_text(), stdout, artifacts, events)

    def injected(self, folder: Path) -> tuple[dict[str, str], dict[str, str]]:
        """Environment and extra variables that the role's credential types give a job."""
        known = DataLoader().load_from_file(str(ROLE / "vars/main.yml"))
        environment: dict[str, str] = {}
        variables: dict[str, str] = {}
        for kind in ("cloud", "kube"):
            injectors = known[f"__awx_setup_{kind}_injectors"]
            paths = {}
            for key, template in injectors.get("file", {}).items():
                file = folder / f"{key.partition('.')[2]}.credential"
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_text(Environment().from_string(template).render(self.inputs))
                file.chmod(0o600)
                paths[key.partition(".")[2]] = str(file)
            names = {**self.inputs, "tower": {"filename": paths}}
            for target, part in ((environment, "env"), (variables, "extra_vars")):
                for key, template in injectors.get(part, {}).items():
                    target[key] = Environment().from_string(template).render(names)
        return environment, variables

    def survey(self, name: str) -> list[dict[str, Any]]:
        files = (ROOT / "roles").glob("*/meta/argument_specs.yml")
        options = {
            file.parents[1].name: yaml.safe_load(file.read_text())["argument_specs"]["main"]["options"]
            for file in files
        }
        return awx_survey(TEMPLATES[name]["survey"], options, self.inventory)

    def secrets(self) -> list[str]:
        tokens = [
            str(value)
            for file in (self.lab.cluster_kubeconfig, self.lab.mesh_kubeconfig)
            for user in yaml.safe_load(file.read_text())["users"]
            for value in user["user"].values()
        ]
        return [self.inputs["access_key_secret"], *tokens]


def write(file: Path, content: Any) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(content))


@pytest.fixture(scope="module")
def controller(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Controller]:
    tool("ansible-runner")
    state_dir = tmp_path_factory.mktemp("lab")
    try:
        yield Controller(start_lab(state_dir), tmp_path_factory.mktemp("awx"))
    finally:
        lab_command("stop", state_dir, "--purge")


def objects(lab: RunningLab) -> set[str]:
    """What the collection made in the mesh."""
    with connected(lab.mesh_kubeconfig) as mesh:
        return mesh.names("VirtualService", "ASMSwimLaneGroup", "ASMSwimLane")


@pytest.fixture
def empty(controller: Controller) -> Controller:
    """AWX over a mesh without lanes, whatever other tests left there."""
    controller.lab.reset()
    return controller


def test_the_workflow_from_end_to_end(empty: Controller) -> None:
    controller = empty
    # The questions that the workflow asks have answers from the inventory: nobody has to type the mesh's id.
    assert not [item for item in controller.survey("replay") if item["required"]]

    assert controller.run("preflight").status == "successful"

    plan = controller.run("replay", job_type="check")
    assert plan.status == "successful", plan.stdout
    assert {"Service wsk-svc", "VirtualService ws"} < set(plan.artifacts["asm_lanes_plan"])
    assert objects(controller.lab) == set(), "the plan wrote something"

    # AWX hands artifacts to the next node as extra variables.
    assert controller.run("changes", **plan.artifacts).status == "successful"

    replay = controller.run("replay", **plan.artifacts)
    assert replay.status == "successful", replay.stdout
    assert replay.artifacts["asm_lanes_proof"]["passed"] is True
    assert replay.artifacts["asm_lanes_plan"] == plan.artifacts["asm_lanes_plan"]

    again = controller.run("replay", job_type="check")
    assert again.artifacts["asm_lanes_plan"] == []
    nothing = controller.run("changes", **again.artifacts)
    assert nothing.status == "failed"
    assert "Nothing to change, all is as stated." in nothing.stdout

    proof = controller.run("prove", **replay.artifacts)
    assert proof.status == "successful"
    assert proof.artifacts["asm_lanes_proof"]["passed"] is True
    readable(proof)


def readable(job: Job) -> None:
    """What AWX shows of a job: a name for every task, text for every line, and the summary in the end."""
    tasks = [event["event_data"]["task"] for event in job.events if event["event"] == "runner_on_ok"]
    assert "Try every way into the lanes" in tasks
    assert all(tasks)
    lines = [line for event in job.events for line in event["stdout"].splitlines()]
    assert "\n".join(lines).replace("\n", "") == "".join(job.stdout.splitlines())
    assert "\x1b[" in job.stdout, "Ansible's own lines have colours"
    told = lines[lines.index("LANES prove") :]
    assert all(line.isascii() and line.isprintable() for line in told), told
    assert told[1].split()[:2] == ["lane_proof", "ok"]
    assert any(line.startswith("  proof: ") and "cases passed" in line for line in told)
    assert any(line.startswith("  next: ") for line in told)


@pytest.mark.full
def test_back_and_forth(controller: Controller) -> None:
    replay = controller.run("replay")
    assert replay.status == "successful", replay.stdout
    back = controller.run("rollback", **replay.artifacts)
    assert back.status == "successful", back.stdout
    assert back.artifacts["asm_lanes_rollback"]["removed"] == ["v1", "v2"]
    drift = controller.run("drift", lane_drift_fail_on="error")
    assert drift.status == "failed"
    assert drift.artifacts["asm_lanes_drift"]["counts"]["error"] > 0
    assert controller.run("prove", lane_proof_settle_timeout=0).status == "failed"


@pytest.mark.full
def test_a_job_cancelled_in_mid_run_converges_with_the_next(empty: Controller) -> None:
    controller = empty
    # The second lane's call hangs, so that the job is cancelled between two writes.
    controller.faults([{"kind": "timeout_before", "action": "CreateSwimLane", "skip": 1, "delay": 20}])
    process, folder = controller.start("replay")
    with connected(controller.lab.mesh_kubeconfig) as mesh:
        until(lambda: process.poll() is not None or mesh.all("ASMSwimLane"), "the first lane", seconds=300)
    assert process.poll() is None, process.communicate()[0]
    process.terminate()  # what a cancelled job of AWX's gets
    process.communicate(timeout=60)
    end_container(folder)
    assert controller.finished(folder).status == "canceled"
    half = objects(controller.lab)
    assert {name for name in half if "ASMSwimLane" in name} == {"ASMSwimLaneGroup/ws", "ASMSwimLane/ws-base"}
    job = controller.run("replay")
    assert job.status == "successful", job.stdout
    assert job.artifacts["asm_lanes_proof"]["passed"] is True
    assert half < objects(controller.lab)
    assert controller.run("replay", job_type="check").artifacts["asm_lanes_plan"] == []
    assert controller.run("teardown").status == "successful"
    assert objects(controller.lab) == set()


def end_container(folder: Path) -> None:
    """Kill what a job has left. AWX runs jobs in containers, which end with all that is in them.

    Without one, a worker of ansible-core 2.19 would go on: it has a session of its own, which the signal of
    ansible-runner does not reach.
    """
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):  # gone meanwhile
            if str(folder) in (process / "cmdline").read_text():
                os.kill(int(process.name), signal.SIGKILL)
