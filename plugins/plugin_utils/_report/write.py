# Copyright (c) 2026, asm.lanes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A report, from the options of `asm.lanes.lane_report` to its files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import files, formats
from .fields import ProofError
from .versions import versions


class ReportError(Exception):
    """The report cannot be made or written. The message says why, and what to do."""


@dataclass(frozen=True)
class Written:
    """paths: of the files, by format. changes: what was, or in check mode would be, done to each."""

    paths: Mapping[str, str]
    changes: tuple[files.Change, ...]


def write(proof: Mapping[str, Any], options: Mapping[str, Any], *, check_mode: bool = False) -> Written:
    """Render a proof and put the files in place.

    Args:
        proof: as `asm.lanes.lane_probe` returns it.
        options: by the names of `options.ARGUMENTS`, all of them.
        check_mode: write nothing.

    Raises:
        ReportError: an option, the proof, or the folder is no good; nothing is half-written.
    """
    try:
        folder = Path(options["dest"]).absolute()
        name, mode = files.parse_name(options["name"]), files.parse_mode(options["mode"])
        named = {**versions(), **(proof.get("versions") or {}), **options["versions"]}
        texts = formats.render({**proof, "versions": named}, options["formats"])
        paths = {kind: f"{name}.{formats.ENDINGS[kind]}" for kind in texts}
        changes = files.plan(folder, {paths[kind]: text for kind, text in texts.items()}, mode)
        if not check_mode:
            files.execute(folder, changes)
    except (ProofError, ValueError, files.FileError) as error:
        raise ReportError(str(error)) from error
    return Written({kind: str(folder / path) for kind, path in paths.items()}, tuple(changes))
