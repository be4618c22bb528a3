# Copyright (c) 2026, asm.lanes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The Services and Deployments of an application whose versions run side by side, as manifests. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .objects import own_labels

Object = dict[str, Any]
Stated = Mapping[str, Any]


def application_objects(options: Stated) -> list[Object]:
    """The namespace, if managed; for each service its Service; the Deployments of all versions.

    Args:
        options: of the module ``application``.
    """
    namespace, common, own = options["namespace"], options["labels"] or {}, own_labels(options["part_of"])
    images = options["images"] or {}
    # A namespace is never removed: others may live there.
    made = [_namespace(namespace)] if options["manage_namespace"] and options["state"] == "present" else []
    deployments = []
    for service in options["services"]:
        made.append(_service(service, namespace, {**common, **own}))
        for deployment in service["deployments"]:
            identity = {"app": service["app"], options["version_label"]: deployment["version"]}
            metadata = {
                "name": deployment["name"],
                "namespace": namespace,
                "labels": {**common, **identity, **own},
            }
            spec = _deployment(deployment, service, identity, images)
            deployments.append(
                {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": spec}
            )
    return made + deployments


def _namespace(name: str) -> Object:
    metadata = {"name": name, "labels": {"istio-injection": "enabled"}}
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata}


def _service(service: Stated, namespace: str, labels: Mapping[str, str]) -> Object:
    port = {
        "name": service["port_name"],
        "protocol": "TCP",  # older API servers refuse server-side apply of a port without it
        "port": service["port"],
        "targetPort": service["target_port"] or service["port"],
    }
    spec: Object = {"selector": {"app": service["app"]}, "ports": [port]}
    if service["session_affinity"]:
        spec["sessionAffinity"] = service["session_affinity"]
    metadata = {"name": service["name"], "namespace": namespace, "labels": dict(labels)}
    return {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": spec}


def _deployment(
    deployment: Stated, service: Stated, identity: Mapping[str, str], images: Mapping[str, str]
) -> Object:
    port = deployment["container_port"] or service["target_port"] or service["port"]
    ports: Object = {"containerPort": port, "protocol": "TCP"}
    if deployment["container_port_name"]:
        ports["name"] = deployment["container_port_name"]
    container = {
        "name": deployment["container"] or service["app"],
        "image": images.get(deployment["image"], deployment["image"]),
        "ports": [ports],
    }
    if environment := deployment["env"]:
        container["env"] = [
            {"name": name, "value": str(value)}
            for name, value in sorted(environment.items(), key=lambda item: item[0].lower())
        ]
    return {
        "replicas": deployment["replicas"],
        "selector": {"matchLabels": dict(identity)},
        "template": {
            "metadata": {"labels": {**(deployment["labels"] or {}), **identity}},
            "spec": {"containers": [container]},
        },
    }
