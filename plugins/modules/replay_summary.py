#!/usr/bin/python
# Copyright (c) 2026, asm.lanes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Ansible module asm.lanes.replay_summary: documentation; the action plugin of that name does the work."""

from __future__ import annotations

DOCUMENTATION = r"""
module: replay_summary
short_description: Show what a replay did and saw, and hand it over to workflows
version_added: 0.1.0
author: asm.lanes maintainers (@asm-lanes)
description:
  - Prints a few lines for people from the results that roles of this collection register - what was written,
    which Deployments are ready, who answered in which lane, where the report is.
  - Hands the same over as statistics, which callbacks show, and which AWX keeps as artifacts of the job and
    gives to the next node of a workflow. C(asm_lanes_proof) is the verdict; C(asm_lanes_plan) lists the
    changes, where one of O(sample_app), O(gateway_routing) and O(lane_group) is stated.
  - Fails when the lanes are not as promised. Ansible takes no statistics from a task that fails; they are
    RV(statistics) then, for M(ansible.builtin.set_stats) in a C(rescue).
attributes:
  action:
    description: Runs on the controller only.
    support: full
  check_mode:
    description: Can run in check mode, where it says what would be, and hands over no verdict.
    support: full
  diff_mode:
    description: Changes nothing, so there is nothing to compare.
    support: none
options:
  sample_app:
    description: Result of the role P(asm.lanes.sample_app#role), C(sample_app_result).
    type: dict
    default: {}
  gateway_routing:
    description: Result of the role P(asm.lanes.gateway_routing#role), C(gateway_routing_result).
    type: dict
    default: {}
  lane_group:
    description: Result of the role P(asm.lanes.lane_group#role), C(lane_group_result).
    type: dict
    default: {}
  lane_proof:
    description: Result of the role P(asm.lanes.lane_proof#role), C(lane_proof_result).
    type: dict
    default: {}
  audit:
    description: Result of its audit, C(lane_proof_audited).
    type: dict
    default: {}
  report:
    description: Result of its report, C(lane_proof_report).
    type: dict
    default: {}
  show:
    description: Whether to print the lines when nothing is wrong. Otherwise they are printed anyway.
    type: bool
    default: true
  fail_on_difference:
    description: Whether to fail when the lanes are not as promised.
    type: bool
    default: true
seealso:
  - module: ansible.builtin.set_stats
"""

EXAMPLES = r"""
- name: Prove the lanes
  asm.lanes.lane_probe:
    url: http://192.0.2.10:30080
    answered_by: [default/helloworld]
    lane_group: "{{ my_lane_group }}"
    fail_on_difference: false
  register: probed

- name: Show who answered, and hand the verdict over
  asm.lanes.replay_summary:
    lane_proof: "{{ probed }}"
    fail_on_difference: false
  register: outcome

- name: What is not as promised
  ansible.builtin.debug:
    msg: "{{ outcome.failures }}"
"""

RETURN = r"""
lines:
  description: The summary, a line each.
  type: list
  elements: str
  returned: unless it fails
  sample: ['lane group ws: unchanged', '17 of 17 cases passed']
failures:
  description: What is not as promised; empty when all is. When it fails, the message says it.
  type: list
  elements: str
  returned: unless it fails
  sample: []
statistics:
  description: What would have been handed over, by name.
  type: dict
  returned: when it fails
"""
