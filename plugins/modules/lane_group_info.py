#!/usr/bin/python
# Copyright (c) 2026, asm.lanes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The lane groups of an ASM instance, as they are."""

from __future__ import annotations

DOCUMENTATION = r"""
module: lane_group_info
version_added: 0.1.0
short_description: Tell the lane groups of Alibaba Cloud Service Mesh (ASM) with their lanes
description:
  - Reads one lane group or all of an ASM instance, with lanes, rules, weights, and what ASM says about them.
  - With O(as_spec) it returns exactly what M(asm.lanes.lane_group) takes, so that lanes that were made at the
    console can be written down and taken over; fed back, they change nothing.
  - The module only reads.
author:
  - asm.lanes maintainers (@asm-lanes)
extends_documentation_fragment:
  - asm.lanes.credentials
  - asm.lanes.lane_backend
  - asm.lanes.attributes
attributes:
  check_mode:
    description: The module only reads, so that check mode makes no difference.
    support: full
  diff_mode:
    description: The module changes nothing.
    support: none
  idempotent:
    support: full
  action_group:
    support: full
    membership:
      - asm.lanes.asm
options:
  name:
    description: Name of the lane group. When omitted, all groups.
    type: str
  as_spec:
    description:
      - Whether to return each group as the options of M(asm.lanes.lane_group), and nothing else.
      - What cannot be known is left out, so that M(asm.lanes.lane_group) leaves it alone; see RV(notes).
    type: bool
    default: false
  backend:
    description:
      - The way to the mesh.
      - V(openapi) is the ASM OpenAPI. It tells neither the status of a group, nor the namespace of the
        gateway rule, nor the weights of lanes; rules only as far as that a lane has some; and of several
        labels of a lane one.
      - V(custom_resource) are the resources of the mesh's control plane, and tells everything. It needs
        O(mesh_kubeconfig).
      - V(auto) is V(custom_resource) with O(mesh_kubeconfig), else V(openapi).
    type: str
    choices: [auto, openapi, custom_resource]
    default: auto
seealso:
  - module: asm.lanes.lane_group
  - module: asm.lanes.mesh_info
  - module: asm.lanes.mesh_kubeconfig
"""

EXAMPLES = r"""
- name: Which lane groups are there?
  asm.lanes.lane_group_info:
    mesh_id: "{{ mesh_id }}"
  register: found

- name: Show their lanes
  ansible.builtin.debug:
    msg: "{{ item.name }}: {{ item.lanes | map(attribute='name') | join(', ') }}"
  loop: "{{ found.lane_groups }}"
  loop_control:
    label: "{{ item.name }}"

- name: Read a group that was made at the console, with everything
  asm.lanes.lane_group_info:
    mesh_id: "{{ mesh_id }}"
    mesh_kubeconfig: "{{ mesh_kubeconfig }}"
    name: ws
    as_spec: true
  register: console

- name: Take it over
  asm.lanes.lane_group:
    mesh_id: "{{ mesh_id }}"
    mesh_kubeconfig: "{{ mesh_kubeconfig }}"
    name: "{{ spec.name }}"
    mode: "{{ spec.mode }}"
    route_header: "{{ spec.route_header | default(omit) }}"
    trace_header: "{{ spec.trace_header | default(omit) }}"
    gateway_rule: "{{ spec.gateway_rule }}"
    services: "{{ spec.services }}"
    baseline: "{{ spec.baseline | default(omit) }}"
    service_fallback: "{{ spec.service_fallback }}"
    ingress_routing: "{{ spec.ingress_routing }}"
    lanes: "{{ spec.lanes }}"
    purge_lanes: true
  vars:
    spec: "{{ console.lane_groups | first }}"
"""

