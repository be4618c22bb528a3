# Copyright (c) 2026, asm.lanes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Filter: the Kubernetes server's own words in the message of a failed kubernetes.core task."""

from __future__ import annotations

from collections.abc import Callable

from ansible_collections.asm.lanes.plugins.module_utils._kube.status import server_words

DOCUMENTATION = r"""
name: server_words
version_added: 0.1.0
short_description: The Kubernetes server's own words in the message of a failed task
description:
  - A failed task of P(kubernetes.core.k8s#module) reports the server's whole answer, as JSON.
    This filter returns the sentence in it that is meant for people.
  - A text without such an answer is returned as it is.
options:
  _input:
    description: The C(msg) of the failed task.
    type: str
    required: true
author:
  - asm.lanes maintainers (@asm-lanes)
"""

EXAMPLES = r"""
- name: Say what the server said
  ansible.builtin.fail:
    msg: "{{ applied.msg | asm.lanes.server_words }}"
  when: applied is failed
"""

RETURN = r"""
_value:
  description: What the server said.
  type: str
"""


class FilterModule:
    """The filters of this file, as Ansible finds them."""

    def filters(self) -> dict[str, Callable[[str], str]]:
        """Filters by name."""
        return {"server_words": server_words}
