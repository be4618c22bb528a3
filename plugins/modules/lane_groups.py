#!/usr/bin/python
# Copyright (c) 2026, asm.lanes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Traffic lanes of Alibaba Cloud Service Mesh: many lane groups of one mesh as a desired state."""

from __future__ import annotations

DOCUMENTATION = r"""
module: lane_groups
version_added: 0.1.0
short_description: Manage many lane groups of Alibaba Cloud Service Mesh (ASM) at once
description:
  - Makes each lane group of a list as M(asm.lanes.lane_group) would, in the order of the list.
  - It looks once at all lane groups of the mesh and writes only those that differ. Without differences
    that takes one read for the list of groups and one for each group of the mesh through the OpenAPI, and
    two altogether through custom resources, where a task for each group reads the list every time.
  - All groups are planned before anything is written. What is wrong with the list is reported for all
    groups at once, first what shows without looking at the mesh, then what does not go with what is there.
  - When a group fails, those before it are done and those after it are not begun; the next run
    continues from there.
author:
  - asm.lanes maintainers (@asm-lanes)
extends_documentation_fragment:
  - asm.lanes.lane_group.groups
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
  - module: asm.lanes.lane_group
  - module: asm.lanes.lane_group_info
"""

EXAMPLES = r"""
- name: The lane groups of two applications
  asm.lanes.lane_groups:
    mesh_id: "{{ mesh_id }}"
    groups:
      - name: ws
        route_header: version
        trace_header: baggage
        gateway_rule: {name: ws-gateway, namespace: default}
        services: [default/wsk-svc, default/helloworld]
        baseline: base
        lanes:
          - name: base
            label_selector: {version: v1}
            services: [default/wsk-svc, default/helloworld]
          - name: v2
            label_selector: {version: v2}
            services: [default/helloworld]
      - name: shop
        route_header: x-shop-lane
        trace_header: baggage
        gateway_rule: {name: shop-gateway, namespace: shop}
        services: [shop/cart]
        baseline: stable
        lanes:
          - name: stable
            label_selector: {track: stable}
            services: [shop/cart]

- name: Exactly these lanes in one group, and another group away
  asm.lanes.lane_groups:
    mesh_id: "{{ mesh_id }}"
    groups:
      - name: ws
        purge_lanes: true
        lanes:
          - name: base
            label_selector: {version: v1}
            services: [default/wsk-svc, default/helloworld]
      - name: shop
        state: absent
"""

RETURN = r"""
groups:
  description: What became of each group, in the order of O(groups). On failure, of those that were begun.
  type: list
  elements: dict
  returned: always
  contains:
    name:
      description: Name of the group.
      type: str
      sample: ws
    changed:
      description: Whether the group was changed, or would be in check mode.
      type: bool
    lane_group:
      description:
        - The group as it is afterwards, or would be in check mode, in the words of O(groups).
        - Empty when there is none.
        - On failure, as it was to become.
      type: dict
    plan:
      description: The changes of the group in order, as M(asm.lanes.lane_group) returns them.
      type: list
      elements: dict
      sample:
        - action: create_lane
          name: v2
backend:
  description: The way to the mesh that the task took, the same for all groups.
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
      description: API action, or verb and kind of a custom resource.
      type: str
      sample: CreateSwimLane
    object:
      description: What it was about.
      type: str
      sample: lane v2 of lane group ws
    request_id:
      description: Alibaba Cloud's ID of the request, null when there is none.
      type: str
    error:
      description: Error code or kind of failure; missing when the call succeeded.
      type: str
failure:
  description: Why it failed, for programs.
  type: dict
  returned: failure
  contains:
    kind:
      description:
        - What sort of failure it was, as M(asm.lanes.lane_group) names them.
        - V(specification) is about what was asked for, also about what is fixed once a group exists.
      type: str
      sample: rejected
    problems:
      description: For V(specification), every problem of all groups with C(path), C(message) and C(remedy).
      type: list
      elements: dict
      sample:
        - path: groups[ws].baseline
          message: "there is no lane 'base'"
          remedy: "Name one of the group's lanes: v1, v2"
    group:
      description: Name of the group that failed; null when it was none in particular.
      type: str
      sample: ws
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
from ansible_collections.asm.lanes.plugins.module_utils._asm.lane_groups_module import run_module
from ansible_collections.asm.lanes.plugins.module_utils._asm.lane_options import (
    many_wishes_options,
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
            **many_wishes_options(),
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
