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
        if all(_is_free(address, port) for port in ports):
            return address


async def until(check: Callable[[], Awaitable[bool]], what: str, seconds: float = 10) -> None:
    """Wait until *check* holds; fails naming *what* after *seconds*."""
    deadline = time.monotonic() + seconds
    while not await check():
        assert time.monotonic() < deadline, f"not within {seconds:g} s: {what}"
        await asyncio.sleep(0.02)


def free_networks() -> dict[str, str]:
    """Settings ``pod_network``, ``app_network`` and ``gateway_address`` that no other test uses."""
    while True:
        second, third = random.randint(128, 250), random.randrange(0, 256, 4)
        networks = {
            "pod_network": f"127.{second}.{third}.0/24",
            "app_network": f"127.{second}.{third + 1}.0/24",
            "gateway_address": f"127.{second}.{third + 2}.1",
        }
        if _is_free(f"127.{second}.{third}.1", 15099) and _is_free(networks["gateway_address"], 30080):
            return networks


def _is_free(address: str, port: int) -> bool:
    try:
        socket.create_server((address, port)).close()
    except OSError:
        return False
    return True
