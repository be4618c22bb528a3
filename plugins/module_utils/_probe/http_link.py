# Copyright (c) 2026, asm.lanes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Plain HTTP calls, one after the other."""

from __future__ import annotations

import uuid
from typing import Any

from .failures import HUGE, Failure
from .link import LARGEST, Link
from .settings import CALL


class HttpLink(Link):
    """A client that makes HTTP calls; there is no handshake of its own."""

    handshakes = False
    protocol = "HTTP"

    async def _connect(self, deadline: float) -> None:
        """Nothing to open: each call finds its way for itself."""

    async def _send_all(self) -> None:
        for _number in range(self._case.messages):
            await self._turn()
            self._sent()
            await self._call()
            if self.seen.failure is not None:
                return

    async def _call(self) -> None:
        body = self._channel.message.replace("{id}", str(uuid.uuid4()))
        async with self._session.request(
            self._channel.method,
            self._settings.url.rstrip("/") + "/" + self._channel.path.lstrip("/"),
            params=dict(self._case.entry.query),
            data=body.encode() if body else None,
            allow_redirects=False,
        ) as response:
            if self._refusal is not None:
                self._end(self._refusal)
                return
            data = await self._limited(response)
            headers = {name.lower(): value for name, value in response.headers.items()}
            self._hear(CALL, data.decode("utf-8", "replace"), headers)

    async def _limited(self, response: Any) -> bytes:
        data = b""
        async for piece in response.content.iter_any():
            data += piece
            if len(data) > LARGEST:
                self._end(Failure(HUGE))
                response.close()
                break
        return data

    async def _disconnect(self) -> None:
        """Nothing to say: the session is closed by the caller."""
