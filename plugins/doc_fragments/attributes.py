# Copyright (c) 2026, asm.lanes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Documentation of what modules can do; each module states how far it supports it."""

from __future__ import annotations


class ModuleDocFragment:
    """Attributes; the module adds C(support) to each."""

    DOCUMENTATION = r"""
options: {}
attributes:
  check_mode:
    description:
      - Can run in C(check_mode) and return the changed status prediction without modifying the target.
  diff_mode:
    description: Will return details on what has changed, or would change in C(check_mode), when in diff mode.
  idempotent:
    description: When run twice in a row with the same arguments, the second run changes nothing.
  action_group:
    description: Use C(group/asm.lanes.asm) in C(module_defaults) to set defaults for this module.
"""
