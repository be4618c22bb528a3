# Copyright (c) 2026, asm.lanes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A plain WebSocket: frames of text, without a protocol of ours on top."""

from __future__ import annotations

import asyncio
import re
import uuid
from typing import TYPE_CHECKING, Any

try:
    import aiohttp
except ImportError:  # the module says so
    aiohttp = None  # type: ignore[assignment]

from .link import CLOSE_LIMIT, LARGEST, Link
from .settings import BROADCAST, OWN
from .socketio_link import ending

if TYPE_CHECKING:
    pass


class RawLink(Link):
    """One plain WebSocket; what matches the broadcast pattern is a broadcast, everything else an answer."""

    protocol = "WebSocket"

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._socket: Any = None
        self._reading: asyncio.Task[None] | None = None
        pattern = self._channel.broadcast_pattern
        self._broadcast = re.compile(pattern) if pattern else None

    async def _connect(self, deadline: float) -> None:
        self._socket = await self._session.ws_connect(
            self._settings.url.rstrip("/") + "/" + self._channel.path.lstrip("/"),
            params=dict(self._case.entry.query),
            max_msg_size=LARGEST,
            timeout=aiohttp.ClientWSTimeout(ws_close=CLOSE_LIMIT),
        )
        self._reading = asyncio.ensure_future(self._read())

    async def _send_all(self) -> None:
        for _number in range(self._case.messages):
            await self._turn()
            await self._socket.send_str(self._channel.message.replace("{id}", str(uuid.uuid4())))
            self._sent()

    async def _disconnect(self) -> None:
        try:
            if self._socket is not None:
                await self._socket.close()
        finally:
            if self._reading is not None:
                self._reading.cancel()

    async def _read(self) -> None:
        """Hear frames until the connection ends."""
        async for message in self._socket:
            if message.type in (aiohttp.WSMsgType.TEXT, aiohttp.WSMsgType.BINARY):
                data = message.data
                text = data.decode("utf-8", "replace") if isinstance(data, bytes) else str(data)
                self._hear(BROADCAST if self._broadcast and self._broadcast.search(text) else OWN, text)
            if message.type is aiohttp.WSMsgType.ERROR or self.seen.failure is not None:
                break
        self._end(ending(self._socket))
