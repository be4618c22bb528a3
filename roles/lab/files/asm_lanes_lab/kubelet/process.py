"""Child processes that end with the lab, whatever happens to it."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import os
import signal
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None, use_errno=True)


class Process:
    """A running child, leader of a process group of its own."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    @classmethod
    async def start(
        cls, argv: Sequence[str], env: Mapping[str, str], log: Path, folder: Path | None = None
    ) -> Process:
        """Run *argv* with exactly *env*, in *folder*; its output is appended to *log*. Raises OSError.

        To be called in the daemon's main thread: the kernel sends the parent-death signal when the thread
        that started the child ends.
        """
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("ab") as output:
            process = await asyncio.create_subprocess_exec(
                *argv,
                env=dict(env),
                cwd=folder,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=asyncio.subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=dies_with(os.getpid()),
            )
        return cls(process)

    @property
    def pid(self) -> int:
        """Process id, and id of the process group."""
        return self._process.pid

    async def wait(self) -> int:
        """Wait for the end; the exit code, or 128 + signal as a shell has it."""
        code = await self._process.wait()
        return code if code >= 0 else 128 - code

    async def stop(self, grace: float) -> None:
        """SIGTERM, up to *grace* seconds, SIGKILL: for the whole group."""
        if grace > 0:
            self._signal(signal.SIGTERM)
            with contextlib.suppress(asyncio.TimeoutError):
                async with asyncio.timeout(grace):
                    await self._process.wait()
        self._signal(signal.SIGKILL)
        await self._process.wait()

    def _signal(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, number)


def dies_with(parent: int, number: signal.Signals = signal.SIGKILL) -> Callable[[], None]:
    """What a child does before its program: ask the kernel for a signal when *parent* ends."""

    def prepare() -> None:
        _LIBC.prctl(_PR_SET_PDEATHSIG, number, 0, 0, 0)
        if os.getppid() != parent:  # it has ended already
            os._exit(1)

    return prepare


def alive(pid: int) -> bool:
    """Whether a process exists and has not ended (a zombie has)."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (OSError, IndexError):
        return False
    return state not in ("Z", "X")


def memory(pid: int) -> int | None:
    """Resident memory of a process in bytes; None when there is no such process."""
    try:
        pages = Path(f"/proc/{pid}/statm").read_text().split()[1]
    except (OSError, IndexError):
        return None
    return int(pages) * os.sysconf("SC_PAGE_SIZE")
