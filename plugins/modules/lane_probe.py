#!/usr/bin/python
# Copyright (c) 2026, asm.lanes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Ansible module asm.lanes.lane_probe: documentation and wiring; the work is done in module_utils/_probe."""

from __future__ import annotations

DOCUMENTATION = r"""
module: lane_probe
short_description: Prove traffic lanes with real socket.io clients
version_added: 0.1.0
author: asm.lanes maintainers (@asm-lanes)
description:
  - Opens real socket.io connections (Engine.IO 4, websocket transport) through the ingress gateway, sends
    messages, listens, and compares the versions that answered with what the lane group promises.
  - What is expected is computed from the lane group. A client's own message must be answered by the lane
    that the route header names; a broadcast, which carries no client's context, must come from the baseline.
  - Tried are every lane by its name, no header, a value that names no lane, and values that only look like a
    lane (longer name, list, empty value, other case).
  - Only groups in permissive mode can be proven; in strict mode the gateway's own rules choose the lane.
  - Which connection a broadcast was caused by cannot be known, so broadcasts are judged by what they say.
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
      - The gateway as a client reaches it, such as V(http://192.0.2.10:30080).
      - User name and password do not belong here; use O(headers).
    type: str
    required: true
  path:
    description: Path of the socket.io server.
    type: str
    default: socket.io
  lane_group:
    description: The lane group, as M(asm.lanes.lane_group) takes it.
    type: dict
    required: true
    suboptions:
      name:
        description: Name of the group.
        type: str
        required: true
      mode:
        description: Mode of the group.
        type: str
        choices: [permissive, strict]
        default: permissive
      route_header:
        description: The header whose value is the lane's name.
        type: str
        required: true
      trace_header:
        description: The header that the applications pass on.
        type: str
        required: true
      gateway_rule:
        description: The Istio Gateway through which the traffic enters.
        type: dict
        required: true
        suboptions:
          name:
            description: Name of the Gateway.
            type: str
            required: true
          namespace:
            description: Namespace of the Gateway.
            type: str
      services:
        description: The services of the group, each C(namespace/name).
        type: list
        elements: str
        required: true
      baseline:
        description: The lane that answers where no other does.
        type: str
      service_fallback:
        description: Lanes that answer instead of the baseline, by service.
        type: dict
      lanes:
        description: The lanes.
        type: list
        elements: dict
        required: true
        suboptions:
          name:
            description: Name of the lane, and value of the route header that selects it.
            type: str
            required: true
          label_selector:
            description: Labels of the lane's pods.
            type: dict
            required: true
          services:
            description: Services that the lane contains, each C(namespace/name).
            type: list
            elements: str
            required: true
  answered_by:
    description:
      - The services of the group, each C(namespace/name), whose versions the answers name.
      - More than one needs a group C(service) in O(answer_pattern).
    type: list
    elements: str
    required: true
  answer_pattern:
    description:
      - Python regular expression that finds versions in an answer. The group C(version) holds the version.
      - A group C(service) holds the service's name where an answer names several services, for example
        V((?P<service>[\\w-]+\)=(?P<version>[\\w.]+\)).
    type: str
    default: 'version: (?P<version>[^,\s]+)'
  version_label:
    description: The label in the lanes' O(lane_group.lanes[].label_selector) whose value is the version.
    type: str
    default: version
  emit_event:
    description: The event that asks the server; it carries a random identifier.
    type: str
    default: test000
  answer_event:
    description: The event with which the server answers the client that asked.
    type: str
    default: hello
  broadcast_event:
    description: The event that the server sends to all. Empty when the application has none.
    type: str
    default: okok
  expect_ack:
    description: Whether each answer must ask the client for an acknowledgement, as the guide's server does.
    type: bool
    default: true
  connections:
    description: Connections for each case, open at the same time.
    type: int
    default: 2
  messages:
    description: Messages that each connection sends.
    type: int
    default: 2
  max_open:
    description: Most connections open at once. When there are more, they take turns.
    type: int
    default: 50
  timeout:
    description: Seconds that one attempt may take as a whole; at most half of it for the handshakes.
    type: float
    default: 15
  settle_timeout:
    description:
      - Configuration takes time to arrive at the proxies. For so many seconds a proof that fails is repeated.
      - V(0) tries once.
    type: float
    default: 0
  headers:
    description: More headers for the handshake, such as a token. Their values are treated as secrets.
    type: dict
  validate_certs:
    description: Whether to check the gateway's certificate when O(url) is C(https).
    type: bool
    default: true
  fail_on_difference:
    description: Whether a difference fails the task. V(false) only reports it in RV(proof.passed).
    type: bool
    default: true
seealso:
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

- name: See what a proof would expect, for a chain whose answers read "orders=v3 stock=v1"
  asm.lanes.lane_probe:
    url: http://192.0.2.10:30080
    answered_by: [shop/orders, shop/stock]
    answer_pattern: '(?P<service>[\w-]+)=(?P<version>[\w.]+)'
    lane_group: "{{ shop_lanes }}"
  check_mode: true
"""

