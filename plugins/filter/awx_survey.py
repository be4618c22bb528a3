# Copyright (c) 2026, asm.lanes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Filter: the survey of a job template of AWX, from the argument specifications of roles."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ansible.errors import AnsibleFilterError

DOCUMENTATION = r"""
name: awx_survey
version_added: 0.1.0
short_description: The survey of a job template of AWX, from argument specifications of roles
description:
  - Makes each question from an option of a role, so that type, choices, default and description are written
    once.
  - Variables that hosts state on their own are not asked, since an answer would hold for all hosts.
options:
  _input:
    description: The questions, in order.
    type: list
    elements: dict
    required: true
    suboptions:
      variable:
        description: Variable that the answer sets.
        type: str
        required: true
      option:
        description: Option that the variable feeds, as C(role.option), or C(role.option.suboption).
        type: str
        required: true
      required:
        description: Whether an answer is needed. By default as the option says, unless there is a default.
        type: bool
      type:
        description: Type of the question, for options that are lists but are taken as text, too.
        type: str
  specifications:
    description: The options of the argument specifications, by role.
    type: dict
    required: true
  inventory:
    description:
      - Variables of the inventory. They are the defaults of the questions, since an answer overrides them.
    type: dict
    default: {}
  hosts:
    description: Variables of the hosts, by host. What is in here is not asked.
    type: dict
    default: {}
author:
  - asm.lanes maintainers (@asm-lanes)
"""

EXAMPLES = r"""
- name: Show a survey
  ansible.builtin.debug:
    msg: "{{ [{'variable': 'asm_lanes_group_name', 'option': 'lane_group.lane_group_name'}]
      | asm.lanes.awx_survey({'lane_group': options}) }}"
"""

RETURN = r"""
_value:
  description: The questions as AWX takes them.
  type: list
  elements: dict
"""

#: Types of options, and the type of question that hands a value of that type over.
TYPES = {
    "str": "text",
    "path": "text",
    "int": "integer",
    "float": "float",
    "bool": "multiplechoice",
    "text": "text",
}
MARKUP = re.compile(r"\b[A-Z]+\(([^()]*)\)")
SHARED = re.compile(r"\s*Default (C\(asm_lanes_\w+\))(, else [^.]*)?\.(?= |$)")


def awx_survey(
    questions: Iterable[Mapping[str, Any]],
    specifications: Mapping[str, Mapping[str, Any]],
    inventory: Mapping[str, Any] | None = None,
    hosts: Mapping[str, Mapping[str, Any] | None] | None = None,
) -> list[dict[str, Any]]:
    """See DOCUMENTATION. Errors: AnsibleFilterError naming the question."""
    stated = {name for variables in (hosts or {}).values() for name in variables or {}}
    return [
        _item(question, _option(question, specifications), inventory or {})
        for question in questions
        if question["variable"] not in stated
    ]


def _option(question: Mapping[str, Any], specifications: Mapping[str, Any]) -> Mapping[str, Any]:
    role, *path = question["option"].split(".")
    found: Any = {"options": specifications.get(role, {})}
    for name in path:
        found = found.get("options", {}).get(name)
        if found is None:
            raise AnsibleFilterError(
                f"survey question {question['variable']}: role {role} has no option {'.'.join(path)}. "
                "Name one of its argument specification."
            )
    return dict(found)


def _item(
    question: Mapping[str, Any], option: Mapping[str, Any], inventory: Mapping[str, Any]
) -> dict[str, Any]:
    variable = question["variable"]
    kind = question.get("type") or option.get("type", "str")
    if kind not in TYPES:
        raise AnsibleFilterError(
            f"survey question {variable}: AWX asks for no {kind}. Put the variable into the inventory."
        )
    default = inventory.get(variable, option.get("default"))
    item: dict[str, Any] = {
        "variable": variable,
        "question_name": variable.removeprefix("asm_lanes_").replace("_", " ").capitalize(),
        "question_description": _text(option.get("description", "")),
        "type": TYPES[kind],
        "required": question.get("required", bool(option.get("required"))) and default in (None, ""),
    }
    choices = ["true", "false"] if kind == "bool" else option.get("choices")
    if choices:
        item |= {"type": "multiplechoice", "choices": [str(choice) for choice in choices]}
    # AWX hands an empty default over, which would hide the inventory's variable.
    if default not in (None, "", []):
        item["default"] = _value(default, item["type"])
    return item


def _value(default: Any, kind: str) -> Any:
    if isinstance(default, bool):
        return str(default).lower()
    return {"integer": int, "float": float}.get(kind, str)(default)


def _text(description: str | list[str]) -> str:
    words = description if isinstance(description, str) else " ".join(description)
    return MARKUP.sub(r"\1", SHARED.sub("", words)).strip()


class FilterModule:
    """The filters of this file, as Ansible finds them."""

    def filters(self) -> dict[str, Callable[..., list[dict[str, Any]]]]:
        """Filters by name."""
        return {"awx_survey": awx_survey}
