"""The module lane_report as users run it: files, check mode, diff, bad input."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import report_proofs
import yaml

ROOT = Path(__file__).parents[3]


def run(folder: Path, tasks: list[dict[str, Any]]) -> subprocess.CompletedProcess[str]:
    """A play of these tasks, started in *folder*, where the example proofs are files."""
    for name, make in report_proofs.ALL.items():
        (folder / f"{name}.json").write_text(
            json.dumps(make()).replace("\\ud800", "")
        )  # which Ansible refuses
    play = {"hosts": "localhost", "gather_facts": False, "tasks": tasks}
    (folder / "play.yml").write_text(yaml.safe_dump([play]))
    return subprocess.run(
        [str(Path(sys.executable).with_name("ansible-playbook")), "play.yml"],
        cwd=folder,
        env={**os.environ, "ANSIBLE_NOCOLOR": "1", "ANSIBLE_HOME": str(ROOT / ".ansible")},
        capture_output=True,
        text=True,
        check=False,
    )


def report(example: str = "failed", **options: Any) -> dict[str, Any]:
    """A task; a file is to Ansible what an application answered: data that is never a template."""
    proof = f"{{{{ lookup('ansible.builtin.file', '{example}.json') | from_json }}}}"
    wanted = {"proof": proof, "dest": "reports", **options}
    return {"asm.lanes.lane_report": {key: value for key, value in wanted.items() if value is not None}}


def holds(*conditions: str) -> dict[str, Any]:
    return {"ansible.builtin.assert": {"that": list(conditions)}}


def test_files_are_written_once_and_not_at_all_in_check_mode(tmp_path: Path) -> None:
    options = {"mode": "0640", "versions": {"ASM": "1.22.6.106"}}
    look = {**report(), "check_mode": True, "register": "looked"}
    tasks = [
        look,
        holds("looked is changed", "looked.files.keys() | sort == ['html', 'json', 'junit', 'svg']"),
        {"ansible.builtin.stat": {"path": "{{ looked.files.html }}"}, "register": "found"},
        holds("not found.stat.exists"),
        {**report(**options), "diff": True, "register": "written"},
        holds("written is changed", "written.diff | length == 4", "written.files == looked.files"),
        {**report(**options), "register": "again"},
        holds("again is not changed", "again.diff == []"),
        look,
        holds("looked is changed", "'mode 0640' in looked.diff[0].before_header"),
        report(name="lanes", formats=["mermaid"]),
        report("hostile", dest="hostile", formats=["html", "json"]),
    ]
    done = run(tmp_path, tasks)
    assert done.returncode == 0, done.stdout + done.stderr
    files = {path.name: path for path in (tmp_path / "reports").iterdir()}
    endings = ("html", "json", "svg", "xml")
    assert sorted(files) == [*(f"lane-proof.{ending}" for ending in endings), "lanes.mmd"]
    assert files["lane-proof.html"].stat().st_mode & 0o777 == 0o640
    proof = json.loads(files["lane-proof.json"].read_text(encoding="utf-8"))
    versions = proof.pop("versions")
    assert proof == report_proofs.failed()
    assert versions.keys() == {"asm.lanes", "ansible-core", "Python", "ASM"}
    assert "1.22.6.106" in files["lane-proof.html"].read_text(encoding="utf-8")
    assert '+  "schema": "asm.lanes/proof/v1",' in done.stdout, "the diff"
    # What an application answered is never a template.
    assert "{{ 7*7 }}" in (tmp_path / "hostile" / "lane-proof.html").read_text(encoding="utf-8")
    written = json.loads((tmp_path / "hostile" / "lane-proof.json").read_text(encoding="utf-8"))
    del written["versions"]
    assert written == json.loads((tmp_path / "hostile.json").read_text(encoding="utf-8"))


def test_bad_input_is_one_clear_error(tmp_path: Path) -> None:
    wrong: dict[str, dict[str, Any]] = {
        "proof.schema: is None, not 'asm.lanes/proof/v1'": {"proof": {"passed": True}},
        "name 'a/b' is not a plain file name": {"name": "a/b"},
        "mode '420' is not of the form": {"mode": 420},
        "value of formats must be one or more of": {"formats": ["pdf"]},
        "play.yml/reports cannot be": {"dest": "play.yml/reports"},
        "missing required arguments: dest": {"dest": None},
    }
    tasks = []
    for words, options in wrong.items():
        tasks.append({**report(**options), "register": "tried", "ignore_errors": True})
        tasks.append(holds("tried is failed", f"{json.dumps(words)} in tried.msg"))
    done = run(tmp_path, tasks)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr
