#!/usr/bin/python
# Copyright (c) 2026, asm.lanes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What an ASM instance is and what it can do for lanes."""

from __future__ import annotations

DOCUMENTATION = r"""
module: mesh_info
version_added: 0.1.0
short_description: Tell what an instance of Alibaba Cloud Service Mesh (ASM) is and can do for lanes
description:
  - Reads an ASM instance, with its edition and version, its clusters, and the namespaces whose pods get a
    sidecar.
  - Compares the version and the edition with what lanes need, so that a playbook can decide on
    RV(mesh.capabilities) instead of on version numbers.
  - With O(mesh_kubeconfig) it reads the gateways and their ports, which no call of the ASM API returns.
  - The module only reads.
author:
  - asm.lanes maintainers (@asm-lanes)
extends_documentation_fragment:
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
      - Path of the kubeconfig of the mesh's control plane, to read the gateways with. The module
        M(asm.lanes.mesh_kubeconfig) fetches one.
      - When omitted, RV(mesh.gateways) is null, with a note. No environment variable is used instead, since
        those name another cluster as a rule.
    type: path
  mesh_context:
    description: Context of O(mesh_kubeconfig) to use. When omitted, the file's current context.
    type: str
requirements:
  - kubernetes >= 31.0.0, with O(mesh_kubeconfig)
seealso:
  - module: asm.lanes.mesh_kubeconfig
  - module: asm.lanes.lane_group
"""

EXAMPLES = r"""
- name: What is this mesh?
  asm.lanes.mesh_info:
    mesh_id: "{{ mesh_id }}"
  register: found

- name: Stop where the mesh cannot pass the lane on as baggage
  ansible.builtin.assert:
    that: found.mesh.capabilities.baggage_propagation.supported
    fail_msg: "Baggage propagation {{ found.mesh.capabilities.baggage_propagation.reason }}"

- name: Read the gateways, too
  asm.lanes.mesh_info:
    mesh_id: "{{ mesh_id }}"
    mesh_kubeconfig: "{{ mesh_kubeconfig }}"
  register: found

- name: Show the ports of the gateways
  ansible.builtin.debug:
    msg: "{{ item.name }}: {{ item.ports | map(attribute='port') | join(', ') }}"
  loop: "{{ found.mesh.gateways }}"
  loop_control:
    label: "{{ item.name }}"
"""

