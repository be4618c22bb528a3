"""Writing the lab's files: whole or not at all, and secrets only for their owner."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shutil
from pathlib import Path
from typing import Any

import yaml

from .settings import StateDir


def write_text(file: Path, text: str, mode: int = 0o644) -> None:
    """Put *text* into *file* by an atomic rename."""
    new = file.with_name(f".{file.name}.new")
    new.unlink(missing_ok=True)
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(descriptor, "w") as output:
        output.write(text)
    new.replace(file)


def write_json(file: Path, data: Any, mode: int = 0o644) -> None:
    """Put *data* into *file* as JSON."""
    write_text(file, json.dumps(data, indent=2) + "\n", mode)


def write_secret_yaml(file: Path, data: Any) -> None:
    """Put *data* into *file* as YAML that only its owner can read."""
    write_text(file, yaml.safe_dump(data, sort_keys=False), 0o600)


def read_json(file: Path) -> Any:
    """The data in *file*; None when there is no such file."""
    try:
        return json.loads(file.read_text())
    except (FileNotFoundError, NotADirectoryError):
        return None


def remove(*paths: Path) -> None:
    """Remove files and folders; what is not there is removed already."""
    for path in paths:
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)


class Lock:
    """The lock that a running daemon holds on its pid file; the kernel drops it when the daemon dies."""

    def __init__(self, files: StateDir) -> None:
        self._file = files.pid
        self._descriptor: int | None = None

    def acquire(self) -> bool:
        """Take the lock and write our pid; False when another process holds it."""
        descriptor = os.open(self._file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return False
        os.ftruncate(descriptor, 0)
        os.write(descriptor, f"{os.getpid()}\n".encode())
        self._descriptor = descriptor
        return True

    def holder(self) -> int | None:
        """The pid of the process that holds the lock; None when nobody does, as with a stale file."""
        try:
            descriptor = os.open(self._file, os.O_RDONLY | os.O_CLOEXEC)
        except (FileNotFoundError, NotADirectoryError):
            return None
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            with contextlib.suppress(ValueError):
                return int(os.read(descriptor, 32))
            return 0  # it has the lock and is about to write its pid
        finally:
            os.close(descriptor)
        return None
