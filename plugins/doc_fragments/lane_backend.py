# Copyright (c) 2026, asm.lanes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Documentation of the options that choose the way to the lane groups of a mesh."""

from __future__ import annotations


class ModuleDocFragment:
    """The options in C(module_utils/_asm/ways.py); the module documents C(backend)."""

    DOCUMENTATION = r"""
options:
  mesh_kubeconfig:
    description:
      - Path of the kubeconfig of the mesh's control plane, for the lane custom resources. The module
        M(asm.lanes.mesh_kubeconfig) fetches one.
      - No environment variable is used instead, since those name another cluster as a rule.
    type: path
  mesh_context:
    description: Context of O(mesh_kubeconfig) to use. When omitted, the file's current context.
    type: str
requirements:
  - kubernetes >= 31.0.0, when custom resources are used
"""