RETURN = r"""
lane_groups:
  description:
    - The groups, by name; empty when there is none (of that name).
    - With O(as_spec) each is exactly what M(asm.lanes.lane_group) takes, without RV(lane_groups[].status) and
      RV(lane_groups[].lanes[].messages).
  type: list
  elements: dict
  returned: success
  contains:
    name:
      description: Name of the group.
      type: str
      sample: ws
    mode:
      description: V(permissive) or V(strict).
      type: str
      sample: permissive
    route_header:
      description: Request header whose value is the name of the lane; missing in a strict group.
      type: str
      sample: version
    trace_header:
      description: Header that the applications pass on; missing in a strict group.
      type: str
      sample: baggage
    gateway_rule:
      description: C(name) and, where it is known, C(namespace) of the Istio C(Gateway).
      type: dict
      sample: {name: ws-gateway, namespace: default}
    services:
      description: The services, each as C(namespace/name).
      type: list
      elements: str
      sample: [default/helloworld, default/wsk-svc]
    baseline:
      description: Name of the lane that answers where no other does; missing when there is none.
      type: str
      sample: base
    service_fallback:
      description: Services for which another lane than the baseline answers.
      type: dict
      sample: {}
    ingress_routing:
      description: How requests find a lane at the gateway, with C(strategy), C(hosts) and C(matches).
      type: dict
      sample: {strategy: rule_based}
    lanes:
      description: The lanes, by name.
      type: list
      elements: dict
      contains:
        name:
          description: Name of the lane.
          type: str
          sample: v2
        label_selector:
          description: The labels of its pods.
          type: dict
          sample: {version: v2}
        services:
          description: The services that it contains.
          type: list
          elements: str
          sample: [default/helloworld]
        ingress_rules:
          description: Its rules at the gateway; missing where they cannot be told.
          type: list
          elements: dict
          sample: []
        ingress_weight:
          description: Its weight at the gateway, empty without one; missing where it cannot be told.
          type: dict
          sample: {}
        messages:
          description: What ASM says about the lane (its ValidationMessage).
          type: list
          elements: dict
          contains:
            text:
              description: The message.
              type: str
              sample: service default/nowhere does not exist in the cluster
            serious:
              description: Whether it is more than a warning.
              type: bool
              sample: true
    status:
      description: What is known of the group beyond its specification.
      type: dict
      contains:
        state:
          description: ASM's word for its state; null through the OpenAPI.
          type: str
          sample: Ready
        messages:
          description: What ASM says about the group, as RV(lane_groups[].lanes[].messages).
          type: list
          elements: dict
          sample: []
        managed:
          description: Whether this collection made the group; null through the OpenAPI.
          type: bool
          sample: true
notes:
  description: What could not be known of each group.
  type: list
  elements: str
  returned: success
  sample: ["lane group ws: not known is gateway_rule.namespace"]
backend:
  description: The way to the mesh, V(openapi) or V(custom_resource).
  type: str
  returned: always
  sample: openapi
api_calls:
  description: The calls made, in order, with every repetition.
  type: list
  elements: dict
  returned: always
  contains:
    action:
      description: API action, or verb and kind of a custom resource.
      type: str
      sample: GetSwimLaneGroupList
    object:
      description: What it was about.
      type: str
      sample: mesh c08ba3fd1e6484b0f8cc1ad8fe10d****
    request_id:
      description: Alibaba Cloud's ID of the request, null without an answer and for custom resources.
      type: str
      sample: 31d3a0f0-07ed-4f6e-9004-1804498c****
    error:
      description: Error code or kind of failure; missing when the call succeeded.
      type: str
      sample: Throttling.User
failure:
  description: Why it failed, for programs. See M(asm.lanes.lane_group).
  type: dict
  returned: failure
  contains:
    kind:
      description: What sort of failure it was.
      type: str
      sample: rejected
    action:
      description: Call that failed.
      type: str
    object:
      description: What it was about.
      type: str
    http_status:
      description: HTTP status of the answer.
      type: int
    code:
      description: Error code of the answer.
      type: str
    message:
      description: The server's message, or the module's.
      type: str
    request_id:
      description: Alibaba Cloud's ID of the request.
      type: str
    hint:
      description: What to do next.
      type: str
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.asm.lanes.plugins.module_utils._asm.credentials import REQUIRED_TOGETHER
from ansible_collections.asm.lanes.plugins.module_utils._asm.lane_group_info import run_module
from ansible_collections.asm.lanes.plugins.module_utils._asm.module import asm_argument_spec
from ansible_collections.asm.lanes.plugins.module_utils._asm.ways import (
    REQUIRED_BY,
    REQUIRED_IF,
    backend_argument_spec,
)


def main() -> None:
    """Entry point of the module."""
    module = AnsibleModule(
        argument_spec={
            **asm_argument_spec(),
            **backend_argument_spec(),
            "name": {"type": "str"},
            "as_spec": {"type": "bool", "default": False},
        },
        required_together=REQUIRED_TOGETHER,
        required_if=REQUIRED_IF,
        required_by=REQUIRED_BY,
        supports_check_mode=True,
    )
    run_module(module)


if __name__ == "__main__":
    main()
