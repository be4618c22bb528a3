"""OpenAPI v3 documents: what kubectl reads for apply, explain and field validation."""

from __future__ import annotations

from typing import Any

from . import schemas
from .resources import Registry, Resource

Obj = dict[str, Any]

_PATCH_TYPES = (
    "application/json-patch+json",
    "application/merge-patch+json",
    "application/apply-patch+yaml",
)
_STRATEGIC = "application/strategic-merge-patch+json"


def index(registry: Registry) -> Obj:
    """Where the documents are: one for each group and version."""
    paths = {}
    for group, versions in registry.versions():
        for version in versions:
            path = f"apis/{group}/{version}" if group else f"api/{version}"
            paths[path] = {"serverRelativeURL": f"/openapi/v3/{path}?hash={registry.revision}"}
    return {"paths": paths}


def document(registry: Registry, group: str, version: str) -> Obj | None:
    """The document of one group and version, or None."""
    resources = registry.of_version(group, version)
    if not resources:
        return None
    components: Obj = {}
    paths: Obj = {}
    for resource in resources:
        name = _component(resource)
        gvk = {"group": group, "version": version, "kind": resource.kind}
        components[name] = {**resource.schema, "x-kubernetes-group-version-kind": [gvk]}
        for other in schemas.closure(resource.schema):
            components[other] = schemas.COMPONENTS[other]
        paths.update(_paths(resource, name, gvk))
    return {
        "openapi": "3.0.0",
        "info": {"title": "Kubernetes", "version": "lab"},
        "paths": paths,
        "components": {"schemas": components},
    }


def _component(resource: Resource) -> str:
    group = ".".join(reversed(resource.group.split("."))) if resource.group else "io.k8s.api.core"
    return f"{group}.{resource.version}.{resource.kind}"


def _paths(resource: Resource, component: str, gvk: Obj) -> Obj:
    root = f"/apis/{resource.group}/{resource.version}" if resource.group else f"/api/{resource.version}"
    base = f"{root}/namespaces/{{namespace}}" if resource.namespaced else root
    content = {"application/json": {"schema": {"$ref": schemas.PREFIX + component}}}
    writes = [
        {"name": name, "in": "query", "schema": {"type": "string"}}
        for name in ("dryRun", "fieldManager", "fieldValidation")
    ]

    def operation(action: str, parameters: list[Obj], body: Obj | None = None) -> Obj:
        described: Obj = {
            "responses": {"200": {"description": "OK", "content": content}},
            "parameters": parameters,
            "x-kubernetes-action": action,
            "x-kubernetes-group-version-kind": gvk,
        }
        if body:
            described["requestBody"] = {"content": body}
        return described

    # kubectl apply reads here which patch it may send; there is no strategic one for custom resources.
    types = _PATCH_TYPES if resource.custom else (*_PATCH_TYPES, _STRATEGIC)
    patch = {kind: {"schema": {"type": "object"}} for kind in types}
    return {
        f"{base}/{resource.plural}": {
            "get": operation("list", []),
            "post": operation("post", writes, content),
        },
        f"{base}/{resource.plural}/{{name}}": {
            "get": operation("get", []),
            "put": operation("put", writes, content),
            "patch": operation("patch", writes, patch),
            "delete": operation("delete", writes[:1]),
        },
    }
