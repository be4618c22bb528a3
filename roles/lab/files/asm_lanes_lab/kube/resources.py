"""What is served: the built-in resources, those of CRDs, and the discovery documents about them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from . import schemas
from .errors import qualified
from .schemas import Schema

Obj = dict[str, Any]

VERBS = ("create", "delete", "deletecollection", "get", "list", "patch", "update", "watch")


@dataclass(frozen=True)
class Column:
    """One column of a table, from a CRD's ``additionalPrinterColumns``."""

    name: str
    type: str
    path: str
    priority: int = 0
    description: str = ""


@dataclass(frozen=True)
class Scale:
    """Where the ``scale`` subresource finds replicas (JSON paths such as ``.spec.replicas``)."""

    spec_path: str = ".spec.replicas"
    status_path: str = ".status.replicas"
    selector_path: str = ""


@dataclass(frozen=True)
class Resource:
    """One resource at one served version."""

    group: str
    version: str
    plural: str
    kind: str
    namespaced: bool
    load_schema: Callable[[], Schema] = field(repr=False, compare=False)
    singular: str = ""
    short_names: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    status: bool = False
    scale: Scale | None = None
    custom: bool = False
    columns: tuple[Column, ...] = ()
    selectable: frozenset[str] = frozenset()
    storage_version: str = ""
    deprecation: str = ""
    verbs: tuple[str, ...] = VERBS

    @property
    def api_version(self) -> str:
        """``apps/v1``, or ``v1`` in the core group."""
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def table(self) -> str:
        """Where objects are stored: the same for all versions."""
        return qualified(self.plural, self.group)

    @property
    def schema(self) -> Schema:
        """The OpenAPI schema of an object."""
        return self.load_schema()

    def discovery(self) -> list[Obj]:
        """The rows of an APIResourceList: the resource and its subresources."""
        row: Obj = {
            "name": self.plural,
            "singularName": self.singular or self.kind.lower(),
            "namespaced": self.namespaced,
            "kind": self.kind,
            "verbs": list(self.verbs),
        }
        if self.short_names:
            row["shortNames"] = list(self.short_names)
        if self.categories:
            row["categories"] = list(self.categories)
        rows = [row]
        if self.status:
            rows.append(self._subresource("status", {}))
        if self.scale:
            rows.append(
                self._subresource("scale", {"group": "autoscaling", "version": "v1", "kind": "Scale"})
            )
        if self.kind == "Pod":
            log = self._subresource("log", {})
            rows.append({**log, "verbs": ["get"]})
        return rows

    def _subresource(self, name: str, other: Obj) -> Obj:
        return {
            "name": f"{self.plural}/{name}",
            "singularName": "",
            "namespaced": self.namespaced,
            "kind": self.kind,
            "verbs": ["get", "patch", "update"],
            **other,
        }


def _builtin(
    api: str, kind: str, plural: str, model: str = "", *, cluster: bool = False, **rest: Any
) -> Resource:
    group, _unused, version = api.rpartition("/")
    name = model or f"V1{kind}"
    return Resource(
        group,
        version,
        plural,
        kind,
        not cluster,
        lambda: schemas.builtin(name),
        storage_version=version,
        **rest,
    )


_ALL = ("all",)
BUILTIN: tuple[Resource, ...] = (
    _builtin("v1", "ConfigMap", "configmaps", short_names=("cm",)),
    _builtin("v1", "Endpoints", "endpoints", short_names=("ep",)),
    _builtin("v1", "Event", "events", "CoreV1Event", short_names=("ev",)),
    _builtin("v1", "Namespace", "namespaces", cluster=True, short_names=("ns",), status=True),
    _builtin("v1", "Node", "nodes", cluster=True, short_names=("no",), status=True),
    _builtin("v1", "Pod", "pods", short_names=("po",), status=True, categories=_ALL),
    _builtin("v1", "Secret", "secrets"),
    _builtin("v1", "Service", "services", short_names=("svc",), status=True, categories=_ALL),
    _builtin("v1", "ServiceAccount", "serviceaccounts", short_names=("sa",)),
    _builtin(
        "apps/v1",
        "Deployment",
        "deployments",
        short_names=("deploy",),
        status=True,
        scale=Scale(),
        categories=_ALL,
    ),
    _builtin(
        "apps/v1",
        "ReplicaSet",
        "replicasets",
        short_names=("rs",),
        status=True,
        scale=Scale(),
        categories=_ALL,
    ),
    _builtin(
        "authentication.k8s.io/v1", "SelfSubjectReview", "selfsubjectreviews", cluster=True, verbs=("create",)
    ),
    _builtin(
        "authorization.k8s.io/v1",
        "SelfSubjectAccessReview",
        "selfsubjectaccessreviews",
        cluster=True,
        verbs=("create",),
    ),
    _builtin("coordination.k8s.io/v1", "Lease", "leases"),
    _builtin("discovery.k8s.io/v1", "EndpointSlice", "endpointslices"),
    _builtin(
        "apiextensions.k8s.io/v1",
        "CustomResourceDefinition",
        "customresourcedefinitions",
        cluster=True,
        short_names=("crd", "crds"),
        categories=("api-extensions",),
        status=True,
    ),
)

