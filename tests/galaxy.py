"""Build the collection and let Galaxy's importer judge it, as Galaxy does with every upload.

The importer wants the address of a repository, which galaxy.yml gets with the first release: a copy of the
checkout gets one that is reserved for examples. Run with the tools' Python (``make tools``); any error of the
importer fails.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
BIN = Path(sys.executable).parent
ADDRESS = "repository: https://example.com/asm.lanes\n"


def main() -> int:
    """Build, import, judge; returns the exit code."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        copy(folder / "checkout")
        environment = {**os.environ, "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}", "HOME": name}
        for variable in ("ANSIBLE_CONFIG", "ANSIBLE_HOME"):
            environment.pop(variable, None)
        build = [BIN / "ansible-galaxy", "collection", "build", folder / "checkout", "--output-path", folder]
        subprocess.run(build, check=True, env=environment, cwd=folder, stdout=subprocess.DEVNULL)
        (tarball,) = folder.glob("asm-lanes-*.tar.gz")
        done = subprocess.run(
            [sys.executable, "-m", "galaxy_importer.main", tarball],
            env=environment,
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
        )
    output = done.stdout + done.stderr
    print(output)
    imported = "Importer processing completed successfully" in output
    return (
        1 if done.returncode or not imported or re.search(r"^(ERROR|CRITICAL)", output, re.MULTILINE) else 0
    )


def copy(target: Path) -> None:
    """What git knows or would take, with an address in galaxy.yml if it has none."""
    listing = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    for name in filter(None, listing.stdout.decode().split("\0")):
        if (source := ROOT / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(source, target / name)
    metadata = target / "galaxy.yml"
    text = metadata.read_text()
    if not re.search("^repository:", text, re.MULTILINE):
        metadata.write_text(text + ADDRESS)


if __name__ == "__main__":
    sys.exit(main())
