# Copyright (c) 2026, asm.lanes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Filter: the Kubernetes objects of an application whose versions run side by side."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ansible.errors import AnsibleFilterError

DOCUMENTATION = r"""
name: application_objects
version_added: 0.1.0
short_description: The Services and Deployments of an application whose versions run side by side
description:
  - For each service its Service, and a Deployment for each of its versions, the way the sample application of
    the guide is made. The role P(asm.lanes.sample_app#role) applies them.
  - A filter and not a template, since every replay makes the objects anew, and compiling a template of their
    size takes longer than all else about them.
options:
  _input:
    description: The services, as the role's option C(sample_app_services) describes them.
    type: list
    elements: dict
    required: true
  namespace:
    description: Namespace of everything.
    type: str
    required: true
  manage_namespace:
    description: Whether the namespace, with sidecar injection switched on, is the first of the objects.
    type: bool
    default: false
  labels:
    description: Labels of every Service and Deployment.
    type: dict
    default: {}
  own_labels:
    description: The same, and they win over all others.
    type: dict
    default: {}
  version_label:
    description: Key of the pods' label by which lanes tell versions apart.
    type: str
    default: version
  images:
    description: Images to use instead, by the image to replace.
    type: dict
    default: {}
author:
  - asm.lanes maintainers (@asm-lanes)
"""

EXAMPLES = r"""
- name: Show the objects of an application
  ansible.builtin.debug:
    msg: "{{ [{'name': 'greeter', 'app': 'greeter', 'port': 80}] | asm.lanes.application_objects('shop') }}"
"""

RETURN = r"""
_value:
  description: The objects, in the order in which they are to be applied.
  type: list
  elements: dict
"""


def application_objects(
    services: Iterable[Mapping[str, Any]],
    namespace: str,
    manage_namespace: bool = False,
    labels: Mapping[str, str] | None = None,
    own_labels: Mapping[str, str] | None = None,
    version_label: str = "version",
    images: Mapping[str, str] | None = None,
) -> list[dict[str, Any]]:
    """See DOCUMENTATION. Errors: AnsibleFilterError naming the service and what it lacks."""
    common, own = dict(labels or {}), dict(own_labels or {})
    made = [_namespace(namespace)] if manage_namespace else []
    deployments = []
    for number, service in enumerate(services, 1):
        try:
            made.append(_service(service, namespace, {**common, **own}))
            for deployment in service.get("deployments") or ():
                identity = {"app": service["app"], version_label: deployment["version"]}
                metadata = {
                    "name": deployment["name"],
                    "namespace": namespace,
                    "labels": {**common, **identity, **own},
                }
                spec = _deployment(deployment, service, identity, images or {})
                deployments.append(
                    {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": spec}
                )
        except KeyError as error:
            where = f'"{service["name"]}"' if "name" in service else f"number {number}"
            raise AnsibleFilterError(
                f"application_objects: service {where}, or a deployment of it, states no {error.args[0]}. "
                "Write it there."
            ) from error
    return made + deployments


def _namespace(name: str) -> dict[str, Any]:
    metadata = {"name": name, "labels": {"istio-injection": "enabled"}}
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata}


def _service(service: Mapping[str, Any], namespace: str, labels: Mapping[str, str]) -> dict[str, Any]:
    port = {
        "name": service.get("port_name", "http"),
        "protocol": "TCP",  # older API servers refuse server-side apply of a port without it
        "port": int(service["port"]),
        "targetPort": int(service.get("target_port", service["port"])),
    }
    spec: dict[str, Any] = {"selector": {"app": service["app"]}, "ports": [port]}
    if "session_affinity" in service:
        spec["sessionAffinity"] = service["session_affinity"]
    metadata = {"name": service["name"], "namespace": namespace, "labels": dict(labels)}
    return {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": spec}


def _deployment(
    deployment: Mapping[str, Any],
    service: Mapping[str, Any],
    identity: Mapping[str, str],
    images: Mapping[str, str],
) -> dict[str, Any]:
    port = deployment.get("container_port", service.get("target_port", service["port"]))
    ports: dict[str, Any] = {"containerPort": int(port), "protocol": "TCP"}
    if "container_port_name" in deployment:
        ports["name"] = deployment["container_port_name"]
    container = {
        "name": deployment.get("container", service["app"]),
        "image": images.get(deployment["image"], deployment["image"]),
        "ports": [ports],
    }
    if environment := deployment.get("env"):
        container["env"] = [
            {"name": name, "value": str(value)}
            for name, value in sorted(environment.items(), key=lambda item: item[0].lower())
        ]
    return {
        "replicas": int(deployment.get("replicas", 1)),
        "selector": {"matchLabels": dict(identity)},
        "template": {
            "metadata": {"labels": {**(deployment.get("labels") or {}), **identity}},
            "spec": {"containers": [container]},
        },
    }


class FilterModule:
    """The filters of this file, as Ansible finds them."""

    def filters(self) -> dict[str, Callable[..., list[dict[str, Any]]]]:
        """Filters by name."""
        return {"application_objects": application_objects}
