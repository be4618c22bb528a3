"""Programs that not every machine has: those of the second environment (``make tools``), and the system's."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
TOOLS = ROOT / ".cache" / "tools" / "bin"


def tool(name: str) -> str:
    """The path of a program; skips the test where the environment has not been made."""
    if not (TOOLS / name).exists():
        pytest.skip(f"{name} is not there: run `make tools`")
    return str(TOOLS / name)


def program(name: str, words: str) -> str:
    """The path of a program of the system's; skips the test, in words, where there is none."""
    found = shutil.which(name)
    if not found:
        pytest.skip(f"there is no {name} on the PATH: {words}")
    return found


def path_with_tools() -> str:
    """PATH on which the test's own Ansible comes first, then the tools."""
    return os.pathsep.join([str(Path(sys.executable).parent), str(TOOLS), os.environ["PATH"]])
