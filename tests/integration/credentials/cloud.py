"""What hands out credentials in the cloud, on loopback: STS over TLS, metadata, and a way to them.

STS holds requests to the documented RPC signature, recomputed here; the metadata service wants its
own token first (IMDSv2). Both give the keys of a session. The proxy sends the SDK's fixed addresses
to them, by the SDK's own variables HTTP_PROXY and HTTPS_PROXY.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import hmac
import http.client
import json
import selectors
import socket
import threading
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, quote, urlsplit

from asm_lanes_lab.asm import Credential
from asm_lanes_lab.kube.pki import Authority

STS_HOST, METADATA_HOST = "sts.aliyuncs.com", "100.100.100.200"
METADATA_PATH = "/latest/meta-data/ram/security-credentials/"
METADATA_TOKEN = "t0ken-of-the-metadata-service"


class Handler(BaseHTTPRequestHandler):
    """Silent; answers with JSON."""

    protocol_version = "HTTP/1.1"

    def reply(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: Any) -> None:
        pass


@contextlib.contextmanager
def serving(server: ThreadingHTTPServer) -> Iterator[Any]:
    """A server in a thread of its own."""
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def as_json(session: Credential) -> dict[str, str]:
    """The keys of a session, as STS and the metadata service write them."""
    end = session.expires or datetime.now(timezone.utc) + timedelta(hours=1)
    return {
        "AccessKeyId": session.access_key_id,
        "AccessKeySecret": session.access_key_secret,
        "SecurityToken": session.security_token or "",
        "Expiration": end.strftime("%Y-%m-%dT%H:%M:%SZ"),
    }


def signature(parameters: Mapping[str, str], secret: str) -> str:
    """Alibaba Cloud's RPC signature, version 1.0, of a GET (documented)."""
    canonical = "&".join(
        f"{quote(name, safe='~')}={quote(value, safe='~')}"
        for name, value in sorted(parameters.items())
        if name != "Signature"
    )
    text = f"GET&{quote('/', safe='')}&{quote(canonical, safe='~')}"
    digest = hmac.new(f"{secret}&".encode(), text.encode(), hashlib.sha1).digest()
    return base64.b64encode(digest).decode()


class Sts(ThreadingHTTPServer):
    """STS: roles for those whose keys it knows, and for those who bring the OIDC token.

    seen: the parameters of every request that was granted.
    """

    def __init__(self, authority: Authority, keys: list[Credential], oidc_token: str, session: Credential):
        super().__init__(("127.0.0.1", 0), StsHandler)
        self.keys = {key.access_key_id: key for key in keys}
        self.oidc_token, self.session = oidc_token, session
        self.seen: list[dict[str, str]] = []
        context = authority.server_context("localhost", STS_HOST)
        self.socket = context.wrap_socket(self.socket, server_side=True)

    def refusal(self, asked: Mapping[str, str]) -> str | None:
        """The error code for a request; None to grant it."""
        if asked.get("Action") == "AssumeRoleWithOIDC":
            return (
                None if asked.get("OIDCToken") == self.oidc_token else "AuthenticationFail.OIDCToken.Invalid"
            )
        key = self.keys.get(asked.get("AccessKeyId", ""))
        if key is None:
            return "InvalidAccessKeyId.NotFound"
        if asked.get("SecurityToken") != key.security_token:
            return "InvalidSecurityToken.Malformed"
        good = hmac.compare_digest(asked.get("Signature", ""), signature(asked, key.access_key_secret))
        return None if good else "SignatureDoesNotMatch"


class StsHandler(Handler):
    server: Sts

    def do_GET(self) -> None:
        asked = dict(parse_qsl(urlsplit(self.path).query))
        code = self.server.refusal(asked)
        if code:
            self.reply(403, json.dumps({"Code": code, "Message": f"asked: {asked}"}).encode())
            return
        self.server.seen.append(asked)
        self.reply(200, json.dumps({"Credentials": as_json(self.server.session)}).encode())


class Proxy(ThreadingHTTPServer):
    """Tunnels to STS, whatever the host; plays the metadata service; passes on everything else."""

    def __init__(self, sts: Sts, role: str, session: Credential) -> None:
        super().__init__(("127.0.0.1", 0), ProxyHandler)
        self.sts, self.role, self.session = sts, role, session
        self.tunnels: list[str] = []


class ProxyHandler(Handler):
    server: Proxy

    def do_CONNECT(self) -> None:
        self.server.tunnels.append(self.path)
        with socket.create_connection(("127.0.0.1", self.server.sts.server_port)) as sts:
            self.send_response(200)
            self.end_headers()
            _relay(self.connection, sts)
        self.close_connection = True

    def do_PUT(self) -> None:
        if urlsplit(self.path).path == "/latest/api/token":
            self.reply(200, METADATA_TOKEN.encode())
        else:
            self.reply(404, b"")

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        if url.hostname != METADATA_HOST:
            self._pass_on()
        elif self.headers.get("X-aliyun-ecs-metadata-token") != METADATA_TOKEN:
            self.reply(403, b"")
        elif url.path == METADATA_PATH + self.server.role:
            self.reply(200, json.dumps({**as_json(self.server.session), "Code": "Success"}).encode())
        else:
            self.reply(404, b"")

    def do_POST(self) -> None:
        self._pass_on()

    def _pass_on(self) -> None:
        url = urlsplit(self.path)
        upstream = http.client.HTTPConnection(url.hostname or "", url.port, timeout=20)
        with contextlib.closing(upstream):
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            path = f"{url.path}?{url.query}" if url.query else url.path
            upstream.request(self.command, path, body, dict(self.headers))
            answer = upstream.getresponse()
            self.reply(answer.status, answer.read())


def _relay(one: socket.socket, other: socket.socket) -> None:
    """Pass bytes both ways until either side closes."""
    with selectors.DefaultSelector() as ready:
        ready.register(one, selectors.EVENT_READ, other)
        ready.register(other, selectors.EVENT_READ, one)
        while True:
            for key, _events in ready.select():
                data = key.fileobj.recv(65536)  # type: ignore[union-attr]
                if not data:
                    return
                key.data.sendall(data)
