"""Builds that break off or meet: what was compiled is kept, what is half done never counts."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable
from pathlib import Path

import pytest
from asm_lanes_lab.binaries import download
from asm_lanes_lab.binaries.cache import cache_dir
from asm_lanes_lab.kubelet.process import alive

GO = shutil.which("go")
LAB = Path(__file__).parents[3] / "roles" / "lab" / "files"

pytestmark = pytest.mark.skipif(not GO, reason="there is no Go on PATH")

#: What runs `provide` in a process of its own, for a program of this test.
PROVIDE = """
import sys
from pathlib import Path
from asm_lanes_lab.binaries import provide, recipes
recipes.MODULES = Path(sys.argv[1])
hello = recipes.Recipe("hello", "hello", "lab.test/hello", "lab.test/dependency")
print(provide([hello], lambda line: print(line, flush=True))["hello"].file)
"""

#: Go calls it in place of each of its tools. It writes down which package is compiled, and lets the linker
#: wait, once it has said so, until it may go on.
TOOL = """#!/bin/sh
case "$*" in
  *-V=full*) ;;
  */compile*) echo "$*" | sed -n 's/.* -p \\([^ ]*\\).*/\\1/p' >> {folder}/compiled ;;
  */link*) echo $PPID > {folder}/linking; while [ ! -e {folder}/go-on ]; do sleep 0.05; done ;;
esac
exec "$@"
"""


class Workplace:
    """A Go module of a program and a dependency, and a cache for programs."""

    def __init__(self, folder: Path, go_cache: str) -> None:
        self.folder, self.cache = folder, folder / "cache"
        module = folder / "go" / "hello"
        (module / "dependency").mkdir(parents=True)
        (module / "go.mod").write_text(
            "module lab.test/hello\n\ngo 1.20\n\nrequire (\n\tlab.test/dependency v0.1.0\n)\n\n"
            "replace lab.test/dependency => ./dependency\n"
        )
        (module / "go.sum").write_text("")
        main = 'package main\n\nimport "lab.test/dependency"\n\nfunc main() { println(dependency.Text) }\n'
        (module / "main.go").write_text(main)
        (module / "dependency" / "go.mod").write_text("module lab.test/dependency\n")
        self.text = uuid.uuid4().hex  # which no build before this one has compiled
        source = f'package dependency\n\nconst Text = "{self.text}"\n'
        (module / "dependency" / "text.go").write_text(source)
        tool = folder / "tool"
        tool.write_text(TOOL.format(folder=folder))
        tool.chmod(0o755)
        self.environment = os.environ | {
            **{"XDG_CACHE_HOME": str(self.cache), "GOCACHE": go_cache, "GOPROXY": "off"},
            **{"GOFLAGS": f"-toolexec={tool}", download.MIRROR: "", "PYTHONPATH": str(LAB)},
        }
        self.environment.pop("KUBEBUILDER_ASSETS", None)

    def provide(self) -> subprocess.Popen[str]:
        command = [sys.executable, "-c", PROVIDE, str(self.folder / "go")]
        return subprocess.Popen(
            command,
            env=self.environment,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
            # As at a terminal: where tests are a shell's background job it is ignored.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )

    def compiled(self) -> list[str]:
        """The packages compiled since the last call."""
        file = self.folder / "compiled"
        packages = file.read_text().split() if file.exists() else []
        file.unlink(missing_ok=True)
        return packages

    def go_on(self) -> None:
        """Let linkers do their work."""
        (self.folder / "go-on").touch()


@pytest.fixture
def workplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workplace:
    go_cache = subprocess.check_output([str(GO), "env", "GOCACHE"], text=True).strip()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return Workplace(tmp_path, go_cache)


def wait_for(check: Callable[[], object], what: str) -> None:
    deadline = time.monotonic() + 90
    while not check():
        assert time.monotonic() < deadline, f"not within 90 s: {what}"
        time.sleep(0.05)


def programs() -> list[Path]:
    return list(cache_dir().glob("hello-*/hello"))


def test_a_build_that_is_killed_goes_on_where_it_was(workplace: Workplace) -> None:
    linking = workplace.folder / "linking"
    with workplace.provide() as first:
        wait_for(lambda: linking.exists() and linking.read_text().strip(), "Go links the program")
        go = int(linking.read_text())
        assert alive(go)
        first.kill()
    assert "lab.test/dependency" in workplace.compiled()
    assert programs() == []
    workplace.go_on()
    wait_for(lambda: not alive(go), "Go ends")
    assert not list(cache_dir().rglob("hello")), "Go was told to stop when the process that started it ended"

    with workplace.provide() as second:
        assert second.stdout
        said = second.stdout.read()
    assert second.returncode == 0, said
    assert "lab.test/dependency" not in workplace.compiled(), "it was compiled before"
    program = Path(said.splitlines()[-1])
    assert programs() == [program]
    done = subprocess.run([program], capture_output=True, text=True, check=True)
    assert done.stderr.strip() == workplace.text
    assert list((cache_dir() / "workshop").iterdir()) == [], "what the first one left is gone"


def test_ctrl_c_leaves_nothing(workplace: Workplace) -> None:
    with workplace.provide() as building:
        wait_for((workplace.folder / "linking").exists, "Go links the program")
        os.killpg(building.pid, signal.SIGINT)
        assert building.wait(90) != 0
    assert not list(cache_dir().rglob("hello"))


def test_two_at_once_make_it_once(workplace: Workplace) -> None:
    with workplace.provide() as one:
        wait_for((workplace.folder / "linking").exists, "Go links the program")
        with workplace.provide() as other:
            assert one.stdout and other.stdout
            assert other.stdout.readline() == "another process is making programs; waiting for it\n"
            workplace.go_on()
            told = other.stdout.read().splitlines()
        said = one.stdout.read().splitlines()
    assert (one.returncode, other.returncode) == (0, 0)
    assert [line for line in said if line.startswith("built hello")]
    assert told == [said[-1]] == [str(programs()[0])]
    assert workplace.compiled().count("lab.test/dependency") == 1
