#!/usr/bin/python
# Copyright (c) 2026, asm.lanes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Ansible module asm.lanes.lane_probe: documentation and wiring; the work is done in module_utils/_probe."""

from __future__ import annotations

DOCUMENTATION = r"""
module: lane_probe
short_description: Prove traffic lanes with real clients
version_added: 0.1.0
author: asm.lanes maintainers (@asm-lanes)
description:
  - Opens real connections through the ingress gateway, sends messages, listens, and compares the versions
    that answered with what the lane group promises. It speaks socket.io (Engine.IO 4) over WebSocket and by
    polling, plain WebSocket, and HTTP.
  - What is expected is computed from the lane group. A client's own message must be answered by the lane
    that the client asks for; a broadcast, which carries no client's context, must come from the baseline.
  - Each lane is tried by its name, or by a request that its ingress rules match. In strict mode that is the
    only way; lanes without a rule that can be met are listed in RV(proof.not_tested).
  - Then comes, once each, what must not lead astray, unless O(negative_cases) is off. Without a lane, with a
    value that names none or only looks like a lane, with the header twice, in other case or percent-encoded;
    with baggage that names a lane alone, against the header, among other members, percent-encoded, or far
    too large; with a header from outside where the gateway's rules choose the lane. RV(proof.cases[].why)
    says which rule decides, and what of it is assumed rather than documented for ASM.
  - The shares of a weighted group are tested by samples. How many follows from O(weight_confidence) and
    O(weight_tolerance); a share is accepted within its exact binomial interval.
  - Which connection a broadcast was caused by cannot be known, so broadcasts are judged by what they say.
  - It never harms. Connections, messages per second and time are bounded, a load above O(max_load) is an
    error, and every connection is closed at the end, also when interrupted.
requirements:
  - python >= 3.10
  - python-socketio >= 5.11
  - aiohttp >= 3.9
attributes:
  check_mode:
    description: Can run in check mode, where it connects nowhere and returns what is expected.
    support: full
  diff_mode:
    description: Changes nothing, so there is nothing to compare.
    support: none
options:
  url:
    description:
      - The gateway as a client reaches it, such as V(http://192.0.2.10:30080). One of O(url) and O(gateway)
        is needed; O(url) wins.
      - User name and password do not belong here; use O(headers).
    required: false
  gateway:
    description:
      - Where to look the gateway's address up when there is no O(url). It is that of the load balancer of the
        gateway's Service, which is found by the labels of its pods (inferred); it is waited for.
    type: dict
    suboptions:
      kubeconfig:
        description: Path of the kubeconfig of the cluster.
        type: path
        required: true
      context:
        description: Context of the kubeconfig to use. When omitted, the file's current context.
        type: str
      namespace:
        description: Namespace of the Service.
        type: str
        default: istio-system
      selector:
        description: Labels of the gateway's pods.
        type: dict
        default: {istio: ingressgateway}
      port:
        description: Port of the gateway.
        type: int
        default: 30080
      timeout:
        description: Seconds to wait for an address.
        type: float
        default: 300
  transports:
    description:
      - How to connect; each lane is tried in each of these ways.
      - V(websocket) and V(polling) are socket.io, V(raw_websocket) is declared by O(raw_websocket), V(http)
        by O(http).
      - Polling needs stickiness where the server has several replicas. Without it the requests of one session
        reach different replicas, and the proof says so.
    type: list
    elements: str
    choices: [websocket, polling, raw_websocket, http]
    default: [websocket]
  ack_event:
    description:
      - An event that the server answers in its acknowledgement; it carries a random identifier. Empty when
        there is none.
    type: str
    default: ''
  to_one_event:
    description:
      - An event that the server sends to one client of its own accord, in that client's context. Each
        connection must hear it once at least. Empty when there is none.
    type: str
    default: ''
  expect_ack:
    description: Whether each answer must ask the client for an acknowledgement, as the guide's server does.
    type: bool
    default: true
  handshake:
    description: A header of the response that opens a connection, which tells the version that holds it.
    type: dict
    suboptions:
      answer_header:
        description: Name of the header.
        type: str
        required: true
      answered_by:
        description: The service of the group, C(namespace/name), that holds the connections.
        type: str
        required: true
  raw_websocket:
    description: The plain WebSocket of the transport V(raw_websocket).
    type: dict
    suboptions:
      path:
        description: Its path.
        type: str
        default: /
      text:
        description: The text to send. C({id\}) becomes a random identifier. Each is to be answered by one
          frame.
        type: str
        default: '{id}'
      broadcast_pattern:
        description:
          - Python regular expression that finds the frames which are broadcasts. All others are answers.
            Empty when there are no broadcasts.
        type: str
        default: ''
      answered_by:
        description: Instead of O(answered_by).
        type: list
        elements: str
      answer_pattern:
        description: Instead of O(answer_pattern).
        type: str
      answer_path:
        description: Instead of O(answer_path).
        type: str
  http:
    description: The calls of the transport V(http). Redirects are not followed.
    type: dict
    suboptions:
      path:
        description: Path of the calls, with a query if need be.
        type: str
        default: /
      method:
        description: Method of the calls.
        type: str
        choices: [GET, POST, PUT]
        default: GET
      body:
        description: Body of the calls. C({id\}) becomes a random identifier.
        type: str
        default: ''
      answer_header:
        description: The response header that holds the version.
        type: str
      answered_by:
        description: Instead of O(answered_by).
        type: list
        elements: str
      answer_pattern:
        description: Instead of O(answer_pattern).
        type: str
      answer_path:
        description: Instead of O(answer_path).
        type: str
  negative_cases:
    description: Whether to try what must not lead into a lane, too.
    type: bool
    default: true
  connections:
    description: Connections for each lane, open at the same time. Negative cases have one.
    type: int
    default: 2
  messages:
    description: Messages that each connection sends. Those of negative cases send one.
    type: int
    default: 2
  max_open:
    description: Most connections open at once. When there are more, they take turns.
    type: int
    default: 50
  rate:
    description: Most handshakes and messages per second. V(0) means as fast as can be.
    type: float
    default: 500
  max_load:
    description:
      - Most handshakes and messages of one attempt, taken together. More is an error that names the number,
        before anything is opened.
      - Broadcasts are not counted, as only the application knows them. With the guide's application each
        message reaches every connection that is open.
    type: int
    default: 2000
  weight_confidence:
    description:
      - With which probability the right weights pass, all shares taken together, and with which shares that
        are off by O(weight_tolerance) do not.
    type: float
    default: 0.9999
  weight_tolerance:
    description: Difference of a share, as a part of the whole, that must be found. Half of it takes four
      times the samples.
    type: float
    default: 0.2
  timeout:
    description:
      - Seconds that one attempt may take as a whole; at most half of it for the handshakes. Samples of
        weights have as much again.
    type: float
    default: 15
  settle_timeout:
    description:
      - Configuration takes time to arrive at the proxies. For so many seconds a proof that fails is repeated.
      - V(0) tries once.
    type: float
    default: 0
  rollout:
    description:
      - Deployments that must be rolled out before the first attempt. They are waited for as
        M(asm.lanes.rollout_status) does it, and the task fails as that would.
      - In check mode nothing is waited for.
    type: dict
    suboptions:
      kubeconfig:
        description:
          - Path of the kubeconfig of the cluster.
          - When omitted, the environment variable E(K8S_AUTH_KUBECONFIG) is used, then V(~/.kube/config).
        type: path
      context:
        description: Context of the kubeconfig to use. When omitted, the file's current context.
        type: str
      namespace:
        description: Namespace of the Deployments.
        type: str
        required: true
      deployments:
        description: Names of the Deployments. Without any, nothing is asked.
        type: list
        elements: str
        required: true
      timeout:
        description: Seconds to wait for all Deployments together.
        type: int
        default: 120
  audit:
    description:
      - Whether to follow requests of each lane afterwards, as M(asm.lanes.lane_audit) does it. RV(proof) has
        the audit in it then. An audit that cannot be made is told in RV(audit_message), and is no failure.
      - Nothing is followed in check mode, or when the gateway cannot be reached.
    type: bool
    default: false
  audit_options:
    description:
      - What the audit needs, by the names of the options of M(asm.lanes.lane_audit), such as
        C(cluster_kubeconfig). How clients talk is stated here already.
    type: dict
    default: {}
  fail_on_difference:
    description:
      - Whether a difference, or something that the audit has found, fails the task. V(false) only reports it
        in RV(proof.passed) and RV(proof.findings).
    type: bool
    default: true
extends_documentation_fragment:
  - asm.lanes.lane_client
  - asm.lanes.lane_group.given
seealso:
  - module: asm.lanes.lane_audit
  - module: asm.lanes.lane_group
"""

