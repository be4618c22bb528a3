"""Three services in three versions on a whole lab, the product's own way to lanes, and requests to ask."""

from __future__ import annotations

import http.client
import json
import re
import time
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType
from typing import Any, TypeVar

from ansible_collections.asm.lanes.plugins.module_utils._asm.backend import LaneBackend
from ansible_collections.asm.lanes.plugins.module_utils._asm.client import AsmClient
from ansible_collections.asm.lanes.plugins.module_utils._asm.credentials import Connection
from ansible_collections.asm.lanes.plugins.module_utils._asm.custom_resource import CustomResourceLanes
from ansible_collections.asm.lanes.plugins.module_utils._asm.deadline import Deadline
from ansible_collections.asm.lanes.plugins.module_utils._asm.lane_group import Run, Wish, ensure
from ansible_collections.asm.lanes.plugins.module_utils._asm.openapi import OpenApiLanes, find_cluster
from ansible_collections.asm.lanes.plugins.module_utils._kube.client import connect
from ansible_collections.asm.lanes.plugins.module_utils._lanes import entry, model, routing
from asm_lanes_lab.mesh.listeners import ADMIN_PORT
from asm_lanes_lab.mesh.workloads import ADMIN_ANNOTATION
from asm_lanes_lab.objects import is_ready
from lab_fixture import RunningLab

from .specs import NAME, PODS, SERVICES

OPENAPI, CUSTOM_RESOURCE = "openapi", "custom_resource"
BACKENDS = (OPENAPI, CUSTOM_RESOURCE)
CALLER = "caller"
CALLING = (CALLER, SERVICES[0].name)
ISTIO = "networking.istio.io/v1beta1"
PAUSE = 0.03  # seconds between two looks, which keep the lab busy, too
PATIENCE = 20.0  # seconds that the lab gets for anything, on a busy machine too
_GREETING = re.compile(r"instance: (\S+)")
_Thing = TypeVar("_Thing")


def until(look: Callable[[], _Thing | None], what: Callable[[], str]) -> _Thing:
    """The first thing that ``look`` finds; fails saying ``what`` is missing."""
    deadline = time.monotonic() + PATIENCE
    while True:
        found = look()
        if found is not None:
            return found
        assert time.monotonic() < deadline, f"not within {PATIENCE:g} s: {what()}"
        time.sleep(PAUSE)


@dataclass(frozen=True)
class Pod:
    """A pod, as the Kubernetes API shows it."""

    name: str
    ip: str
    labels: Mapping[str, str]


