# Copyright (c) 2026, asm.lanes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Documentation of what modules have in common that bring a set of objects to its desired state."""

from __future__ import annotations


class ModuleDocFragment:
    """The options in C(module_utils/_kube/options.py)."""

    DOCUMENTATION = r"""
attributes:
  check_mode:
    description: Can run in check mode; the server tries every change by a dry run.
    support: full
  diff_mode:
    description: Shows every object before and after, also in check mode and when it is created or removed.
    support: full
options:
  force_conflicts:
    description:
      - Whether to take over fields that another field manager has set to something else, as
        C(kubectl apply --server-side --force-conflicts) does. Which they are, a run without it tells, also
        in check mode.
    type: bool
    default: false
  expect_new:
    description:
      - Whether none of the objects is expected to be there, because a task before this one has looked - see
        RV(asm.lanes.preflight#module:new). They are not looked for then; namespaces are.
      - Nothing depends on it but speed. The dry run finds what is there nevertheless.
    type: bool
    default: false
  advice:
    description: What to add to the error of a kind of RV(failure), such as the name of the variable to set.
    type: dict
"""

    # Of modules that make the objects themselves.
    OWN = r"""
options:
  part_of:
    description: Value of the label C(app.kubernetes.io/part-of), by which removal finds the objects again.
    type: str
    default: ws
  labels:
    description: More labels for every object but a namespace. Those of the module win over them.
    type: dict
"""
