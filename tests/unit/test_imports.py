"""The directions of import that keep the architecture: see CONTRIBUTING.md."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
UTILS = ROOT / "plugins" / "module_utils"
REPORT = ROOT / "plugins" / "plugin_utils" / "_report"
LAB = ROOT / "roles" / "lab" / "files" / "asm_lanes_lab"
THIRD_PARTY = {"ansible", "kubernetes", "alibabacloud_servicemesh20200111", "socketio", "aiohttp", "yaml"}


def imports(path: Path) -> set[str]:
    """Every module that a file imports, relative ones written as dotted paths from plugins/module_utils."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                folder = path.parents[node.level - 1]
                base = ".".join([*folder.relative_to(ROOT).parts, *([base] if base else [])])
            found |= {base, *(f"{base}.{alias.name}" for alias in node.names)}
    return found


def layer(folder: str) -> list[Path]:
    files = sorted((UTILS / folder).rglob("*.py"))
    assert files, f"{folder} has no files: the test would prove nothing"
    return files


def test_the_domain_imports_nothing_but_itself_and_the_standard_library() -> None:
    for path in layer("_lanes"):
        for name in imports(path):
            assert name.split(".")[0] not in THIRD_PARTY, f"{path.name} imports {name}"
            assert "plugins" not in name or "_lanes" in name, f"{path.name} imports {name}"
            assert "ansible_collections" not in name, f"{path.name} imports {name}"


@pytest.mark.parametrize("folder", ["_asm", "_kube", "_probe"])
def test_the_layers_do_not_import_each_other(folder: str) -> None:
    others = {"_asm", "_kube", "_probe", "_preflight"} - {folder}
    if folder == "_asm":  # lanes as custom resources are written through the one Kubernetes adapter
        others.remove("_kube")
    for path in layer(folder):
        for name in imports(path):
            assert not others & set(name.split(".")), f"{folder}/{path.name} imports {name}"
            assert "plugins.modules" not in name, f"{folder}/{path.name} imports {name}"


def test_the_report_draws_a_document_and_knows_nobody_who_makes_one() -> None:
    files = sorted(REPORT.glob("*.py"))
    assert files
    for path in files:
        for name in imports(path):
            known = name.split(".")[0] in {"jinja2", "markupsafe", *sys.stdlib_module_names}
            ours = name.startswith("plugins.plugin_utils._report")
            assert known or ours or name.startswith("ansible.release"), f"{path.name} imports {name}"


@pytest.mark.parametrize("folder", ["_lanes", "_asm", "_kube", "_probe", "_preflight", "_drift"])
def test_nothing_that_the_audit_uses_knows_of_it(folder: str) -> None:
    for path in layer(folder):
        assert not any("_audit" in name.split(".") for name in imports(path)), path


def test_the_audits_judgement_does_no_io() -> None:
    pure = ("access_log", "context", "trace", "sharing", "judge", "observe", "findings", "document")
    for name in pure:
        names = {one.split(".")[0] for one in imports(UTILS / "_audit" / f"{name}.py")}
        assert not names & {*THIRD_PARTY, "asyncio", "socket", "time"}, name


def test_the_lab_sees_only_the_domain_of_the_collection() -> None:
    files = sorted(LAB.rglob("*.py"))
    assert files
    for path in files:
        for name in imports(path):
            assert not name.startswith(("ansible_collections", "ansible.")), f"{path} imports {name}"
            if name.split(".")[0] == "_lanes":
                assert path.name == "domain.py", f"{path} imports {name} past asm_lanes_lab.domain"


def test_the_collection_never_imports_the_lab() -> None:
    for path in sorted((ROOT / "plugins").rglob("*.py")):
        assert not any("asm_lanes_lab" in name for name in imports(path)), path


@pytest.mark.parametrize("name", ["_outcome.py", "_named.py"])
def test_what_a_replay_comes_to_is_decided_without_io(name: str) -> None:
    names = {one.split(".")[0] for one in imports(ROOT / "plugins" / "plugin_utils" / name)}
    assert names <= {"__future__", "ansible", "ast", "collections", "dataclasses", "re", "typing"}, names


def test_lanes_through_the_openapi_need_no_kubernetes_client() -> None:
    """It takes 0.2 s to import, in the host that has the SDK to import."""
    modules = "ansible_collections.asm.lanes.plugins.modules"
    script = (
        f"import sys, {modules}.lane_group, {modules}.lane_group_info; print('kubernetes' in sys.modules)"
    )
    path = os.pathsep.join([str(ROOT / ".ansible/collections"), *sys.path])
    done = subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "False\n"
