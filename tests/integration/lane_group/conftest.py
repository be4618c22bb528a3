"""The lab's ASM OpenAPI on its own API servers, and two ways to use it: as a user, and in process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.asm.lanes.plugins.module_utils._asm.backend import LaneBackend
from ansible_collections.asm.lanes.plugins.module_utils._asm.client import AsmClient
from ansible_collections.asm.lanes.plugins.module_utils._asm.credentials import Connection
from ansible_collections.asm.lanes.plugins.module_utils._asm.custom_resource import CustomResourceLanes
from ansible_collections.asm.lanes.plugins.module_utils._asm.deadline import Deadline
from ansible_collections.asm.lanes.plugins.module_utils._asm.lane_group import Run, Wish, ensure
from ansible_collections.asm.lanes.plugins.module_utils._asm.openapi import OpenApiLanes, find_cluster
from ansible_collections.asm.lanes.plugins.module_utils._asm.retry import RetryPolicy
from ansible_collections.asm.lanes.plugins.module_utils._kube.client import connect
from ansible_collections.asm.lanes.plugins.module_utils._lanes.model import LaneGroup
from asm_lanes_lab.asm import Credential, Fault
from asm_lanes_lab.settings import Settings
from lab_servers import LabServers

ROOT = Path(__file__).parents[3]
MESH = "lab-mesh"
LANES = "istio.alibabacloud.com/v1"
YESTERDAY = datetime.now(timezone.utc) - timedelta(days=1)
ADMIN = Credential("AK-ADMIN", "5ecret/of+admin==")
READONLY = Credential("AK-READONLY", "5ecret/of+readonly==", permissions="readonly")
NOBODY = Credential("AK-NOBODY", "5ecret/of+nobody==", permissions="none")
EXPIRED = Credential("STS.EXPIRED", "5ecret/of+expired==", "t0ken/of+expired==", expires=YESTERDAY)
WRONG_SECRET = "n0t/the+right=one"
KEYS = (ADMIN, READONLY, NOBODY, EXPIRED)
SECRETS = [WRONG_SECRET, "t0ken/of+expired==", *(key.access_key_secret for key in KEYS)]


class Emulator(LabServers):
    """ASM's OpenAPI of the lab on its own API servers."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self._folder = folder
        settings = Settings.parse({"mesh_id": MESH}, state_dir=folder)
        cluster = self.started("cluster", folder / "cluster.kubeconfig")
        self.mesh = self.started("mesh", self.mesh_kubeconfig)
        self.api = self.openapi(settings, self.mesh, cluster, KEYS)
        self.endpoint = f"127.0.0.1:{self.api.port}"

    @property
    def mesh_kubeconfig(self) -> Path:
        """Of the control plane with the custom resources."""
        return self._folder / "mesh.kubeconfig"

    def resources(self, kind: str = "ASMSwimLane") -> dict[str, dict[str, Any]]:
        """Custom resources by name, as they are stored."""
        found = self.wait(self.mesh.list(LANES, kind))
        return {item["metadata"]["name"]: item for item in found}

    def edit(self, kind: str, name: str, **patch: Any) -> None:
        """What somebody else does, at the console or with kubectl."""
        self.wait(self.mesh.patch(LANES, kind, name, patch))

    async def _clear(self) -> None:
        for kind in ("ASMSwimLane", "ASMSwimLaneGroup"):
            for item in await self.mesh.list(LANES, kind):
                await self.mesh.delete(LANES, kind, item["metadata"]["name"])

    def reset(self) -> None:
        """No lanes, no faults, no counts."""
        self.wait(self._clear())
        self.api.faults.set([])
        self.api.stats.reset()

    def faults(self, *faults: Fault) -> None:
        self.api.faults.set(faults)

    @property
    def writes(self) -> int:
        """Writes that succeeded since the last reset."""
        return self.api.stats.writes


@pytest.fixture(scope="session")
def running_emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    emulator = Emulator(tmp_path_factory.mktemp("asm"))
    yield emulator
    emulator.close()


@pytest.fixture
def asm(running_emulator: Emulator) -> Emulator:
    """The emulator, empty."""
    running_emulator.reset()
    return running_emulator


