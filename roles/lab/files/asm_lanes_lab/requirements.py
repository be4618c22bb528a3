"""Which Python can run the lab: ``python -m asm_lanes_lab.requirements FILE [PYTHON]``.

Prints JSON: ``python``, the running one if it has all that FILE lists, else PYTHON if that has, else empty;
and ``missing``, what the last one asked lacks. Runs on any Python that has ``packaging``, as Ansible's has.
"""

from __future__ import annotations

import json
import os
import sys
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement

#: The first Python that the lab's code is written for.
MINIMUM = (3, 11)


def missing(file: Path) -> list[str]:
    """What the running Python lacks of the requirements in *file*."""
    lacks = [] if sys.version_info >= MINIMUM else [f"Python {'.'.join(map(str, MINIMUM))} or newer"]
    lines = (line.partition("#")[0].strip() for line in file.read_text().splitlines())
    return lacks + [line for line in lines if line and not _satisfied(Requirement(line))]


def _satisfied(requirement: Requirement) -> bool:
    try:
        return requirement.specifier.contains(metadata.version(requirement.name), prereleases=True)
    except metadata.PackageNotFoundError:
        return False


def main(file: str, other: str = "") -> None:
    """Print the answer, of this Python or of the *other*."""
    lacks = missing(Path(file))
    if lacks and other and Path(other).exists():
        os.execv(other, [other, "-m", "asm_lanes_lab.requirements", file])
    print(json.dumps({"python": "" if lacks else sys.executable, "missing": lacks}))


if __name__ == "__main__":
    main(*sys.argv[1:])
