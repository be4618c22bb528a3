#!/usr/bin/python
# Copyright (c) 2026, asm.lanes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Ansible module asm.lanes.gateway_port: documentation and wiring; the work is done in module_utils/_asm."""

from __future__ import annotations

DOCUMENTATION = r"""
module: gateway_port
version_added: 0.1.0
short_description: Let an ASM gateway listen on a port
description:
  - Adds a TCP port to an C(IstioGateway) on the mesh control plane. The other ports stay as they are.
  - A port that is there already is left as it is, whatever its name.
  - When somebody changes the gateway between reading and writing, the module fails instead of undoing that
    change.
author:
  - asm.lanes maintainers (@asm-lanes)
extends_documentation_fragment:
  - asm.lanes.kubeconfig
attributes:
  check_mode:
    description: Can run in check mode; the server tries the change by a dry run.
    support: full
  diff_mode:
    description: Shows the ports before and after.
    support: full
options:
  name:
    description: Name of the ASM gateway.
    type: str
    default: ingressgateway
  namespace:
    description: Namespace of the ASM gateway.
    type: str
    default: istio-system
  port:
    description: The port, from 1 to 65535.
    type: int
    required: true
"""

EXAMPLES = r"""
- name: The guide's port
  asm.lanes.gateway_port:
    kubeconfig: ~/.kube/mesh
    port: 30080
"""

RETURN = r"""
ports:
  description: The ports of the gateway afterwards; in check mode, as they would be.
  type: list
  elements: dict
  returned: success
  sample:
    - {name: http-30080, port: 30080, targetPort: 30080, protocol: TCP}
failure:
  description:
    - What kind of failure it was, for programs.
    - One of V(port), V(kubeconfig), V(unreachable), V(tls), V(unauthorized), V(forbidden), V(not_kubernetes),
      V(kind), V(not_found) and V(api).
  type: str
  returned: on failure
  sample: not_found
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.asm.lanes.plugins.module_utils._asm.gateway_port import ensure
from ansible_collections.asm.lanes.plugins.module_utils._kube.errors import KubeError
from ansible_collections.asm.lanes.plugins.module_utils._kube.module import connect_module
from ansible_collections.asm.lanes.plugins.module_utils._kube.options import kubeconfig_arguments


def main() -> None:
    """Entry point of the module."""
    module = AnsibleModule(
        argument_spec={
            **kubeconfig_arguments(),
            "name": {"type": "str", "default": "ingressgateway"},
            "namespace": {"type": "str", "default": "istio-system"},
            "port": {"type": "int", "required": True},
        },
        supports_check_mode=True,
    )
    name, namespace, port = (module.params[key] for key in ("name", "namespace", "port"))
    if not 0 < port < 65536:
        module.fail_json(msg=f"port {port}: a port is a number from 1 to 65535.", failure="port")
    try:
        before, after = ensure(connect_module(module), namespace, name, port, module.check_mode)
    except KubeError as error:
        module.fail_json(msg=error.message, failure=error.failure)
    title = f"IstioGateway {namespace}/{name} ports"
    headers = {"before_header": title, "after_header": title}
    module.exit_json(changed=after != before, ports=after, diff={**headers, "before": before, "after": after})


if __name__ == "__main__":
    main()
