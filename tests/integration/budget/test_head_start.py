"""The inventory plugin head_start: module hosts begin before a playbook is read, where it is of use."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from bench.replay import BENCH, ROOT

#: A pattern that matches no host ends ansible-playbook after the inventory, before it reads a playbook.
NOBODY = ("-i", "localhost,", "--limit", "nobody")
USUAL = {"ANSIBLE_INVENTORY_ENABLED": "host_list"}
NOTHING = "- {hosts: localhost, gather_facts: false, tasks: []}\n"


def forks(folder: Path, program: str, *arguments: str, **environment: str) -> int:
    """How many processes a program of Ansible has forked, as those tell that were."""
    # A host may still tell of itself when ansible-playbook has ended: each run has a file of its own.
    file = folder / f"processes-{len(list(folder.iterdir()))}"
    file.touch()
    counting = {"PYTHONPATH": str(BENCH / "counting"), "COUNT_PROCESSES": str(file)}
    done = subprocess.run(
        [str(Path(sys.executable).with_name(program)), *arguments],
        cwd=ROOT,
        env={**os.environ, **counting, **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "Failed to load" not in done.stdout + done.stderr
    assert done.returncode == (1 if NOBODY[-1] in arguments else 0), done.stdout + done.stderr
    return file.read_text().count("fork ")


def test_the_hosts_begin_before_a_playbook_of_ours_is_read(tmp_path: Path) -> None:
    assert forks(tmp_path, "ansible-playbook", *NOBODY, "asm.lanes.site") > 0
    assert forks(tmp_path, "ansible-playbook", *NOBODY, "asm.lanes.site", **USUAL) == 0


@pytest.mark.parametrize(
    "arguments",
    [
        ("ansible-playbook", *NOBODY, "nothing.yml"),
        ("ansible-playbook", "-i", "localhost,", "asm.lanes.site", "--list-tasks"),
        ("ansible-playbook", "-i", "localhost,", "asm.lanes.site", "--syntax-check"),
        ("ansible-inventory", "-i", "localhost,", "--list"),
    ],
)
def test_nothing_begins_where_it_is_of_no_use(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    other = tmp_path / "nothing.yml"
    other.write_text(NOTHING)
    command = [str(other) if word == other.name else word for word in arguments]
    assert forks(tmp_path, *command) == 0
