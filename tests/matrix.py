"""The collection under every supported pair of Python and ansible-core that this machine can have.

Usage: ``python tests/matrix.py [CELL ...]``, a cell being such as ``3.12-2.20``; all by default.
Environments are made with uv from PyPI under ``.cache/matrix`` and kept. In each, against the
lab's ASM OpenAPI that runs here: all Python files compile, the pages of all modules build, all
playbooks parse, lane_group is checked, run, repeated and undone, and both ways to the mesh are
read. kubernetes.core and awx.awx come from this environment's own ``ansible``. Exits with 1 on any failure.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[1]
CACHE = ROOT / ".cache" / "matrix"
if __name__ == "__main__":
    sys.path[:0] = [str(ROOT / part) for part in (".ansible/collections", "roles/lab/files", "tests")]

import ansible_collections.kubernetes.core as kubernetes_core
from ansible_collections.awx import awx
from integration.lane_group.conftest import ADMIN, MESH, Emulator

PYTHONS = ("3.10", "3.11", "3.12", "3.13")
#: ansible-core -> the first and the last of PYTHONS on which its controller runs (its own metadata).
CORES = {
    "2.17": ("3.10", "3.12"),
    "2.18": ("3.11", "3.13"),
    "2.19": ("3.11", "3.13"),
    "2.20": ("3.12", "3.13"),
    "2.21": ("3.12", "3.13"),
}
PATIENCE = 300  # seconds for one command


class FailedError(Exception):
    """A command that failed; the text says which and what it wrote."""


@dataclass
class Cell:
    """One pair, with its environment, and how it fared."""

    python: str
    core: str
    interpreter: Path
    results: dict[str, str] = field(default_factory=dict)
    complaint: str = ""

    @property
    def name(self) -> str:
        return f"{self.python}-{self.core}"

    @property
    def folder(self) -> Path:
        return CACHE / self.name

    def run(self, program: str, *arguments: str) -> str:
        """The output of a program of the environment. Raises FailedError."""
        environment = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("ANSIBLE", "PYTHON", "ALIBABA", "ALICLOUD", "VIRTUAL_ENV"))
        }
        environment.update(
            ANSIBLE_HOME=str(self.folder / "home"),
            ANSIBLE_COLLECTIONS_PATH=str(self.folder / "collections"),
            ANSIBLE_NOCOLOR="1",
            ANSIBLE_LOCALHOST_WARNING="0",
            ALIBABA_CLOUD_ECS_METADATA_DISABLED="true",
        )
        return command([str(self.folder / "venv/bin" / program), *arguments], self.folder, environment)


def command(argv: Sequence[str], folder: Path, environment: dict[str, str] | None = None) -> str:
    """The output of a command. Raises FailedError."""
    done = subprocess.run(
        argv, cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=PATIENCE
    )
    output = done.stdout + done.stderr
    if done.returncode:
        shown = " ".join(Path(argv[0]).name if index == 0 else part for index, part in enumerate(argv))
        raise FailedError(f"$ {shown[:200]}\n{output[-3000:]}")
    return output


def interpreters() -> dict[str, Path]:
    """The Pythons of this machine that start, by version such as 3.12; dead shims are passed over."""
    found: dict[str, Path] = {}
    for version in PYTHONS:
        places = sorted(Path.home().glob(f".pyenv/versions/{version}.*/bin/python"), reverse=True)
        on_path = shutil.which(f"python{version}")
        for place in [*places, *([Path(on_path)] if on_path else [])]:
            try:
                told = command([str(place), "-c", "import sys; print('%d.%d' % sys.version_info[:2])"], ROOT)
            except (FailedError, OSError):
                continue
            if told.strip() == version:
                found[version] = place
                break
    return found


def cells(wanted: Sequence[str]) -> list[Cell]:
    """All pairs that are supported and possible here, or those of them that are wanted."""
    pythons = interpreters()
    made = [
        Cell(python, core, pythons[python])
        for core, (first, last) in CORES.items()
        for python in PYTHONS[PYTHONS.index(first) : PYTHONS.index(last) + 1]
        if python in pythons
    ]
    return [cell for cell in made if not wanted or cell.name in wanted]


# --- what is done in a cell ---


def install(cell: Cell, _asm: Emulator) -> str:
    """ansible-core, the collection's own requirements, the checkout and the collections that it uses."""
    namespaces = cell.folder / "collections" / "ansible_collections"
    shutil.rmtree(namespaces, ignore_errors=True)
    (namespaces / "asm").mkdir(parents=True)
    (namespaces / "asm" / "lanes").symlink_to(ROOT)
    (namespaces / "kubernetes").mkdir()
    (namespaces / "kubernetes" / "core").symlink_to(Path(next(iter(kubernetes_core.__path__))))
    (namespaces / "awx").mkdir()  # the playbook asm.lanes.awx names its modules
    (namespaces / "awx" / "awx").symlink_to(Path(next(iter(awx.__path__))))
    uv = str(Path(sys.executable).with_name("uv"))
    python = cell.folder / "venv/bin/python"
    if not python.exists():
        command(
            [uv, "venv", "--quiet", "--python", str(cell.interpreter), str(python.parents[1])], cell.folder
        )
    packages = [f"ansible-core~={cell.core}.0", "-r", str(ROOT / "requirements.txt")]
    command([uv, "pip", "install", "--quiet", "--python", str(python), *packages], cell.folder)
    return cell.run("python", "-c", "from ansible.release import __version__ as v; print(v)").strip()


def compile_all(cell: Cell, _asm: Emulator) -> str:
    """No syntax that this Python does not know; the lab has a Python of its own."""
    code = (
        "import sys, pathlib\n"
        "for file in pathlib.Path(sys.argv[1]).rglob('*.py'):\n"
        "    compile(file.read_text(), str(file), 'exec')"
    )
    cell.run("python", "-c", code, str(ROOT / "plugins"))
    return "ok"


def documentation(cell: Cell, _asm: Emulator) -> str:
    names = [f"asm.lanes.{file.stem}" for file in sorted((ROOT / "plugins/modules").glob("*.py"))]
    text = cell.run("ansible-doc", "--type", "module", *names)
    missing = [name for name in names if name.rpartition(".")[2] not in text]
    if missing:
        raise FailedError(f"ansible-doc: no page of {', '.join(missing)}")
    return f"{len(names)} pages"


def syntax(cell: Cell, _asm: Emulator) -> str:
    books = sorted((ROOT / "playbooks").glob("*.yml"))
    names = [f"asm.lanes.{book.stem}" for book in books]
    cell.run("ansible-playbook", "-i", "localhost,", "--syntax-check", *names)
    return f"{len(books)} books"


def smoke(cell: Cell, asm: Emulator) -> str:
    """lane_group in check mode, for real, again, away; and everything that only reads."""
    asm.reset()
    book = cell.folder / "smoke.yml"
    book.write_text(yaml.safe_dump(smoke_play(asm), sort_keys=False))
    cell.run("ansible-playbook", "-i", "localhost,", str(book))
    return "ok"


def smoke_play(asm: Emulator) -> list[object]:
    connection = {
        "mesh_id": MESH,
        "access_key_id": ADMIN.access_key_id,
        "access_key_secret": ADMIN.access_key_secret,
        "endpoint": asm.endpoint,
        "protocol": "http",
        "timeout": 30,
    }
    service = "default/helloworld"
    lanes = [
        {"name": name, "label_selector": {"version": name}, "services": [service]} for name in ("v1", "v2")
    ]
    group = {
        "name": "matrix",
        "route_header": "version",
        "trace_header": "baggage",
        "gateway_rule": {"name": "gw", "namespace": "default"},
        "services": [service],
        "baseline": "v1",
        "lanes": lanes,
    }
    resources = {"mesh_kubeconfig": str(asm.mesh_kubeconfig)}

    def changes(expected: bool) -> dict[str, object]:
        return {
            "register": "result",
            "failed_when": f"result is failed or result.changed != {str(expected).lower()}",
        }

    tasks = [
        {"asm.lanes.lane_group": group, "check_mode": True, "diff": True, **changes(True)},
        {"asm.lanes.lane_group": group, **changes(True)},
        {"asm.lanes.lane_group": group, **changes(False)},
        {"asm.lanes.lane_group": {**group, **resources, "backend": "custom_resource"}, **changes(False)},
        {"asm.lanes.lane_group_info": {"as_spec": True}, **changes(False)},
        {"asm.lanes.lane_group_info": resources, **changes(False)},
        {"asm.lanes.mesh_info": {}, **changes(False)},
        {"asm.lanes.lane_group": {"name": "matrix", "state": "absent"}, **changes(True)},
        {"asm.lanes.lane_group": {"name": "matrix", "state": "absent"}, **changes(False)},
    ]
    play = {
        "hosts": "localhost",
        "connection": "local",
        "gather_facts": False,
        "vars": {"ansible_python_interpreter": "{{ ansible_playbook_python }}"},
        "module_defaults": {"group/asm.lanes.asm": connection},
        "tasks": tasks,
    }
    return [play]


STEPS: dict[str, Callable[[Cell, Emulator], str]] = {
    "ansible-core": install,
    "compile": compile_all,
    "ansible-doc": documentation,
    "syntax": syntax,
    "smoke": smoke,
}


def try_out(cell: Cell, asm: Emulator) -> None:
    """All steps until one fails."""
    cell.folder.mkdir(parents=True, exist_ok=True)
    for name, step in STEPS.items():
        try:
            cell.results[name] = step(cell, asm)
        except (FailedError, subprocess.TimeoutExpired) as failure:
            cell.results[name], cell.complaint = "FAILED", str(failure)
            return


def main(wanted: Sequence[str]) -> int:
    """Try all cells and print the table; the exit code tells whether all are well."""
    tried = cells(wanted)
    if not tried:
        print(f"no such cell on this machine; Pythons found: {', '.join(interpreters()) or 'none'}")
        return 2
    print("".join(f"{title:<14}" for title in ("python", *STEPS, "seconds")), flush=True)
    with tempfile.TemporaryDirectory() as folder:
        asm = Emulator(Path(folder))
        try:
            for cell in tried:
                began = time.monotonic()
                try_out(cell, asm)
                shown = [cell.python, *(cell.results.get(step, "-") for step in STEPS)]
                print(
                    "".join(f"{text:<14}" for text in [*shown, f"{time.monotonic() - began:.0f}"]), flush=True
                )
        finally:
            asm.close()
    failed = [cell for cell in tried if cell.complaint]
    for cell in failed:
        print(f"\n==> {cell.name}\n{cell.complaint}")
    absent = [python for python in PYTHONS if python not in interpreters()]
    print(
        f"{len(tried) - len(failed)} of {len(tried)} cells are well"
        + (f"; no Python {', '.join(absent)}" if absent else "")
    )
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
