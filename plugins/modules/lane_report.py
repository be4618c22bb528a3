#!/usr/bin/python
# Copyright (c) 2026, asm.lanes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# Documentation only: this is an action plugin, see plugins/action/lane_report.py.

from __future__ import annotations

DOCUMENTATION = r"""
module: lane_report
short_description: Write the proof of a lane group as JSON, JUnit XML and a page for people
version_added: 0.1.0
author:
  - asm.lanes maintainers (@asm-lanes)
description:
  - Renders the proof that M(asm.lanes.lane_probe) returns - what was expected and who answered, lane by lane
    and message by message, the topology as a picture, the audit, weights, timings, and what was not tested.
  - The HTML page is one file that needs no script and loads nothing. Whatever an application answered is
    escaped.
  - Runs on the controller, whatever the task's connection, since that is where reports are read and kept as
    artifacts; nothing is needed there but Ansible itself. With several hosts give each a O(name) of its own.
  - Files are put in place as a whole. A file that holds the same already is left alone.
attributes:
  check_mode:
    description: Renders in check mode, too, but writes nothing.
    support: full
  diff_mode:
    description: Shows the whole difference of each file that changes.
    support: full
  idempotent:
    description: The same proof gives the same files. Another proof, even of the same lanes, has other times.
    support: full
options:
  proof:
    description:
      - The proof, RV(asm.lanes.lane_probe#module:proof). The format is described in C(docs/report.md).
      - A proof that was not made (check mode) is drawn, too, with what is expected.
    type: dict
    required: true
  dest:
    description:
      - Folder for the files, on the controller. Made when it is missing.
      - A relative path starts where C(ansible-playbook) was started.
    type: path
    required: true
  name:
    description: Name of the files without their endings.
    type: str
    default: lane-proof
  formats:
    description:
      - Which files to write. V(json) is the proof itself, V(junit) ends in C(.xml), V(html) is the page,
        V(svg) is the picture of the topology, V(mermaid) is the same as text for documentation and ends in
        C(.mmd).
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
seealso:
  - module: asm.lanes.lane_probe
"""

EXAMPLES = r"""
- name: Prove the lanes
  asm.lanes.lane_probe:
    url: http://192.0.2.10:30080
    answered_by: [default/helloworld]
    lane_group: "{{ my_lane_group }}"
    fail_on_difference: false
  register: probed

- name: Leave a report, whatever the verdict
  asm.lanes.lane_report:
    proof: "{{ probed.proof }}"
    dest: "{{ playbook_dir }}/reports"
    versions: {ASM: 1.22.6.106}
  register: report

- name: Fail now, if the lanes are not as promised
  ansible.builtin.assert:
    that: probed.proof.passed
    fail_msg: "{{ probed.proof.message }} See {{ report.files.html }}"
"""

RETURN = r"""
files:
  description: The files, by format; in check mode those that would be written.
  returned: success
  type: dict
  sample: {html: /home/ops/reports/lane-proof.html, json: /home/ops/reports/lane-proof.json}
"""
