#!/usr/bin/python
# Copyright (c) 2026, asm.lanes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Traffic lanes of Alibaba Cloud Service Mesh: one lane group with its lanes as a desired state."""

from __future__ import annotations

DOCUMENTATION = r"""
module: lane_group
version_added: 0.1.0
short_description: Manage a lane group of Alibaba Cloud Service Mesh (ASM) with all its lanes
description:
  - States one lane group of an ASM instance, with its services and lanes, and makes it so.
  - The module reads what is there, plans the changes, and carries them out in an order in which every state
    on the way routes sensibly. Check mode, diff and result come from that same plan.
  - An option that is omitted is left alone; one that is given is made exactly so; an empty list or
    dictionary clears.
  - All problems of a specification are reported at once, before anything is written.
  - After the changes it waits until ASM shows what was asked for and objects to no lane.
  - There are two ways to the mesh, its OpenAPI and the custom resources of its control plane. One of them
    carries out all changes of a task, see O(backend).
author:
  - asm.lanes maintainers (@asm-lanes)
extends_documentation_fragment:
  - asm.lanes.lane_group
  - asm.lanes.lane_group.writing
  - asm.lanes.credentials
  - asm.lanes.lane_backend
  - asm.lanes.attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
  idempotent:
    support: full
  action_group:
    support: full
    membership:
      - asm.lanes.asm
seealso:
  - module: asm.lanes.lane_group_info
  - module: asm.lanes.mesh_kubeconfig
  - name: Traffic lanes in permissive mode
    description: Alibaba's own description of lane groups, headers and baselines.
    link: https://www.alibabacloud.com/help/en/asm/
"""

EXAMPLES = r"""
- name: Two versions of helloworld behind one websocket service
  asm.lanes.lane_group:
    mesh_id: "{{ mesh_id }}"
    name: ws
    route_header: version
    trace_header: baggage
    gateway_rule:
      name: ws-gateway
      namespace: default
    services:
      - default/wsk-svc
      - default/helloworld
    baseline: base
    lanes:
      - name: base
        label_selector: {version: v1}
        services: [default/wsk-svc, default/helloworld]
      - name: v1
        label_selector: {version: v1}
        services: [default/helloworld]
      - name: v2
        label_selector: {version: v2}
        services: [default/helloworld]

- name: Add one lane and leave the others alone
  asm.lanes.lane_group:
    mesh_id: "{{ mesh_id }}"
    name: ws
    lanes:
      - name: v3
        label_selector: {version: v3}
        services: [default/helloworld]

- name: Have exactly these lanes
  asm.lanes.lane_group:
    mesh_id: "{{ mesh_id }}"
    name: ws
    purge_lanes: true
    lanes:
      - name: base
        label_selector: {version: v1}
        services: [default/wsk-svc, default/helloworld]
      - name: v2
        label_selector: {version: v2}
        services: [default/helloworld]

- name: Let testers into lane v2, whatever their client sends
  asm.lanes.lane_group:
    mesh_id: "{{ mesh_id }}"
    mesh_kubeconfig: "{{ mesh_kubeconfig }}"
    name: ws
    lanes:
      - name: v2
        label_selector: {version: v2}
        services: [default/helloworld]
        ingress_rules:
          - name: testers
            hosts: [www.shop.example]
            match:
              uri: {prefix: /}
              headers:
                x-user: {regex: "tester-.*"}
            destination: {service: default/wsk-svc, port: 5000}

- name: Send one request in ten into lane v2
  asm.lanes.lane_group:
    mesh_id: "{{ mesh_id }}"
    mesh_kubeconfig: "{{ mesh_kubeconfig }}"
    name: ws
    ingress_routing: {strategy: weighted, hosts: ["*"]}
    lanes:
      - name: base
        label_selector: {version: v1}
        services: [default/wsk-svc, default/helloworld]
        ingress_weight: {weight: 90, destination: {service: default/wsk-svc, port: 5000}}
      - name: v2
        label_selector: {version: v2}
        services: [default/helloworld]
        ingress_weight: {weight: 10, destination: {service: default/wsk-svc, port: 5000}}

- name: Another route header, at the price of a short interruption
  asm.lanes.lane_group:
    mesh_id: "{{ mesh_id }}"
    mesh_kubeconfig: "{{ mesh_kubeconfig }}"
    backend: custom_resource
    name: ws
    route_header: x-lane
    recreate: true

- name: Remove the group with all its lanes
  asm.lanes.lane_group:
    mesh_id: "{{ mesh_id }}"
    name: ws
    state: absent
"""

