"""Building a program from its Go module. Go keeps what it has compiled, so a build that broke off goes on."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

from ..errors import LabError
from ..kubelet.process import dies_with
from .cache import Say, keep
from .recipes import Recipe

#: Seconds between two lines of progress.
PROGRESS = 10.0
#: Last lines of Go's output in an error.
TAIL = 12
#: What the compiler leaves out: what is for debuggers only, and goes away when the program is linked.
COMPILING = "all=-dwarf=false"
#: How much garbage the compiler lets lie, in percent: memory for a sixth of the processor time.
GARBAGE = "400"


def go() -> str | None:
    """The Go on PATH."""
    return shutil.which("go")


def build(recipe: Recipe, folder: Path, say: Say) -> Path:
    """Build a program in *folder* and put it into the cache; its place there. Raises LabError."""
    tool = go()
    if not tool:
        raise LabError(f"{recipe.name} cannot be built: there is no go on PATH")
    say(f"fetching what {recipe.name} {recipe.version} is made of")
    total = _packages(tool, recipe)
    say(f"building {recipe.name} {recipe.version} from {total} Go packages")
    began, output = time.monotonic(), folder / recipe.name
    command = (
        *(tool, "build", "-v", "-trimpath", "-p", str(os.cpu_count() or 1)),
        *("-gcflags", COMPILING, "-ldflags", recipe.linking, "-o", str(output), recipe.package),
    )
    _run(recipe, command, folder, total, say)
    say(f"built {recipe.name}: {time.monotonic() - began:.0f} s, {output.stat().st_size / 2**20:.0f} MiB")
    return keep(recipe, output)


def _packages(tool: str, recipe: Recipe) -> int:
    """How many packages the program is made of; downloads their modules."""
    command = (tool, "list", "-deps", "-f", "{{.ImportPath}}", recipe.package)
    done = subprocess.run(
        command, cwd=recipe.folder, env=environment(), capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise _failed(recipe, done.stderr.splitlines())
    return len(done.stdout.splitlines())


def _run(recipe: Recipe, command: tuple[str, ...], folder: Path, total: int, say: Say) -> None:
    """Run the build, which names each package that it compiles; tell how far it is."""
    lines: list[str] = []
    shown = time.monotonic()
    end_with_us = dies_with(os.getpid(), signal.SIGINT)  # upon which Go tidies up

    def prepare() -> None:
        # A shell's background jobs ignore it, and so would Go.
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        end_with_us()
        os.nice(10)  # it takes minutes: whoever works here should not notice

    with subprocess.Popen(
        command,
        cwd=recipe.folder,
        env=environment() | {"GOTMPDIR": str(folder)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=prepare,
    ) as process:
        assert process.stderr
        for line in process.stderr:
            lines.append(line.rstrip())
            if time.monotonic() - shown > PROGRESS:
                shown = time.monotonic()
                say(f"  {recipe.name}: {len(lines)} packages compiled, {total} at most")
    if process.returncode:
        raise _failed(recipe, lines)


def _failed(recipe: Recipe, lines: list[str]) -> LabError:
    told = "\n".join(f"  {line}" for line in lines[-TAIL:])
    return LabError(f"{recipe.name} {recipe.version} cannot be built in {recipe.folder}:\n{told}")


def environment() -> dict[str, str]:
    """The user's own settings of Go, but no C compiler, and no change to go.mod and go.sum."""
    flags = f"{os.environ.get('GOFLAGS', '')} -mod=readonly -buildvcs=false".strip()
    fixed = {"CGO_ENABLED": "0", "GOFLAGS": flags, "GOWORK": "off"}
    return {"GOGC": GARBAGE, **os.environ, **fixed}
