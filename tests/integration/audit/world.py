"""A lab with the guide's application, its faults, and the audit as the module makes it."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import yaml
from ansible_collections.asm.lanes.plugins.module_utils._audit import module
from ansible_collections.asm.lanes.plugins.module_utils._kube.client import Api, connect
from asm_lanes_lab.faults.switch import Switch
from integration.probe import probing
from integration.probe.probing import HELLO
from lab_fixture import RunningLab

ROOT = Path(__file__).parents[3]
Seen = TypeVar("Seen")
PATIENCE = 60.0  # seconds that the lab gets for anything, on a busy machine too
EVERYTHING = ("handshake", "call", "broadcast", "polling")


def wait_for(look: Callable[[], bool]) -> None:
    """Wait until it is so."""
    deadline = time.monotonic() + PATIENCE
    while not look():
        assert time.monotonic() < deadline, f"not within {PATIENCE:g} s"
        time.sleep(0.05)


@dataclass(frozen=True)
class Told:
    """What an audit told."""

    audit: dict[str, Any]
    findings: list[dict[str, Any]]
    not_tested: list[dict[str, str]]

    @property
    def clean(self) -> bool:
        """Whether every hop was seen to be right, and nothing was found."""
        return self.audit["passed"] is True and not self.findings and not self.not_tested

    def places(self) -> set[tuple[str, str]]:
        """Kind and object of each finding."""
        return {(one["kind"], one["object"]) for one in self.findings}

    def broken(self, kind: str) -> set[tuple[str, str, str, str, str]]:
        """Where chains of a kind of message broke, as (from, to, direction, what, culprit)."""
        keys = ("from", "to", "direction", "what", "culprit")
        chains = [one for one in self.audit["chains"] if one["message_kind"] == kind and one["broken"]]
        return {tuple(chain["broken"][key] for key in keys) for chain in chains}  # type: ignore[misc]


class World:
    """One lab."""

    def __init__(self, lab: RunningLab) -> None:
        self.lab = lab
        self.cluster: Api = connect(lab.cluster_kubeconfig)
        self.mesh: Api = connect(lab.mesh_kubeconfig)

    def play(self, book: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a playbook against the lab."""
        command = [
            str(Path(sys.executable).with_name("ansible-playbook")),
            "-i",
            str(self.lab.inventory),
            book,
        ]
        environment = {
            **os.environ,
            "ANSIBLE_NOCOLOR": "1",
            "ANSIBLE_STDOUT_CALLBACK": "default",
            "TMPDIR": str(self.lab.state_dir),  # kubernetes.core keeps what it discovered there
            "NO_PROXY": "127.0.0.0/8",
        }
        return subprocess.run(
            [*command, *arguments], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
        )

    def deploy_guide(self) -> None:
        """The guide, as the product plays it."""
        done = self.play("asm.lanes.site")
        assert done.returncode == 0, done.stdout + done.stderr

    def state_lanes(self, group: Mapping[str, Any]) -> None:
        """State a lane group, as the product's role does."""
        variables = {
            **{f"lane_group_{name}": value for name, value in group.items()},
            "lane_group_mesh_kubeconfig": str(self.lab.mesh_kubeconfig),
        }
        play = {
            "hosts": "localhost",
            "gather_facts": False,
            "roles": ["asm.lanes.lane_group"],
            "vars": variables,
        }
        book = self.lab.state_dir / "lanes.yml"
        book.write_text(yaml.safe_dump([play]))
        done = self.play(str(book))
        assert done.returncode == 0, done.stdout + done.stderr

    def audit(self, group: Mapping[str, Any], **options: Any) -> Told:
        """What the module makes of these options."""
        params = {name: option.get("default") for name, option in module.argument_spec().items()}
        params |= {
            "url": self.lab.gateway_url(),
            "lane_group": dict(group),
            "answered_by": [HELLO],
            "messages": list(EVERYTHING),
            "cluster_kubeconfig": str(self.lab.cluster_kubeconfig),
            "mesh_kubeconfig": str(self.lab.mesh_kubeconfig),
            "timeout": 4.0,
            **options,
        }
        told, _table = module.tell(module.plan_of(params), module.settings_of(params), params)
        return Told(told["audit"], told["findings"], told["not_tested"])

    def prove(self, group: Mapping[str, Any], **options: Any) -> dict[str, Any]:
        """What the probe makes of these options: both transports of socket.io, each lane often enough."""
        options = {"transports": ["websocket", "polling"], "connections": 4, "messages": 4, **options}
        return probing.prove(
            self.lab.gateway_url(), lane_group=dict(group), timeout=10.0, negative_cases=False, **options
        )

    def until(self, look: Callable[[], Seen], wanted: Callable[[Seen], bool]) -> Seen:
        """The first that is wanted: configuration takes time to arrive; else the last one."""
        deadline = time.monotonic() + PATIENCE
        while True:
            told = look()
            if wanted(told) or time.monotonic() > deadline:
                return told

    @property
    def faults(self) -> Switch:
        """The lab's own switch."""
        return Switch(self.lab.settings.files)

    def set_image(self, deployment: str, image: str) -> str:
        """Roll out another image; the one before."""
        found = self.cluster.get("apps/v1", "Deployment", deployment, "default")
        assert found
        [container] = found["spec"]["template"]["spec"]["containers"]
        before, container["image"] = container["image"], image
        self.cluster.patch(found, {"spec": {"template": {"spec": {"containers": [container]}}}}, "test")
        self.faults.wait()
        return str(before)

    def pods(self, namespace: str = "default") -> dict[str, dict[str, Any]]:
        """The pods by name."""
        return {pod["metadata"]["name"]: pod for pod in self.cluster.list("v1", "Pod", namespace)}
