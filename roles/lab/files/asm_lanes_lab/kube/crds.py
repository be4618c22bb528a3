"""CustomResourceDefinitions: the resources that they stand for, their status, what makes them invalid."""

from __future__ import annotations

from typing import Any

from . import schemas
from .errors import Cause, invalid, required
from .resources import Column, Resource, Scale
from .schemas import Schema

Obj = dict[str, Any]

CLEANUP = "customresourcecleanup.apiextensions.k8s.io"
"""The finalizer that keeps a CRD until its objects are gone."""


def resources(crd: Obj) -> list[Resource]:
    """The resources of a CRD, one for each served version."""
    return [_resource(crd, version) for version in crd["spec"]["versions"] if version.get("served")]


def _resource(crd: Obj, version: Obj) -> Resource:
    spec, names = crd["spec"], crd["spec"]["names"]
    storage = next((row["name"] for row in spec["versions"] if row.get("storage")), version["name"])
    sub = version.get("subresources") or {}
    schema = _schema(version, "status" in sub)
    scale = None
    if sub.get("scale") is not None:
        paths = sub["scale"]
        scale = Scale(
            paths.get("specReplicasPath", ".spec.replicas"),
            paths.get("statusReplicasPath", ".status.replicas"),
            paths.get("labelSelectorPath", ""),
        )
    columns = tuple(
        Column(
            row["name"],
            row.get("type", "string"),
            row["jsonPath"],
            row.get("priority", 0),
            row.get("description", ""),
        )
        for row in version.get("additionalPrinterColumns") or []
    )
    warning = ""
    if version.get("deprecated"):
        api_version = f"{spec['group']}/{version['name']}"
        warning = version.get("deprecationWarning") or f"{api_version} {names['kind']} is deprecated"
    return Resource(
        group=spec["group"],
        version=version["name"],
        plural=names["plural"],
        kind=names["kind"],
        namespaced=spec.get("scope") == "Namespaced",
        load_schema=lambda: schema,
        singular=names.get("singular", ""),
        short_names=tuple(names.get("shortNames") or ()),
        categories=tuple(names.get("categories") or ()),
        status="status" in sub,
        scale=scale,
        custom=True,
        columns=columns,
        selectable=frozenset(row["jsonPath"].lstrip(".") for row in version.get("selectableFields") or []),
        storage_version=storage,
        deprecation=warning,
    )


def _schema(version: Obj, status: bool) -> Schema:
    declared = (version.get("schema") or {}).get("openAPIV3Schema") or {
        "x-kubernetes-preserve-unknown-fields": True
    }
    properties = dict(declared.get("properties") or {})
    properties["apiVersion"] = properties["kind"] = {"type": "string"}
    properties["metadata"] = schemas.ref("V1ObjectMeta")
    if status:
        properties.setdefault("status", {"type": "object"})
    return {"type": "object", **declared, "properties": properties}


def accept(crd: Obj, new: bool, now: str) -> None:
    """What happens to a valid CRD: it is established at once, and its objects must go before it can go."""
    if new:
        metadata = crd["metadata"]
        metadata["finalizers"] = [*(metadata.get("finalizers") or []), CLEANUP]
    before = crd.get("status") or {}
    known = {row["type"]: row for row in before.get("conditions") or []}
    texts = {
        "NamesAccepted": ("NoConflicts", "no conflicts found"),
        "Established": ("InitialNamesAccepted", "the initial names have been accepted"),
    }
    conditions = [
        {"type": kind, "status": "True", "lastTransitionTime": now, "reason": reason, "message": message}
        for kind, (reason, message) in texts.items()
    ]
    stored = before.get("storedVersions") or []
    storage = [row["name"] for row in crd["spec"]["versions"] if row.get("storage")]
    crd["status"] = {
        "conditions": [known.get(str(row["type"]), row) for row in conditions],
        "acceptedNames": dict(crd["spec"]["names"]),
        "storedVersions": stored + [name for name in storage if name not in stored],
    }


def causes(crd: Obj) -> list[Cause]:
    """What makes a CRD invalid."""
    spec = crd.get("spec") or {}
    names = spec.get("names") or {}
    found = [required(f"spec.names.{name}") for name in ("plural", "kind") if not names.get(name)]
    found += [required(f"spec.{name}") for name in ("group", "scope", "versions") if not spec.get(name)]
    if found:
        return found
    wanted = f"{names['plural']}.{spec['group']}"
    if crd["metadata"]["name"] != wanted:
        found.append(
            invalid("metadata.name", crd["metadata"]["name"], 'must be spec.names.plural+"."+spec.group')
        )
    if sum(bool(version.get("storage")) for version in spec["versions"]) != 1:
        found.append(invalid("spec.versions", "", "must have exactly one version marked as storage version"))
    if (spec.get("conversion") or {}).get("strategy", "None") != "None":
        found.append(
            invalid(
                "spec.conversion.strategy",
                spec["conversion"]["strategy"],
                "the lab converts with strategy None only",
            )
        )
    for index, version in enumerate(spec["versions"]):
        path = f"spec.versions[{index}].schema.openAPIV3Schema"
        schema = (version.get("schema") or {}).get("openAPIV3Schema")
        if schema is None:
            found.append(required(path, "schemas are required"))
        elif schema.get("type") != "object":
            found.append(invalid(f"{path}.type", schema.get("type", ""), "must be object at the root"))
    return found