CRDS = "customresourcedefinitions.apiextensions.k8s.io"
NAMESPACES = "namespaces"


class Registry:
    """All served resources, by group, version and plural."""

    def __init__(self) -> None:
        self._rows: dict[tuple[str, str, str], Resource] = {}
        self._custom: dict[str, list[tuple[str, str, str]]] = {}
        self.revision = 0
        for resource in BUILTIN:
            self._rows[(resource.group, resource.version, resource.plural)] = resource

    def find(self, group: str, version: str, plural: str) -> Resource | None:
        """The resource of a path, or None."""
        return self._rows.get((group, version, plural))

    def of_table(self, table: str) -> Resource | None:
        """Any served version of what is stored in *table*, the storage version first."""
        found = [row for row in self._rows.values() if row.table == table]
        return next((row for row in found if row.version == row.storage_version), found[0] if found else None)

    def set_custom(self, crd: str, resources: Iterable[Resource]) -> None:
        """Serve *resources* for the CRD of that name, instead of what was served for it before."""
        for key in self._custom.pop(crd, []):
            self._rows.pop(key, None)
        keys = []
        for resource in resources:
            key = (resource.group, resource.version, resource.plural)
            self._rows[key] = resource
            keys.append(key)
        self._custom[crd] = keys
        self.revision += 1

    def of_version(self, group: str, version: str) -> list[Resource]:
        """All resources of one group and version."""
        return [row for row in self._rows.values() if (row.group, row.version) == (group, version)]

    def versions(self) -> list[tuple[str, list[str]]]:
        """Groups (the core group is ``""``) with their versions, the preferred one first."""
        groups: dict[str, list[str]] = {}
        for row in self._rows.values():
            known = groups.setdefault(row.group, [])
            if row.version not in known:
                known.append(row.version)
        return [(group, sorted(known, key=_stability)) for group, known in groups.items()]

    # --- discovery documents ---

    def api_group(self, group: str) -> Obj | None:
        """The APIGroup document, or None."""
        for name, known in self.versions():
            if name == group and group:
                rows = [{"groupVersion": f"{group}/{version}", "version": version} for version in known]
                return {
                    "kind": "APIGroup",
                    "apiVersion": "v1",
                    "name": group,
                    "versions": rows,
                    "preferredVersion": rows[0],
                }
        return None

    def api_groups(self) -> Obj:
        """The APIGroupList document."""
        groups = [self.api_group(name) for name, _unused in self.versions() if name]
        rows = [
            {key: value for key, value in group.items() if key not in ("kind", "apiVersion")}
            for group in groups
            if group
        ]
        return {"kind": "APIGroupList", "apiVersion": "v1", "groups": rows}

    def api_resources(self, group: str, version: str) -> Obj | None:
        """The APIResourceList document, or None."""
        found = self.of_version(group, version)
        if not found:
            return None
        rows = [
            row for resource in sorted(found, key=lambda item: item.plural) for row in resource.discovery()
        ]
        name = f"{group}/{version}" if group else version
        return {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": name, "resources": rows}


def _stability(version: str) -> tuple[int, int, int]:
    """Order of versions as Kubernetes prefers them: v2, v1, v1beta1, v1alpha1."""
    found = re.fullmatch(r"v(\d+)(?:(alpha|beta)(\d+))?", version)
    if not found:
        return (3, 0, 0)
    rank = {None: 0, "beta": 1, "alpha": 2}[found[2]]
    return (rank, -int(found[1]), -int(found[3] or 0))
