"""Watches the two Kubernetes APIs, keeps the proxies' files up to date, and reports on the objects."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from ..client import ClusterError
from ..objects import timestamp
from .findings import Finding
from .options import Options
from .snapshot import Inputs, Snapshot
from .status import REPORTED, by_object, due
from .translate import translate
from .xds import XdsWriter

if TYPE_CHECKING:
    from ..client import Cluster, Informer
    from ..settings import Settings

log = logging.getLogger("asm_lanes_lab.mesh")

_ISTIO, _ASM = "networking.istio.io/v1", "istio.alibabacloud.com/v1beta1"
_MESH_KINDS = {
    "Gateway": _ISTIO,
    "VirtualService": _ISTIO,
    "DestinationRule": _ISTIO,
    "ASMHeaderPropagation": _ASM,
    "TrafficLabel": _ASM,
    "IstioGateway": _ASM,
}
_CLUSTER_KINDS = {"Service": "v1", "Pod": "v1"}

DEBOUNCE = 0.002
"""Seconds to wait after a change for more of the same burst."""
MAX_PAUSE = 0.5
"""Seconds after which a change is acted upon even if translations take long."""
RETRY = 1.0
"""Seconds until a status that could not be written is tried again."""


class MeshController:
    """The mesh of the lab.

    Every change of an object leads to one translation of everything, which is cheap and has no history. In a
    burst of changes the pause grows to the time that a translation takes, so that at most half of the time
    goes into it. Statuses are written apart, so that slow writes never hold up routing.
    """

    def __init__(self, cluster: Cluster, mesh: Cluster, settings: Settings) -> None:
        self._mesh = mesh
        self._informers: dict[str, Informer] = {
            kind: api.informer(version, kind)
            for api, kinds in ((mesh, _MESH_KINDS), (cluster, _CLUSTER_KINDS))
            for kind, version in kinds.items()
        }
        self._options = Options(
            settings.files.xds,
            settings.gateway_address,
            settings.pod_network,
            settings.app_network,
            settings.logged_headers,
        )
        self._inputs, self._writer = Inputs(), XdsWriter(settings.files.xds)
        self._changed, self._report = asyncio.Event(), asyncio.Event()
        self._snapshot: Snapshot | None = None
        self._translated: list[Finding] = []
        self._findings: frozenset[Finding] = frozenset()

    async def run(self) -> None:
        """Work until cancelled."""
        try:
            for informer in self._informers.values():
                informer.on_change(self._changed.set)
            # All lists first: configuration from half of the objects would tear down what runs.
            await asyncio.gather(*(informer.start() for informer in self._informers.values()))
            async with asyncio.TaskGroup() as group:
                group.create_task(self._configure_on_change())
                group.create_task(self._report_on_change())
        finally:
            for informer in self._informers.values():
                await informer.stop()

    async def _configure_on_change(self) -> None:
        pause = DEBOUNCE
        while True:
            await self._changed.wait()
            await asyncio.sleep(pause)
            self._changed.clear()
            begin = time.monotonic()
            self._configure()
            self._report.set()
            pause = min(max(DEBOUNCE, time.monotonic() - begin), MAX_PAUSE)

    def _configure(self) -> None:
        """One step: read, translate, write."""
        objects = {kind: list(informer.items.values()) for kind, informer in self._informers.items()}
        snapshot, refusals = self._inputs.read(objects)
        if snapshot != self._snapshot:
            translation = translate(snapshot, self._options)
            self._writer.write(translation)
            self._snapshot, self._translated = snapshot, translation.findings
        self._tell(frozenset(refusals + self._translated))

    def _tell(self, findings: frozenset[Finding]) -> None:
        """Log what is new."""
        for finding in sorted(findings - self._findings):
            log.log(logging.WARNING if finding.blocking else logging.INFO, "%s: %s", finding.ref, finding)
        self._findings = findings

    async def _report_on_change(self) -> None:
        while True:
            await self._report.wait()
            self._report.clear()
            try:
                for obj, status in due(self._reported(), by_object(self._findings), timestamp()):
                    await self._write_status(obj, status)
            except ClusterError as error:
                log.warning("%s; trying again in %.0f s", error, RETRY)
                await asyncio.sleep(RETRY)
                self._report.set()

    def _reported(self) -> Iterator[dict[str, Any]]:
        for kind in REPORTED:
            for obj in list(self._informers[kind].items.values()):
                yield {**obj, "apiVersion": _MESH_KINDS[kind], "kind": kind}

    async def _write_status(self, obj: dict[str, Any], status: dict[str, Any]) -> None:
        try:
            await self._mesh.patch_status(obj, status)
        except ClusterError as error:
            if error.status not in (404, 409):  # gone or changed meanwhile: the next event settles it
                raise
