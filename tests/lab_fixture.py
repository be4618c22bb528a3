"""What the tests of the lab share."""

from __future__ import annotations

import asyncio
import random
import socket
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

#: The folder that holds the package ``asm_lanes_lab``.
LAB_FILES = Path(__file__).parent.parent / "roles" / "lab" / "files"


def free_loopback(*ports: int) -> str:
    """An address of 127/8 on which nobody uses *ports*; random, so that parallel tests do not meet."""
    while True:
        address = f"127.{random.randint(128, 250)}.{random.randint(1, 250)}.{random.randint(1, 250)}"
        try:
            for port in ports:
                with socket.create_server((address, port)):
                    pass
        except OSError:
            continue
        return address


async def until(check: Callable[[], Awaitable[bool]], what: str, seconds: float = 10) -> None:
    """Wait until *check* holds; fails naming *what* after *seconds*."""
    deadline = time.monotonic() + seconds
    while not await check():
        assert time.monotonic() < deadline, f"not within {seconds:g} s: {what}"
        await asyncio.sleep(0.02)
