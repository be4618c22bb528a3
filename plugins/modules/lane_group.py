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
author:
  - asm.lanes maintainers (@asm-lanes)
extends_documentation_fragment:
  - asm.lanes.credentials
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
options:
  name:
    description: Name of the lane group.
    type: str
    required: true
  state:
    description:
      - V(present) makes the group as stated.
      - V(absent) removes its lanes, the baseline last, and then the group.
    type: str
    choices: [present, absent]
    default: present
  mode:
    description:
      - In V(permissive) mode a call to a service that the lane of the request does not contain is answered
        by the baseline. Each lane contains any part of the services, the baseline all of them.
      - In V(strict) mode every lane contains every service of the group.
      - A new group is permissive unless stated otherwise. Fixed once the group exists.
    type: str
    choices: [permissive, strict]
  route_header:
    description:
      - Request header whose value is the name of the lane, such as C(version).
      - Needed in permissive mode. An ordinary header, neither C(baggage) nor a trace id.
      - Fixed once the group exists.
    type: str
  trace_header:
    description:
      - Header that the applications pass on along the call chain, needed in permissive mode.
      - V(baggage) chooses the baggage mode, the same header as O(route_header) the custom header mode,
        anything else the trace id mode.
      - Fixed once the group exists.
    type: str
  gateway_rule:
    description:
      - The Istio C(Gateway) through which the traffic of the group enters. Needed for a new group.
      - Fixed once the group exists.
    type: dict
    suboptions:
      name:
        description: Name of the C(Gateway).
        type: str
        required: true
      namespace:
        description:
          - Namespace of the C(Gateway).
          - No call of the API returns it, so a difference between this and the namespace that a group was
            created with goes unnoticed.
        type: str
  services:
    description: The services of the call chain, each as C(namespace/name). Needed for a new group.
    type: list
    elements: str
  baseline:
    description:
      - Name of the lane that answers where no other does. Needed in permissive mode when there are lanes.
    type: str
  service_fallback:
    description:
      - Services, each as C(namespace/name), for which another lane than the baseline answers, with the name
        of that lane.
      - Needs ASM 1.21 or later.
    type: dict
  lanes:
    description:
      - The lanes of the group. The name of a lane is the value of O(route_header) that selects it.
      - Lanes that are in the mesh but not in this list are left alone, with a warning, unless O(purge_lanes)
        is set.
    type: list
    elements: dict
    suboptions:
      name:
        description: Name of the lane.
        type: str
        required: true
      label_selector:
        description: The label that the pods of the lane carry; exactly one key with its value.
        type: dict
        required: true
      services:
        description: Those services of the group that the lane contains, each as C(namespace/name).
        type: list
        elements: str
        required: true
  purge_lanes:
    description: Whether to remove the lanes that O(lanes) does not list. Without O(lanes) nothing is removed.
    type: bool
    default: false
  cluster:
    description:
      - Name or ID of the Kubernetes cluster that the services are in.
      - Needed only when the mesh has several clusters.
    type: str
seealso:
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
    lanes:
      - name: base
        label_selector: {version: v1}
        services: [default/helloworld, default/wsk-svc]
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
    - The API calls made, in order, with every repetition.
    - In check mode the reads that were made, followed by the calls that would be made.
  type: list
  elements: dict
  returned: always
  contains:
    action:
      description: API action.
      type: str
      sample: CreateSwimLane
    object:
      description: What it was about.
      type: str
      sample: lane v2 of lane group ws
    request_id:
      description:
        - Alibaba Cloud's ID of the request, null when there was no answer or the call is only planned.
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
from ansible_collections.asm.lanes.plugins.module_utils._asm.lane_group import run_module
from ansible_collections.asm.lanes.plugins.module_utils._asm.module import asm_argument_spec


def main() -> None:
    lane = {
        "name": {"type": "str", "required": True},
        "label_selector": {"type": "dict", "required": True},
        "services": {"type": "list", "elements": "str", "required": True},
    }
    rule = {"name": {"type": "str", "required": True}, "namespace": {"type": "str"}}
    module = AnsibleModule(
        argument_spec={
            **asm_argument_spec(),
            "name": {"type": "str", "required": True},
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
            "mode": {"type": "str", "choices": ["permissive", "strict"]},
            "route_header": {"type": "str"},
            "trace_header": {"type": "str"},
            "gateway_rule": {"type": "dict", "options": rule},
            "services": {"type": "list", "elements": "str"},
            "baseline": {"type": "str"},
            "service_fallback": {"type": "dict"},
            "lanes": {"type": "list", "elements": "dict", "options": lane},
            "purge_lanes": {"type": "bool", "default": False},
            "cluster": {"type": "str"},
        },
        required_together=REQUIRED_TOGETHER,
        supports_check_mode=True,
    )
    run_module(module)


if __name__ == "__main__":
    main()
