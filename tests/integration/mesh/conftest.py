"""The lab's ASM API on two Kubernetes APIs, and the modules run against it as Ansible runs them."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from asm_lanes_lab.asm import AsmApi, Credential
from asm_lanes_lab.client import Cluster
from asm_lanes_lab.kube import KubeApiServer
from asm_lanes_lab.settings import Settings
from lab_fixture import LAB_FILES

ROOT = Path(__file__).parents[3]
CRDS = LAB_FILES / "asm_lanes_lab" / "crds"
SECRET = "5ecret-of-the-access-key"
TOKEN = "t0p-5ecret-token-of-the-mesh"
ADMIN = Credential("key-admin", SECRET)
NOBODY = Credential("key-nobody", SECRET, permissions="none")


class Lab:
    """The servers, in a thread of their own, so that tests may block."""

    def __init__(self, folder: Path) -> None:
        self.settings = Settings.parse({}, state_dir=folder)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._running: list[Any] = []
        crds = [crd for file in sorted(CRDS.glob("*.yaml")) for crd in yaml.safe_load_all(file.read_text())]
        self._cluster = self._kube("cluster", [], self.settings.files.cluster_kubeconfig)
        self._mesh = self._kube("mesh", crds, self.mesh_kubeconfig)
        self.handed_out = self.mesh_kubeconfig.read_text()

    @property
    def mesh_kubeconfig(self) -> Path:
        """Of the control plane; what the ASM API hands out."""
        return self.settings.files.mesh_kubeconfig

    def wait(self, coroutine: Any) -> Any:
        """Run a coroutine where the servers live."""
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(20)

    def _kube(self, name: str, crds: list[dict[str, Any]], kubeconfig: Path) -> Cluster:
        server = KubeApiServer(name, crds, {TOKEN: "admin"})
        self.wait(server.start("127.0.0.1", 0))
        kubeconfig.write_text(yaml.safe_dump(server.kubeconfig(TOKEN)))
        cluster = self.wait(Cluster.connect(kubeconfig, name))
        self._running += [server.stop, cluster.close]
        return cluster

    def api(self, **settings: Any) -> AsmApi:
        """An ASM API on these servers, with other settings."""
        chosen = Settings.parse({**self.settings.as_dict(), **settings})
        api = AsmApi(chosen, self._mesh, self._cluster, [ADMIN, NOBODY])
        self.wait(api.start("127.0.0.1", 0))
        self._running.append(api.stop)
        return api

    def in_cluster(self, **obj: Any) -> None:
        self.wait(self._cluster.apply(obj, "test"))

    def in_mesh(self, **obj: Any) -> None:
        self.wait(self._mesh.apply(obj, "test"))

    def close(self) -> None:
        for stop in reversed(self._running):
            self.wait(stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


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
