# Copyright (c) 2026, asm.lanes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""How modules that read one Kubernetes API connect."""

from __future__ import annotations

from ansible.module_utils.basic import AnsibleModule, missing_required_lib

from .client import IMPORT_ERROR, Api, connect
from .options import DEFAULT_KUBECONFIG


def connect_module(module: AnsibleModule) -> Api:
    """Connect with the module's options; fails the module when the Python client is missing.

    Raises:
        KubeError: the kubeconfig cannot be used.
    """
    if IMPORT_ERROR is not None:
        module.fail_json(msg=missing_required_lib("kubernetes"), exception=str(IMPORT_ERROR))
    return connect(module.params["kubeconfig"] or DEFAULT_KUBECONFIG, module.params["context"])
