"""The execution environment: the build context, and its Python requirements in an environment of their own.

An image cannot be built here (that needs a container engine and a registry); everything before that can.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import ansible_collections.kubernetes.core as kubernetes_core
import pytest
import yaml
from lab_fixture import RunningLab
from tools_env import ROOT, path_with_tools, tool

BIN = Path(sys.executable).parent
DEFINITION = yaml.safe_load((ROOT / "execution-environment.yml").read_text())


def run(*command: str | Path, cwd: Path, **environment: str) -> str:
    done = subprocess.run(
        [str(word) for word in command],
        cwd=cwd,
        env={**os.environ, "PATH": path_with_tools(), **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def without_ansible() -> dict[str, str]:
    """The environment without settings of the checkout's Ansible."""
    return {name: value for name, value in os.environ.items() if not name.startswith("ANSIBLE_")}


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the collection's tarball and the definition, as the definition's comment says."""
    folder = tmp_path_factory.mktemp("ee")
    run(BIN / "ansible-galaxy", "collection", "build", ROOT, "--output-path", folder, cwd=folder)
    shutil.copy(ROOT / "execution-environment.yml", folder)
    return folder


@pytest.fixture(scope="module")
def collections(built: Path) -> Path:
    """What the image would have under its collections path: ours, installed, and the one that it needs."""
    folder = built / "collections"
    (tarball,) = built.glob("asm-lanes-*.tar.gz")
    run(
        BIN / "ansible-galaxy",
        "collection",
        "install",
        "--offline",
        "--force",
        tarball,
        "-p",
        folder,
        cwd=built,
    )
    home = next(iter(kubernetes_core.__path__))
    (folder / "ansible_collections/kubernetes").mkdir()
    shutil.copytree(home, folder / "ansible_collections/kubernetes/core")
    return folder


def test_the_build_context_has_everything(built: Path) -> None:
    run(tool("ansible-builder"), "create", "--output-filename", "Containerfile", cwd=built)
    context = built / "context"
    (tarball,) = built.glob("asm-lanes-*.tar.gz")
    assert (context / "_build/dist" / tarball.name).stat().st_size == tarball.stat().st_size
    wanted = yaml.safe_load((context / "_build/requirements.yml").read_text())["collections"]
    assert [entry["name"] for entry in wanted] == [f"/build/dist/{tarball.name}"]
    steps = (context / "Containerfile").read_text()
    assert f'EE_BASE_IMAGE="{DEFINITION["images"]["base_image"]["name"]}"' in steps
    assert re.search(r"ansible-galaxy collection install .*-r requirements.yml", steps)


def introspected(collections: Path, folder: Path) -> Path:
    file = folder / "requirements.txt"
    run(tool("ansible-builder"), "introspect", "--write-pip", file, collections, cwd=folder)
    return file


def test_the_requirements_are_found(collections: Path, tmp_path: Path) -> None:
    found = introspected(collections, tmp_path).read_text()
    ours = [line for line in found.splitlines() if "from collection asm.lanes" in line]
    wanted = [
        line for line in (ROOT / "requirements.txt").read_text().splitlines() if not line.startswith("#")
    ]
    assert len(ours) == len(wanted) > 0
    assert "from collection kubernetes.core" in found


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_guide_runs_on_nothing_but_these_requirements(
    collections: Path, tmp_path: Path, lab: RunningLab
) -> None:
    requirements = introspected(collections, tmp_path)
    venv = tmp_path / "venv"
    python = venv / "bin/python"
    core = DEFINITION["dependencies"]["ansible_core"]["package_pip"]
    run(BIN / "uv", "venv", "--quiet", "--python", sys.executable, venv, cwd=tmp_path)
    run(BIN / "uv", "pip", "install", "--quiet", "--python", python, core, "-r", requirements, cwd=tmp_path)
    play = [venv / "bin/ansible-playbook", "-i", lab.inventory]
    environment = {
        "ANSIBLE_COLLECTIONS_PATH": str(collections),
        "ANSIBLE_HOME": str(tmp_path / "home"),
        "PATH": f"{venv / 'bin'}:/usr/bin:/bin",
        "PYTHONDONTWRITEBYTECODE": "",  # uv compiles nothing, and every task would do it again
    }
    done = subprocess.run(
        [*play, "asm.lanes.site"],
        cwd=tmp_path,
        env={**without_ansible(), **environment, "ANSIBLE_NOCOLOR": "1"},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    lab.reset()
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"(\d+) of \1 cases passed", done.stdout)