EXAMPLES = r"""
- name: Prove the lanes of the guide
  asm.lanes.lane_probe:
    url: http://192.0.2.10:30080
    answered_by: [default/helloworld]
    lane_group:
      name: ws
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

- name: Prove them as soon as the application is up
  asm.lanes.lane_probe:
    url: http://192.0.2.10:30080
    answered_by: [default/helloworld]
    rollout:
      kubeconfig: ~/.kube/ack
      namespace: default
      deployments: [wsk-deploy, helloworld-v1, helloworld-v2]
    settle_timeout: 10
    lane_group: "{{ guide_lanes }}"

- name: See what a proof would expect, for a chain whose answers read "orders=v3 stock=v1"
  asm.lanes.lane_probe:
    url: http://192.0.2.10:30080
    answered_by: [shop/orders, shop/stock]
    answer_pattern: '(?P<service>[\w-]+)=(?P<version>[\w.]+)'
    lane_group: "{{ shop_lanes }}"
  check_mode: true

- name: What to expect where browsers choose their lane by a cookie, by WebSocket, polling, and HTTP API
  asm.lanes.lane_probe:
    url: https://shop.example.com
    ca_path: "{{ shop_ca }}"
    transports: [websocket, polling, http]
    entry: {via: cookie, name: lane}
    answered_by: [shop/orders]
    http: {path: /api/version, answer_path: data.version}
    lane_group: "{{ shop_lanes }}"
  check_mode: true

- name: How many requests it takes to find shares of weighted lanes that are off by a tenth
  asm.lanes.lane_probe:
    url: http://192.0.2.10:30080
    transports: [http]
    answered_by: [shop/orders]
    http: {path: /hello}
    weight_tolerance: 0.1
    max_load: 5000
    lane_group: "{{ shop_weighted_lanes }}"
  check_mode: true
"""

