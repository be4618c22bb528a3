#!/usr/bin/python
# Copyright (c) 2026, asm.lanes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Ansible module asm.lanes.gateway_routing: documentation and wiring; the work is done in module_utils."""

from __future__ import annotations

DOCUMENTATION = r"""
module: gateway_routing
version_added: 0.1.0
short_description: Route a port of an ASM gateway to a service
description:
  - Makes a gateway rule (Istio C(Gateway)) and its one route (C(VirtualService)) on the mesh control plane,
    the way M(asm.lanes.kube_objects) makes objects - a look, a dry run of all, then writes of what differs.
  - On request it also has the ASM gateway (C(IstioGateway)) listen on the port. Its other ports stay as they
    are, and a port that is there already is left as it is, whatever its name. When somebody changes the
    gateway between reading and writing, the module fails instead of undoing that change.
author:
  - asm.lanes maintainers (@asm-lanes)
extends_documentation_fragment:
  - asm.lanes.kubeconfig
  - asm.lanes.objects
  - asm.lanes.objects.own
options:
  state:
    description:
      - Whether the routing shall exist.
      - V(absent) removes the gateway rules and routes of O(namespace) that carry the module's labels with
        O(part_of). The port of the ASM gateway stays - others may use it by now.
    type: str
    choices: [present, absent]
    default: present
  api_version:
    description: API version of rule and route.
    type: str
    default: networking.istio.io/v1beta1
  namespace:
    description: Namespace of rule and route.
    type: str
    default: default
  rule_name:
    description: Name of the gateway rule.
    type: str
    default: ws-gateway
  gateway_name:
    description: Name of the ASM gateway.
    type: str
    default: ingressgateway
  gateway_namespace:
    description: Namespace of the ASM gateway; only needed with O(manage_gateway_port).
    type: str
    default: istio-system
  selector:
    description: Labels of the gateway's pods. By default C(istio) with O(gateway_name).
    type: dict
  hosts:
    description: Host names for which rule and route hold.
    type: list
    elements: str
    default: ["*"]
  port:
    description: Port of the gateway, from 1 to 65535.
    type: int
    default: 30080
  port_name:
    description: Name of that port in the gateway rule.
    type: str
    default: http
  protocol:
    description: Protocol of that port.
    type: str
    default: HTTP
  manage_gateway_port:
    description: Whether to have the ASM gateway listen on O(port) when it does not.
    type: bool
    default: false
  virtual_service_name:
    description: Name of the route.
    type: str
    default: ws
  service:
    description: Service that the route leads to.
    type: str
    default: wsk-svc
  service_namespace:
    description: Namespace of that service.
    type: str
    default: default
  service_port:
    description: Port of that service, from 1 to 65535.
    type: int
    default: 5000
  cluster_domain:
    description: Domain of the cluster, the end of a service's fully qualified name.
    type: str
    default: cluster.local
  timeout:
    description: Seconds for removed objects to go.
    type: float
    default: 60
"""

EXAMPLES = r"""
- name: The guide's routing
  asm.lanes.gateway_routing:
    kubeconfig: ~/.kube/mesh

- name: A shop's, on a port that the gateway may not listen on yet
  asm.lanes.gateway_routing:
    kubeconfig: ~/.kube/mesh
    namespace: istio-system
    rule_name: shop-gateway
    port: 8080
    manage_gateway_port: true
    virtual_service_name: shop
    service: cart
    service_namespace: shop
    service_port: 80
    part_of: shop
"""

RETURN = r"""
objects:
  description:
    - What was done about each object, in order - with O(manage_gateway_port) the ASM gateway is the first.
    - See M(asm.lanes.kube_objects).
  type: list
  elements: dict
  returned: always
written:
  description: Kind and name of every object that was written; in check mode, that would be.
  type: list
  elements: str
  returned: always
  sample: [Gateway ws-gateway, VirtualService ws]
failure:
  description:
    - What kind of failure it was, for programs.
    - V(port), or one of M(asm.lanes.kube_objects).
  type: str
  returned: on failure
  sample: not_found
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.asm.lanes.plugins.module_utils._asm.gateway_routing import (
    bad_ports,
    port_step,
    routing_objects,
)
from ansible_collections.asm.lanes.plugins.module_utils._kube.client import Api
from ansible_collections.asm.lanes.plugins.module_utils._kube.objects import Step, own_labels
from ansible_collections.asm.lanes.plugins.module_utils._kube.objects_module import run_module
from ansible_collections.asm.lanes.plugins.module_utils._kube.options import (
    kubeconfig_arguments,
    objects_arguments,
    own_arguments,
)

ARGUMENTS = {
    **kubeconfig_arguments(),
    **objects_arguments(),
    **own_arguments(),
    "api_version": {"type": "str", "default": "networking.istio.io/v1beta1"},
    "namespace": {"type": "str", "default": "default"},
    "rule_name": {"type": "str", "default": "ws-gateway"},
    "gateway_name": {"type": "str", "default": "ingressgateway"},
    "gateway_namespace": {"type": "str", "default": "istio-system"},
    "selector": {"type": "dict"},
    "hosts": {"type": "list", "elements": "str", "default": ["*"]},
    "port": {"type": "int", "default": 30080},
    "port_name": {"type": "str", "default": "http"},
    "protocol": {"type": "str", "default": "HTTP"},
    "manage_gateway_port": {"type": "bool", "default": False},
    "virtual_service_name": {"type": "str", "default": "ws"},
    "service": {"type": "str", "default": "wsk-svc"},
    "service_namespace": {"type": "str", "default": "default"},
    "service_port": {"type": "int", "default": 5000},
    "cluster_domain": {"type": "str", "default": "cluster.local"},
    "timeout": {"type": "float", "default": 60},
}


def main() -> None:
    """Entry point of the module."""
    module = AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True)
    options = module.params
    wrong = bad_ports(options)
    if wrong:
        module.fail_json(msg=" ".join(wrong), failure="port")

    def first(api: Api) -> list[Step]:
        if not options["manage_gateway_port"]:
            return []
        return [port_step(api, options["gateway_namespace"], options["gateway_name"], options["port"])]

    # Rule and route name each other, and neither does anything before the other is there.
    run_module(
        module,
        routing_objects(options),
        own_labels(options["part_of"]),
        first,
        together=lambda item: item["apiVersion"],
    )


if __name__ == "__main__":
    main()
