#!/usr/bin/python
# Copyright (c) 2026, asm.lanes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Wait until Deployments are rolled out, and say why when they are not."""

from __future__ import annotations

DOCUMENTATION = r"""
module: rollout_status
version_added: 0.1.0
short_description: Wait until Deployments are rolled out, and say why when they are not
description:
  - Waits until every named Deployment of a namespace is rolled out, as C(kubectl rollout status) does,
    but for all of them at once, with one deadline, and watching instead of asking again and again.
  - When a Deployment is not ready in time, the module fails with one message that says why - the
    Deployment's conditions, what its pods are waiting for, and the newest warnings.
  - It fails at once when a Deployment does not exist, or when its controller has given up on it.
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
    description: Namespace of the Deployments.
    type: str
    required: true
  deployments:
    description: Names of the Deployments.
    type: list
    elements: str
    required: true
  timeout:
    description:
      - Seconds to wait for all Deployments together.
      - With V(0) the present state is judged without waiting.
    type: int
    default: 120
"""

EXAMPLES = r"""
- name: Wait for the sample application
  asm.lanes.rollout_status:
    kubeconfig: ~/.kube/ack
    namespace: default
    deployments:
      - wsk-deploy
      - helloworld-v1
      - helloworld-v2
    timeout: 180
"""

RETURN = r"""
deployments:
  description: How far each Deployment is, in the order of O(deployments). Also returned on failure.
  type: list
  elements: dict
  returned: when the server could be read
  contains:
    name:
      description: Name of the Deployment.
      type: str
      sample: helloworld-v1
    exists:
      description: Whether the namespace has this Deployment.
      type: bool
    ready:
      description: Whether it is rolled out completely.
      type: bool
    failed:
      description: Whether its controller has given up, because its progress deadline has passed.
      type: bool
    replicas:
      description: Number of replicas wanted.
      type: int
    updated_replicas:
      description: Number of replicas made from the newest template.
      type: int
    available_replicas:
      description: Number of replicas that serve.
      type: int
    images:
      description: Images of its containers.
      type: list
      elements: str
    message:
      description: The state in one sentence.
      type: str
      sample: 1 of 1 replicas available
reasons:
  description: For each Deployment that is not ready, by name, what its conditions, pods and events say.
  type: dict
  returned: when a Deployment is not ready
  sample:
    helloworld-v2:
      - "pod helloworld-v2-5d9c7-x2x8l: container helloworld waiting: ImagePullBackOff"
failure:
  description:
    - What kind of failure it was, for programs.
    - V(missing), V(failed) and V(timeout) are about the Deployments; V(kubeconfig), V(unreachable), V(tls),
      V(unauthorized), V(forbidden), V(not_kubernetes), V(kind), V(not_found) and V(api) about the server.
  type: str
  returned: on failure
  sample: timeout
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.asm.lanes.plugins.module_utils._kube.options import rollout_arguments
from ansible_collections.asm.lanes.plugins.module_utils._kube.rollout_status import rollout_status


def main() -> None:
    """Entry point of the module."""
    module = AnsibleModule(argument_spec=rollout_arguments(), supports_check_mode=True)
    told = rollout_status(module.params)
    if "msg" in told:
        module.fail_json(**told)
    module.exit_json(changed=False, **told)


if __name__ == "__main__":
    main()