RETURN = r"""
audit_message:
  description: What the audit has found, for people; or why it could not be made.
  type: str
  returned: when an audit was to be made
audit_table:
  description: The way of each lane and kind of message, as lines to print. Empty when it could not be made.
  type: list
  elements: str
  returned: when an audit was to be made
deployments:
  description: How far each Deployment of O(rollout) is, as M(asm.lanes.rollout_status) returns it.
  type: list
  elements: dict
  returned: when Deployments were waited for
failure:
  description: What kind of failure it was, as M(asm.lanes.rollout_status) tells it.
  type: str
  returned: when the Deployments are not rolled out
reasons:
  description: For each Deployment that is not ready, by name, what its conditions, pods and events say.
  type: dict
  returned: when the Deployments are not rolled out
proof:
  description: What was expected and what was seen.
  returned: unless the Deployments are not rolled out
  type: dict
  contains:
    schema:
      description: Version of this document.
      type: str
      returned: always
      sample: asm.lanes/proof/v1
    started_at:
      description: When the proof began, in UTC (ISO 8601).
      type: str
      returned: always
    gateway:
      description: Where the proof came in, as C(url) and C(path).
      type: dict
      returned: always
    lane_group:
      description: The lane group as it was given.
      type: dict
      returned: always
    passed:
      description: Whether every case was as expected. Null when nothing was tried (check mode).
      type: bool
      returned: always
    reached:
      description: Whether any connection could be opened. Null when nothing was tried (check mode).
      type: bool
      returned: always
    summary:
      description: One line with the counts.
      type: str
      returned: always
      sample: "17 of 17 cases passed: 20 connections, 25 messages, 25 answers, 475 broadcasts"
    table:
      description: Case, what named the lane, and the versions that answered, as lines to print.
      type: list
      elements: str
      returned: always
    message:
      description: What is wrong, naming each case; one line when nothing could be tried. Empty when passed.
      type: str
      returned: always
    warnings:
      description: Why the times may say more about this machine than about the lanes; mostly empty.
      type: list
      elements: str
      returned: always
    attempts:
      description: How often the proof was made until it passed or O(settle_timeout) was over.
      type: int
      returned: always
    seconds:
      description: How long all attempts took.
      type: float
      returned: always
    load:
      description:
        - What the last attempt did, as C(connections), C(peak_open) (most of them open at once) and
          C(messages).
        - What it took of this machine, as C(cpu_seconds), C(max_rss_mib) (the most memory that the process
          ever had) and C(late_ms) (how late its event loop was).
      type: dict
      returned: always
    weights:
      description: Draws from weighted lanes; empty when there are none.
      type: list
      elements: dict
      returned: always
      contains:
        name:
          description: Name of the draw.
          type: str
          returned: always
        service:
          description: The service whose versions tell the lanes apart.
          type: str
          returned: always
        transport:
          description: How the samples were taken.
          type: str
          returned: always
        confidence:
          description: See O(weight_confidence).
          type: float
          returned: always
        samples:
          description: How many samples were taken.
          type: int
          returned: always
        answered:
          description: How many of them were answered.
          type: int
          returned: always
        passed:
          description: Whether all shares are within their intervals, and all samples were answered.
          type: bool
          returned: always
        lanes:
          description:
            - For each lane (those of one version together, as C(a+b)) the share that was expected and
              observed, the interval from C(low) to C(high) in which it is accepted, and whether it C(passed).
          type: list
          elements: dict
          returned: always
          sample: [{lane: s1, expected: 0.9, observed: 0.913, low: 0.82, high: 0.96, passed: true}]
        differences:
          description: What was not as expected, in words.
          type: list
          elements: str
          returned: always
    not_tested:
      description: What was not tried (C(what)), and C(why).
      type: list
      elements: dict
      returned: always
    audit:
      description: Where the context of a request was lost on its way; null when no audit was made.
      type: dict
      returned: always
    findings:
      description: Causes that were located; empty when all is well.
      type: list
      elements: dict
      returned: always
    cases:
      description: The cases of the last attempt.
      type: list
      elements: dict
      returned: always
      contains:
        name:
          description: Name of the case.
          type: str
          returned: always
        kind:
          description: C(lane) for a lane by its name, C(negative) for everything else that may come in.
          type: str
          returned: always
        lane:
          description: The lane whose versions are expected; null where no lane is chosen.
          type: str
          returned: always
        transport:
          description: How the connections were made, see O(transports).
          type: str
          returned: always
        entry:
          description: What named the lane, C(via) a C(header), C(cookie), C(query) or C(none), with C(name)
            and C(value).
          type: dict
          returned: always
        header:
          description: Value of the route header that was sent; null when the header was not sent.
          type: str
          returned: always
        why:
          description: Which rule decides where it must land, and on what that rests. Empty for the truth
            table.
          type: str
          returned: always
        passed:
          description: Whether everything was as expected; null when the case was not tried.
          type: bool
          returned: always
        expected:
          description:
            - Version by service, for each kind of message. C(own) is the answer to a client's message,
              C(ack) its acknowledgement, C(to_one) comes unasked, C(broadcast) goes to all, C(call) answers
              an HTTP request, C(handshake) opens a connection.
          type: dict
          returned: always
          sample: {own: {default/helloworld: v2}, broadcast: {default/helloworld: v1}}
        may_be_refused_with:
          description: HTTP statuses with which the request may be refused as well.
          type: list
          elements: int
          returned: always
        observed:
          description: How often each version answered, by kind of message and by service.
          type: dict
          returned: always
          sample: {own: {default/helloworld: {v2: 4}}, broadcast: {default/helloworld: {v1: 64}}}
        counts:
          description: Connections, messages, answers, acknowledgements on both sides, broadcasts.
          type: dict
          returned: always
        connection_failures:
          description: Why connections failed.
          type: list
          elements: str
          returned: always
        failure_kinds:
          description: How many connections failed, by kind, such as C(refused), C(status), C(timeout),
            C(unsticky).
          type: dict
          returned: always
        timings:
          description:
            - Milliseconds, as C(p50), C(p95) and C(max), of the handshakes (C(handshake_ms)) and from a
              message to its answer (C(answer_ms)).
          type: dict
          returned: always
        differences:
          description: What was not as expected, in words.
          type: list
          elements: str
          returned: always
"""

