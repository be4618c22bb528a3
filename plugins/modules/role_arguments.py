#!/usr/bin/python
# Copyright (c) 2026, asm.lanes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Ansible module asm.lanes.role_arguments: documentation; the action plugin of that name does the work."""

from __future__ import annotations

DOCUMENTATION = r"""
module: role_arguments
short_description: Validate the inputs of several roles before any of them does anything
version_added: 0.1.0
author: asm.lanes maintainers (@asm-lanes)
description:
  - Holds the variables of several roles of this collection against their argument specifications, in one
    task.
  - Ansible validates the inputs of a role when its turn comes. In a playbook that chains roles, what is wrong
    with the last one would be found when the others have written already.
  - Take the roles in with M(ansible.builtin.import_role) and C(rolespec_validate=false), so that their
    variables are known to the whole play and they are not validated a second time.
attributes:
  action:
    description: Runs on the controller only.
    support: full
  check_mode:
    description: Can run in check mode, where it does the same.
    support: full
  diff_mode:
    description: Changes nothing, so there is nothing to compare.
    support: none
options:
  roles:
    description:
      - Names of roles of this collection, without its own.
      - Where the run is limited by tags, only roles whose name is among the tags are validated.
    type: list
    elements: str
    required: true
seealso:
  - module: ansible.builtin.validate_argument_spec
"""

EXAMPLES = r"""
- name: Validate the inputs of both roles
  asm.lanes.role_arguments:
    roles: [preflight, lane_group]

- name: Check the prerequisites
  ansible.builtin.import_role:
    name: asm.lanes.preflight
    rolespec_validate: false

- name: Create the lanes
  ansible.builtin.import_role:
    name: asm.lanes.lane_group
    rolespec_validate: false
"""

RETURN = r"""
roles:
  description: The roles whose inputs were validated.
  type: list
  elements: str
  returned: always
  sample: [preflight, lane_group]
argument_errors:
  description: What is wrong, a sentence each.
  type: list
  elements: str
  returned: on failure
"""
