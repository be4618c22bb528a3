"""Everything the mesh knows at one moment, read from raw objects once each."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeVar, cast

from . import asm, parse_istio, workloads
from .findings import Finding, Ref, RefusedError
from .istio import DestinationRule, Gateway, VirtualService
from .refs import ref_of

_Parsed = TypeVar("_Parsed")

_PARSERS: dict[str, Callable[[dict[str, Any]], Any]] = {
    "Gateway": parse_istio.gateway,
    "VirtualService": parse_istio.virtual_service,
    "DestinationRule": parse_istio.destination_rule,
    "ASMHeaderPropagation": asm.header_propagation,
    "TrafficLabel": asm.traffic_label,
    "IstioGateway": asm.gateway_workload,
    "Service": workloads.service,
    "Pod": workloads.pod,
}

KINDS = tuple(_PARSERS)
"""The kinds of objects that the mesh reads."""


@dataclass(frozen=True)
class Snapshot:
    """The mesh's inputs in a stable order: Gateways, VirtualServices, DestinationRules oldest first."""

    gateways: tuple[Gateway, ...] = ()
    virtual_services: tuple[VirtualService, ...] = ()
    destination_rules: tuple[DestinationRule, ...] = ()
    propagations: tuple[asm.HeaderPropagation, ...] = ()
    gateway_workloads: tuple[asm.GatewayWorkload, ...] = ()
    services: tuple[workloads.Service, ...] = ()
    pods: tuple[workloads.Pod, ...] = ()


@dataclass
class _Entry:
    """What became of one object: the version read, its last good form, and the refusal of this version."""

    uid: str
    version: str
    parsed: Any = None
    refusal: Finding | None = None


class Inputs:
    """Reads raw objects, each version once, and remembers the last good form of each.

    An object whose new version is refused keeps routing as before, as on a real mesh, where an admission
    webhook would have refused the write. The memory is that of the process: an object that was bad from the
    start, or that is bad when the lab starts, has no effect.
    """

    def __init__(self) -> None:
        self._entries: dict[Ref, _Entry] = {}

    def read(self, objects: Mapping[str, Iterable[dict[str, Any]]]) -> tuple[Snapshot, list[Finding]]:
        """The snapshot that raw objects (by kind) make, and what was refused of them."""
        entries = {}
        for kind in KINDS:
            for obj in objects.get(kind, ()):
                # Lists leave out the kind of their items.
                entry = self._read({**obj, "kind": kind})
                entries[ref_of({**obj, "kind": kind})] = entry
        self._entries = entries
        findings = [entry.refusal for entry in entries.values() if entry.refusal]
        snapshot = self._snapshot()
        for gateway in snapshot.gateways:
            findings += gateway.findings
        return snapshot, findings

    def _read(self, obj: dict[str, Any]) -> _Entry:
        ref, meta = ref_of(obj), obj["metadata"]
        uid, version = meta.get("uid", ""), meta.get("resourceVersion", "")
        known = self._entries.get(ref)
        if known and version and (known.uid, known.version) == (uid, version):
            return known
        last_good = known.parsed if known and known.uid == uid else None
        try:
            parsed = _PARSERS[ref.kind](obj)
        except RefusedError as refused:
            finding = refused.finding(ref)
            effect = "the last good version stays in force" if last_good else "the object has no effect"
            return _Entry(uid, version, last_good, replace(finding, message=f"{finding.message} ({effect})"))
        return _Entry(uid, version, parsed)

    def _snapshot(self) -> Snapshot:
        return Snapshot(
            gateways=tuple(sorted(self._all("Gateway", Gateway), key=lambda item: item.age)),
            virtual_services=tuple(
                sorted(self._all("VirtualService", VirtualService), key=lambda item: item.age)
            ),
            destination_rules=tuple(
                sorted(self._all("DestinationRule", DestinationRule), key=lambda item: item.age)
            ),
            propagations=self._all("ASMHeaderPropagation", asm.HeaderPropagation),
            gateway_workloads=self._all("IstioGateway", asm.GatewayWorkload),
            services=self._all("Service", workloads.Service),
            pods=self._all("Pod", workloads.Pod),
        )

    def _all(self, kind: str, _type: type[_Parsed]) -> tuple[_Parsed, ...]:
        entries = (
            (ref, entry.parsed) for ref, entry in self._entries.items() if ref.kind == kind and entry.parsed
        )
        return tuple(cast(_Parsed, parsed) for _unused, parsed in sorted(entries, key=lambda pair: pair[0]))
