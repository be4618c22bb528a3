"""What a fault does to an object, in small steps, each of which can be undone."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from ..client import Cluster, ClusterError
from ..errors import LabError
from ..mesh.workloads import ENDPOINTS_ANNOTATION
from ..objects import Obj

CLUSTER, MESH = "cluster", "mesh"
_WRITTEN = ("labels", "annotations")


@dataclass(frozen=True)
class Where:
    """An object: which API holds it, and its name there."""

    api: str
    api_version: str
    kind: str
    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind} {self.namespace}/{self.name}"


Apis = Mapping[str, Cluster]
Undo = dict[str, Any]
"""One line of the note by which a fault is undone: ``where``, and ``before`` (the object, null for none)."""


class Step(Protocol):
    """One write."""

    async def do(self, apis: Apis) -> Undo | None:
        """Write; how to undo it, None when there is nothing to undo. Raises LabError."""


@dataclass(frozen=True)
class Edit:
    """Change an object that is there."""

    where: Where
    change: Callable[[Obj], None]

    async def do(self, apis: Apis) -> Undo:
        """See Step."""
        obj = await present(apis, self.where)
        before = json.loads(json.dumps(obj))
        self.change(obj)
        await apis[self.where.api].replace(obj)
        return {"where": vars(self.where), "before": before}


@dataclass(frozen=True)
class Create:
    """Make an object."""

    where: Where
    rest: Obj

    async def do(self, apis: Apis) -> Undo:
        """See Step."""
        await apis[self.where.api].create(_identified(self.where, self.rest))
        return {"where": vars(self.where), "before": None}


@dataclass(frozen=True)
class Renew:
    """Delete an object and make the same again, so that it is the younger one; ASM makes its own again."""

    where: Where
    by_asm: bool = False

    async def do(self, apis: Apis) -> None:
        """See Step."""
        obj = await present(apis, self.where)
        place = self.where
        await apis[place.api].delete(place.api_version, place.kind, place.name, place.namespace)
        if not self.by_asm:
            await apis[place.api].create(_identified(place, _essence(obj)))


@dataclass(frozen=True)
class FreezeEndpoints:
    """Let the proxies keep the pods that a Service has now, then replace those with the labels."""

    service: Where
    labels: Mapping[str, str]

    async def do(self, apis: Apis) -> Undo:
        """See Step."""
        service = await present(apis, self.service)
        chosen = service["spec"]["selector"].items()
        api = apis[self.service.api]
        pods = [
            pod
            for pod in await api.list("v1", "Pod", self.service.namespace)
            if chosen <= (pod["metadata"].get("labels") or {}).items()
            and (pod.get("status") or {}).get("podIP")
        ]
        known = [{"ip": pod["status"]["podIP"], "labels": pod["metadata"]["labels"]} for pod in pods]
        undo = await Edit(self.service, annotate(ENDPOINTS_ANNOTATION, json.dumps(known))).do(apis)
        for pod in pods:
            if self.labels.items() <= pod["metadata"]["labels"].items():
                await api.delete("v1", "Pod", pod["metadata"]["name"], self.service.namespace)
        return undo


def annotate(name: str, value: str) -> Callable[[Obj], None]:
    """A change: set an annotation."""

    def change(obj: Obj) -> None:
        obj["metadata"].setdefault("annotations", {})[name] = value

    return change


async def present(apis: Apis, where: Where) -> Obj:
    """The object. Raises LabError when it is not there."""
    obj = await apis[where.api].get(where.api_version, where.kind, where.name, where.namespace)
    if obj is None:
        raise LabError(f"{where} is not there: run the playbook asm.lanes.site first")
    return {"apiVersion": where.api_version, "kind": where.kind, **obj}


async def undo(apis: Apis, note: Undo) -> None:
    """Have the object as it was before, whatever it is now."""
    where, before = Where(**note["where"]), note["before"]
    api = apis[where.api]
    if before is None:
        await api.delete(where.api_version, where.kind, where.name, where.namespace)
        return
    there = await api.get(where.api_version, where.kind, where.name, where.namespace)
    wanted = _identified(where, _essence(before))
    if there is None:
        await api.create(wanted)
        return
    wanted["metadata"]["resourceVersion"] = there["metadata"]["resourceVersion"]
    try:
        await api.replace(wanted)
    except ClusterError as error:
        if error.status != 409:
            raise
        await undo(apis, note)


def _essence(obj: Obj) -> Obj:
    """What a person would write of an object."""
    metadata = {key: obj["metadata"][key] for key in _WRITTEN if obj["metadata"].get(key)}
    return {"metadata": metadata, "spec": obj["spec"]}


def _identified(where: Where, rest: Obj) -> Obj:
    names = {"name": where.name, "namespace": where.namespace}
    return {
        **rest,
        "apiVersion": where.api_version,
        "kind": where.kind,
        "metadata": {**(rest.get("metadata") or {}), **names},
    }
