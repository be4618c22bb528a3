"""The lab's API servers, ASM API and lane controller in one process; ways to read and to spoil the mesh."""

from __future__ import annotations

import asyncio
import contextlib
import copy
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from ansible_collections.asm.lanes.plugins.module_utils._asm.client import AsmClient
from ansible_collections.asm.lanes.plugins.module_utils._asm.credentials import Connection
from ansible_collections.asm.lanes.plugins.module_utils._asm.custom_resource import CustomResourceLanes
from ansible_collections.asm.lanes.plugins.module_utils._asm.deadline import Deadline
from ansible_collections.asm.lanes.plugins.module_utils._asm.lane_group import Run, Wish, ensure
from ansible_collections.asm.lanes.plugins.module_utils._asm.openapi import OpenApiLanes, find_cluster
from ansible_collections.asm.lanes.plugins.module_utils._drift import report
from ansible_collections.asm.lanes.plugins.module_utils._drift.reads import Server, Sources, read
from ansible_collections.asm.lanes.plugins.module_utils._kube.client import Api, connect
from ansible_collections.asm.lanes.plugins.module_utils._lanes.model import LaneGroup
from asm_lanes_lab.asm import Credential
from asm_lanes_lab.asm.context import version
from asm_lanes_lab.client import Cluster
from asm_lanes_lab.controllers import lane_objects
from asm_lanes_lab.controllers.lane_plan import Meanings, View, decide
from asm_lanes_lab.controllers.lane_status import merge_patch
from asm_lanes_lab.controllers.lanes import LaneController
from asm_lanes_lab.objects import path_of
from asm_lanes_lab.settings import Settings
from lab_servers import LabServers

Obj = dict[str, Any]
LANES, ISTIO = "istio.alibabacloud.com/v1", "networking.istio.io/v1beta1"
SECRET = "5ecret-of-the-access-key"
ADMIN = Credential("key-admin", SECRET)
PATIENCE = 100.0  # seconds that the lab gets for anything, on a busy machine too
_T = TypeVar("_T")


@dataclass(frozen=True)
class Connected(Server):
    """A server with one connection for many readings, which else costs as much as the reading."""

    api: Api | None = None

    def connect(self, timeout: float) -> Api:
        assert self.api
        return self.api


def connected(file: Path) -> Connected:
    return Connected(str(file), api=connect(file))


class World(LabServers):
    """Everything that ASM has, and a connection of the product's to each server."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.settings = Settings.parse({}, state_dir=folder)
        self.cluster_file, self.mesh_file = folder / "cluster.kubeconfig", folder / "mesh.kubeconfig"
        self.cluster = self.started("cluster", self.cluster_file)
        self.mesh = self.started("mesh", self.mesh_file)
        self._cluster_server, self._mesh_server = connected(self.cluster_file), connected(self.mesh_file)
        self.api = self.openapi(self.settings, self.mesh, self.cluster, [ADMIN])
        self._openapi = self.client()
        self._controller: Any = None

    # --- ASM ---

    def start_asm(self) -> None:
        """Let the lane controller work, which undoes edits of what it generated."""
        if self._controller:
            return
        controller = LaneController(self.cluster, self.mesh, self.settings)
        self._controller = asyncio.run_coroutine_threadsafe(controller.run(), self.loop)

    def stop_asm(self) -> None:
        """Let nobody undo edits."""
        if self._controller:
            self._controller.cancel()
            with contextlib.suppress(BaseException):
                self._controller.result(PATIENCE)
        self._controller = None

    def settle(self) -> None:
        """Return when the lane controller, going by its own decisions, has nothing left to do."""
        deadline = time.monotonic() + PATIENCE
        while not self.wait(self._is_settled()):
            assert time.monotonic() < deadline, "the lane controller does not come to an end"
            time.sleep(0.2)

    async def _is_settled(self) -> bool:
        generated = [
            {**obj, "kind": kind}
            for kind, api in lane_objects.GENERATED.items()
            for obj in await self.mesh.list(api, kind)
        ]
        view = View(
            groups=await self.mesh.list(LANES, "ASMSwimLaneGroup"),
            lanes=await self.mesh.list(LANES, "ASMSwimLane"),
            gateways={path_of(obj): obj for obj in await self.mesh.list(ISTIO, "Gateway")},
            services={path_of(obj): obj for obj in await self.cluster.list("v1", "Service")},
            pods=await self.cluster.list("v1", "Pod"),
            generated={lane_objects.key_of(obj): obj for obj in generated},
        )
        decision = decide(view, Meanings(version(self.settings.mesh_version)))
        late = [obj for obj, status in decision.statuses if merge_patch(obj.get("status") or {}, status)]
        return not decision.writes and not late

    # --- the product ---

    def client(self) -> AsmClient:
        connection = Connection(
            ADMIN.access_key_id, SECRET, endpoint=f"127.0.0.1:{self.api.port}", protocol="http"
        )
        return AsmClient(connection, "lab-mesh", Deadline(600))

    def make(self, group: LaneGroup, openapi: bool = False) -> None:
        """Make a group as the module lane_group does."""
        client = self._openapi
        resources = CustomResourceLanes(
            self._mesh_server.connect(5), client.deadline, lambda: find_cluster(client, None), settled=0.0
        )
        backend = OpenApiLanes(client, settled=0.0) if openapi else resources
        ensure(backend, Wish(group, purge_lanes=True, wait=False), Run(), False)

    def drift(self, group: LaneGroup, ignore: Iterable[str] = (), **sources: Any) -> report.Drift:
        """What the module lane_group_drift finds. sources: other ones than everything there is."""
        given = {"mesh": self._mesh_server, "cluster": self._cluster_server, **sources}
        where = Sources(lambda: OpenApiLanes(self.client()), deadline=Deadline(PATIENCE), timeout=5, **given)
        facts, _records = read(where, group.name)
        return report.check(group, facts, frozenset(ignore))

    # --- what users and mishaps do ---

    async def put(self, server: Cluster, obj: Obj) -> None:
        """Have the object with these labels, this spec and, where given, this status."""
        there = await server.get(*_reference(obj))
        metadata = {k: v for k, v in obj["metadata"].items() if k in ("name", "namespace", "labels")}
        wanted = {**copy.deepcopy(obj), "metadata": metadata}
        if there is None:
            await server.create(wanted)
        else:
            metadata["resourceVersion"] = there["metadata"]["resourceVersion"]
            await server.replace(wanted)
        if obj.get("status"):
            await server.patch_status(wanted, obj["status"])

    async def remove(self, server: Cluster, obj: Obj) -> None:
        await server.delete(*_reference(obj))

    def close(self) -> None:
        """Stop everything."""
        self.stop_asm()
        super().close()


def _reference(obj: Obj) -> tuple[str, str, str, str | None]:
    metadata = obj["metadata"]
    return obj["apiVersion"], obj["kind"], metadata["name"], metadata.get("namespace")
