"""A cluster, a control plane and an ASM API of the lab, in a thread of their own."""

from __future__ import annotations

import asyncio
import dataclasses
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.asm.lanes.plugins.module_utils._asm.credentials import Connection
from ansible_collections.asm.lanes.plugins.module_utils._kube.client import connect
from ansible_collections.asm.lanes.plugins.module_utils._preflight import checks, reads
from ansible_collections.asm.lanes.plugins.module_utils._preflight.finding import Finding
from ansible_collections.asm.lanes.plugins.module_utils._preflight.wanted import Wanted
from asm_lanes_lab.asm import AsmApi, Credential
from asm_lanes_lab.client import Cluster
from asm_lanes_lab.kube import KubeApiServer
from asm_lanes_lab.settings import Settings
from lab_fixture import LAB_FILES

CRDS = LAB_FILES / "asm_lanes_lab" / "crds"
TOKEN = "a-token-of-the-tests"
KEY = Credential("key-of-the-tests", "secret-of-the-tests")
OURS = {"app.kubernetes.io/managed-by": "asm.lanes"}
WANTED = Wanted(
    mesh_id="lab-mesh",
    services=("default/wsk-svc", "default/helloworld"),
    deployments=("wsk-deploy",),
)

Obj = dict[str, Any]


class World:
    """The servers; every test begins with an empty cluster that has all prerequisites."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.settings = Settings.parse({}, state_dir=folder)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        texts = [file.read_text(encoding="utf-8") for file in sorted(CRDS.glob("*.yaml"))]
        crds = [document for text in texts for document in yaml.safe_load_all(text)]
        self.cluster_file, self.mesh_file = folder / "cluster.kubeconfig", folder / "mesh.kubeconfig"
        self._servers = [
            self._start("cluster", [], self.cluster_file),
            self._start("mesh", crds, self.mesh_file),
        ]
        self._clients = [
            self._wait(Cluster.connect(file, file.stem)) for file in (self.cluster_file, self.mesh_file)
        ]
        self.asm = self.instance()

    def _start(self, name: str, crds: list[Obj], file: Path) -> KubeApiServer:
        server = KubeApiServer(name, crds=crds, tokens={TOKEN: "admin"}, data_dir=self.folder)
        self._wait(server.start("127.0.0.1", 0))
        file.write_text(yaml.safe_dump(server.kubeconfig(TOKEN)))
        return server

    def _wait(self, coroutine: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(20)

    def instance(self, **settings: Any) -> str:
        """Start an ASM API for an instance with other settings; its endpoint."""
        cluster, mesh = self._clients
        chosen = Settings.parse({**self.settings.as_dict(), **settings})
        api = AsmApi(chosen, mesh, cluster, (KEY,), token=TOKEN)
        self._wait(api.start("127.0.0.1", 0))
        self._servers.append(api)
        return f"127.0.0.1:{api.port}"

    def fill(self) -> None:
        """Empty both servers and put the prerequisites in."""
        for server in self._servers[:2]:
            self._wait(_soon(server.reset))
        self.label({"istio-injection": "enabled"})
        gateway_spec = {
            "gatewayType": "ingress",
            "ports": [{"name": "http", "port": 30080, "targetPort": 30080, "protocol": "TCP"}],
        }
        self.mesh(
            "istio.alibabacloud.com/v1beta1", "IstioGateway", "istio-system/ingressgateway", gateway_spec
        )

    def label(self, labels: dict[str, str | None]) -> None:
        """Set labels of the namespace default of the cluster; None removes one."""
        api = connect(self.cluster_file)
        namespace = api.get("v1", "Namespace", "default")
        assert namespace is not None
        old = namespace["metadata"].get("labels") or {}
        namespace["metadata"]["labels"] = {k: v for k, v in {**old, **labels}.items() if v is not None}
        api.request("put", "/api/v1/namespaces/default", body=namespace)

    def mesh(
        self, api_version: str, kind: str, name: str, spec: Obj, labels: dict[str, str] | None = None
    ) -> None:
        """Create an object in the control plane."""
        _create(self.mesh_file, api_version, kind, name, spec, labels)

    def cluster(
        self, api_version: str, kind: str, name: str, spec: Obj, labels: dict[str, str] | None = None
    ) -> None:
        """Create an object in the cluster."""
        _create(self.cluster_file, api_version, kind, name, spec, labels)

    def delete(self, file: Path, path: str) -> None:
        connect(file).request("delete", path)

    def sources(self, **changes: Any) -> reads.Sources:
        """Where to read, changed; `endpoint`, `access_key_id` and such change the connection."""
        known = {field.name for field in dataclasses.fields(Connection)}
        connection = Connection(
            **{
                "access_key_id": KEY.access_key_id,
                "access_key_secret": KEY.access_key_secret,
                "endpoint": self.asm,
                "protocol": "http",
                **{key: value for key, value in changes.items() if key in known},
            }
        )
        rest = {key: value for key, value in changes.items() if key not in known}
        return reads.Sources(
            **{
                "connection": connection,
                "cluster_kubeconfig": str(self.cluster_file),
                "mesh_kubeconfig": str(self.mesh_file),
                "timeout": 10.0,
                "request_timeout": 5.0,
                **rest,
            }
        )

    def check(self, wanted: Wanted = WANTED, **sources: Any) -> dict[str, Finding]:
        """Read and check; findings by name."""
        facts = reads.read(self.sources(**sources), wanted, lambda _secrets: None)
        return {finding.check: finding for finding in checks.run(facts, wanted)}

    def stop(self) -> None:
        for client in self._clients:
            self._wait(client.close())
        for server in reversed(self._servers):
            self._wait(server.stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        self._loop.close()


async def _soon(call: Any) -> None:
    call()


def _create(
    file: Path, api_version: str, kind: str, name: str, spec: Obj, labels: dict[str, str] | None
) -> None:
    namespace, _slash, short = name.partition("/")
    api = connect(file)
    plural = api.resource(api_version, kind).plural
    prefix = "apis" if "/" in api_version else "api"
    metadata = {"name": short, "namespace": namespace, "labels": labels or {}}
    body = {"apiVersion": api_version, "kind": kind, "metadata": metadata, "spec": spec}
    api.request("post", f"/{prefix}/{api_version}/namespaces/{namespace}/{plural}", body=body)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    world = World(tmp_path_factory.mktemp("world"))
    yield world
    world.stop()


@pytest.fixture
def world(running: World) -> World:
    running.fill()
    return running