from datetime import datetime, timezone
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.asm.lanes.plugins.module_utils import _elsewhere
from ansible_collections.asm.lanes.plugins.module_utils._asm.lane_options import given_option
from ansible_collections.asm.lanes.plugins.module_utils._audit import options as audit_options
from ansible_collections.asm.lanes.plugins.module_utils._kube.gateway_address import gateway_address
from ansible_collections.asm.lanes.plugins.module_utils._kube.options import (
    gateway_arguments,
    rollout_arguments,
)
from ansible_collections.asm.lanes.plugins.module_utils._kube.rollout_status import rollout_status
from ansible_collections.asm.lanes.plugins.module_utils._probe import client_options, document, options, proof
from ansible_collections.asm.lanes.plugins.module_utils._probe import module as probe_module
from ansible_collections.asm.lanes.plugins.module_utils._probe.settings import Settings

ARGUMENTS: dict[str, Any] = {
    **given_option(),
    **options.ARGUMENTS,
    "url": {"type": "str"},
    "gateway": {"type": "dict", "options": gateway_arguments()},
    "rollout": {"type": "dict", "options": rollout_arguments()},
    "audit": {"type": "bool", "default": False},
    "audit_options": {"type": "dict", "default": {}},
}
#: Stands for an address that is still to be found, so that all else can be looked at before.
SOMEWHERE = "http://gateway.invalid"


