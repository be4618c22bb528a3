# Copyright (c) 2026, asm.lanes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Filter: how far Deployments are, from the objects that a task has at hand."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from ansible_collections.asm.lanes.plugins.module_utils._kube.rollout import rollout

DOCUMENTATION = r"""
name: rollouts
version_added: 0.1.0
short_description: How far Deployments are, from their objects
description:
  - Judges Deployments that a task has returned, by the rule of C(kubectl rollout status).
  - Saves the wait where the server's answer to an unchanged apply shows already that everything is ready.
options:
  _input:
    description: Deployments, as the Kubernetes API returns them, status included.
    type: list
    elements: dict
    required: true
seealso:
  - plugin: asm.lanes.rollout_status
    plugin_type: module
author:
  - asm.lanes maintainers (@asm-lanes)
"""

EXAMPLES = r"""
- name: Name what is not ready
  ansible.builtin.debug:
    msg: "{{ deployments | asm.lanes.rollouts | rejectattr('ready') | map(attribute='name') | list }}"
"""

RETURN = r"""
_value:
  description: For each Deployment what M(asm.lanes.rollout_status) returns of it.
  type: list
  elements: dict
"""


def rollouts(deployments: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Judge each Deployment; see ``_kube.rollout.Rollout`` for the keys."""
    return [rollout(deployment["metadata"]["name"], deployment).result() for deployment in deployments]


class FilterModule:
    """The filters of this file, as Ansible finds them."""

    def filters(self) -> dict[str, Callable[[Iterable[dict[str, Any]]], list[dict[str, Any]]]]:
        """Filters by name."""
        return {"rollouts": rollouts}
