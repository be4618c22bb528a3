"""The project's own cache of programs: one folder each, with the checksum that it had when it was made."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from ..errors import LabError
from ..files import write_text
from .recipes import Recipe

#: Takes one line of progress.
Say = Callable[[str], None]


def cache_dir() -> Path:
    """``$XDG_CACHE_HOME/asm-lanes-binaries``, or ``~/.cache/asm-lanes-binaries``; survives every lab."""
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "asm-lanes-binaries"


def place(recipe: Recipe) -> Path:
    """Where the program is, if it is there."""
    return cache_dir() / f"{recipe.name}-{recipe.version}-{recipe.key}" / recipe.name


def cached(recipe: Recipe) -> Path | None:
    """The program, if the cache has it. Raises LabError when the file is not the one that was put there."""
    file = place(recipe)
    record = _record(file)
    if not file.is_file() or not record.is_file():
        return None
    expected, found = record.read_text().split()[0], checksum(file)
    if found != expected:
        raise LabError(
            f"{file} is not the file that was built: its SHA-256 is {found}, recorded is {expected};"
            f" remove {file.parent} to have it made again"
        )
    return file


def keep(recipe: Recipe, made: Path) -> Path:
    """Move a program that has just been made into the cache, with its checksum in the form of sha256sum.

    The checksum comes last, and counts: a program without one has not arrived.
    """
    file = place(recipe)
    file.parent.mkdir(parents=True, exist_ok=True)
    made.chmod(0o755)
    digest = checksum(made)
    shutil.move(made, file)
    write_text(_record(file), f"{digest}  {file.name}\n")
    return file


@contextlib.contextmanager
def workshop(say: Say) -> Iterator[Path]:
    """A folder to make programs in; one process at a time has one, the others wait."""
    base = cache_dir() / "workshop"
    base.parent.mkdir(parents=True, exist_ok=True)
    with (cache_dir() / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("another process is making programs; waiting for it")
            fcntl.flock(lock, fcntl.LOCK_EX)
        shutil.rmtree(base, ignore_errors=True)  # of one that was killed
        base.mkdir()
        # A folder of its own: Go may live for a moment longer than the process that was killed.
        with tempfile.TemporaryDirectory(dir=base, ignore_cleanup_errors=True) as folder:
            yield Path(folder)


def checksum(file: Path, method: str = "sha256") -> str:
    """The checksum of a file, in hexadecimal digits."""
    with file.open("rb") as data:
        return hashlib.file_digest(data, method).hexdigest()


def _record(file: Path) -> Path:
    return file.with_name(f"{file.name}.sha256")
