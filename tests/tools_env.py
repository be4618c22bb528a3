"""The second environment (``make tools``): programs that package, publish and play the collection."""

from __future__ import annotations

import os
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


def path_with_tools() -> str:
    """PATH on which the test's own Ansible comes first, then the tools."""
    return os.pathsep.join([str(Path(sys.executable).parent), str(TOOLS), os.environ["PATH"]])
