#!/usr/bin/python
# Copyright (c) 2026, asm.lanes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Ansible module asm.lanes.replay_summary: documentation; the action plugin of that name does the work."""

from __future__ import annotations

DOCUMENTATION = r"""
module: replay_summary
short_description: Show what a replay did and saw, write the report, and hand both over to workflows
version_added: 0.1.0
author: asm.lanes maintainers (@asm-lanes)
description:
  - Prints a few lines for people from the results that roles of this collection register - what was written,
    which Deployments are ready, who answered in which lane, where the report is.
  - On request it writes the report of the proof before, as M(asm.lanes.lane_report) does it.
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
    description: Shows no differences; a report is a new measurement, and no change of what was measured.
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
  report:
    description:
      - The report to write, see M(asm.lanes.lane_report). None is written of a proof that was not made.
      - A report that cannot be written fails the task after everything else is told.
    type: dict
    suboptions:
      dest:
        description: Folder for the files, on the controller. None, or an empty one, means no report.
        type: path
      name:
        description:
          - Name of the files without their endings. By default C(lane-proof); where the play has several
            hosts, a host's name follows.
        type: str
      formats:
        description: Which files to write.
        type: list
        elements: str
        choices: [json, junit, html, svg, mermaid]
        default: [json, junit, html, svg]
      mode:
        description: Mode of the files, as four octal digits in quotes.
        type: str
        default: '0644'
      versions:
        description: Versions that the report shall name besides those of asm.lanes, ansible-core and Python.
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
files:
  description: Paths of the report, by format.
  type: dict
  returned: unless it fails
  sample: {html: /home/me/reports/lane-proof.html}
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
