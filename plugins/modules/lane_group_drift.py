#!/usr/bin/python
# Copyright (c) 2026, asm.lanes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""In what the lane group of an ASM instance differs from the one that is stated."""

from __future__ import annotations

DOCUMENTATION = r"""
module: lane_group_drift
version_added: 0.1.0
short_description: Tell in what a lane group of Alibaba Cloud Service Mesh (ASM) differs from the one stated
description:
  - Compares a lane group as M(asm.lanes.lane_group) takes it with what is in the mesh, and tells every
    difference with its kind, its severity and the way out, for people and for programs.
  - Beyond the group itself it looks at what decides over requests besides, namely what ASM says about the
    lanes, the DestinationRules, VirtualServices and other objects that ASM generated for them,
    VirtualServices of others, and the pods that the lanes select.
  - An option that is omitted is not compared. A lane that is in the mesh but not in O(lanes) is a finding,
    C(lane_extra).
  - Without O(mesh_kubeconfig) neither rules and weights of lanes are compared, but for whether there are any,
    nor the namespace of the gateway rule, nor all labels of a lane that has several.
  - The generated objects are compared by what they do, and against the group that is there, so that an edit
    of a lane is told once. Alibaba documents only some of their content; findings that rest on an inference
    have RV(drift.findings[].inferred) set. Timeouts, retries and other policies in them are not compared.
  - The module only reads. A group that is written or reconciled at the same moment may show differences that
    are gone a moment later.
author:
  - asm.lanes maintainers (@asm-lanes)
extends_documentation_fragment:
  - asm.lanes.lane_group.stated
  - asm.lanes.credentials
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
  mesh_kubeconfig:
    description:
      - Path of the kubeconfig of the mesh's control plane. M(asm.lanes.mesh_kubeconfig) fetches one.
      - With it the group is read from its custom resources, which tell all of it, and the ASM OpenAPI is not
        called. Without it the group is read through the OpenAPI, and the kinds C(generated_missing),
        C(generated_edited), C(generated_orphaned) and C(foreign_virtual_service) are skipped.
      - When it cannot be used, the module warns and goes on without it.
    type: path
  mesh_context:
    description: Context of O(mesh_kubeconfig) to use. When omitted, the file's current context.
    type: str
  cluster_kubeconfig:
    description:
      - Path of the kubeconfig of the cluster that runs the services.
      - Without it the kind C(subset_without_pods) is skipped, and so are the objects that carry the lane
        along the call chain (ASMHeaderPropagation, TrafficLabel), which refer to the pods.
      - When it cannot be used, the module warns and goes on without it.
    type: path
  cluster_context:
    description: Context of O(cluster_kubeconfig) to use. When omitted, the file's current context.
    type: str
  ignore:
    description: Kinds of drift not to be told of, see RV(drift.findings[].kind).
    type: list
    elements: str
    choices:
      - group_missing
      - headers
      - gateway_rule
      - services
      - baseline
      - service_fallback
      - ingress_routing
      - lane_missing
      - lane_extra
      - selector
      - rule
      - weight
      - validation_message
      - subset_without_pods
      - foreign_virtual_service
      - generated_missing
      - generated_edited
      - generated_orphaned
    default: []
  fail_on:
    description:
      - The lowest severity on which the task fails, after having compared everything. The result is the same
        then.
    type: str
    choices: [never, warning, error]
    default: never
requirements:
  - kubernetes >= 31.0.0, with O(mesh_kubeconfig) or O(cluster_kubeconfig)
seealso:
  - module: asm.lanes.lane_group
  - module: asm.lanes.lane_group_info
  - module: asm.lanes.mesh_kubeconfig
"""

EXAMPLES = r"""
- name: Compare everything that can be compared
  asm.lanes.lane_group_drift:
    mesh_id: "{{ mesh_id }}"
    mesh_kubeconfig: "{{ mesh_kubeconfig }}"
    cluster_kubeconfig: "{{ cluster_kubeconfig }}"
    name: ws
    mode: permissive
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
  register: lanes

- name: Show it
  ansible.builtin.debug:
    msg: "{{ lanes.message.splitlines() }}"

- name: Only the traffic of one lane, through the OpenAPI alone; fail when it may go elsewhere
  asm.lanes.lane_group_drift:
    mesh_id: "{{ mesh_id }}"
    name: ws
    lanes:
      - name: v2
        label_selector: {version: v2}
        services: [default/helloworld]
    ignore: [lane_extra]
    fail_on: warning

- name: Look for trouble around a group, whatever its lanes are
  asm.lanes.lane_group_drift:
    mesh_id: "{{ mesh_id }}"
    mesh_kubeconfig: "{{ mesh_kubeconfig }}"
    name: ws
  register: surroundings

- name: Act on one kind of finding
  ansible.builtin.debug:
    msg: "In the way: {{ surroundings.drift.findings
      | selectattr('kind', 'eq', 'foreign_virtual_service') | map(attribute='object') | join(', ') }}"
"""

