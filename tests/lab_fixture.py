"""A whole lab for tests: the fixture ``lab`` (one for the test session), and what tests of the lab share.

Labs have the control plane that the environment variable CONTROL_PLANE names, ``emulated`` by default.
"""

from __future__ import annotations

import asyncio
import json
import random
import socket
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from asm_lanes_lab.settings import Settings
from planes import wanted_plane

#: The folder that holds the package ``asm_lanes_lab``.
LAB_FILES = Path(__file__).parent.parent / "roles" / "lab" / "files"


def free_loopback(*ports: int) -> str:
    """An address of 127/8 on which nobody uses *ports*; random, so that parallel tests do not meet."""
    while True:
        address = f"127.{random.randint(128, 250)}.{random.randint(1, 250)}.{random.randint(1, 250)}"
        if all(_is_free(address, port) for port in ports):
            return address


async def until(check: Callable[[], Awaitable[bool]], what: str, seconds: float = 10) -> None:
    """Wait until *check* holds; fails naming *what* after *seconds*."""
    deadline = time.monotonic() + seconds
    while not await check():
        assert time.monotonic() < deadline, f"not within {seconds:g} s: {what}"
        await asyncio.sleep(0.02)


def free_networks() -> dict[str, str]:
    """Settings ``pod_network``, ``app_network`` and ``gateway_address`` that no other test uses."""
    while True:
        second, third = random.randint(128, 250), random.randrange(0, 256, 4)
        networks = {
            "pod_network": f"127.{second}.{third}.0/24",
            "app_network": f"127.{second}.{third + 1}.0/24",
            "gateway_address": f"127.{second}.{third + 2}.1",
        }
        if _is_free(f"127.{second}.{third}.1", 15099) and _is_free(networks["gateway_address"], 30080):
            return networks


def _is_free(address: str, port: int) -> bool:
    try:
        socket.create_server((address, port)).close()
    except OSError:
        return False
    return True


@dataclass(frozen=True)
class RunningLab:
    """A lab of its own: own ports, own addresses, own state folder."""

    settings: Settings

    @property
    def state_dir(self) -> Path:
        """Folder of the lab's files."""
        return self.settings.state_dir

    @property
    def cluster_kubeconfig(self) -> Path:
        """Kubeconfig of the data plane cluster."""
        return self.settings.files.cluster_kubeconfig

    @property
    def mesh_kubeconfig(self) -> Path:
        """Kubeconfig of the mesh control plane."""
        return self.settings.files.mesh_kubeconfig

    @property
    def inventory(self) -> Path:
        """Ansible inventory."""
        return self.settings.files.inventory

    @property
    def credentials(self) -> dict[str, str]:
        """``access_key_id``, ``access_key_secret``, ``lab_token``."""
        data: dict[str, str] = json.loads(self.settings.files.credentials.read_text())
        return data

    @property
    def variables(self) -> dict[str, Any]:
        """The inventory's ``asm_lanes_*`` variables."""
        data: dict[str, Any] = yaml.safe_load(self.inventory.read_text())["lab"]["vars"]
        return data

    @property
    def asm_endpoint(self) -> str:
        """``host:port`` of the ASM OpenAPI (plain HTTP)."""
        return f"{self.settings.api_address}:{self.settings.asm_api_port}"

    def gateway_url(self, port: int = 30080) -> str:
        """URL of the ingress gateway."""
        return f"http://{self.settings.gateway_address}:{port}"

    def status(self) -> dict[str, Any]:
        """What ``status --json`` says."""
        data: dict[str, Any] = json.loads(lab_command("status", self.state_dir, "--json").stdout)
        return data

    def reset(self) -> None:
        """Make the lab as new."""
        lab_command("reset", self.state_dir)


def lab_command(
    command: str, state_dir: Path, *arguments: str, check: bool = True, seconds: float = 100
) -> subprocess.CompletedProcess[str]:
    """Run ``python -m asm_lanes_lab COMMAND``; with *check*, fail with its words when it fails."""
    done = subprocess.run(
        [sys.executable, "-m", "asm_lanes_lab", command, "--state-dir", str(state_dir), *arguments],
        cwd=LAB_FILES,
        capture_output=True,
        check=False,
        text=True,
        timeout=seconds,
    )
    assert not check or done.returncode == 0, f"{command}: {done.returncode}\n{done.stdout}{done.stderr}"
    return done


def lab_settings(**settings: Any) -> list[str]:
    """Arguments of ``start`` for free ports and addresses, and *settings*."""
    free = {"cluster_api_port": 0, "mesh_api_port": 0, "asm_api_port": 0, **free_networks(), **settings}
    return [f"--set={name}={json.dumps(value)}" for name, value in free.items()]


def start_lab(state_dir: Path, seconds: float = 60, **settings: Any) -> RunningLab:
    """Start a lab on free ports and addresses; to be stopped with ``lab_command("stop", state_dir)``."""
    wanted = lab_settings(**{"control_plane": wanted_plane(), **settings})
    lab_command("start", state_dir, f"--timeout={seconds:g}", *wanted, seconds=seconds + 40)
    return RunningLab(Settings.load(state_dir / "settings.json"))


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningLab]:
    """A running lab, shared by all tests of the session: leave no objects behind, or ``reset`` it."""
    state_dir = tmp_path_factory.mktemp("lab")
    try:
        yield start_lab(state_dir)
    finally:
        lab_command("stop", state_dir, "--purge")
