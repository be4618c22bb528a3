"""The guide's client with its npm packages, installed once into the cache."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

HERE = Path(__file__).parent
CACHE = HERE.parents[2] / ".cache" / "node-client"
NPM = ("npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error")

#: Runs the client against a gateway with a value of the header (None: without), for so many seconds.
Client = Callable[[str, "str | None", float], "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="session")
def packages() -> Path:
    """The folder with the packages; the check is skipped, saying so, where there is no Node.js with npm."""
    missing = [tool for tool in ("node", "npm") if shutil.which(tool) is None]
    if missing:
        pytest.skip(f"{' and '.join(missing)} not found: install Node.js to run the stock client and server")
    folder = CACHE / hashlib.sha256((HERE / "package.json").read_bytes()).hexdigest()[:12]
    done = folder / "installed"
    if not done.exists():
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copy(HERE / "package.json", folder)
        subprocess.run(NPM, cwd=folder, check=True)
        done.touch()
    return folder


@pytest.fixture(scope="session")
def node_client(packages: Path) -> Client:
    """The installed client."""

    def run(url: str, version: str | None, seconds: float) -> subprocess.CompletedProcess[str]:
        shutil.copy(HERE / "client.mjs", packages)  # modules are found beside the file that imports them
        given = {"GATEWAY_URL": url, "SECONDS": str(seconds)}
        given |= {} if version is None else {"VERSION": version}
        inherited = {key: value for key, value in os.environ.items() if key != "VERSION"}
        return subprocess.run(
            ["node", "client.mjs"],
            cwd=packages,
            env=inherited | given,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    return run


@pytest.fixture(scope="session")
def node_servers(packages: Path) -> Iterator[list[str]]:
    """The URLs of two stock servers that know nothing of each other."""
    shutil.copy(HERE / "server.mjs", packages)
    command = ["node", "server.mjs"]
    running = [
        subprocess.Popen(command, cwd=packages, stdout=subprocess.PIPE, text=True) for _replica in range(2)
    ]
    try:
        yield [str(server.stdout.readline()).strip() for server in running if server.stdout]
    finally:
        for server in running:
            server.terminate()
            server.communicate(timeout=30)
