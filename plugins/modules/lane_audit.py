#!/usr/bin/python
# Copyright (c) 2026, asm.lanes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Ansible module asm.lanes.lane_audit: documentation and wiring; the work is done in module_utils/_audit."""

from __future__ import annotations

DOCUMENTATION = r"""
module: lane_audit
short_description: Follow requests of each lane from service to service, and locate what loses the lane
version_added: 0.1.0
author: asm.lanes maintainers (@asm-lanes)
description:
  - Sends one client at a time through the ingress gateway and finds its requests again in the access logs of
    the proxies, which it reads through the Kubernetes API of the cluster. The application is not changed.
  - For each lane and kind of message the result names every hop, and the first one, with its direction, where
    the route header or the baggage is lost or changed.
  - What is found, what O(proof) says, and what the mesh's objects say (by the checks of
    M(asm.lanes.lane_group_drift), with O(mesh_kubeconfig)) are brought together in RV(findings), which name
    the object that is to be mended.
  - What breaks is tried a second time, and told only when it breaks again in the same place.
  - The proxies must write access logs as JSON, with ASM's default fields and, as custom fields named like the
    headers, the route header and the trace header; C(traceparent) makes more certain which call belongs to
    which request. What the logs do not show is unknown and told in RV(not_tested), never guessed.
  - A call of an application that passes nothing on is recognised by its time only. Where other traffic in the
    same pod makes that ambiguous, the hop is unknown.
  - Clients come in as those of M(asm.lanes.lane_probe) do, by O(entry) or by what the ingress rules of a lane
    look for. With weights the gateway itself chooses the lane, and what it passes on is followed.
  - Only groups in permissive mode can be audited; in strict mode no header carries the lane.
requirements:
  - python >= 3.10
  - python-socketio >= 5.11
  - aiohttp >= 3.9
  - kubernetes >= 31.0.0
attributes:
  check_mode:
    description: Can run in check mode, where it sends nothing and finds nothing.
    support: full
  diff_mode:
    description: Changes nothing, so there is nothing to compare.
    support: none
options:
  http_path:
    description: Path of the plain HTTP call, with O(messages=http).
    type: str
    default: /
  lanes:
    description: Names of the lanes whose requests are followed. When omitted, all of the group.
    type: list
    elements: str
  messages:
    description:
      - Kinds of message to follow.
      - V(handshake) is a connection on which nothing is sent; it carries no baggage of the audit's.
      - V(call) is an event that the client sends, and everything that is called for its answer.
      - V(broadcast) is what is called for the broadcast that the event causes; it must not carry a lane.
      - V(polling) is the same event over HTTP long polling, where every poll is a request of its own.
      - V(http) is a plain call of O(http_path), for applications without socket.io.
    type: list
    elements: str
    choices: [handshake, call, broadcast, polling, http]
    default: [handshake, call, broadcast]
  tag_baggage:
    description:
      - Whether requests other than handshakes carry a baggage member of the audit's, C(asm-lanes-audit), by
        which they are known again wherever baggage is passed on.
      - V(false) sends requests without baggage, as the guide's client does.
    type: bool
    default: true
  cluster_kubeconfig:
    description:
      - Path of the kubeconfig of the cluster that runs the services.
      - The identity may list Services and Pods and get C(pods/log) in the services' namespaces and in
        O(gateway_namespace).
    type: path
    required: true
  cluster_context:
    description: Context of O(cluster_kubeconfig) to use. When omitted, the file's current context.
    type: str
  mesh_kubeconfig:
    description:
      - Path of the kubeconfig of the mesh's control plane. Without it the mesh's objects are not looked at.
    type: path
  mesh_context:
    description: Context of O(mesh_kubeconfig) to use. When omitted, the file's current context.
    type: str
  gateway_namespace:
    description: Namespace of the ingress gateway's pods.
    type: str
    default: istio-system
  gateway_selector:
    description: Labels of the ingress gateway's pods.
    type: dict
    default: {istio: ingressgateway}
  proxy_container:
    description: Container of the proxy in every pod.
    type: str
    default: istio-proxy
  timeout:
    description: Seconds that one client may take.
    type: float
    default: 10
  log_timeout:
    description: Seconds within which the access logs must show what was sent.
    type: float
    default: 5
  proof:
    description:
      - The proof that M(asm.lanes.lane_probe) returned. What it found wrong is evidence, and RV(proof) is the
        same with RV(audit), RV(findings) and RV(not_tested) in it.
    type: dict
  fail_on_findings:
    description: Whether a broken hop or a finding fails the task. V(false) only reports it.
    type: bool
    default: true
extends_documentation_fragment:
  - asm.lanes.lane_client
  - asm.lanes.lane_group.given
seealso:
  - module: asm.lanes.lane_probe
  - module: asm.lanes.lane_group_drift
"""

