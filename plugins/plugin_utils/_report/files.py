# Copyright (c) 2026, asm.lanes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Report files: put in place as a whole, with a stated mode, and only when they differ."""

from __future__ import annotations

import os
import re
import stat
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

_MODE = re.compile(r"0[0-7]{3}")
_NAME = re.compile(r"[^/\\\x00-\x1f]+")


class FileError(Exception):
    """A file that cannot be written. The message names it and says what to do."""


@dataclass(frozen=True)
class Change:
    """A file before and after; before is None when there was none."""

    path: Path
    before: str | None
    after: str
    mode_before: int | None
    mode: int

    @property
    def changed(self) -> bool:
        return self.before != self.after or self.mode_before != self.mode


def parse_mode(text: str) -> int:
    """``"0644"`` -> 0o644. Raises ValueError for anything but such text."""
    if not _MODE.fullmatch(text):
        raise ValueError(f"mode {text!r} is not of the form '0644': write four octal digits in quotes")
    return int(text, 8)


def parse_name(text: str) -> str:
    """A plain file name, without its ending. Raises ValueError for a path."""
    if not _NAME.fullmatch(text) or text in (".", ".."):
        raise ValueError(f"name {text!r} is not a plain file name: give the folder in dest")
    return text


def plan(folder: Path, texts: Mapping[str, str], mode: int) -> list[Change]:
    """What is to be done so that the folder holds files of these names and texts. Raises FileError."""
    return [_compare(folder / name, text, mode) for name, text in texts.items()]


def execute(folder: Path, changes: list[Change]) -> None:
    """Make the folder, if need be, and write what has changed. Raises FileError."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _refused(folder, error) from None
    for change in changes:
        if change.changed:
            _write(change)


def to_bytes(text: str) -> bytes:
    """UTF-8; what is no character (a lone surrogate) is written as JSON would escape it."""
    return text.encode("utf-8", "backslashreplace")


def _compare(path: Path, text: str, mode: int) -> Change:
    after = to_bytes(text).decode()
    try:
        status = path.lstat()
        if not stat.S_ISREG(status.st_mode):
            raise FileError(f"{path} is there and not a regular file. Give another dest or name.")
        before = path.read_bytes().decode("utf-8", "replace")
    except (FileNotFoundError, NotADirectoryError):
        return Change(path, None, after, None, mode)
    except OSError as error:
        raise _refused(path, error) from None
    return Change(path, before, after, stat.S_IMODE(status.st_mode), mode)


def _write(change: Change) -> None:
    """A new file takes the old one's place in one step, so that nobody ever reads half a report."""
    temporary: Path | None = None
    try:
        handle, name = tempfile.mkstemp(prefix=f".{change.path.name}.", dir=change.path.parent)
        temporary = Path(name)
        with os.fdopen(handle, "wb") as file:
            file.write(to_bytes(change.after))
            os.fchmod(file.fileno(), change.mode)
        temporary.replace(change.path)
    except OSError as error:
        raise _refused(change.path, error) from None
    finally:
        if temporary:
            temporary.unlink(missing_ok=True)


def _refused(path: Path, error: OSError) -> FileError:
    hint = "Choose another dest, or mend the permissions there"
    return FileError(f"{path} cannot be written: {error.strerror}. {hint}.")
