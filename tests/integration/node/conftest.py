"""The guide's client with its npm packages, installed once into the cache."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

HERE = Path(__file__).parent
CACHE = HERE.parents[2] / ".cache" / "node-client"
NPM = ("npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error")

#: Runs the client against a gateway with a value of the header (None: without), for so many seconds.
Client = Callable[[str, "str | None", float], "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="session")
def node_client() -> Client:
    """The installed client; the check is skipped, saying so, where there is no Node.js with npm."""
    missing = [tool for tool in ("node", "npm") if shutil.which(tool) is None]
    if missing:
        pytest.skip(f"{' and '.join(missing)} not found: install Node.js to run the guide's own client")
    folder = CACHE / hashlib.sha256((HERE / "package.json").read_bytes()).hexdigest()[:12]
    done = folder / "installed"
    if not done.exists():
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copy(HERE / "package.json", folder)
        subprocess.run(NPM, cwd=folder, check=True)
        done.touch()

    def run(url: str, version: str | None, seconds: float) -> subprocess.CompletedProcess[str]:
        shutil.copy(HERE / "client.mjs", folder)  # modules are found beside the file that imports them
        given = {"GATEWAY_URL": url, "SECONDS": str(seconds)}
        given |= {} if version is None else {"VERSION": version}
        inherited = {key: value for key, value in os.environ.items() if key != "VERSION"}
        return subprocess.run(
            ["node", "client.mjs"],
            cwd=folder,
            env=inherited | given,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    return run