@dataclass
class User:
    """Runs the module as a user does: by ansible-playbook, with -vvvv."""

    folder: Path
    defaults: dict[str, Any]
    output: str = field(default="", init=False)

    def task(self, **options: Any) -> dict[str, Any]:
        """A task with the defaults; None takes one away."""
        arguments = {k: v for k, v in {**self.defaults, **options}.items() if v is not None}
        return {"name": "Lane group", "asm.lanes.lane_group": arguments}

    def lane_group(self, *arguments: str, **options: Any) -> dict[str, Any]:
        """The result of one task. arguments: of ansible-playbook, such as --check."""
        return self.play([self.task(**options)], *arguments)[0]

    def play(self, tasks: list[dict[str, Any]], *arguments: str, **variables: str) -> list[dict[str, Any]]:
        """The results of all lane_group tasks; fails when a secret or a traceback is shown.

        variables: of the environment.
        """
        book, results = self.folder / "play.yml", self.folder / "results"
        book.write_text(yaml.safe_dump([{"hosts": "localhost", "gather_facts": False, "tasks": tasks}]))
        results.write_text("")
        environment = {k: v for k, v in os.environ.items() if not k.startswith(("ALIBABA", "ALICLOUD"))}
        environment.update(
            ANSIBLE_CALLBACK_PLUGINS=str(Path(__file__).parent / "callback_plugins"),
            ANSIBLE_CALLBACKS_ENABLED="record",
            ANSIBLE_NOCOLOR="1",
            RECORD_RESULTS=str(results),
            HOME=str(self.folder),
            ALIBABA_CLOUD_ECS_METADATA_DISABLED="true",
            **variables,
        )
        command = [str(Path(sys.executable).with_name("ansible-playbook")), str(book), "-vvvv", *arguments]
        done = subprocess.run(
            command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=100
        )
        self.output = done.stdout + done.stderr
        assert not [secret for secret in SECRETS if secret in self.output], "a secret is shown"
        assert "Traceback" not in self.output, self.output
        return [json.loads(line) for line in results.read_text().splitlines()]


def make_user(endpoint: str, folder: Path) -> User:
    """A user with the administrator's keys and the guide's lane group."""
    both = ["default/wsk-svc", "default/helloworld"]
    return User(
        folder,
        {
            "mesh_id": MESH,
            "access_key_id": ADMIN.access_key_id,
            "access_key_secret": ADMIN.access_key_secret,
            "endpoint": endpoint,
            "protocol": "http",
            "timeout": 20,
            "name": "ws",
            "route_header": "version",
            "trace_header": "baggage",
            "gateway_rule": {"name": "ws-gateway", "namespace": "default"},
            "services": both,
            "baseline": "base",
            "lanes": [
                {"name": "base", "label_selector": {"version": "v1"}, "services": both},
                {"name": "v1", "label_selector": {"version": "v1"}, "services": ["default/helloworld"]},
                {"name": "v2", "label_selector": {"version": "v2"}, "services": ["default/helloworld"]},
            ],
        },
    )


@pytest.fixture
def user(asm: Emulator, tmp_path: Path) -> User:
    return make_user(asm.endpoint, tmp_path)


@dataclass
class InProcess:
    """The same below the module: the official SDK over HTTP, without Ansible's second per run."""

    asm: Emulator

    def client(self, seconds: float = 15, pace: float | None = None) -> AsmClient:
        """pace: calls per second."""
        connection = Connection(
            ADMIN.access_key_id,
            ADMIN.access_key_secret,
            endpoint=self.asm.endpoint,
            protocol="http",
            request_timeout=1.0,
            calls_per_second=pace,
        )
        return AsmClient(connection, MESH, Deadline(seconds), RetryPolicy(base=0.02))

    def ensure(self, group: LaneGroup, purge: bool = True, absent: bool = False, check: bool = False) -> Run:
        run = Run()
        ensure(OpenApiLanes(self.client(), settled=0.0), Wish(group, absent, purge), run, check)
        return run

    def read(self, name: str) -> LaneGroup | None:
        return OpenApiLanes(self.client()).read(name)

    def backend(self, name: str) -> LaneBackend:
        """A way to the lanes, new for each run."""
        client = self.client()
        if name == "openapi":
            return OpenApiLanes(client, settled=0.0)
        return CustomResourceLanes(
            connect(self.asm.mesh_kubeconfig),
            client.deadline,
            lambda: find_cluster(client, None),
            policy=client.policy,
            settled=0.0,
            standing=0.2,
        )


@pytest.fixture
def lanes(asm: Emulator) -> InProcess:
    return InProcess(asm)
