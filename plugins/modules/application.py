#!/usr/bin/python
# Copyright (c) 2026, asm.lanes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Ansible module asm.lanes.application: documentation and wiring; the work is done in module_utils/_kube."""

from __future__ import annotations

DOCUMENTATION = r"""
module: application
version_added: 0.1.0
short_description: An application whose versions run side by side
description:
  - Makes for each service its C(Service), and a C(Deployment) for each of its versions, the way the sample
    application of the guide is made, and waits until they are ready.
  - Objects are made the way M(asm.lanes.kube_objects) makes them - a look, a dry run of all, then writes of
    what differs.
author:
  - asm.lanes maintainers (@asm-lanes)
extends_documentation_fragment:
  - asm.lanes.kubeconfig
  - asm.lanes.objects
  - asm.lanes.objects.own
options:
  state:
    description:
      - Whether the application shall exist.
      - V(absent) removes the Services and Deployments of O(namespace) that carry the module's labels with
        O(part_of). The namespace stays.
    type: str
    choices: [present, absent]
    default: present
  namespace:
    description: Namespace of everything.
    type: str
    default: default
  manage_namespace:
    description: Whether the namespace, with sidecar injection switched on, is made first.
    type: bool
    default: false
  services:
    description: The services with their versions.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: Name of the Service.
        type: str
        required: true
      app:
        description: Value of the pods' label C(app), which the Service selects.
        type: str
        required: true
      port:
        description: Port of the Service.
        type: int
        required: true
      target_port:
        description: Port of the pods. By default that of the Service.
        type: int
      port_name:
        description: Name of the port. The mesh takes the protocol from what is before its first hyphen.
        type: str
        default: http
      session_affinity:
        description: Session affinity of the Service. Means nothing to a sidecar.
        type: str
        choices: [ClientIP, None]
      deployments:
        description: The versions that run side by side.
        type: list
        elements: dict
        default: []
        suboptions:
          name:
            description: Name of the Deployment.
            type: str
            required: true
          version:
            description: Value of the pods' label O(version_label), by which a lane selects them.
            type: str
            required: true
          image:
            description: Image of the container.
            type: str
            required: true
          replicas:
            description: Number of pods.
            type: int
            default: 1
          container:
            description: Name of the container. By default O(services[].app).
            type: str
          container_port:
            description: Port of the container. By default the Service's target port.
            type: int
          container_port_name:
            description: Name of the container's port. By default it has none.
            type: str
          env:
            description: Environment variables of the container, by name.
            type: dict
            default: {}
          labels:
            description: More labels for the pods, by key.
            type: dict
            default: {}
  version_label:
    description: Key of the pods' label by which lanes tell versions apart.
    type: str
    default: version
  images:
    description: Images to use instead of those in O(services), by the image to replace. For mirrors.
    type: dict
  wait:
    description: As in M(asm.lanes.kube_objects).
    type: bool
    default: true
  timeout:
    description: Seconds for all Deployments to get ready, or for the objects of a kind to go.
    type: float
    default: 120
"""

EXAMPLES = r"""
- name: Two versions of a service, for which a later task waits
  asm.lanes.application:
    kubeconfig: ~/.kube/ack
    namespace: shop
    manage_namespace: true
    part_of: shop
    wait: false
    services:
      - name: cart
        app: cart
        port: 80
        target_port: 5000
        deployments:
          - {name: cart-v1, version: v1, image: registry.example.com/helloworld-v1}
          - {name: cart-v2, version: v2, image: registry.example.com/helloworld-v2}

- name: Both of them go
  asm.lanes.application:
    kubeconfig: ~/.kube/ack
    state: absent
    namespace: shop
    part_of: shop
    services: [{name: cart, app: cart, port: 80, deployments: [{name: any, version: any, image: any}]}]
"""

RETURN = r"""
objects:
  description: What was done about each object, in order. See M(asm.lanes.kube_objects).
  type: list
  elements: dict
  returned: always
written:
  description: Kind and name of every object that was written; in check mode, that would be.
  type: list
  elements: str
  returned: always
  sample: [Service wsk-svc, Deployment wsk-deploy]
deployments:
  description: How far each Deployment is, as M(asm.lanes.rollout_status) returns it. Empty in check mode.
  type: list
  elements: dict
  returned: always
failure:
  description: What kind of failure it was, for programs; one of M(asm.lanes.kube_objects).
  type: str
  returned: on failure
  sample: namespace
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.asm.lanes.plugins.module_utils._kube.application import application_objects
from ansible_collections.asm.lanes.plugins.module_utils._kube.objects import own_labels
from ansible_collections.asm.lanes.plugins.module_utils._kube.objects_module import run_module
from ansible_collections.asm.lanes.plugins.module_utils._kube.options import (
    kubeconfig_arguments,
    objects_arguments,
    own_arguments,
)

DEPLOYMENT = {
    "name": {"type": "str", "required": True},
    "version": {"type": "str", "required": True},
    "image": {"type": "str", "required": True},
    "replicas": {"type": "int", "default": 1},
    "container": {"type": "str"},
    "container_port": {"type": "int"},
    "container_port_name": {"type": "str"},
    "env": {"type": "dict", "default": {}},
    "labels": {"type": "dict", "default": {}},
}
SERVICE = {
    "name": {"type": "str", "required": True},
    "app": {"type": "str", "required": True},
    "port": {"type": "int", "required": True},
    "target_port": {"type": "int"},
    "port_name": {"type": "str", "default": "http"},
    "session_affinity": {"type": "str", "choices": ["ClientIP", "None"]},
    "deployments": {"type": "list", "elements": "dict", "default": [], "options": DEPLOYMENT},
}
ARGUMENTS = {
    **kubeconfig_arguments(),
    **objects_arguments(),
    **own_arguments(),
    "namespace": {"type": "str", "default": "default"},
    "manage_namespace": {"type": "bool", "default": False},
    "services": {"type": "list", "elements": "dict", "required": True, "options": SERVICE},
    "version_label": {"type": "str", "default": "version"},
    "images": {"type": "dict"},
    "wait": {"type": "bool", "default": True},
    "timeout": {"type": "float", "default": 120},
}


def main() -> None:
    """Entry point of the module."""
    module = AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True)
    run_module(module, application_objects(module.params), own_labels(module.params["part_of"]))


if __name__ == "__main__":
    main()
