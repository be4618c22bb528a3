"""Two meshes over the same objects: the lab's own and istiod, each with a gateway and a sidecar."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import json
import time
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path
from typing import Any

import aiohttp
from asm_lanes_lab.client import Cluster
from asm_lanes_lab.daemon import crds
from asm_lanes_lab.istio.mesh import IstioMesh
from asm_lanes_lab.mesh.controller import MeshController
from asm_lanes_lab.mesh.workloads import ADMIN_ANNOTATION, GATEWAY_LABEL, SIDECAR_ANNOTATION
from asm_lanes_lab.plane import ISTIO, OWN, REAL
from asm_lanes_lab.settings import Settings
from asm_lanes_lab.supervisor import Part, Supervisor
from integration.lab_mesh.harness import EnvoyProcesses, Network, back_end
from lab_fixture import until
from planes import RunningPlane

from . import cases
from .cases import (
    APPS,
    CALLER,
    GATEWAY,
    NAMESPACE,
    PORT,
    SERVICE_PORT,
    SIDECAR,
    VERSIONS,
    Case,
    Obj,
    Request,
    make,
    service,
)

MESHES = (OWN, ISTIO)
#: Response and request headers that count, apart from the host that the app sees.
_TOLD = ("x-set", "x-add", "x-user", "x-rid", "version", "x-lane")
#: Seconds for whatever has to happen, on a busy machine too.
PATIENCE = 90.0
_BATCH = "x-batch"

Observation = str


class World:
    """Everything of the test; to be used as a context."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._stack, self._net = folder, contextlib.AsyncExitStack(), Network()
        self._gateways = {OWN: self._net.pod(1), ISTIO: self._net.pod(2)}
        self._callers = {OWN: self._net.pod(3), ISTIO: self._net.pod(4)}
        self._batch = 0
        self.cluster: Cluster
        self.mesh: Cluster

    async def __aenter__(self) -> World:
        try:
            await self._start()
        except BaseException:
            await self._stack.aclose()
            raise
        return self

    async def __aexit__(self, *_error: object) -> None:
        await self._stack.aclose()

    async def _start(self) -> None:
        enter, folder = self._stack.enter_async_context, self._folder
        definitions = crds(Settings.parse({"control_plane": REAL, "mesh": ISTIO}, folder / ISTIO))
        started = asyncio.to_thread(
            RunningPlane, folder / ISTIO, REAL, definitions["mesh"], cluster_crds=definitions["cluster"]
        )
        plane = await started
        self._stack.push_async_callback(asyncio.to_thread, plane.stop)
        self.cluster = await Cluster.connect(plane.kubeconfig("cluster"), "cluster")
        self.mesh = await Cluster.connect(plane.kubeconfig("mesh"), "mesh")
        self._stack.push_async_callback(self.cluster.close)
        self._stack.push_async_callback(self.mesh.close)
        for number, app in enumerate(APPS):
            for version in VERSIONS:
                await enter(
                    back_end(f"{app}/{version}", self._net.pod(_address(number, version)), SERVICE_PORT)
                )
        await self._furnish()
        settings = {
            name: dataclasses.replace(
                plane.settings,
                state_dir=folder / name,
                mesh=name,
                gateway_address=self._gateways[name],
                pod_network=self._net.pods,
                app_network=self._net.apps,
            )
            for name in MESHES
        }
        (folder / OWN).mkdir()
        parts = IstioMesh(settings[ISTIO]).parts(self.cluster, self.mesh)
        parts.append(Part("own", lambda: MeshController(self.cluster, self.mesh, settings[OWN])))
        supervisor = Supervisor(parts)
        supervisor.start()
        self._stack.push_async_callback(supervisor.stop)
        for name in MESHES:
            await self._start_envoys(name, settings[name])
        self._http = await enter(aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=PATIENCE)))

    async def _start_envoys(self, mesh: str, settings: Settings) -> None:
        """A gateway and a sidecar; each mesh has configured those of the other, too, which do not run."""
        names = (f"istio-system.gateway-{mesh}", f"{NAMESPACE}.caller-{mesh}")
        folder = settings.files.xds
        await until(_all_there([folder / name / "bootstrap.json" for name in names]), "bootstraps", PATIENCE)
        envoys = EnvoyProcesses(folder, self._folder)
        self._stack.push_async_callback(envoys.stop)
        await envoys.start(names, PATIENCE)

    # --- objects ------------------------------------------------------------------------------------

    async def _furnish(self) -> None:
        """The namespaces, pods and Services of all cases."""
        await until(self._has_account, "the service account of the namespace", PATIENCE)
        for name in MESHES:
            labels = {"istio": "ingressgateway", GATEWAY_LABEL: "ingressgateway"}
            notes = {ADMIN_ANNOTATION: f"{self._net.pod({OWN: 5, ISTIO: 6}[name])}:15000"}
            await self._pod(f"gateway-{name}", self._gateways[name], labels, notes, "istio-system")
            await self._pod(f"caller-{name}", self._callers[name], CALLER, {SIDECAR_ANNOTATION: "{}"})
        for number, app in enumerate(APPS):
            for version, labels in VERSIONS.items():
                address = self._net.pod(_address(number, version))
                await self._pod(f"{app}-{version}", address, {"app": app, **labels}, {})
            await self.cluster.apply(service(app, app), "test")
            await self.mesh.apply(make("DestinationRule", app, cases.subsets(app)), "test")
        ports = [{"name": "http", "port": PORT, "targetPort": PORT, "protocol": "TCP"}]
        opened = make("IstioGateway", "ingressgateway", {"ports": ports}, "istio.alibabacloud.com/v1beta1")
        opened["metadata"]["namespace"] = "istio-system"
        await self.mesh.apply(opened, "test")
        await self.cluster.apply(service("sentinel", "a"), "test")

    async def _has_account(self) -> bool:
        found = [
            await self.cluster.get("v1", "ServiceAccount", "default", ns)
            for ns in (NAMESPACE, "istio-system")
        ]
        return all(found)

    async def _pod(self, name: str, ip: str, labels: Any, notes: Obj, namespace: str = NAMESPACE) -> None:
        ports = [{"containerPort": SERVICE_PORT, "protocol": "TCP"}]
        pod = make("Pod", name, {"containers": [{"name": "app", "image": "none", "ports": ports}]}, "v1")
        pod["metadata"] |= {"namespace": namespace, "labels": dict(labels), "annotations": notes}
        await self.cluster.apply(pod, "test")
        ready = [{"type": "Ready", "status": "True"}]
        status = {"phase": "Running", "podIP": ip, "podIPs": [{"ip": ip}], "conditions": ready}
        await self.cluster.patch_status(pod, status)

    async def apply(self, batch: Iterable[Case]) -> None:
        """Put the objects of cases, one after the other; returns when both meshes have taken all of them."""
        for case in batch:
            for obj in case.cluster:
                await self.cluster.apply(obj, "test")
            for obj in case.mesh:
                await self.mesh.apply(obj, "test")
        await self._settle()

    async def remove(self, batch: Iterable[Case]) -> None:
        """Take the objects of cases away."""
        for case in batch:
            for api, objects in ((self.mesh, case.mesh), (self.cluster, case.cluster)):
                for obj in objects:
                    meta = obj["metadata"]
                    await api.delete(obj["apiVersion"], obj["kind"], meta["name"], meta["namespace"])

    async def _settle(self) -> None:
        """Wait for a batch by an object of each kind, which comes after all others of its kind.

        The routes at the gateway and at the callers lead to a subset that only this batch has.
        """
        self._batch += 1
        subset, number = f"batch-{self._batch}", str(self._batch)
        rule = {"host": "sentinel", "subsets": [{"name": subset, "labels": {"version": "v1"}}]}
        mine = {"headers": {_BATCH: {"exact": number}}}
        to = [{"destination": {"host": "sentinel", "subset": subset}}]
        routes = [{"match": [mine], "route": to}, {"directResponse": {"status": 418}}]
        host = f"batch-{number}.sentinel.example"
        await self.cluster.apply(service(f"sentinel-{number}", "a"), "test")
        for obj in (
            make("DestinationRule", "sentinel", rule),
            cases.gateway("sentinel", [host]),
            make("VirtualService", "sentinel", {"hosts": [host], "gateways": ["sentinel"], "http": routes}),
            make("VirtualService", "sentinel-calls", {"hosts": ["sentinel"], "http": routes}),
        ):
            await self.mesh.apply(obj, "test")
        headers = {_BATCH: number}
        for mesh in MESHES:
            for via, asked in ((GATEWAY, host), (SIDECAR, "sentinel"), (SIDECAR, f"sentinel-{number}")):
                request = Request(via, asked, headers=headers)
                await self._taken(mesh, request)

    async def _taken(self, mesh: str, request: Request) -> None:
        """Wait until a sentinel answers."""
        answer, deadline = "", time.monotonic() + PATIENCE
        while not answer.startswith("a/"):
            assert time.monotonic() < deadline, (
                f"not within {PATIENCE:g} s at {mesh}: {request}, but {answer}"
            )
            await asyncio.sleep(0.02)
            try:
                answer = await self.ask(mesh, request)
            except aiohttp.ClientError as error:  # no listener yet
                answer = str(error)

    # --- requests -----------------------------------------------------------------------------------

    async def ask(self, mesh: str, request: Request) -> Observation:
        """What becomes of a request: who answers, what it was sent and what came back; or a status."""
        headers = {**request.headers}
        if request.via == GATEWAY:
            url, proxy = f"http://{self._gateways[mesh]}:{PORT}{request.path}", None
            headers["Host"] = request.host
        else:
            url = f"http://{request.host}:{SERVICE_PORT}{request.path}"
            proxy = f"http://{self._callers[mesh]}:15001"
        async with self._http.request(
            request.method, url, headers=headers, proxy=proxy, allow_redirects=False
        ) as answer:
            text = await answer.text()
            told = {name: ",".join(answer.headers.getall(name)) for name in _TOLD if name in answer.headers}
            if answer.status == 200:
                seen = json.loads(text)
                sent = {name: seen["headers"][name] for name in ("host", *_TOLD) if name in seen["headers"]}
                return f"{seen['app']} {seen['path']} sent {sent} got {told}"
            if 300 <= answer.status < 400:
                return f"{answer.status} {answer.headers['Location']} got {told}"
            body = f" {text}" if text == "not today" else ""
            return f"{answer.status}{body} got {told}"


def _address(number: int, version: str) -> int:
    return 20 + 10 * number + int(version[1:])


def _all_there(files: list[Path]) -> Callable[[], Awaitable[bool]]:
    async def check() -> bool:
        return all(file.exists() for file in files)

    return check
