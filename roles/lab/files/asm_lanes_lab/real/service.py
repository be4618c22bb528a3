"""One program of the control plane, as a part that the lab's supervisor keeps running."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ..kubelet.container import last_words
from ..kubelet.process import Process

#: What a program inherits of the lab's environment; the rest may hold proxies and secrets.
_INHERITED = ("PATH", "LANG", "TZ", "TMPDIR", "HOME")


class ServiceError(Exception):
    """A program has ended; the message says which and its last words."""


@dataclass
class Service:
    """A program with its arguments. It runs in *folder*, and writes to *log*."""

    name: str
    argv: Sequence[str]
    folder: Path
    log: Path
    #: What must have happened before it can start.
    after: asyncio.Event = field(default_factory=asyncio.Event)
    process: Process | None = None
    #: What it has in its environment beside that.
    environment: Mapping[str, str] = field(default_factory=dict)

    async def run(self) -> None:
        """Run the program until cancelled, from ``after`` on. Raises ServiceError when it ends before."""
        await self.after.wait()
        start = self.log.stat().st_size if self.log.exists() else 0
        env = {name: os.environ[name] for name in _INHERITED if name in os.environ}
        env.update(self.environment)
        self.process = await Process.start(self.argv, env, self.log, self.folder)
        try:
            code = await self.process.wait()
            raise ServiceError(f"it ended with {code}: {last_words(self.log, start)} (see {self.log})")
        except asyncio.CancelledError:
            await self.process.stop(0)  # at once: its data is thrown away, or is etcd's, which survives that
            raise
        finally:
            self.process = None


def free_port(address: str) -> int:
    """A port of the address that nobody listens on now."""
    with socket.create_server((address, 0)) as held:
        port: int = held.getsockname()[1]
        return port