RETURN = r"""
proof:
  description: What was expected and what was seen.
  returned: always
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
      sample: "8 of 8 cases passed: 16 connections, 32 messages, 32 answers, 512 broadcasts"
    table:
      description: Case, header, and the versions that answered, as lines to print.
      type: list
      elements: str
      returned: always
    message:
      description: What is wrong, naming each case; one line when nothing could be tried. Empty when passed.
      type: str
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
        - C(connections), C(peak_open) (most of them open at once) and C(messages) of the last attempt.
        - C(cpu_seconds) of this machine that all attempts took, and C(max_rss_mib), the most memory of the
          process.
      type: dict
      returned: always
    weights:
      description: Shares of weighted lanes.
      type: list
      elements: dict
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
          description: How the connections were made.
          type: str
          returned: always
        entry:
          description: What named the lane, C(via) a C(header) or C(none), with C(name) and C(value).
          type: dict
          returned: always
        header:
          description: Value of the route header that was sent; null when the header was not sent.
          type: str
          returned: always
        passed:
          description: Whether everything was as expected; null when the case was not tried.
          type: bool
          returned: always
        expected:
          description: Version by service, under C(own) for the client's own messages and under C(broadcast).
          type: dict
          returned: always
          sample: {own: {default/helloworld: v2}, broadcast: {default/helloworld: v1}}
        observed:
          description: How often each version answered, by service, under C(own) and C(broadcast).
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

import time
from datetime import datetime, timezone
from importlib.util import find_spec
from typing import Any
from urllib.parse import urlsplit

from ansible.module_utils.basic import AnsibleModule, missing_required_lib
from ansible_collections.asm.lanes.plugins.module_utils._lanes import model, words
from ansible_collections.asm.lanes.plugins.module_utils._probe import (
    cases,
    client,
    document,
    measure,
    reading,
    verdict,
)

#: The libraries that the clients import when they run: import name -> name to install.
LIBRARIES = {"aiohttp": "aiohttp", "socketio": "python-socketio"}
#: Pause between two attempts (seconds).
PAUSE = 0.5

LANE_GROUP = {
    "name": {"type": "str", "required": True},
    "mode": {"type": "str", "choices": ["permissive", "strict"], "default": "permissive"},
    "route_header": {"type": "str", "required": True},
    "trace_header": {"type": "str", "required": True},
    "gateway_rule": {
        "type": "dict",
        "required": True,
        "options": {"name": {"type": "str", "required": True}, "namespace": {"type": "str"}},
    },
    "services": {"type": "list", "elements": "str", "required": True},
    "baseline": {"type": "str"},
    "service_fallback": {"type": "dict"},
    "lanes": {
        "type": "list",
        "elements": "dict",
        "required": True,
        "options": {
            "name": {"type": "str", "required": True},
            "label_selector": {"type": "dict", "required": True},
            "services": {"type": "list", "elements": "str", "required": True},
        },
    },
}
ARGUMENTS = {
    "url": {"type": "str", "required": True},
    "path": {"type": "str", "default": "socket.io"},
    "lane_group": {"type": "dict", "required": True, "options": LANE_GROUP},
    "answered_by": {"type": "list", "elements": "str", "required": True},
    "answer_pattern": {"type": "str", "default": reading.DEFAULT_PATTERN},
    "version_label": {"type": "str", "default": "version"},
    "emit_event": {"type": "str", "default": "test000"},
    "answer_event": {"type": "str", "default": "hello"},
    "broadcast_event": {"type": "str", "default": "okok"},
    "expect_ack": {"type": "bool", "default": True},
    "connections": {"type": "int", "default": 2},
    "messages": {"type": "int", "default": 2},
    "max_open": {"type": "int", "default": 50},
    "timeout": {"type": "float", "default": 15},
    "settle_timeout": {"type": "float", "default": 0},
    "headers": {"type": "dict", "no_log": True},
    "validate_certs": {"type": "bool", "default": True},
    "fail_on_difference": {"type": "bool", "default": True},
}


def main() -> None:
    """Read the options, probe (not in check mode), report."""
    module = AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True)
    missing = [library for name, library in LIBRARIES.items() if find_spec(name) is None]
    if missing:
        module.fail_json(msg=missing_required_lib(" and ".join(missing)))
    _check_options(module)
    params = module.params
    began = datetime.now(timezone.utc)
    try:
        group = words.parse(params["lane_group"])
        reader = reading.Reader.parse(params["answer_pattern"], params["answered_by"])
        services = [model.parse_service(text) for text in params["answered_by"]]
        if None in services:
            raise ValueError(f"answered_by {params['answered_by']}: write each service as namespace/name")
        tried = cases.from_group(group, [s for s in services if s], params["version_label"])
    except ValueError as error:  # SpecError is one
        module.fail_json(msg=str(error))
    rules = verdict.Rules(
        header=params["lane_group"]["route_header"],
        reader=reader,
        acknowledged=params["expect_ack"],
        broadcasts=bool(params["broadcast_event"]),
        timeout=params["timeout"],
    )
    if module.check_mode:
        told = {
            **verdict.expected(tried, rules),
            **{"message": "", "attempts": 0, "seconds": 0.0, "load": _load([], measure.Meter())},
        }
    else:
        told = _prove(tried, rules, _settings(params), params["settle_timeout"])
    where = {"url": params["url"], "path": params["path"]}
    proof = document.complete(told, where, params["lane_group"], began)
    if module.check_mode:
        module.exit_json(changed=False, proof=proof)
    if not proof["passed"] and params["fail_on_difference"]:
        module.fail_json(msg=proof["message"], proof=proof)
    module.exit_json(changed=False, proof=proof)


def _prove(
    tried: list[cases.Case], rules: verdict.Rules, settings: client.Settings, settle_timeout: float
) -> dict[str, Any]:
    """Make the proof; repeat it until it passes or the time for settling is over."""
    started = time.monotonic()
    meter = measure.Meter()
    attempts = 0
    while True:
        attempts += 1
        seen = client.run([(case.name, case.header) for case in tried], settings)
        proof = verdict.judge(tried, seen, rules)
        seconds = time.monotonic() - started
        if proof["passed"] or seconds >= settle_timeout:
            message = "" if proof["passed"] else verdict.failure_message(proof, settings.url)
            told = {"message": message, "attempts": attempts, "seconds": round(seconds, 2)}
            return {**proof, **told, "load": _load(seen, meter)}
        time.sleep(PAUSE)


def _load(seen: list[client.Observation], meter: measure.Meter) -> dict[str, Any]:
    """What the last attempt did to the gateway, and all attempts to this machine."""
    connected = sum(one.failure is None for one in seen)
    counts = {"connections": len(seen), "peak_open": connected, "messages": sum(one.sent for one in seen)}
    return {**counts, **meter.read()}


def _settings(params: dict[str, Any]) -> client.Settings:
    return client.Settings(
        url=params["url"],
        route_header=params["lane_group"]["route_header"],
        headers={key: str(value) for key, value in (params["headers"] or {}).items()},
        path=params["path"],
        emit_event=params["emit_event"],
        answer_event=params["answer_event"],
        broadcast_event=params["broadcast_event"],
        messages=params["messages"],
        connections=params["connections"],
        max_open=params["max_open"],
        timeout=params["timeout"],
        validate_certs=params["validate_certs"],
    )


def _check_options(module: AnsibleModule) -> None:
    """Fail on values that the argument spec cannot refuse."""
    params = module.params
    address = urlsplit(params["url"])
    if address.password:
        module.no_log_values.add(address.password)
        module.fail_json(msg="url: user name and password do not belong in it; send credentials with headers")
    if address.scheme not in ("http", "https") or not address.hostname:
        module.fail_json(
            msg=f"url: {params['url']!r} is not of the form http://host:port or https://host:port"
        )
    for name in ("connections", "messages", "max_open", "timeout"):
        if params[name] <= 0:
            module.fail_json(msg=f"{name}: {params[name]} is not allowed, must be more than 0")


if __name__ == "__main__":
    main()
