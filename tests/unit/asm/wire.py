"""An ordered script of expected calls and their replies, played by a real HTTP server.

The official SDK talks to it, so that what is tested is what goes over the wire.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

Reply = Callable[[BaseHTTPRequestHandler, str], None]


@dataclass
class Call:
    """One expected call. parameters: all of them, as they are on the wire, the mesh id left out."""

    action: str
    parameters: dict[str, str]
    reply: Reply


@dataclass
class Script:
    """What is expected and what came.

    again: what may follow any number of times. surprises: what was not expected, in words.
    """

    calls: list[Call]
    again: list[Call] = field(default_factory=list)
    endpoint: str = ""
    surprises: list[str] = field(default_factory=list)
    _next: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def take(self, action: str, parameters: dict[str, str]) -> tuple[Reply, str]:
        with self._lock:
            expected = self._expected(self._next)
            self._next += 1
            if expected is None:
                self.surprises.append(f"call {action} {parameters} after the end of the script")
                return fails(599, "Unexpected"), "REQ-X"
            if (expected.action, expected.parameters) != (action, parameters):
                self.surprises.append(f"call {self._next}: {action} {parameters}, expected {expected}")
            return expected.reply, f"REQ-{self._next}"

    def _expected(self, index: int) -> Call | None:
        if index < len(self.calls):
            return self.calls[index]
        return self.again[(index - len(self.calls)) % len(self.again)] if self.again else None

    def check(self) -> None:
        assert not self.surprises, self.surprises
        assert self._next >= len(self.calls), f"never called: {self.calls[self._next :]}"


def expect(action: str, reply: Reply, **parameters: str) -> Call:
    return Call(action, parameters, reply)


def answers(**fields: Any) -> Reply:
    """A success with these fields."""

    def reply(handler: BaseHTTPRequestHandler, request_id: str) -> None:
        _send(handler, 200, json.dumps({"RequestId": request_id, **fields}).encode())

    return reply


def fails(status: int, code: str, message: str = "it says no", **headers: str) -> Reply:
    """An error as ASM sends it. headers: ``x_acs_retry_after`` and the like."""

    def reply(handler: BaseHTTPRequestHandler, request_id: str) -> None:
        body = {"RequestId": request_id, "Code": code, "Message": message}
        _send(handler, status, json.dumps(body).encode(), **headers)

    return reply


def sends(status: int, body: bytes, length: int | None = None) -> Reply:
    """Any body; length: the Content-Length to claim."""

    def reply(handler: BaseHTTPRequestHandler, request_id: str) -> None:
        _send(handler, status, body, length=length)

    return reply


def drops(handler: BaseHTTPRequestHandler, request_id: str) -> None:
    """The connection breaks without an answer."""
    handler.close_connection = True


def hangs(seconds: float) -> Reply:
    """No answer for that long."""

    def reply(handler: BaseHTTPRequestHandler, request_id: str) -> None:
        time.sleep(seconds)
        handler.close_connection = True

    return reply


def _send(
    handler: BaseHTTPRequestHandler, status: int, body: bytes, length: int | None = None, **headers: str
) -> None:
    handler.send_response(status)
    handler.send_header("Content-Type", "application/json")
    handler.send_header("Content-Length", str(len(body) if length is None else length))
    handler.send_header("Connection", "close")
    for name, value in headers.items():
        handler.send_header(name.replace("_", "-"), value)
    handler.end_headers()
    handler.wfile.write(body)
    handler.close_connection = True


@contextmanager
def playing(*calls: Call, again: tuple[Call, ...] = ()) -> Iterator[Script]:
    """A server that plays the script; at the end everything expected must have happened."""
    script = Script(list(calls), list(again))

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
            pairs = parse_qsl(body or urlsplit(self.path).query, keep_blank_values=True)
            parameters = dict(pairs)
            assert parameters.pop("ServiceMeshId") == "m-1"
            reply, request_id = script.take(self.headers["x-acs-action"], parameters)
            reply(self, request_id)

        def log_message(self, *args: Any) -> None:
            """Silence: pytest shows what matters."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    script.endpoint = f"127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield script
        script.check()
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
