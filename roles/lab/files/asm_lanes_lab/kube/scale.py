"""The ``scale`` subresource: an object's replicas as an ``autoscaling/v1 Scale``."""

from __future__ import annotations

from typing import Any

from . import errors
from .objects import at, copy
from .resources import Resource

Obj = dict[str, Any]

_SHARED = ("name", "namespace", "uid", "resourceVersion", "creationTimestamp")


def view(resource: Resource, obj: Obj) -> Obj:
    """The ``Scale`` of *obj*."""
    paths = resource.scale
    if paths is None:
        raise errors.no_route()
    status: Obj = {"replicas": at(obj, paths.status_path) or 0}
    selector = at(obj, paths.selector_path) if paths.selector_path else _selector(obj)
    if selector:
        status["selector"] = selector
    return {
        "kind": "Scale",
        "apiVersion": "autoscaling/v1",
        "metadata": {name: obj["metadata"][name] for name in _SHARED if name in obj["metadata"]},
        "spec": {"replicas": replicas} if (replicas := at(obj, paths.spec_path)) else {},
        "status": status,
    }


def applied(resource: Resource, obj: Obj, scale: Any) -> Obj:
    """A copy of *obj* with the replicas (and expected resourceVersion) of a ``Scale``.

    422 if they are negative; of a custom resource its own rules say that.
    """
    if resource.scale is None:
        raise errors.no_route()
    replicas = at(scale, ".spec.replicas") or 0
    right = isinstance(replicas, int) and not isinstance(replicas, bool) and replicas >= 0
    if not right and not resource.custom:  # of a custom resource the kind itself says it
        cause = errors.invalid("spec.replicas", replicas, "must be greater than or equal to 0")
        raise errors.invalid_object("autoscaling", "Scale", obj["metadata"]["name"], [cause])
    result: Obj = copy(obj)
    version = at(scale, ".metadata.resourceVersion")
    if version:
        result["metadata"]["resourceVersion"] = version
    *parents, last = resource.scale.spec_path.strip(".").split(".")
    node = result
    for name in parents:
        node = node.setdefault(name, {})
    node[last] = replicas
    return result


def _selector(obj: Obj) -> str:
    labels = at(obj, ".spec.selector.matchLabels") or {}
    return ",".join(f"{key}={value}" for key, value in sorted(labels.items()))
