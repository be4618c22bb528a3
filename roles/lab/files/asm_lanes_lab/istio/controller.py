"""Tells istiod and the proxies of the lab's pods, and keeps that up to date."""

from __future__ import annotations

import json
import logging
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import aiohttp

from ..controllers.loop import reconcile_each, run_loop
from ..files import write_json, write_text
from ..mesh.envoy import Json
from ..mesh.findings import Finding
from ..mesh.options import Options
from ..mesh.snapshot import Inputs
from ..objects import Obj, key
from .objects import API_VERSION, ENTRY_LABEL
from .world import World, world_of

if TYPE_CHECKING:
    from ..client import Cluster
    from ..settings import Settings

LOG = logging.getLogger("asm_lanes_lab.istio")

_KINDS = {"Service": "v1", "Pod": "v1"}
_PROPAGATION = ("istio.alibabacloud.com/v1beta1", "ASMHeaderPropagation")
_ENTRY = (API_VERSION, "WorkloadEntry")
FIELD_MANAGER = "asm-lanes-lab-istio"
#: Seconds until another look whether istiod knows what a proxy needs before it starts.
LOOK = 0.05


class IstioController:
    """Keeps istiod's files, the WorkloadEntries of the cluster, and the bootstraps of the proxies."""

    def __init__(
        self,
        cluster: Cluster,
        mesh: Cluster,
        settings: Settings,
        folder: Path,
        grpc: tuple[str, int],
        http: tuple[str, int],
    ) -> None:
        """*folder*: of files for istiod. *grpc*, *http*: where it serves proxies, and people."""
        self._cluster, self._folder, self._grpc = cluster, folder, grpc
        self._configz = f"http://{http[0]}:{http[1]}/debug/configz"
        self._options = Options(
            settings.files.xds,
            settings.gateway_address,
            settings.pod_network,
            settings.app_network,
            settings.logged_headers,
        )
        self._sources = {kind: cluster.informer(version, kind) for kind, version in _KINDS.items()}
        self._sources[_PROPAGATION[1]] = mesh.informer(*_PROPAGATION)
        self._entries = cluster.informer(*_ENTRY, label_selector=ENTRY_LABEL)
        self._inputs = Inputs()
        self._told: set[Finding] = set()
        self._session: aiohttp.ClientSession | None = None

    async def run(self) -> None:
        """Work until cancelled."""
        async with aiohttp.ClientSession() as session:
            self._session = session
            await run_loop([*self._sources.values(), self._entries], self._step, LOG)

    async def _step(self) -> float | None:
        raw = {kind: list(informer.items.values()) for kind, informer in self._sources.items()}
        snapshot, refusals = self._inputs.read(raw)
        for finding in set(refusals) - self._told:
            LOG.warning("%s: %s", finding.ref, finding)
        self._told = set(refusals)
        world = world_of(snapshot, self._options, self._grpc)
        self._write_files(world)
        wake = await self._write_entries(world)
        return wake if await self._start_proxies(world) else LOOK

    def _write_files(self, world: World) -> None:
        folder = self._folder / "config"
        for name, documents in world.files.items():
            _put(folder / name, "\n---\n".join(json.dumps(document) for document in documents))
        for file in folder.glob("*.yaml"):
            if file.name not in world.files:
                file.unlink()

    async def _write_entries(self, world: World) -> float | None:
        wanted = {key(entry): entry for entry in world.entries}
        for place, entry in list(self._entries.items.items()):
            if place not in wanted:
                await self._cluster.delete(*_ENTRY, entry["metadata"]["name"], entry["metadata"]["namespace"])
        return await reconcile_each(wanted.values(), self._reconcile, LOG)

    async def _reconcile(self, entry: Obj) -> float | None:
        present = self._entries.items.get(key(entry))
        if present is None or present["spec"] != entry["spec"]:
            await self._cluster.apply(entry, FIELD_MANAGER)
        return None

    async def _start_proxies(self, world: World) -> bool:
        """Write the bootstraps, the presence of which starts proxies; False when some have to wait.

        A sidecar that istiod does not know yet would get listeners on every address of the machine.
        """
        folder = self._options.xds_dir
        for stale in folder.glob("*"):
            if stale.name not in world.bootstraps:
                shutil.rmtree(stale, ignore_errors=True)
        new = {name: data for name, data in world.bootstraps.items() if not (folder / name).exists()}
        known = await self._known() if new else set()
        for name, data in new.items():
            if needed(world.files, name) <= known:
                (folder / name).mkdir(parents=True)
                write_json(folder / name / "bootstrap.json", data)
        return all((folder / name).exists() for name in new)

    async def _known(self) -> set[tuple[str, str, str]]:
        """Kind, namespace, name of all objects that istiod has read; none when it does not answer yet."""
        assert self._session
        try:
            async with self._session.get(self._configz) as answer:
                found = await answer.json(content_type=None)
        except (aiohttp.ClientError, TimeoutError, ValueError):
            return set()
        return {_identity(obj) for obj in found}


def needed(files: Mapping[str, Iterable[Json]], proxy: str) -> set[tuple[str, str, str]]:
    """What istiod must know before the proxy starts."""
    return {_identity(obj) for name in ("lab.yaml", f"{proxy}.yaml") for obj in files.get(name, ())}


def _identity(obj: Json) -> tuple[str, str, str]:
    return obj["kind"], obj["metadata"].get("namespace") or "", obj["metadata"]["name"]


def _put(file: Path, text: str) -> None:
    if not file.exists() or file.read_text() != text:
        write_text(file, text)
