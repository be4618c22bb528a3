#!/usr/bin/python
# Copyright (c) 2026, asm.lanes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Ansible module asm.lanes.preflight: documentation and wiring; module_utils/_preflight does the work."""

from __future__ import annotations

DOCUMENTATION = r"""
module: preflight
short_description: Check everything that traffic lanes need, at once
version_added: 0.1.0
author: asm.lanes maintainers (@asm-lanes)
description:
  - Reads the ASM instance, the cluster that runs the application, and the ASM control plane, and reports each
    prerequisite of traffic lanes with what was found, what is needed, and how to mend it.
  - Reports all findings, not only the first. What cannot be read is a finding of its own; what depends on it
    is reported as skipped.
  - Writes nothing.
extends_documentation_fragment:
  - asm.lanes.credentials
requirements:
  - kubernetes >= 31.0.0
attributes:
  check_mode:
    description: Can run in check mode, where it does the same.
    support: full
  diff_mode:
    description: Changes nothing, so there is nothing to compare.
    support: none
options:
  cluster_kubeconfig:
    description: Kubeconfig of the cluster that runs the application.
    type: path
    required: true
  mesh_kubeconfig:
    description:
      - Kubeconfig of the ASM control plane.
      - When omitted, O(cluster_kubeconfig), for meshes that let Istio resources be read from the cluster.
    type: path
  cluster:
    description: Name or ID of the cluster. Needed only when the mesh has several.
    type: str
    default: ""
  namespace:
    description: Namespace of the application.
    type: str
    default: default
  services:
    description: Services of the lane group, each C(namespace/name).
    type: list
    elements: str
    default: []
  deployments:
    description: Names of the Deployments that are going to be made in O(namespace).
    type: list
    elements: str
    default: []
  gateway_name:
    description: Name of the ASM ingress gateway.
    type: str
    default: ingressgateway
  gateway_namespace:
    description: Namespace of the ASM ingress gateway.
    type: str
    default: istio-system
  gateway_port:
    description: Port at which clients come in.
    type: int
    default: 30080
  gateway_rule:
    description: The Istio Gateway that the lane group is going to refer to.
    type: dict
    suboptions:
      name:
        description: Its name.
        type: str
        default: ws-gateway
      namespace:
        description: Its namespace. When omitted, O(namespace).
        type: str
  routing_namespace:
    description:
      - Namespace in which the Gateway and the VirtualService are going to be made.
      - When omitted, the namespace of O(gateway_rule).
    type: str
  virtual_service:
    description: Name of the VirtualService that is going to be made.
    type: str
    default: ws
  api_version:
    description: API version in which Istio resources are going to be written.
    type: str
    default: networking.istio.io/v1beta1
  trace_header:
    description: The header that the applications pass on. C(baggage) needs a younger ASM.
    type: str
    default: baggage
  allow_old_version:
    description: Whether an ASM that does not propagate baggage is only a warning.
    type: bool
    default: false
  manage_namespace:
    description: Whether a later step makes the namespace and enables injection in it.
    type: bool
    default: false
  manage_gateway_port:
    description: Whether a later step adds the port to the ingress gateway.
    type: bool
    default: false
  fail_on:
    description: Which findings fail the task.
    type: str
    choices: [failed, warning, never]
    default: failed
"""

EXAMPLES = r"""
- name: Check the prerequisites of the guide
  asm.lanes.preflight:
    mesh_id: cb8963379255149cb98c8686f274x****
    cluster_kubeconfig: ~/.kube/ack.yml
    mesh_kubeconfig: ~/.kube/asm.yml
    services: [default/wsk-svc, default/helloworld]
    deployments: [wsk-deploy, helloworld-v1, helloworld-v2]
  register: prerequisites

- name: Look without failing, on an ASM instance of one's own making
  asm.lanes.preflight:
    mesh_id: cb8963379255149cb98c8686f274x****
    cluster_kubeconfig: ~/.kube/config
    namespace: shop
    gateway_port: 80
    gateway_rule: {name: shop-gateway, namespace: istio-system}
    fail_on: never
"""

