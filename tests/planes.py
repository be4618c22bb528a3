"""Both control planes of the lab for tests: the same two APIs, emulated or real, in a thread of their own.

``CONTROL_PLANE=real`` lets the tests that use ``wanted_plane`` run on the real one.
"""

from __future__ import annotations

import asyncio
import http.client
import json
import os
import re
import signal
import ssl
import threading
import time
from collections.abc import Coroutine, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlencode, urlsplit

import yaml
from asm_lanes_lab.emulated import EmulatedPlane
from asm_lanes_lab.kubelet.agent import ProcessInfo
from asm_lanes_lab.plane import EMULATED, REAL
from asm_lanes_lab.real.plane import RealPlane
from asm_lanes_lab.settings import Settings

CRDS = Path(__file__).parents[1] / "roles/lab/files/asm_lanes_lab/crds"
#: Controllers that both control planes have without a lab around them: namespaces end, owners take with them.
BASIC = ("namespace", "garbagecollector", "serviceaccount")

#: Seconds after which a connection is not used again: a server may have closed it meanwhile.
IDLE = 10.0

T = TypeVar("T")


def lab_crds() -> list[dict[str, Any]]:
    """The CRDs of the mesh control plane."""
    return [crd for path in sorted(CRDS.glob("*.yaml")) for crd in yaml.safe_load_all(path.read_text())]


def wanted_plane() -> str:
    """``emulated`` or ``real``, as the environment variable CONTROL_PLANE says."""
    return os.environ.get("CONTROL_PLANE", EMULATED)


