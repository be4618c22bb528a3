"""The collection as users get it: built, installed into an empty folder, and run from there."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path

import jsonschema
import pytest
import report_proofs

ROOT = Path(__file__).parents[3]
BIN = Path(sys.executable).parent
RUN_TIME = {"meta", "plugins", "roles", "playbooks", "MANIFEST.json", "FILES.json"}
LAB = {
    "cluster_api_port": 0,
    "mesh_api_port": 0,
    "asm_api_port": 0,
    "gateway_address": "127.0.0.53",
    "pod_network": "127.155.0.0/16",
    "app_network": "127.156.0.0/16",
}


@pytest.fixture(scope="module")
def tarball(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    subprocess.run([BIN / "ansible-galaxy", "collection", "build", ROOT, "--output-path", folder], check=True)
    (found,) = folder.glob("asm-lanes-*.tar.gz")
    return found


@pytest.fixture(scope="module")
def elsewhere(tarball: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with nothing in it but the installed collection, and of that only what runs."""
    folder = tmp_path_factory.mktemp("elsewhere")
    command = [
        BIN / "ansible-galaxy",
        "collection",
        "install",
        "--offline",
        tarball,
        "-p",
        folder / "collections",
    ]
    subprocess.run(command, check=True, env=environment(folder), cwd=folder)
    for entry in (folder / "collections/ansible_collections/asm/lanes").iterdir():
        if entry.name not in RUN_TIME:
            shutil.rmtree(entry) if entry.is_dir() else entry.unlink()
    return folder


def environment(folder: Path) -> dict[str, str]:
    """A user's: a HOME of its own, nothing of the checkout."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("ANSIBLE_", "MOLECULE_", "K8S_"))
    }
    home = folder / "home"
    home.mkdir(exist_ok=True)
    collections = str(folder / "collections")
    return {**kept, "HOME": str(home), "ANSIBLE_COLLECTIONS_PATH": collections, "ANSIBLE_NOCOLOR": "1"}


def play(folder: Path, *arguments: str) -> str:
    command = [str(BIN / "ansible-playbook"), *arguments]
    done = subprocess.run(
        command, cwd=folder, env=environment(folder), capture_output=True, check=False, text=True, timeout=110
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def lab(folder: Path, state: str) -> None:
    values = {"lab_state": state, "lab_state_dir": str(folder / "lab"), "lab_settings": LAB}
    play(folder, "asm.lanes.lab", "-e", json.dumps(values))


@pytest.fixture
def running_lab(elsewhere: Path) -> Iterator[Path]:
    try:
        lab(elsewhere, "started")
        yield elsewhere / "lab" / "inventory.yml"
    finally:
        lab(elsewhere, "stopped")


def test_the_tarball_holds_no_work_of_make(tarball: Path) -> None:
    with tarfile.open(tarball) as archive:
        names = {name.split("/")[0] for name in archive.getnames()}
    assert names >= RUN_TIME
    assert not names & {".venv", ".ansible", ".cache", ".lab", ".git", "reports", "node_modules"}


def test_the_guide_runs_from_an_installed_collection(elsewhere: Path, running_lab: Path) -> None:
    reports = elsewhere / "reports"
    first = play(elsewhere, "-i", str(running_lab), "asm.lanes.site", "-e", f"asm_lanes_report_dir={reports}")
    assert "failed=0" in first
    assert sorted(path.suffix for path in reports.iterdir()) == [".html", ".json", ".svg", ".xml"]
    proof = json.loads((reports / "lane-proof.json").read_text(encoding="utf-8"))
    schema = (
        elsewhere / "collections/ansible_collections/asm/lanes/plugins/plugin_utils/_report/proof.schema.json"
    )
    rules = report_proofs.closed(json.loads(schema.read_text(encoding="utf-8")))
    assert [error.message for error in jsonschema.Draft202012Validator(rules).iter_errors(proof)] == []
    assert proof["passed"] is True
    again = play(elsewhere, "-i", str(running_lab), "asm.lanes.site")
    assert "changed=0" in again
    assert "failed=0" in again
