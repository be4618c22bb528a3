"""Stand-in for asm-socketio-sample: a socket.io server that asks an HTTP service for its answers.

- ``test000(clientId)``: calls ``HELLO_URL`` with the baggage of the client's handshake and emits the answer
  as ``hello`` to that client, which acknowledges it.
- After each ``test000`` one broadcast ``okok``: the same call, made without any client's context. What
  triggers ``okok`` in the published image is *unknown*; this is the lab's choice.
  ``BROADCAST_CONTEXT=client`` is the faulty app whose
  broadcasts are made in the context of the client that caused them.

The context is taken from the handshake, once per connection: a client changes its lane by reconnecting.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
from typing import Any

import socketio
from aiohttp import web
from opentelemetry.context import Context

from .runtime import SESSION, CallError, Identity, application, call, extract, serve

#: Seconds for an orderly end of all sockets.
CLOSE_LIMIT = 1.0

LOG = logging.getLogger("wsk")


class Conversation(socketio.AsyncNamespace):  # type: ignore[misc]
    """The events of the socket.io server, in its default namespace."""

    def __init__(self, app: web.Application, hello_url: str) -> None:
        super().__init__("/")
        self._app = app
        self._hello_url = hello_url

    async def on_connect(self, sid: str, environ: dict[str, Any]) -> None:
        """Keep the context of the handshake for the life of the connection."""
        await self.save_session(sid, extract(environ.get("HTTP_BAGGAGE")))

    async def on_test000(self, sid: str, *args: Any) -> None:
        """Answer the client in its own context, then everybody in none."""
        LOG.info("test000 from %s %s", sid, args)
        try:
            context: Context = await self.get_session(sid)
        except KeyError:  # the client has gone since
            return
        text = await self._hello(context)
        await self.emit("hello", text, to=sid, callback=lambda *reply: LOG.info("ack of %s %s", sid, reply))
        leaks = os.environ.get("BROADCAST_CONTEXT") == "client"
        self.server.start_background_task(self._broadcast, context if leaks else Context())

    async def _broadcast(self, context: Context) -> None:
        await self.emit("okok", await self._hello(context))

    async def _hello(self, context: Context) -> str:
        try:
            return (await call(self._app[SESSION], self._hello_url, context)).strip()
        except CallError as failure:
            LOG.warning("%s: %s", self._hello_url, failure)
            return f"Hello failed: {failure}"


def build(identity: Identity, hello_url: str) -> web.Application:
    """The application; it asks *hello_url* for its answers."""
    app = application(identity)
    server = socketio.AsyncServer(async_mode="aiohttp", cors_allowed_origins="*")
    server.attach(app)
    conversation = Conversation(app, hello_url)
    server.register_namespace(conversation)

    async def close_sockets(_unused: web.Application) -> None:
        # Close the transports: a client that is told to leave by socket.io itself would not come back.
        # engine.io waits for the next poll of a polling client, which may never come.
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(CLOSE_LIMIT):
                if server.eio.sockets:
                    await server.eio.disconnect()
        await server.shutdown()

    app.on_shutdown.append(close_sockets)
    return app


if __name__ == "__main__":
    hello_url = os.environ.get("HELLO_URL") or "http://helloworld:5000/hello"
    # engine.io leaves a closed WebSocket's handler waiting for the client; there is nothing to wait for.
    serve(build(Identity.from_env("wsk"), hello_url), shutdown_timeout=0.1)