def main() -> None:
    """Read the options, probe (not in check mode), audit on request, report."""
    module = AnsibleModule(
        argument_spec=ARGUMENTS, required_one_of=[("url", "gateway")], supports_check_mode=True
    )
    probe_module.check(module)
    params = module.params
    began = datetime.now(timezone.utc)
    try:
        wanted = audit_options.complete(params["audit_options"]) if params["audit"] else None
        if not params["url"]:
            judged({**params, "url": SOMEWHERE})
            params["url"] = found(module)
        plan, settings = judged(params)
    except ValueError as error:  # SpecError is one
        module.fail_json(msg=str(error))
    tried = not module.check_mode
    wait_for, told = params["rollout"] or {}, {}
    if tried and wait_for.get("deployments"):
        told = _elsewhere.call("kubernetes", rollout_status, wait_for)
        if "msg" in told:
            module.fail_json(**told)
    made = proof.make(plan, settings, params["settle_timeout"]) if tried else proof.foretell(plan)
    where = {"url": params["url"], "path": params["path"]}
    made = document.complete(made, where, client_options.group_words(params), began)
    failures = [made["message"]] if made["passed"] is False else []
    if wanted is not None and made["reached"]:
        # Here, since the Kubernetes client takes time that who audits nothing need not spend.
        from ansible_collections.asm.lanes.plugins.module_utils._audit.module import of_proof

        audited = of_proof(params, wanted, made)
        made = audited.get("proof", made)
        told |= {"audit_table": audited.get("table", []), "audit_message": audited["message"]}
        if made["findings"] or (made["audit"] or {}).get("passed") is False:
            failures.append(audited["message"])
    if failures and params["fail_on_difference"]:
        module.fail_json(msg="\n".join(failures), proof=made, **told)
    module.exit_json(changed=False, proof=made, **told)


def judged(params: dict[str, Any]) -> tuple[proof.Plan, Settings]:
    """What is to be tried, and how. Raises ValueError naming the option that is wrong."""
    options.check(params)
    plan, settings = options.plan(params), options.settings(params)
    plan.check_load(settings, params["max_load"])
    return plan, settings


def found(module: AnsibleModule) -> str:
    """The URL of the gateway's load balancer; fails the module when there is none."""
    gateway = module.params["gateway"]
    told = _elsewhere.call("kubernetes", gateway_address, gateway)
    if "msg" in told:
        module.fail_json(msg=told["msg"])
    address = told["address"]
    return f"http://{f'[{address}]' if ':' in address else address}:{gateway['port']}"


if __name__ == "__main__":
    main()
