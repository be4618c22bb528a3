# Copyright (c) 2026, asm.lanes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Versions of what makes a report."""

from __future__ import annotations

import json
import platform
import re
from pathlib import Path

from ansible.release import __version__ as ansible_version

ROOT = Path(__file__).parents[3]


def versions() -> dict[str, str]:
    """asm.lanes, ansible-core and Python, as they run here."""
    return {
        "asm.lanes": collection_version(ROOT),
        "ansible-core": ansible_version,
        "Python": platform.python_version(),
    }


def collection_version(root: Path) -> str:
    """Of an installed collection (MANIFEST.json) or a checkout (galaxy.yml); "unknown" without both."""
    manifest, galaxy = root / "MANIFEST.json", root / "galaxy.yml"
    if manifest.is_file():
        return str(json.loads(manifest.read_text(encoding="utf-8"))["collection_info"]["version"])
    if galaxy.is_file():
        found = re.search(r"^version: *(\S+)", galaxy.read_text(encoding="utf-8"), re.MULTILINE)
        return found[1] if found else "unknown"
    return "unknown"