class RunningPlane:
    """One control plane. Kubeconfigs of its administrator are in *folder*."""

    def __init__(
        self,
        folder: Path,
        kind: str,
        crds: list[dict[str, Any]],
        controllers: tuple[str, ...] = BASIC,
        cluster_crds: Sequence[dict[str, Any]] = (),
    ) -> None:
        """*crds* are those of the mesh."""
        ports = {"cluster_api_port": 0, "mesh_api_port": 0, "asm_api_port": 0}
        self.kind = kind
        self.settings = Settings.parse({"control_plane": kind, **ports}, folder)
        self.urls: dict[str, str] = {}
        sides = {"cluster": controllers, "mesh": controllers}
        of = {"cluster": [*cluster_crds], "mesh": crds}
        self.plane: EmulatedPlane | RealPlane = (
            RealPlane(self.settings, of, sides) if kind == REAL else EmulatedPlane(self.settings, of)
        )
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        try:
            self.wait(self.plane.start(self._announce), 180)
        except BaseException:
            self.stop()
            raise

    def _announce(self, name: str, url: str, port: int) -> None:
        self.urls[name] = url

    def wait(self, coroutine: Coroutine[Any, Any, T], seconds: float = 60) -> T:
        """Run a coroutine where the control plane lives."""
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(seconds)

    def kubeconfig(self, name: str) -> Path:
        """The administrator's kubeconfig for ``cluster`` or ``mesh``."""
        file: Path = getattr(self.settings.files, f"{name}_kubeconfig")
        return file

    def processes(self) -> dict[str, ProcessInfo]:
        """The control plane's own processes by name."""
        return {item.container: item for item in self.plane.processes()}

    def restart(self, name: str) -> None:
        """Let ``cluster`` or ``mesh`` go away, and come back at its address within seconds."""
        if isinstance(self.plane, RealPlane):
            os.kill(self.processes()[f"{name}-apiserver"].pid, signal.SIGKILL)  # it is started again
            return
        server = self.plane._servers[name]
        host, port = server.host, server.port
        self.wait(server.stop())
        time.sleep(0.7)
        self.wait(server.start(host, port))

    def settle(self) -> None:
        """Wait until what runs in the background from the start has looked at all objects."""
        if self.kind == REAL:
            for name in self.urls:
                _await_collector(self.kubeconfig(name))

    def requests(self, name: str) -> tuple[int, int]:
        """How many requests ``cluster`` or ``mesh`` has answered so far, and how many of these wrote.

        Of a real server only those for KINDS and their objects, because its controllers are busy elsewhere.
        """
        if isinstance(self.plane, EmulatedPlane):
            stats = self.plane._servers[name].stats
            return stats["total"], stats["writes"]
        http = Http(self.kubeconfig(name))
        try:
            return _counted(http("GET", "/metrics").body)
        finally:
            http.close()

    def stop(self) -> None:
        """End everything."""
        self.wait(self.plane.stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()


#: The kinds that our modules write.
KINDS = ("namespaces", "services", "deployments", "gateways", "virtualservices", "istiogateways")
_METRIC = re.compile(r"^apiserver_request_total{(.*)} (\S+)$", re.MULTILINE)
_CHANGING = ("POST", "PUT", "PATCH", "APPLY", "DELETE", "DELETECOLLECTION")


def _counted(metrics: str) -> tuple[int, int]:
    """Requests and writes in the metrics of a kube-apiserver."""
    total = written = 0
    for labels, number in _METRIC.findall(metrics):
        of = dict(re.findall(r'(\w+)="([^"]*)"', labels))
        if of["resource"] in KINDS and not of["subresource"]:
            count = int(float(number))
            total += count
            if of["verb"] in _CHANGING and not of["dry_run"] and of["code"].startswith("2"):
                written += count
    return total, written


def _await_collector(kubeconfig: Path) -> None:
    """Wait until the garbage collector works: it has listed everything then."""
    http = Http(kubeconfig)
    owner = {"apiVersion": "v1", "kind": "ConfigMap", "name": "never", "uid": "never-was"}
    metadata = {"name": "orphan", "namespace": "default", "ownerReferences": [owner]}
    path = "/api/v1/namespaces/default/configmaps"
    try:
        made = http("POST", path, {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata})
        assert made.code == 201, made
        deadline = time.monotonic() + 90
        while http("GET", f"{path}/orphan").code != 404:
            assert time.monotonic() < deadline, "the garbage collector does nothing"
            time.sleep(0.1)
    finally:
        http.close()


@dataclass
class Answer:
    """What a server answered; *body* is decoded JSON, or text where it is none."""

    code: int
    body: Any
    warnings: list[str]


class Http:
    """A plain HTTPS client with the credentials of a kubeconfig: no library of ours between."""

    def __init__(self, kubeconfig: Path) -> None:
        import base64
        import tempfile

        config = yaml.safe_load(kubeconfig.read_text())
        cluster, user = config["clusters"][0]["cluster"], config["users"][0]["user"]
        context = ssl.create_default_context(
            cadata=base64.b64decode(cluster["certificate-authority-data"]).decode()
        )
        if "client-key-data" in user:
            with tempfile.NamedTemporaryFile() as file:
                file.write(base64.b64decode(user["client-key-data"]))
                file.write(base64.b64decode(user["client-certificate-data"]))
                file.flush()
                context.load_cert_chain(file.name)
        self._headers = {"Authorization": f"Bearer {user['token']}"} if "token" in user else {}
        where = urlsplit(cluster["server"])
        assert where.hostname
        self._open = lambda: http.client.HTTPSConnection(
            str(where.hostname), where.port, context=context, timeout=60
        )
        self._connection = self._open()
        self._used = time.monotonic()

    def __call__(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        kind: str = "application/json",
        query: Mapping[str, str] | None = None,
    ) -> Answer:
        """Send one request. *body*: bytes as they are, all else as JSON."""
        data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        headers = {**self._headers, "Accept": "application/json", "User-Agent": "differ/1.0"}
        if data is not None:
            headers["Content-Type"] = kind
        target = path + (f"?{urlencode(query)}" if query else "")
        if time.monotonic() - self._used > IDLE:
            self._connection.close()  # it opens again by itself
        self._used = time.monotonic()
        try:
            self._connection.request(method, target, data, headers)
            response = self._connection.getresponse()
            text = response.read().decode()
        except (http.client.HTTPException, OSError):
            self._connection.close()
            self._connection = self._open()
            raise
        warnings = response.headers.get_all("Warning") or []
        try:
            return Answer(response.status, json.loads(text), warnings)
        except ValueError:
            return Answer(response.status, text, warnings)

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()