RETURN = r"""
passed:
  description: Whether no finding has the status C(failed).
  returned: always
  type: bool
cluster:
  description:
    - The cluster that is meant, for the option C(known_cluster) of M(asm.lanes.lane_group).
    - Empty where that cannot be told.
  returned: always
  type: dict
  sample: {mesh_id: c08ba3fd1e64xxb0f8cc1ad8, name: shop, id: c1a2b3c4d5e6f}
new:
  description:
    - What is not there at all, for the option C(expect_new) of the modules that make it.
    - C(false), too, where that could not be read.
  returned: always
  type: dict
  contains:
    application:
      description: Whether there is none of O(services) and O(deployments).
      type: bool
      returned: always
    routing:
      description: Whether there is neither the gateway rule nor the VirtualService that are going to be made.
      type: bool
      returned: always
findings:
  description: One finding for each check, in a fixed order.
  returned: always
  type: list
  elements: dict
  contains:
    check:
      description: Name of the check.
      type: str
      returned: always
      sample: gateway_port
    status:
      description: C(ok), C(warning), C(failed) or C(skipped).
      type: str
      returned: always
    found:
      description: What there is, or why it could not be found out.
      type: str
      returned: always
      sample: ports 80, 443
    needed:
      description: What there has to be.
      type: str
      returned: always
      sample: port 30080 on the ingress gateway
    remedy:
      description: What to do; empty when nothing is.
      type: str
      returned: always
table:
  description: The findings as lines to print.
  returned: always
  type: list
  elements: str
summary:
  description: How many findings there are of each status.
  returned: always
  type: str
  sample: "17 checks: 16 ok, 1 warning, 0 failed, 0 skipped"
message:
  description: Every finding that failed or warned, each with its remedy. Empty when there is none.
  returned: always
  type: str
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule, missing_required_lib
from ansible_collections.asm.lanes.plugins.module_utils._asm.client import (
    LIBRARY,
    MINIMUM,
    LibraryMissingError,
)
from ansible_collections.asm.lanes.plugins.module_utils._asm.credentials import REQUIRED_TOGETHER, Connection
from ansible_collections.asm.lanes.plugins.module_utils._asm.module import asm_argument_spec
from ansible_collections.asm.lanes.plugins.module_utils._kube.client import IMPORT_ERROR
from ansible_collections.asm.lanes.plugins.module_utils._preflight import checks, finding, reads
from ansible_collections.asm.lanes.plugins.module_utils._preflight.instance import the_cluster
from ansible_collections.asm.lanes.plugins.module_utils._preflight.new import new
from ansible_collections.asm.lanes.plugins.module_utils._preflight.wanted import Facts, Wanted

ARGUMENTS = {
    "cluster_kubeconfig": {"type": "path", "required": True},
    "mesh_kubeconfig": {"type": "path"},
    "cluster": {"type": "str", "default": ""},
    "namespace": {"type": "str", "default": "default"},
    "services": {"type": "list", "elements": "str", "default": []},
    "deployments": {"type": "list", "elements": "str", "default": []},
    "gateway_name": {"type": "str", "default": "ingressgateway"},
    "gateway_namespace": {"type": "str", "default": "istio-system"},
    "gateway_port": {"type": "int", "default": 30080},
    "gateway_rule": {
        "type": "dict",
        "options": {"name": {"type": "str", "default": "ws-gateway"}, "namespace": {"type": "str"}},
    },
    "routing_namespace": {"type": "str"},
    "virtual_service": {"type": "str", "default": "ws"},
    "api_version": {"type": "str", "default": "networking.istio.io/v1beta1"},
    "trace_header": {"type": "str", "default": "baggage"},
    "allow_old_version": {"type": "bool", "default": False},
    "manage_namespace": {"type": "bool", "default": False},
    "manage_gateway_port": {"type": "bool", "default": False},
    "fail_on": {"type": "str", "choices": ["failed", "warning", "never"], "default": "failed"},
}
FATAL = {"failed": (finding.FAILED,), "warning": (finding.FAILED, finding.WARNING), "never": ()}


def main() -> None:
    """Read, check, report."""
    module = AnsibleModule(
        argument_spec={**asm_argument_spec(), **ARGUMENTS},
        required_together=REQUIRED_TOGETHER,
        supports_check_mode=True,
    )
    if IMPORT_ERROR is not None:
        module.fail_json(msg=missing_required_lib("kubernetes"), exception=str(IMPORT_ERROR))
    params = module.params
    wanted = _wanted(params)
    try:
        facts = reads.read(_sources(params), wanted, module.no_log_values.update)
    except LibraryMissingError as error:
        module.fail_json(msg=missing_required_lib(f"{LIBRARY} >= {MINIMUM}"), exception=error.details)
    findings = checks.run(facts, wanted)
    told = [one for one in findings if one.status in FATAL["warning"]]
    fatal = [one for one in findings if one.status in FATAL[params["fail_on"]]]
    result = {
        "cluster": _cluster(facts, wanted),
        "new": new(facts, wanted),
        "passed": all(one.status != finding.FAILED for one in findings),
        "findings": [one.as_dict() for one in findings],
        "table": finding.table(findings),
        "summary": finding.summary(findings),
        "message": finding.failure_message(findings, FATAL["warning"]) if told else "",
    }
    if fatal:
        module.fail_json(msg=finding.failure_message(findings, FATAL[params["fail_on"]]), **result)
    module.exit_json(changed=False, **result)


def _cluster(facts: Facts, wanted: Wanted) -> dict[str, str]:
    found = the_cluster(facts.clusters.value or [], wanted.cluster)
    if found is None:
        return {}
    return {"mesh_id": wanted.mesh_id, "name": str(found.get("Name")), "id": str(found.get("ClusterId"))}


def _wanted(params: dict[str, Any]) -> Wanted:
    rule = params["gateway_rule"] or {"name": "ws-gateway", "namespace": None}
    rule_namespace = rule["namespace"] or params["namespace"]
    return Wanted(
        mesh_id=params["mesh_id"],
        namespace=params["namespace"],
        services=tuple(params["services"]),
        deployments=tuple(params["deployments"]),
        cluster=params["cluster"],
        gateway_name=params["gateway_name"],
        gateway_namespace=params["gateway_namespace"],
        gateway_port=params["gateway_port"],
        rule_name=rule["name"],
        rule_namespace=rule_namespace,
        routing_namespace=params["routing_namespace"] or rule_namespace,
        virtual_service=params["virtual_service"],
        api_version=params["api_version"],
        trace_header=params["trace_header"],
        allow_old_version=params["allow_old_version"],
        manage_namespace=params["manage_namespace"],
        manage_gateway_port=params["manage_gateway_port"],
    )


def _sources(params: dict[str, Any]) -> reads.Sources:
    return reads.Sources(
        connection=Connection.from_params(params),
        cluster_kubeconfig=params["cluster_kubeconfig"],
        mesh_kubeconfig=params["mesh_kubeconfig"] or params["cluster_kubeconfig"],
        timeout=params["timeout"],
        request_timeout=params["request_timeout"],
    )


if __name__ == "__main__":
    main()
