#!/usr/bin/python
# Copyright (c) 2026, asm.lanes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Check that a Kubernetes API can be reached, accepts the credentials and serves what is needed."""

from __future__ import annotations

DOCUMENTATION = r"""
module: kube_check
version_added: 0.1.0
short_description: Check that a Kubernetes API can be reached and serves what is needed
description:
  - Connects with a kubeconfig and reads. When that does not work, the module fails with one message that
    says why and what to do - the file is missing or no kubeconfig, the server is down or another one than
    the file trusts, the credentials are refused, or a kind is not served there.
  - The module only reads.
author:
  - asm.lanes maintainers (@asm-lanes)
extends_documentation_fragment:
  - asm.lanes.kubeconfig
attributes:
  check_mode:
    description: The module only reads, so that check mode makes no difference.
    support: full
  diff_mode:
    description: The module changes nothing.
    support: none
options:
  namespace:
    description: Namespace in which the kinds must be readable.
    type: str
    required: true
  kinds:
    description: What the server must serve, and let the account read.
    type: list
    elements: dict
    default: []
    suboptions:
      api_version:
        description: Group and version, such as V(apps/v1).
        type: str
        required: true
      kind:
        description: Kind, such as V(Deployment).
        type: str
        required: true
"""

EXAMPLES = r"""
- name: Is this the mesh control plane?
  asm.lanes.kube_check:
    kubeconfig: ~/.kube/mesh
    namespace: default
    kinds:
      - api_version: networking.istio.io/v1beta1
        kind: VirtualService
"""

RETURN = r"""
server:
  description: Address of the server.
  type: str
  returned: success
  sample: https://10.0.0.1:6443
version:
  description: Version of the server.
  type: str
  returned: success
  sample: v1.32.1
failure:
  description:
    - What kind of failure it was, for programs.
    - One of V(kubeconfig), V(unreachable), V(tls), V(unauthorized), V(forbidden), V(not_kubernetes),
      V(kind), V(not_found) and V(api).
  type: str
  returned: on failure
  sample: unauthorized
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.asm.lanes.plugins.module_utils._kube.errors import KubeError
from ansible_collections.asm.lanes.plugins.module_utils._kube.module import (
    connect_module,
    kubeconfig_arguments,
)


def main() -> None:
    """Entry point of the module."""
    kind = {
        "api_version": {"type": "str", "required": True},
        "kind": {"type": "str", "required": True},
    }
    module = AnsibleModule(
        argument_spec={
            **kubeconfig_arguments(),
            "namespace": {"type": "str", "required": True},
            "kinds": {"type": "list", "elements": "dict", "default": [], "options": kind},
        },
        supports_check_mode=True,
    )
    try:
        api = connect_module(module)
        version = api.version()
        for needed in module.params["kinds"]:
            api.list(needed["api_version"], needed["kind"], module.params["namespace"])
    except KubeError as error:
        module.fail_json(msg=error.message, failure=error.failure)
    module.exit_json(changed=False, server=api.server, version=version.get("gitVersion", ""))


if __name__ == "__main__":
    main()
