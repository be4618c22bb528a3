#!/usr/bin/python
# Copyright (c) 2026, asm.lanes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The kubeconfig of an ASM instance's control plane, as a file that is renewed in time."""

from __future__ import annotations

DOCUMENTATION = r"""
module: mesh_kubeconfig
version_added: 0.1.0
short_description: Fetch and renew the kubeconfig of the control plane of Alibaba Cloud Service Mesh (ASM)
description:
  - Fetches the kubeconfig of an ASM instance's control plane into a file that only its owner can read, renews
    it before it expires, and removes it.
  - The file gets an entry C(asm.lanes) under C(extensions), a field that clients pass over and C(kubectl)
    keeps. It tells the mesh, the kind of address and the expiry.
  - With that the module judges a file without any call of the API, so that an unchanged run needs neither
    network nor credentials. When the file is for another mesh or the other kind of address, expires soon, or
    does not tell when it expires, the kubeconfig is fetched anew, and written if it differs.
  - The expiry is the end of the client certificate in the file; where there is none, the expiry that ASM told
    when the file was fetched, taken for UTC.
  - A file that does not carry the entry is left alone, unless O(force) is set.
  - Neither result, diff nor messages have anything secret, except RV(kubeconfig), which is returned only
    without O(dest).
author:
  - asm.lanes maintainers (@asm-lanes)
extends_documentation_fragment:
  - asm.lanes.credentials
  - asm.lanes.attributes
attributes:
  check_mode:
    description: The kubeconfig is fetched in check mode, too, when it would have to be, but not written.
    support: full
  diff_mode:
    description: Shows mode, mesh, server and expiry and a digest of the content, never the content.
    support: full
  idempotent:
    support: full
  action_group:
    support: full
    membership:
      - asm.lanes.asm
options:
  state:
    description:
      - V(present) has a kubeconfig in the file that is good for O(renew_before) hours at least.
      - V(absent) removes the file. It needs no call of the API; the kubeconfig itself stays valid.
    type: str
    choices: [present, absent]
    default: present
  dest:
    description:
      - Path of the file. Its folder must exist. The file is put in place as a whole, with mode C(0600) from
        its first moment on.
      - When omitted, the kubeconfig is returned as RV(kubeconfig). The task must then have C(no_log=true),
        since Ansible shows results; the module refuses to return it otherwise.
      - Required to remove the file.
    type: path
  private_ip:
    description: Whether the kubeconfig shall name the control plane's address within the VPC.
    type: bool
    default: false
  renew_before:
    description:
      - Hours before its expiry in which the kubeconfig is fetched anew.
      - There is a warning when the one that ASM hands out expires as soon.
    type: int
    default: 24
  force:
    description:
      - Take nothing that is there for granted, that is fetch the kubeconfig even when the file looks good,
        such as after it was revoked, and replace or remove a file that this module did not make.
    type: bool
    default: false
requirements:
  - PyYAML
seealso:
  - module: asm.lanes.mesh_info
  - module: asm.lanes.lane_group
"""

EXAMPLES = r"""
- name: Have the kubeconfig of the mesh in a file
  asm.lanes.mesh_kubeconfig:
    mesh_id: "{{ mesh_id }}"
    dest: "{{ mesh_kubeconfig }}"

- name: Have one that reaches the mesh from within the VPC, and is good for a week
  asm.lanes.mesh_kubeconfig:
    mesh_id: "{{ mesh_id }}"
    dest: "{{ mesh_kubeconfig }}"
    private_ip: true
    renew_before: 168

- name: Hold it in a variable, without a file
  asm.lanes.mesh_kubeconfig:
    mesh_id: "{{ mesh_id }}"
  register: fetched
  no_log: true

- name: Use it from there
  kubernetes.core.k8s_info:
    kubeconfig: "{{ fetched.kubeconfig | from_yaml }}"
    api_version: networking.istio.io/v1beta1
    kind: Gateway
  no_log: true

- name: Remove the file
  asm.lanes.mesh_kubeconfig:
    mesh_id: "{{ mesh_id }}"
    dest: "{{ mesh_kubeconfig }}"
    state: absent
"""

RETURN = r"""
file:
  description: Path of the file, null without O(dest).
  type: str
  returned: success
  sample: /home/ops/.kube/mesh
server:
  description: Address of the control plane in the kubeconfig; null when there is none any more.
  type: str
  returned: success
  sample: https://203.0.113.7:6443
expires:
  description: When the kubeconfig expires; null when that is not known, and when there is none any more.
  type: str
  returned: success
  sample: "2029-01-31T12:00:00Z"
kubeconfig:
  description: The kubeconfig. Secret.
  type: str
  returned: success, without O(dest)
api_calls:
  description: The API calls made, in order, with every repetition; empty when the file was good.
  type: list
  elements: dict
  returned: always
  contains:
    action:
      description: API action.
      type: str
      sample: DescribeServiceMeshKubeconfig
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
    - Why it failed, for programs. For a call of the API as in M(asm.lanes.lane_group).
    - When it was about the file, C(kind) is V(file), with C(path), C(message) and C(hint); V(invalid) when it
      was about an option.
  type: dict
  returned: failure
  contains:
    kind:
      description: What sort of failure it was.
      type: str
      sample: file
    message:
      description: The server's message, or the module's.
      type: str
    hint:
      description: What to do next.
      type: str
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.asm.lanes.plugins.module_utils._asm.credentials import REQUIRED_TOGETHER
from ansible_collections.asm.lanes.plugins.module_utils._asm.kubeconfig_file import run_module
from ansible_collections.asm.lanes.plugins.module_utils._asm.module import asm_argument_spec

NO_FILE = "dest: is needed when state is absent. Give the path of the file to remove."
WOULD_SHOW = (
    "Without dest the kubeconfig is returned, and Ansible shows what a task returns. "
    "Set no_log: true on the task, or give dest to have it in a file."
)


def main() -> None:
    """Entry point of the module."""
    module = AnsibleModule(
        argument_spec={
            **asm_argument_spec(),
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
            "dest": {"type": "path"},
            "private_ip": {"type": "bool", "default": False},
            "renew_before": {"type": "int", "default": 24},
            "force": {"type": "bool", "default": False},
        },
        required_together=REQUIRED_TOGETHER,
        supports_check_mode=True,
    )
    if module.params["dest"] is None:
        refuse_without_dest(module)
    run_module(module)


def refuse_without_dest(module: AnsibleModule) -> None:
    """Fail when a file is to go that is not named, or when the result would be shown."""
    words = ""
    if module.params["state"] == "absent":
        words = NO_FILE
    elif not module.no_log:  # the task's no_log, or no_target_syslog, which a module cannot tell apart
        words = WOULD_SHOW
    if words:
        module.fail_json(msg=words, failure={"kind": "invalid", "message": words}, api_calls=[])


if __name__ == "__main__":
    main()