class World:
    """One lab. Everything is done over HTTP, by the product or by an HTTP client."""

    def __init__(self, lab: RunningLab) -> None:
        self._lab = lab
        self._cluster, self._mesh = connect(lab.cluster_kubeconfig), connect(lab.mesh_kubeconfig)
        self._connections: dict[tuple[str, int], http.client.HTTPConnection] = {}
        self.pods: dict[str, Pod] = {}
        self._gateway = (lab.settings.gateway_address, 30080)

    def deploy(self) -> None:
        """The services and the caller; returns when all pods are ready."""
        self._mesh.create(_gateway(), "test")
        for service in SERVICES:
            self._cluster.create(_service(service.name), "test")
            for version, labels in PODS.items():
                self._cluster.create(_deployment(service.name, version, labels), "test")
        self._cluster.create(_deployment(CALLER, "v0", {}), "test")
        wanted = len(SERVICES) * len(PODS) + 1
        self.pods = until(lambda: self._ready(wanted), lambda: f"{wanted} ready pods")

    def _ready(self, wanted: int) -> dict[str, Pod] | None:
        ready = {
            item["metadata"]["name"]: Pod(
                item["metadata"]["name"], item["status"]["podIP"], item["metadata"]["labels"]
            )
            for item in self._cluster.list("v1", "Pod", "default")
            if is_ready(item)
        }
        return ready if len(ready) == wanted else None

    # --- the product ---

    def backend(self, name: str) -> LaneBackend:
        """A way to the lanes, as the module makes it: new for each run, for its deadline and its cache."""
        client = self._client()
        if name == OPENAPI:
            return OpenApiLanes(client, settled=0.0)
        return CustomResourceLanes(
            self._mesh, client.deadline, lambda: find_cluster(client, None), settled=0.0
        )

    def _client(self) -> AsmClient:
        variables = self._lab.variables
        connection = Connection(
            variables["asm_lanes_access_key_id"],
            variables["asm_lanes_access_key_secret"],
            endpoint=self._lab.asm_endpoint,
            protocol="http",
        )
        return AsmClient(connection, variables["asm_lanes_mesh_id"], Deadline(PATIENCE))

    def ensure(self, backend: str, group: model.LaneGroup, check: bool = False, absent: bool = False) -> Run:
        """One run of the product."""
        run = Run()
        ensure(self.backend(backend), Wish(group, absent, purge_lanes=True), run, check)
        return run

    def read(self, backend: str) -> model.LaneGroup | None:
        """The group as it is."""
        return self.backend(backend).read(NAME)

    def writes(self) -> dict[str, int]:
        """Writes so far to the ASM OpenAPI and to the mesh's control plane, those of ASM included."""
        url = f"http://{self._lab.asm_endpoint}/lab/stats"
        request = urllib.request.Request(url, headers={"x-lab-token": self._lab.credentials["lab_token"]})
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request) as answer:
            asm = json.load(answer)["writes"]
        return {"asm": asm, "mesh": self._mesh.request("get", "/lab/stats")["writes"]}

    # --- the mesh ---

    def wait_effective(self, group: model.LaneGroup | None) -> None:
        """Return when ASM's objects for the group are there, reported in force, and in the Envoys.

        Which objects these are is the domain's word; whether they route as it says is for ``ask`` to find.
        """
        wanted = {}
        if group is not None:
            generated = [
                *routing.destination_rules(group),
                *routing.virtual_services(group),
                *entry.ingress_virtual_services(group),
            ]
            wanted = {_key(obj): obj["spec"] for obj in generated}
        until(lambda: self._in_force(wanted), lambda: f"objects in force: {sorted(wanted)}")
        for proxy, admin in self._envoys().items():
            until(partial(self._has_loaded, proxy, admin), lambda: "an Envoy takes its configuration")

    def _envoys(self) -> dict[str, tuple[str, int]]:
        """Where the Envoys of the callers and of the gateway show what they have loaded, by proxy."""
        [gateway] = self._cluster.list("v1", "Pod", routing.GENERATED_NAMESPACE)
        ip, _colon, port = gateway["metadata"]["annotations"][ADMIN_ANNOTATION].rpartition(":")
        envoys = {f"default.{pod.name}": (pod.ip, ADMIN_PORT) for pod in self.callers()}
        return {**envoys, f"{routing.GENERATED_NAMESPACE}.{gateway['metadata']['name']}": (ip, int(port))}

    def _in_force(self, wanted: Mapping[tuple[str, str], Any]) -> bool | None:
        found = {}
        for kind in ("DestinationRule", "VirtualService"):
            for item in self._mesh.list(ISTIO, kind, routing.GENERATED_NAMESPACE):
                if (item.get("status") or {}).get("observedGeneration") != item["metadata"]["generation"]:
                    return None
                found[_key({**item, "kind": kind})] = item["spec"]
        return True if found == wanted else None

    def _has_loaded(self, proxy: str, admin: tuple[str, int]) -> bool | None:
        """Whether an Envoy has taken everything that was last written for it."""
        folder = self._lab.settings.files.xds / proxy
        for pattern, path in _CONFIGURATION.items():
            loaded = self._get(admin, path, {})[1]
            versions = [json.loads(file.read_text())["version_info"] for file in folder.glob(pattern)]
            if not versions or any(version not in loaded for version in versions):
                return None
        return True

    # --- requests ---

    def ask(self, caller: Pod, service: model.ServiceRef, headers: Mapping[str, str]) -> Pod:
        """Which pod answers a request of the caller to the service, through the caller's sidecar."""
        url = f"http://{service.name}.{service.namespace}:5000/hello"
        status, body = self._get((caller.ip, 15001), url, headers)
        found = _GREETING.search(body)
        assert status == 200 and found, f"{caller.name} -> {service} {dict(headers)}: {status} {body}"
        return self.pods[found[1]]

    def ask_gateway(self, host: str, headers: Mapping[str, str]) -> Pod | None:
        """Which pod answers a request from outside; None when the gateway has no route for it."""
        status, body = self._get(self._gateway, "/hello", {"Host": host, **headers})
        if status == 404:
            return None
        found = _GREETING.search(body)
        assert status == 200 and found, f"gateway: {host} {dict(headers)}: {status} {body}"
        return self.pods[found[1]]

    def _get(self, address: tuple[str, int], url: str, headers: Mapping[str, str]) -> tuple[int, str]:
        connection = self._connections.get(address)
        if connection is None:
            connection = self._connections[address] = http.client.HTTPConnection(*address, timeout=PATIENCE)
        connection.request("GET", url, headers=dict(headers))
        response = connection.getresponse()
        return response.status, response.read().decode()

    def close(self) -> None:
        """Close all connections."""
        for connection in self._connections.values():
            connection.close()

    def callers(self, labels: Mapping[str, str] = MappingProxyType({})) -> list[Pod]:
        """The pods that make requests and carry the labels: the one of no lane first, then service a's."""
        found = [
            p for p in self.pods.values() if p.labels["app"] in CALLING and labels.items() <= p.labels.items()
        ]
        return sorted(found, key=lambda pod: (pod.labels["app"] != CALLER, pod.name))


_CONFIGURATION = {
    "cds.json": "/stats?filter=cds.version_text",
    "rds/*.json": "/config_dump?resource=dynamic_route_configs",
}


def _key(obj: Mapping[str, Any]) -> tuple[str, str]:
    return obj["kind"], obj["metadata"]["name"]


def _gateway() -> dict[str, Any]:
    port = {"number": 30080, "name": "http", "protocol": "HTTP"}
    return {
        "apiVersion": ISTIO,
        "kind": "Gateway",
        "metadata": {"name": "gw", "namespace": "default"},
        "spec": {
            "selector": {"istio": "ingressgateway"},
            "servers": [{"port": port, "hosts": ["*"]}],
        },
    }


def _service(name: str) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name, "namespace": "default"},
        "spec": {"selector": {"app": name}, "ports": [{"name": "http", "port": 5000}]},
    }


def _deployment(app: str, version: str, labels: Mapping[str, str]) -> dict[str, Any]:
    # The caller's proxy decides. Where nobody calls from, a proxy would only cost time.
    calls = app in CALLING
    container = {
        "name": "main",
        "image": "asm-lanes.lab/helloworld:1",
        "ports": [{"containerPort": 5000}],
        "env": [{"name": "SERVICE", "value": app}, {"name": "VERSION", "value": version}],
    }
    labels = {"app": app, **labels}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": f"{app}-{version}", "namespace": "default"},
        "spec": {
            "selector": {"matchLabels": labels},
            "template": {
                "metadata": {
                    "labels": labels,
                    "annotations": {"sidecar.istio.io/inject": str(calls).lower()},
                },
                "spec": {"containers": [container]},
            },
        },
    }
