#!/usr/bin/python
# Copyright (c) 2026, asm.lanes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Ansible module asm.lanes.kube_objects: documentation and wiring; the work is done in module_utils/_kube."""

from __future__ import annotations

DOCUMENTATION = r"""
module: kube_objects
version_added: 0.1.0
short_description: A set of Kubernetes objects as one desired state
description:
  - Makes a set of objects as stated, like C(kubectl apply), and waits until the Deployments among them are
    ready.
  - Looks once - one list for each kind - and writes only what differs, so that an unchanged run writes
    nothing and costs as many requests for twenty objects as for two.
  - Writes by server-side apply with the field manager C(asm.lanes). Fields that are not stated are left
    alone; those that were stated before and are not any more go, unless somebody else states them too.
    A field that another manager has set to something else - a scaler, an operator, C(kubectl) - fails
    the task with its name and that manager's; O(force_conflicts) takes it over.
  - Before anything is written, the server tries every change by a dry run. What it would refuse is found
    while nothing has been written yet, also in check mode. Fields that the server does not know are
    refused, not dropped.
  - For everything else there is P(kubernetes.core.k8s#module).
author:
  - asm.lanes maintainers (@asm-lanes)
extends_documentation_fragment:
  - asm.lanes.kubeconfig
  - asm.lanes.objects
options:
  state:
    description:
      - V(present) makes the objects as stated.
      - V(absent) removes all objects that carry O(labels), of the kinds and in the namespaces that O(objects)
        names. What comes last in O(objects) goes first, each kind with all that it owns before the next.
    type: str
    choices: [present, absent]
    default: present
  objects:
    description:
      - The objects in the order in which they are written, as manifests; each with its namespace.
      - Those of one kind that follow each other may be written at the same time.
    type: list
    elements: dict
    required: true
  labels:
    description:
      - Labels that all of the objects carry and no other object does. They let one list find the objects.
      - Required for O(state=absent).
    type: dict
  wait:
    description:
      - Whether to wait until the Deployments among O(objects) are ready, by the rule of
        C(kubectl rollout status).
    type: bool
    default: true
  timeout:
    description: Seconds for all Deployments of a namespace to get ready, or for the objects of a kind to go.
    type: float
    default: 120
"""

EXAMPLES = r"""
- name: A namespace with a Service
  asm.lanes.kube_objects:
    kubeconfig: ~/.kube/ack
    labels: {app.kubernetes.io/part-of: shop}
    objects:
      - apiVersion: v1
        kind: Namespace
        metadata: {name: shop, labels: {app.kubernetes.io/part-of: shop}}
      - apiVersion: v1
        kind: Service
        metadata: {name: cart, namespace: shop, labels: {app.kubernetes.io/part-of: shop}}
        spec:
          selector: {app: cart}
          ports: [{name: http, port: 80, protocol: TCP}]

- name: All Services of the shop go
  asm.lanes.kube_objects:
    kubeconfig: ~/.kube/ack
    state: absent
    labels: {app.kubernetes.io/part-of: shop}
    objects:
      - apiVersion: v1
        kind: Service
        metadata: {name: any, namespace: shop}
"""

RETURN = r"""
objects:
  description: What was done about each object, in order.
  type: list
  elements: dict
  returned: always
  contains:
    api_version:
      description: Group and version.
      type: str
      returned: always
    kind:
      description: Kind.
      type: str
      returned: always
    namespace:
      description: Namespace; null for objects of the whole cluster.
      type: str
      returned: always
    name:
      description: Name.
      type: str
      returned: always
    change:
      description: V(created), V(patched), V(deleted) or V(unchanged). In check mode, what would be done.
      type: str
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
  description:
    - What kind of failure it was, for programs.
    - One of V(objects), V(conflict), V(kubeconfig), V(unreachable), V(tls), V(unauthorized), V(forbidden),
      V(not_kubernetes), V(kind), V(namespace), V(not_found), V(api), V(missing), V(failed) and V(timeout).
  type: str
  returned: on failure
  sample: namespace
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.asm.lanes.plugins.module_utils._kube.objects_module import run_module
from ansible_collections.asm.lanes.plugins.module_utils._kube.options import (
    kubeconfig_arguments,
    objects_arguments,
)


def main() -> None:
    """Entry point of the module."""
    module = AnsibleModule(
        argument_spec={
            **kubeconfig_arguments(),
            **objects_arguments(),
            "objects": {"type": "list", "elements": "dict", "required": True},
            "labels": {"type": "dict"},
            "wait": {"type": "bool", "default": True},
            "timeout": {"type": "float", "default": 120},
        },
        required_if=[("state", "absent", ["labels"])],
        supports_check_mode=True,
    )
    run_module(module, module.params["objects"], module.params["labels"] or {})


if __name__ == "__main__":
    main()
