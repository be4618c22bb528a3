"""An AWX stand-in, empty or with what the role makes, and a way to play asm.lanes.awx against it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from .standin import TOKEN, Controller, Objects, serve

ROOT = Path(__file__).parents[3]
SECRETS = {
    "awx_setup_access_key_id": "LTAI-of-a-test",
    "awx_setup_access_key_secret": "s3cret-of-an-access-key",
    "awx_setup_cluster_kubeconfig": "users: [{name: a, user: {token: s3cret-of-the-cluster}}]",
    "awx_setup_mesh_kubeconfig": "users: [{name: a, user: {token: s3cret-of-the-mesh}}]",
}
VARIABLES: dict[str, Any] = {
    **SECRETS,
    "awx_setup_scm_url": "https://git.example.com/lanes.git",
    "awx_setup_image": "registry.example.com/asm-lanes-ee:1",
    "awx_setup_variables": {"asm_lanes_mesh_id": "c1", "asm_lanes_namespace": "shop"},
    "awx_setup_notifications": [
        {"name": "eda", "type": "webhook", "configuration": {"url": "https://eda.example.com/"}}
    ],
}


@dataclass
class Result:
    """What came of a play."""

    code: int
    output: str

    @property
    def changed(self) -> int:
        """How many tasks changed something."""
        found = re.search(r"^localhost .*changed=(\d+)", self.output, re.MULTILINE)
        assert found, self.output
        return int(found[1])


class Awx:
    """The stand-in, and its administrator."""

    def __init__(self, controller: Controller, url: str, folder: Path) -> None:
        self.controller, self.url, self.folder = controller, url, folder

    def play(self, *arguments: str, **variables: Any) -> Result:
        """Play asm.lanes.awx with VARIABLES and these; no secret may be shown."""
        file = self.folder / "variables.json"
        file.write_text(json.dumps({**VARIABLES, **variables}))
        command = [Path(sys.executable).with_name("ansible-playbook"), "asm.lanes.awx", "-e", f"@{file}"]
        done = subprocess.run(
            [*command, "-vv", *arguments],
            cwd=ROOT,
            env={
                **os.environ,
                "ANSIBLE_NOCOLOR": "1",
                "ANSIBLE_STDOUT_CALLBACK": "default",
                "CONTROLLER_HOST": self.url,
                "CONTROLLER_OAUTH_TOKEN": TOKEN,
            },
            capture_output=True,
            text=True,
            check=False,
            timeout=560,
        )
        output = done.stdout + done.stderr
        assert not [secret for secret in (*SECRETS.values(), TOKEN) if secret in output]
        return Result(done.returncode, output)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Awx]:
    controller = Controller()
    with serve(controller) as url:
        yield Awx(controller, url, tmp_path_factory.mktemp("awx"))


@pytest.fixture(scope="module")
def all_of_it(running: Awx) -> Objects:
    """What the role makes with VARIABLES in an empty AWX; made once for all tests."""
    running.controller.start_with(Objects())
    done = running.play()
    assert done.code == 0, done.output
    assert running.controller.problems == []
    return running.controller.kept()


@pytest.fixture
def empty(running: Awx) -> Awx:
    """An AWX that has nothing but its default organization."""
    running.controller.start_with(Objects())
    return running


@pytest.fixture
def awx(running: Awx, all_of_it: Objects) -> Awx:
    """An AWX that has what the role makes, whatever other tests did."""
    running.controller.start_with(all_of_it)
    return running
