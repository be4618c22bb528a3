"""The lab's ASM API on two Kubernetes APIs, and the modules run against it as Ansible runs them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from asm_lanes_lab.asm import AsmApi, Credential
from asm_lanes_lab.settings import Settings
from lab_servers import LabServers

ROOT = Path(__file__).parents[3]
SECRET = "5ecret-of-the-access-key"
ADMIN = Credential("key-admin", SECRET)
NOBODY = Credential("key-nobody", SECRET, permissions="none")


class Lab(LabServers):
    """The servers, and ASM APIs of other instances on them."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.settings = Settings.parse({}, state_dir=folder)
        self._cluster = self.started("cluster", self.settings.files.cluster_kubeconfig)
        self._mesh = self.started("mesh", self.mesh_kubeconfig)
        self.handed_out = self.mesh_kubeconfig.read_text()

    @property
    def mesh_kubeconfig(self) -> Path:
        """Of the control plane; what the ASM API hands out."""
        return self.settings.files.mesh_kubeconfig

    def api(self, **settings: Any) -> AsmApi:
        """An ASM API on these servers, with other settings."""
        chosen = Settings.parse({**self.settings.as_dict(), **settings})
        return self.openapi(chosen, self._mesh, self._cluster, [ADMIN, NOBODY])

    def in_cluster(self, **obj: Any) -> None:
        self.wait(self._cluster.apply(obj, "test"))

    def in_mesh(self, **obj: Any) -> None:
        self.wait(self._mesh.apply(obj, "test"))


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    lab = Lab(tmp_path_factory.mktemp("lab"))
    yield lab
    lab.close()


@pytest.fixture(scope="session")
def api(lab: Lab) -> AsmApi:
    return lab.api()


@pytest.fixture(autouse=True)
def fresh(lab: Lab, api: AsmApi) -> Iterator[None]:
    """Each test finds the API as it was, with its counters at zero."""
    api.stats.reset()
    yield
    api.faults.set([])
    lab.mesh_kubeconfig.write_text(lab.handed_out)


def options(api: AsmApi, credential: Credential = ADMIN) -> dict[str, Any]:
    """What every task needs to reach an API."""
    return {
        "mesh_id": "lab-mesh",
        "endpoint": f"127.0.0.1:{api.port}",
        "protocol": "http",
        "access_key_id": credential.access_key_id,
        "access_key_secret": credential.access_key_secret,
    }


def environment() -> dict[str, str]:
    """Without credentials or kubeconfigs of whoever runs the tests."""
    foreign = ("ALIBABA", "ALICLOUD", "K8S_", "KUBECONFIG", "ANSIBLE_")
    return {name: value for name, value in os.environ.items() if not name.startswith(foreign)}


def module(name: str, arguments: dict[str, Any], check_mode: bool = False) -> dict[str, Any]:
    """Run a module in a process of its own; its result."""
    arguments = {**arguments, "_ansible_check_mode": check_mode}
    done = subprocess.run(
        [sys.executable, "-m", f"ansible_collections.asm.lanes.plugins.modules.{name}"],
        input=json.dumps({"ANSIBLE_MODULE_ARGS": arguments}),
        env={**environment(), "PYTHONPATH": str(ROOT / ".ansible" / "collections")},
        capture_output=True,
        check=False,
        text=True,
        timeout=60,
    )
    assert "Traceback" not in done.stdout + done.stderr, done.stdout + done.stderr
    result: dict[str, Any] = json.loads(done.stdout)
    return result


def play(folder: Path, tasks: list[dict[str, Any]], api: AsmApi, *arguments: str, **variables: Any) -> str:
    """Run tasks with ansible-playbook against an API; all that it printed, after it succeeded."""
    python = {"ansible_python_interpreter": sys.executable}
    playbook = {
        "hosts": "localhost",
        "gather_facts": False,
        "module_defaults": {"group/asm.lanes.asm": {**options(api), "access_key_secret": "{{ secret }}"}},
        "vars": {**python, **variables},
        "tasks": tasks,
    }
    file, secrets = folder / "play.yml", folder / "secrets.yml"
    file.write_text(yaml.safe_dump([playbook], sort_keys=False))
    secrets.write_text(yaml.safe_dump({"secret": SECRET}))
    ansible = str(Path(sys.executable).parent / "ansible-playbook")
    done = subprocess.run(
        [ansible, "-e", f"@{secrets}", *arguments, str(file)],
        cwd=ROOT,
        env={**environment(), "ANSIBLE_NOCOLOR": "1"},
        capture_output=True,
        check=False,
        text=True,
        timeout=110,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr
