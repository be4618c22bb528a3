"""Istio's CRDs, with what ASM adds to them."""

from __future__ import annotations

from collections.abc import Iterable

import yaml

from ..objects import Obj
from .binary import crds_file

_FALLBACK = {
    "description": "ASM's extension, for a destination without endpoints; istiod passes it over.",
    "type": "object",
    "x-kubernetes-preserve-unknown-fields": True,
}


def istio_crds(ours: Iterable[Obj]) -> dict[str, list[Obj]]:
    """The CRDs of ``cluster`` and ``mesh``: Istio's at istiod's version, and those of *ours* that it lacks.

    VirtualService has ASM's field ``fallback`` (documented). The cluster gets WorkloadEntry, for endpoints.
    """
    theirs = _read()
    names = {crd["metadata"]["name"] for crd in theirs}
    entries = [crd for crd in theirs if crd["spec"]["names"]["kind"] == "WorkloadEntry"]
    rest = [crd for crd in ours if crd["metadata"]["name"] not in names]
    return {"cluster": entries, "mesh": [*theirs, *rest]}


def _read() -> list[Obj]:
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    found = [crd for crd in yaml.load_all(crds_file().read_text(), loader) if crd]
    for crd in found:
        if crd["spec"]["names"]["kind"] == "VirtualService":
            _add_fallback(crd)
    return found


def _add_fallback(crd: Obj) -> None:
    for version in crd["spec"]["versions"]:
        spec = version["schema"]["openAPIV3Schema"]["properties"]["spec"]
        http = spec["properties"]["http"]["items"]["properties"]
        http["route"]["items"]["properties"]["fallback"] = _FALLBACK