RETURN = r"""
mesh:
  description: The instance.
  type: dict
  returned: success
  contains:
    id:
      description: ID of the instance.
      type: str
      sample: c08ba3fd1e6484b0f8cc1ad8fe10d****
    name:
      description: Its name.
      type: str
      sample: demo
    region:
      description: Region that it is in.
      type: str
      sample: cn-hangzhou
    state:
      description: Its state; lanes can be changed when it is V(running).
      type: str
      sample: running
    error:
      description: What ASM reports to be wrong with it, null when nothing is.
      type: str
    edition:
      description:
        - V(standard), V(enterprise) or V(ultimate).
        - V(pro) when it is one of the last two and ASM does not say which; null when it says nothing.
      type: str
      sample: enterprise
    version:
      description: Its version.
      type: dict
      contains:
        text:
          description: As ASM writes it.
          type: str
          sample: v1.22.6.90-g0000000-aliyun
        numbers:
          description: The numbers that count in a comparison; null when the text has none.
          type: list
          elements: int
          sample: [1, 22, 6, 90]
    capabilities:
      description:
        - What the instance can do for lanes, each with C(supported), C(since) and C(reason).
        - C(supported) is null when it cannot be told; C(since) is the first version that can do it;
          C(reason) is null when it is supported, else says why it is not.
      type: dict
      contains:
        permissive_lanes:
          description: Lane groups in permissive mode. They need the enterprise or the ultimate edition.
          type: dict
          sample: {supported: true, since: 1.18.2.111, reason: null}
        gateway_rule_namespace:
          description: A gateway rule in a namespace of one's choice.
          type: dict
          sample: {supported: true, since: 1.17.2.28, reason: null}
        service_level_fallback:
          description: Another lane than the baseline as fallback of one service, in permissive mode.
          type: dict
          sample: {supported: true, since: "1.21", reason: null}
        baggage_propagation:
          description:
            - That the proxies pass the route header on along the call chain as baggage.
            - One page of Alibaba's names 1.18.2.111 for it; this is the stricter, more specific one.
          type: dict
          sample: {supported: true, since: 1.21.6.54, reason: null}
    api_server:
      description: Addresses of the control plane's Kubernetes API, each null when there is none.
      type: dict
      contains:
        public:
          description: From the Internet.
          type: str
          sample: https://203.0.113.7:6443
        private:
          description: From within the VPC.
          type: str
          sample: https://192.168.0.7:6443
    clusters:
      description: The Kubernetes clusters in the mesh, by ID.
      type: list
      elements: dict
      contains:
        id:
          description: ID of the cluster.
          type: str
          sample: c134b0727aa2492db69f6c3880e****
        name:
          description: Its name.
          type: str
          sample: demo
        region:
          description: Region that it is in.
          type: str
          sample: cn-hangzhou
        state:
          description: Its state.
          type: str
          sample: running
        version:
          description: Version of Kubernetes.
          type: str
          sample: 1.32.1-aliyun.1
        error:
          description: What ASM reports to be wrong with it, null when nothing is.
          type: str
        injected_namespaces:
          description: Namespaces whose new pods get a sidecar; null, with a note, when ASM cannot list them.
          type: list
          elements: str
          sample: [default]
    gateways:
      description: The gateways of the mesh, by name; null, with a note, without O(mesh_kubeconfig).
      type: list
      elements: dict
      contains:
        name:
          description: Name of the C(IstioGateway).
          type: str
          sample: ingressgateway
        namespace:
          description: Its namespace.
          type: str
          sample: istio-system
        type:
          description: V(ingress) or V(egress).
          type: str
          sample: ingress
        service_type:
          description: Type of its C(Service); null when the C(IstioGateway) does not say.
          type: str
          sample: LoadBalancer
        clusters:
          description: IDs of the clusters that it runs in.
          type: list
          elements: str
          sample: [c134b0727aa2492db69f6c3880e****]
        ports:
          description: The ports that it can be reached at.
          type: list
          elements: dict
          contains:
            name:
              description: Name of the port.
              type: str
              sample: ws-30080
            port:
              description: Number.
              type: int
              sample: 30080
            target_port:
              description: Number within the gateway's pods; null when not stated.
              type: int
              sample: 30080
            protocol:
              description: Protocol; null when not stated.
              type: str
              sample: TCP
notes:
  description: What could not be told, and why. Empty when everything could.
  type: list
  elements: str
  returned: success
  sample:
    - mesh.gateways are not known. Give mesh_kubeconfig, a kubeconfig of the mesh's control plane.
api_calls:
  description: The calls of the ASM API made, in order, with every repetition.
  type: list
  elements: dict
  returned: always
  contains:
    action:
      description: API action.
      type: str
      sample: DescribeServiceMeshDetail
    object:
      description: What it was about.
      type: str
      sample: mesh c08ba3fd1e6484b0f8cc1ad8fe10d****
    request_id:
      description: Alibaba Cloud's ID of the request, null when there was no answer.
      type: str
      sample: 31d3a0f0-07ed-4f6e-9004-1804498c****
    error:
      description: Error code or kind of failure; missing when the call succeeded.
      type: str
      sample: Throttling.User
failure:
  description:
    - Why it failed, for programs. For a call of the ASM API as in M(asm.lanes.lane_group).
    - For the Kubernetes API of the control plane C(kind) is one of V(kubeconfig), V(unreachable), V(tls),
      V(unauthorized), V(forbidden), V(not_kubernetes), V(kind), V(not_found) and V(api).
  type: dict
  returned: failure
  contains:
    kind:
      description: What sort of failure it was.
      type: str
      sample: rejected
    message:
      description: The server's message, or the module's.
      type: str
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule, missing_required_lib
from ansible_collections.asm.lanes.plugins.module_utils._asm import mesh
from ansible_collections.asm.lanes.plugins.module_utils._asm.credentials import REQUIRED_TOGETHER
from ansible_collections.asm.lanes.plugins.module_utils._asm.errors import AsmError
from ansible_collections.asm.lanes.plugins.module_utils._asm.module import (
    asm_argument_spec,
    connect_module,
    fail,
)
from ansible_collections.asm.lanes.plugins.module_utils._kube.client import IMPORT_ERROR, connect
from ansible_collections.asm.lanes.plugins.module_utils._kube.errors import KubeError

NO_KUBECONFIG = "mesh.gateways are not known. Give mesh_kubeconfig, a kubeconfig of the mesh's control plane."


def main() -> None:
    """Entry point of the module."""
    module = AnsibleModule(
        argument_spec={
            **asm_argument_spec(),
            "mesh_kubeconfig": {"type": "path"},
            "mesh_context": {"type": "str"},
        },
        required_together=REQUIRED_TOGETHER,
        required_by={"mesh_context": "mesh_kubeconfig"},
        supports_check_mode=True,
    )
    client = connect_module(module)

    def calls() -> dict[str, Any]:
        return {"api_calls": [record.as_dict() for record in client.calls]}

    try:
        gateways = read_gateways(module)
        found, notes = mesh.read_mesh(client)
    except KubeError as error:
        module.fail_json(
            msg=error.message, failure={"kind": error.failure, "message": error.message}, **calls()
        )
    except AsmError as error:
        fail(module, error, **calls())
    for note in notes:
        module.warn(note)
    if gateways is None:
        notes.append(NO_KUBECONFIG)
    module.exit_json(changed=False, mesh={**found, "gateways": gateways}, notes=notes, **calls())


def read_gateways(module: AnsibleModule) -> list[dict[str, Any]] | None:
    """The gateways, by name; None without a kubeconfig. Raises KubeError."""
    kubeconfig, context = module.params["mesh_kubeconfig"], module.params["mesh_context"]
    if not kubeconfig:
        return None
    if IMPORT_ERROR is not None:
        module.fail_json(msg=missing_required_lib("kubernetes"), exception=str(IMPORT_ERROR))
    api = connect(kubeconfig, context)
    found = api.list(mesh.GATEWAY_API, mesh.GATEWAY_KIND, mesh.GATEWAY_NAMESPACE)
    return sorted(map(mesh.gateway_from_object, found), key=lambda gateway: str(gateway["name"]))


if __name__ == "__main__":
    main()
