# Copyright (c) 2026, asm.lanes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Documentation of the options of every module that reads one Kubernetes API."""

from __future__ import annotations


class ModuleDocFragment:
    """The options in C(module_utils/_kube/module.py)."""

    DOCUMENTATION = r"""
options:
  kubeconfig:
    description:
      - Path of the kubeconfig of the server to talk to.
      - When omitted, the environment variable E(K8S_AUTH_KUBECONFIG) is used, then V(~/.kube/config).
    type: path
  context:
    description:
      - Context of the kubeconfig to use. When omitted, the file's current context.
    type: str
requirements:
  - kubernetes >= 31.0.0
"""