RETURN = r"""
drift:
  description: What differs.
  type: dict
  returned: success, and when the task fails because of O(fail_on)
  contains:
    found:
      description: Whether there is any finding.
      type: bool
      sample: true
    findings:
      description: The differences, the worst first.
      type: list
      elements: dict
      contains:
        kind:
          description:
            - C(group_missing) - there is no such group. Error.
            - C(headers) - the mode, the route header or the trace header, which only a new group can
              have otherwise. Error.
            - C(gateway_rule) - name or namespace of the gateway rule, which only a new group can have
              otherwise. Error.
            - C(services) - those of the group or of a lane. Error.
            - C(baseline) - another lane is the baseline. Error.
            - C(service_fallback) - another lane answers for a service. Error.
            - C(ingress_routing) - the strategy at the gateway, its hosts or its matches. Error.
            - C(lane_missing) - there is no such lane. Error.
            - C(lane_extra) - a lane that is not stated. Warning.
            - C(selector) - a lane selects other pods. Error.
            - C(rule) - an ingress rule of a lane was edited, is missing, or is not stated. Error.
            - C(weight) - the weight of a lane, or where it sends the requests. Error.
            - C(validation_message) - ASM itself objects to the group or a lane. Error or warning, as
              ASM says.
            - C(subset_without_pods) - no ready pod of a service carries the labels of a lane. Error.
            - C(foreign_virtual_service) - a VirtualService that neither ASM generated nor this collection
              made is bound to the mesh for the host of a service with lanes, or takes at the gateway rule
              all requests of a host that the lanes' rules, or the route of this collection, are for. Error.
            - C(generated_missing) - an object that ASM generates for the lanes is not there. Error, warning
              where its existence is inferred.
            - C(generated_edited) - an object that ASM generated does something else than the lanes mean.
              Never more than a warning, since what ASM writes is inferred.
            - C(generated_orphaned) - an object that ASM generated for a group or service that has no lanes
              any more. Warning for a VirtualService, else info.
          type: str
          sample: selector
        severity:
          description:
            - V(error) - requests are answered by other pods than stated, or by none.
            - V(warning) - they may be.
            - V(info) - something is left over, without effect on requests.
          type: str
          sample: error
        object:
          description: What differs.
          type: str
          sample: lane v2 of lane group ws
        field:
          description: Which part of it; empty when it is the whole.
          type: str
          sample: label_selector
        wanted:
          description: What is stated, or what the lanes mean, in the words of the options; null for nothing.
          type: raw
          sample: {version: v2}
        found:
          description: What is there instead; null for nothing.
          type: raw
          sample: {version: v1}
        inferred:
          description:
            - Whether RV(drift.findings[].wanted) is an inference, because Alibaba does not document it.
          type: bool
          sample: false
        remedy:
          description: What to do.
          type: str
          sample: Run asm.lanes.lane_group with the same options
    counts:
      description: How many findings there are of each severity.
      type: dict
      contains:
        error:
          description: Of severity V(error).
          type: int
          sample: 1
        warning:
          description: Of severity V(warning).
          type: int
          sample: 0
        info:
          description: Of severity V(info).
          type: int
          sample: 0
    ignored:
      description: How many findings O(ignore) left out.
      type: int
      sample: 0
    skipped:
      description: What was not compared.
      type: list
      elements: dict
      contains:
        kind:
          description: The kind that a finding would have had.
          type: str
          sample: subset_without_pods
        reason:
          description: Why not.
          type: str
          sample: cluster_kubeconfig is not given
    table:
      description: The findings as lines to print; empty without findings.
      type: list
      elements: str
message:
  description: Every finding with its remedy, as lines to read.
  type: str
  returned: success, and when the task fails because of O(fail_on)
  sample: "lane group ws: no drift"
source:
  description: How the group was read, V(openapi) or V(custom_resource).
  type: str
  returned: success, and when the task fails because of O(fail_on)
  sample: custom_resource
api_calls:
  description: The calls made to read the group, in order, with every repetition.
  type: list
  elements: dict
  returned: always, but for a wrong specification
  contains:
    action:
      description: API action, or verb and kind of the custom resource.
      type: str
      sample: GetSwimLaneGroupList
    object:
      description: What it was about.
      type: str
      sample: lane group ws
    request_id:
      description: Alibaba Cloud's ID of the request, null when there was no answer and for custom resources.
      type: str
      sample: 31d3a0f0-07ed-4f6e-9004-1804498c****
    error:
      description: Error code or kind of failure; missing when the call succeeded.
      type: str
      sample: Throttling.User
failure:
  description: Why it failed, for programs.
  type: dict
  returned: failure
  contains:
    kind:
      description:
        - V(drift) because of O(fail_on); V(specification) when the options are wrong.
        - V(rejected), V(throttled), V(server), V(timeout), V(interrupted), V(unreadable), V(unreachable) and
          V(tls) are about a call; V(credentials), V(library), V(invalid) and V(deadline) about what
          surrounds it.
      type: str
      sample: drift
    problems:
      description: For V(specification), every problem with C(path), C(message) and C(remedy).
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
from ansible_collections.asm.lanes.plugins.module_utils._asm.module import asm_argument_spec
from ansible_collections.asm.lanes.plugins.module_utils._drift.module import (
    REQUIRED_BY,
    argument_spec,
    run_module,
)


def main() -> None:
    """Entry point of the module."""
    module = AnsibleModule(
        argument_spec={**asm_argument_spec(), **argument_spec()},
        required_together=REQUIRED_TOGETHER,
        required_by=REQUIRED_BY,
        supports_check_mode=True,
    )
    run_module(module)


if __name__ == "__main__":
    main()