RETURN = r"""
lane_group:
  description:
    - The group as it is afterwards, or would be in check mode, in the words of this module's options.
    - Empty when there is none.
  type: dict
  returned: success
  sample:
    name: ws
    mode: permissive
    route_header: version
    trace_header: baggage
    gateway_rule: {name: ws-gateway, namespace: default}
    services: [default/helloworld, default/wsk-svc]
    baseline: base
    service_fallback: {}
    ingress_routing: {strategy: rule_based}
    lanes:
      - name: base
        label_selector: {version: v1}
        services: [default/helloworld, default/wsk-svc]
        ingress_rules: []
        ingress_weight: {}
backend:
  description: The way to the mesh that the task took.
  type: dict
  returned: always, but for a wrong specification
  contains:
    name:
      description: V(openapi) or V(custom_resource).
      type: str
      sample: openapi
    reason:
      description: Why this one.
      type: str
      sample: nothing needs the custom resources
plan:
  description: The changes, in order; empty when nothing had to be changed.
  type: list
  elements: dict
  returned: success, and on failure after planning
  contains:
    action:
      description:
        - One of V(create_group), V(update_group), V(delete_group), V(create_lane), V(update_lane),
          V(delete_lane).
      type: str
      sample: update_lane
    name:
      description: Name of the group or lane.
      type: str
      sample: v2
    description:
      description: The change in one line.
      type: str
      sample: "update lane v2: services +default/wsk-svc"
    before:
      description: The group (without its lanes) or the lane before the change, null when it did not exist.
      type: dict
    after:
      description: The same after the change, null when it was removed.
      type: dict
api_calls:
  description:
    - The API calls made, in order, with every repetition; those of the OpenAPI before those of the control
      plane's Kubernetes API.
    - In check mode the reads that were made, followed by the calls that would be made.
  type: list
  elements: dict
  returned: always
  contains:
    action:
      description: API action, or verb and kind of a custom resource such as V(patch ASMSwimLane).
      type: str
      sample: CreateSwimLane
    object:
      description: What it was about.
      type: str
      sample: lane v2 of lane group ws
    request_id:
      description:
        - Alibaba Cloud's ID of the request, null when there was no answer or the call is only planned, and
          for custom resources.
      type: str
      sample: 31d3a0f0-07ed-4f6e-9004-1804498c****
    error:
      description: Error code or kind of failure; missing when the call succeeded.
      type: str
      sample: Throttling.User
truth_table:
  description: Which lane answers, for every entry and service, before and after.
  type: dict
  returned: success, and on failure after planning
  contains:
    before:
      description: Rows before the changes; empty without a group.
      type: list
      elements: dict
      sample: []
    after:
      description: Rows after the changes.
      type: list
      elements: dict
      contains:
        entry:
          description:
            - Value of the route header, null for a request without it or with a value that names no lane.
            - In strict mode the lane of the caller.
          type: str
          sample: v2
        service:
          description: The service called.
          type: str
          sample: default/helloworld
        lane:
          description: The lane that answers, null when any pod of the service may.
          type: str
          sample: v2
        labels:
          description: Labels of the pods that answer.
          type: dict
          sample: {version: v2}
    moves:
      description:
        - The requests that are answered by another lane, or by pods with other labels, afterwards.
        - A lane that one side does not have counts there as a request without a lane.
      type: list
      elements: dict
      contains:
        entry:
          description: See RV(truth_table.after[].entry).
          type: str
          sample: v2
        service:
          description: The service called.
          type: str
          sample: default/helloworld
        before:
          description: C(lane) and C(labels) that answer before; null when the group has no such service.
          type: dict
          sample: {lane: base, labels: {version: v1}}
        after:
          description: The same afterwards.
          type: dict
          sample: {lane: v2, labels: {version: v2}}
    shifts:
      description:
        - How the traffic that matches the weighted rule is spread, one entry per service. Empty unless the
          group is weighted before or after.
        - Without weights all of it counts as traffic without a lane.
      type: list
      elements: dict
      contains:
        service:
          description: The service called.
          type: str
          sample: default/helloworld
        before:
          description: Lane and percent before; the empty name stands for no lane.
          type: dict
          sample: {base: 100.0}
        after:
          description: The same afterwards.
          type: dict
          sample: {base: 90.0, v2: 10.0}
        moves:
          description: Percent of the traffic that another lane, or pods with other labels, answer afterwards.
          type: float
          sample: 10.0
failure:
  description: Why it failed, for programs.
  type: dict
  returned: failure
  contains:
    kind:
      description:
        - What sort of failure it was.
        - V(specification) and V(create_only) are about what was asked for; nothing was written.
        - V(rejected), V(throttled), V(server), V(timeout), V(interrupted), V(unreadable), V(unreachable) and
          V(tls) are about a call; V(credentials), V(library), V(invalid) and V(deadline) about what
          surrounds it.
      type: str
      sample: rejected
    problems:
      description: For V(specification), every problem with C(path), C(message) and C(remedy).
      type: list
      elements: dict
    fields:
      description: For V(create_only), every field with its C(name), C(current) and C(wanted) value.
      type: list
      elements: dict
    action:
      description: API action that failed.
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
from ansible_collections.asm.lanes.plugins.module_utils._asm.lane_group_module import run_module
from ansible_collections.asm.lanes.plugins.module_utils._asm.lane_options import (
    wish_options,
    writing_options,
)
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
            **wish_options(),
            **writing_options(),
        },
        required_together=REQUIRED_TOGETHER,
        required_if=REQUIRED_IF,
        required_by=REQUIRED_BY,
        supports_check_mode=True,
    )
    run_module(module)


if __name__ == "__main__":
    main()