EXAMPLES = r"""
- name: Prove the lanes of the guide
  asm.lanes.lane_probe:
    url: http://192.0.2.10:30080
    answered_by: [default/helloworld]
    lane_group: "{{ ws_lanes }}"
    fail_on_difference: false
  register: probed

- name: Follow the requests, and find out where the lane is lost
  asm.lanes.lane_audit:
    url: http://192.0.2.10:30080
    answered_by: [default/helloworld]
    lane_group: "{{ ws_lanes }}"
    cluster_kubeconfig: ~/.kube/ack
    mesh_kubeconfig: ~/.kube/asm.yml
    proof: "{{ probed.proof }}"
    fail_on_findings: false
  register: audited

- name: Show the causes with their remedies
  ansible.builtin.debug:
    msg: "{{ audited.message.splitlines() }}"

- name: A chain of HTTP services whose answers read "orders=v3 stock=v1"
  asm.lanes.lane_audit:
    url: http://192.0.2.10:30080
    messages: [http]
    http_path: /orders
    answered_by: [shop/orders, shop/stock]
    answer_pattern: '(?P<service>[\w-]+)=(?P<version>[\w.]+)'
    lane_group: "{{ shop_lanes }}"
    cluster_kubeconfig: ~/.kube/ack
"""

RETURN = r"""
audit:
  description: The ways of the requests. Null in check mode.
  returned: success, and when the task fails because of O(fail_on_findings)
  type: dict
  contains:
    passed:
      description: Whether every hop keeps the lane; null when none loses it but some cannot be seen.
      type: bool
    chains:
      description: One for each lane and kind of message.
      type: list
      elements: dict
      contains:
        case:
          description: Whose request it was.
          type: str
          sample: lane v2
        message_kind:
          description: See O(messages).
          type: str
          sample: call
        passed:
          description: As RV(audit.passed), of this chain.
          type: bool
        hops:
          description: The hops in the order of the calls; of several calls of a pod each with what followed.
          type: list
          elements: dict
          contains:
            from:
              description: Who called, C(client), C(gateway) or a service.
              type: str
            to:
              description: Who was called.
              type: str
            pod:
              description: The pod that was called, C(namespace/name); the address when no pod has it.
              type: str
            service:
              description: The service that was called, null for the gateway.
              type: str
            version:
              description: The pod's label O(version_label).
              type: str
            lane:
              description: The lane to whose subset the caller's proxy sent the call, null for none.
              type: str
            header:
              description: The route header that was seen there.
              type: str
            baggage:
              description: What carries the lane there, nothing else of baggage.
              type: str
            status:
              description: V(ok), V(lost), V(changed) or V(unknown).
              type: str
            by:
              description: How it was recognised, V(path), V(baggage), V(trace), V(request id) or V(time).
              type: str
        broken:
          description: The first hop that lost or changed the lane; null for none.
          type: dict
          contains:
            hop:
              description: Its index in RV(audit.chains[].hops).
              type: int
            from:
              description: Who called.
              type: str
            to:
              description: Who was called.
              type: str
            direction:
              description: V(outbound) when the call left its caller so, V(inbound) when it arrived so.
              type: str
            what:
              description: V(header) or V(baggage).
              type: str
            how:
              description: V(lost) or V(changed).
              type: str
            words:
              description: The same as a sentence.
              type: str
            culprit:
              description: V(application), V(proxy) or V(gateway).
              type: str
            pod:
              description: Of the culprit.
              type: str
            route:
              description: Name of the route, as the proxy logs it.
              type: str
        unknown:
          description: What could not be seen, and why.
          type: list
          elements: str
findings:
  description: Located causes; empty when all is well.
  returned: success, and when the task fails because of O(fail_on_findings)
  type: list
  elements: dict
  contains:
    kind:
      description:
        - C(context_lost_in_application), C(context_lost_in_proxy), C(broadcast_in_lane),
          C(header_rewritten_at_gateway), C(label_on_wrong_pods), C(replica_differs), C(stale_endpoint),
          C(polling_not_sticky), C(misrouted), or a kind of M(asm.lanes.lane_group_drift).
      type: str
      sample: context_lost_in_application
    object:
      description: What is to be mended.
      type: str
      sample: service default/wsk-svc, its application
    words:
      description: What is wrong with it.
      type: str
      sample: does not pass the baggage on, on the way to default/helloworld
    remedy:
      description: What to do.
      type: str
    evidence:
      description: What shows it.
      type: list
      elements: str
not_tested:
  description: What is not known, as C(what) and C(why).
  returned: success, and when the task fails because of O(fail_on_findings)
  type: list
  elements: dict
  sample: [{what: the mesh's objects, why: mesh_kubeconfig is not given}]
proof:
  description: O(proof) with the audit in it.
  returned: when O(proof) is given
  type: dict
table:
  description: Case, kind of message, way and verdict, as lines to print.
  returned: success, and when the task fails because of O(fail_on_findings)
  type: list
  elements: str
message:
  description: Every finding with evidence and remedy, or one line when there is none.
  returned: success, and when the task fails because of O(fail_on_findings)
  type: str
  sample: every hop keeps the lane
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.asm.lanes.plugins.module_utils._audit.module import argument_spec, run_module


def main() -> None:
    """Entry point of the module."""
    run_module(AnsibleModule(argument_spec=argument_spec(), supports_check_mode=True))


if __name__ == "__main__":
    main()
