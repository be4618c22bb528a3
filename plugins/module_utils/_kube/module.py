# Copyright (c) 2026, asm.lanes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What modules that read one Kubernetes API share: their options and how they connect."""

from __future__ import annotations

from typing import Any

from ansible.module_utils.basic import AnsibleModule, env_fallback, missing_required_lib

from .client import IMPORT_ERROR, Api, connect

DEFAULT_KUBECONFIG = "~/.kube/config"
"""Where kubectl looks, too."""


def kubeconfig_arguments() -> dict[str, Any]:
    """The options that the doc fragment ``asm.lanes.kubeconfig`` documents."""
    return {
        "kubeconfig": {"type": "path", "fallback": (env_fallback, ["K8S_AUTH_KUBECONFIG"])},
        "context": {"type": "str"},
    }


def connect_module(module: AnsibleModule) -> Api:
    """Connect with the module's options; fails the module when the Python client is missing.

    Raises:
        KubeError: the kubeconfig cannot be used.
    """
    if IMPORT_ERROR is not None:
        module.fail_json(msg=missing_required_lib("kubernetes"), exception=str(IMPORT_ERROR))
    return connect(module.params["kubeconfig"] or DEFAULT_KUBECONFIG, module.params["context"])
