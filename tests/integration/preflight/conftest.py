"""A cluster, a control plane and an ASM API of the lab, in a thread of their own."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.asm.lanes.plugins.module_utils._asm.credentials import Connection
from ansible_collections.asm.lanes.plugins.module_utils._kube.client import connect
from ansible_collections.asm.lanes.plugins.module_utils._preflight import checks, reads
from ansible_collections.asm.lanes.plugins.module_utils._preflight.finding import Finding
from ansible_collections.asm.lanes.plugins.module_utils._preflight.wanted import Facts, Wanted
from asm_lanes_lab.asm import Credential
from asm_lanes_lab.settings import Settings
from lab_servers import LabServers

KEY = Credential("key-of-the-tests", "secret-of-the-tests")
OURS = {"app.kubernetes.io/managed-by": "asm.lanes"}
WANTED = Wanted(
    mesh_id="lab-mesh",
    services=("default/wsk-svc", "default/helloworld"),
    deployments=("wsk-deploy",),
)

Obj = dict[str, Any]


class World(LabServers):
    """The servers; every test begins with an empty cluster that has all prerequisites."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.folder = folder
        self.settings = Settings.parse({}, state_dir=folder)
        self.cluster_file, self.mesh_file = folder / "cluster.kubeconfig", folder / "mesh.kubeconfig"
        files = {"cluster": self.cluster_file, "mesh": self.mesh_file}
        self._kubes = [self.kube(name, file) for name, file in files.items()]
        self._connections = [self.connection(name, file) for name, file in files.items()]
        self.asm = self.instance()

    def instance(self, **settings: Any) -> str:
        """Start an ASM API for an instance with other settings; its endpoint."""
        cluster, mesh = self._connections
        chosen = Settings.parse({**self.settings.as_dict(), **settings})
        return f"127.0.0.1:{self.openapi(chosen, mesh, cluster, (KEY,)).port}"

    def fill(self) -> None:
        """Empty both servers and put the prerequisites in."""
        for server in self._kubes:
            self.wait(_soon(server.reset))
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
        return {finding.check: finding for finding in checks.run(self.facts(wanted, **sources), wanted)}

    def facts(self, wanted: Wanted = WANTED, **sources: Any) -> Facts:
        """Read."""
        return reads.read(self.sources(**sources), wanted, lambda _secrets: None)


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
    world.close()


@pytest.fixture
def world(running: World) -> World:
    running.fill()
    return running
