"""Two Kubernetes API servers, cluster and mesh, and a way to run the roles against them.

``CONTROL_PLANE=real``: etcd and two kube-apiservers instead of the lab's emulation.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.asm.lanes.plugins.module_utils._kube.client import KubeError, connect
from kube_client import connected
from planes import RunningPlane, lab_crds, wanted_plane
from tools_env import program

ROOT = Path(__file__).parents[3]


@dataclass
class Result:
    """What came of a playbook: return code, everything printed, and the recap's counts."""

    code: int
    output: str
    counts: dict[str, int]


class Servers(RunningPlane):
    """The servers, so that tests and playbooks may block."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, wanted_plane(), lab_crds())
        self.folder = folder
        self.settle()
        self._connections = contextlib.ExitStack()
        self.in_cluster, self.in_mesh = (
            self._connections.enter_context(connected(self.kubeconfig(name))) for name in ("cluster", "mesh")
        )

    def stop(self) -> None:
        """End the connections and the servers."""
        if hasattr(self, "_connections"):  # not when the servers did not start
            self._connections.close()
        super().stop()

    def writes(self, name: str) -> int:
        """How many requests have written something to a server so far."""
        return self.requests(name)[1]

    def kubectl(self, name: str, *arguments: str, stdin: str | None = None) -> str:
        """Be the user of kubectl; fails the test when it fails."""
        program_file = program("kubectl", "what the modules make of its objects is not tried")
        command = [program_file, "--kubeconfig", str(self.kubeconfig(name)), *arguments]
        done = subprocess.run(command, input=stdin, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def roll_out(self, namespace: str) -> None:
        """Be the controller and the kubelet: report every Deployment of a namespace as ready, from now on."""
        thread = threading.Thread(target=self._roll_out, args=(namespace,), daemon=True)
        thread.start()

    def _roll_out(self, namespace: str) -> None:
        api = connect(self.kubeconfig("cluster"))
        with contextlib.suppress(KubeError):  # the server stops when the tests end
            for known in api.snapshots("apps/v1", "Deployment", namespace, timeout=600):
                for name, deployment in list(known.items()):
                    path = f"/apis/apps/v1/namespaces/{namespace}/deployments/{name}/status"
                    if deployment.get("status", {}) != (ready := _ready(deployment)):
                        with contextlib.suppress(KubeError):  # seen before it was changed again: comes again
                            api.request("put", path, body={**deployment, "status": ready})

    def play(self, tasks: str, *arguments: str, **variables: Any) -> Result:
        """Run a play of tasks on localhost with the servers' kubeconfigs given."""
        book = self.folder / "play.yml"
        play = {"hosts": "localhost", "gather_facts": False, "tasks": yaml.safe_load(tasks)}
        book.write_text(yaml.safe_dump([play]))
        return self.playbook(str(book), *arguments, **variables)

    def playbook(self, book: str, *arguments: str, **variables: Any) -> Result:
        """Run a playbook with the servers' kubeconfigs given."""
        given = {
            "asm_lanes_cluster_kubeconfig": str(self.kubeconfig("cluster")),
            "asm_lanes_mesh_kubeconfig": str(self.kubeconfig("mesh")),
            **variables,
        }
        command = [
            str(Path(sys.executable).with_name("ansible-playbook")),
            book,
            "-e",
            json.dumps(given),
            *arguments,
        ]
        environment = {
            **os.environ,
            "ANSIBLE_NOCOLOR": "1",
            "ANSIBLE_STDOUT_CALLBACK": "default",
            "TMPDIR": str(self.folder),  # kubernetes.core keeps what it discovered there, by host and port
        }
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, env=environment)
        output = done.stdout + done.stderr
        return Result(done.returncode, output, _counts(output))


def _ready(deployment: dict[str, Any]) -> dict[str, Any]:
    """The status of a Deployment that is rolled out."""
    counted = ("replicas", "updatedReplicas", "readyReplicas", "availableReplicas")
    wanted = deployment["spec"]["replicas"]
    return {"observedGeneration": deployment["metadata"]["generation"], **dict.fromkeys(counted, wanted)}


def _counts(output: str) -> dict[str, int]:
    """The counts of the recap's line about localhost."""
    lines = [line for line in output.splitlines() if line.startswith("localhost ") and "changed=" in line]
    words = lines[-1].split(":", 1)[1].split() if lines else []
    return {key: int(value) for key, value in (word.split("=") for word in words)}


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    """Both servers, empty at the start of each module."""
    running = Servers(tmp_path_factory.mktemp("servers"))
    yield running
    running.stop()
