"""Faults between a run and the mesh's Kubernetes API: the run converges, and nothing is done twice."""

from __future__ import annotations

import http.client
import ssl
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml
from ansible_collections.asm.lanes.plugins.module_utils._asm.custom_resource import CustomResourceLanes
from ansible_collections.asm.lanes.plugins.module_utils._asm.errors import AsmError
from ansible_collections.asm.lanes.plugins.module_utils._asm.lane_group import Run, Wish, ensure
from ansible_collections.asm.lanes.plugins.module_utils._asm.openapi import find_cluster
from ansible_collections.asm.lanes.plugins.module_utils._kube.client import connect
from ansible_collections.asm.lanes.plugins.module_utils._lanes.model import merge
from ansible_collections.asm.lanes.plugins.module_utils._lanes.words import parse

from .test_custom_resource import BOTH, GUIDE, only

Fault = tuple[str, str]
FAULTS = ["reset_before", "reset_after", "timeout_before", "timeout_after", "429", "500", "503"]
TIMEOUT = 0.5


class Proxy(ThreadingHTTPServer):
    """Passes requests on to the mesh's API, but for one of a method, to which it does what a fault says."""

    daemon_threads = True

    def __init__(self, kubeconfig: dict[str, Any]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.upstream = urlsplit(kubeconfig["clusters"][0]["cluster"]["server"])
        self.fault: Fault | None = None
        self.writes: list[tuple[str, int]] = []
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def take(self, method: str) -> str | None:
        """The fault for this request, once."""
        if self.fault is None or self.fault[0] != method:
            return None
        kind, self.fault = self.fault[1], None
        return kind

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients that gave up are meant to."""


class _Handler(BaseHTTPRequestHandler):
    server: Proxy
    protocol_version = "HTTP/1.1"

    def _pass_on(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        body, kind = self.rfile.read(length), self.server.take(self.command)
        self.close_connection = True
        if kind and kind.isdigit():
            return self._answer(int(kind), b"{}")
        if kind == "timeout_before":
            time.sleep(2 * TIMEOUT)
        if kind in ("timeout_before", "reset_before"):
            return None
        status, answer = self._ask(body)
        if kind == "timeout_after":
            time.sleep(2 * TIMEOUT)
        return None if kind else self._answer(status, answer)

    do_GET = do_POST = do_PATCH = do_DELETE = _pass_on  # noqa: N815

    def _ask(self, body: bytes) -> tuple[int, bytes]:
        upstream = self.server.upstream
        context = ssl._create_unverified_context()
        connection = http.client.HTTPSConnection(upstream.hostname or "", upstream.port, context=context)
        kept = {
            k: v for k, v in self.headers.items() if k.lower() in ("authorization", "content-type", "accept")
        }
        connection.request(self.command, self.path, body, kept)
        response = connection.getresponse()
        answer = response.read()
        connection.close()
        if self.command != "GET":
            self.server.writes.append((self.command, response.status))
        return response.status, answer

    def _answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments: Any) -> None:
        """Nothing."""


@pytest.fixture
def proxy(asm, tmp_path) -> Iterator[Proxy]:
    config = yaml.safe_load(asm.mesh_kubeconfig.read_text())
    proxy = Proxy(config)
    config["clusters"][0]["cluster"] = {"server": f"http://127.0.0.1:{proxy.server_port}"}
    (tmp_path / "proxied").write_text(yaml.safe_dump(config))
    yield proxy
    proxy.shutdown()
    proxy.server_close()


@pytest.fixture
def run(lanes, proxy, tmp_path):
    """A run of the product through the proxy."""

    def run(spec: dict[str, Any], **wish: Any) -> Run:
        client, result = lanes.client(), Run()
        backend = CustomResourceLanes(
            connect(Path(tmp_path / "proxied"), timeout=TIMEOUT),
            client.deadline,
            lambda: find_cluster(client, None),
            policy=client.policy,
            settled=0.0,
        )
        ensure(backend, Wish(parse(spec), **wish), result, False)
        return result

    return run


def done(proxy: Proxy) -> list[str]:
    return [method for method, status in proxy.writes if status < 300]


@pytest.mark.parametrize("method", ["GET", "POST", "PATCH"])
@pytest.mark.parametrize("kind", FAULTS)
def test_a_run_survives_a_passing_fault(lanes, proxy, run, kind, method):
    proxy.fault = (method, kind)
    made = run(GUIDE)
    assert proxy.fault is None  # it did happen
    assert made.warnings == []
    assert lanes.backend("custom_resource").read("ws") == merge(None, parse(GUIDE))
    assert done(proxy) == ["POST", "POST", "PATCH", "POST"]


@pytest.mark.parametrize("kind", FAULTS)
def test_a_removal_survives_a_passing_fault(lanes, proxy, run, kind):
    run(GUIDE)
    proxy.fault, proxy.writes = ("DELETE", kind), []
    run(GUIDE, absent=True)
    assert proxy.fault is None
    assert lanes.backend("custom_resource").read("ws") is None
    assert done(proxy) == ["DELETE"] * 3


def test_whoever_may_not_write_is_told_what_to_do(asm, proxy, run, tmp_path):
    config = yaml.safe_load((tmp_path / "proxied").read_text())
    config["users"][0]["user"] = {"token": "n0-such-token"}
    (tmp_path / "proxied").write_text(yaml.safe_dump(config))
    with pytest.raises(
        AsmError, match=r"does not accept the credentials .* download the kubeconfig again"
    ) as caught:
        run(only("v2", services=BOTH))
    assert caught.value.kind == "credentials"
    assert "n0-such-token" not in str(caught.value)
