"""What AWX accepts beyond the types of fields: credential types, surveys, schedules, notifications, prompts.

Each function returns words for what AWX would refuse, as its serializers and views of release 24.6.1 do.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from jinja2 import StrictUndefined, UndefinedError
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jsonschema import Draft202012Validator

NAME = "^[a-zA-Z_][a-zA-Z0-9_]*$"
INPUTS = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "required": {"type": "array", "items": {"type": "string"}},
        "fields": {
            "type": "array",
            "items": {
                "type": "object",
                "additionalProperties": False,
                "required": ["id", "label"],
                "properties": {
                    "id": {"type": "string", "pattern": NAME, "not": {"const": "tower"}},
                    "type": {"enum": ["string", "boolean"]},
                    "format": {"enum": ["ssh_private_key", "url"]},
                    "choices": {"type": "array"},
                    "default": {},
                    "label": {"type": "string"},
                    "help_text": {"type": "string"},
                    "multiline": {"type": "boolean"},
                    "secret": {"type": "boolean"},
                },
            },
        },
    },
}
INJECTORS = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "file": {
            "type": "object",
            "additionalProperties": False,
            "patternProperties": {r"^template(\.[a-zA-Z_][a-zA-Z0-9_]*)?$": {"type": "string"}},
        },
        "env": {
            "type": "object",
            "additionalProperties": False,
            "patternProperties": {
                "^(?!ANSIBLE_|PATH$|PYTHONPATH$)[a-zA-Z_][a-zA-Z0-9_]*$": {"type": "string"}
            },
        },
        "extra_vars": {
            "type": "object",
            "additionalProperties": False,
            "patternProperties": {NAME: {"type": "string"}},
        },
    },
}
QUESTIONS: dict[str, Any] = {
    "text": str,
    "textarea": str,
    "password": str,
    "multiplechoice": str,
    "multiselect": str,
    "integer": int,
    "float": (float, int),
}
WEBHOOK = {
    "url": str,
    "http_method": str,
    "headers": dict,
    "username": str,
    "password": str,
    "disable_ssl_verification": bool,
}


def credential_type(item: dict[str, Any]) -> Iterator[str]:
    inputs, injectors = item.get("inputs") or {}, item.get("injectors") or {}
    for schema, value in ((INPUTS, inputs), (INJECTORS, injectors)):
        yield from (error.message for error in Draft202012Validator(schema).iter_errors(value))
    names: dict[str, Any] = {field["id"]: "EXAMPLE" for field in inputs.get("fields", [])}
    if len(names) != len(inputs.get("fields", [])):
        yield "field IDs must be unique"
    files = {name.partition(".")[2]: "/path" for name in injectors.get("file", {})}
    jinja = ImmutableSandboxedEnvironment(undefined=StrictUndefined)
    for kind in injectors.values():
        for template in kind.values():
            try:
                jinja.from_string(template).render({**names, "tower": {"filename": files.get("", files)}})
            except UndefinedError as error:
                yield f"uses an undefined field ({error})"


def credential(item: dict[str, Any], kind: dict[str, Any]) -> Iterator[str]:
    known = {field["id"] for field in kind["inputs"]["fields"]}
    yield from (
        f"{name} is no input of {kind['name']}" for name in item.get("inputs", {}) if name not in known
    )


def survey(spec: Any) -> Iterator[str]:
    for name, kind in (("name", str), ("description", str), ("spec", list)):
        if not isinstance(spec.get(name), kind):
            yield f"Field '{name}' is missing or no {kind.__name__}"
            return
    if not spec["spec"]:
        yield "'spec' doesn't contain any items."
    variables = [item.get("variable") for item in spec["spec"]]
    if len(set(variables)) < len(variables):
        yield "'variable' duplicated"
    for item in spec["spec"]:
        yield from _question(item)


def _question(item: dict[str, Any]) -> Iterator[str]:
    for name, kind in (("type", str), ("question_name", str), ("variable", str), ("required", bool)):
        if not isinstance(item.get(name), kind):
            yield f"'{name}' is missing or no {kind.__name__}: {item}"
    if item.get("type") not in QUESTIONS:
        yield f"no type of question: {item}"
        return
    default = item.get("default", "")
    if default != "" and (isinstance(default, bool) or not isinstance(default, QUESTIONS[item["type"]])):
        yield f"Default value expected to be {item['type']}: {item}"
    if any(not isinstance(item.get(limit), int | None) for limit in ("min", "max")):
        yield f"limits expected to be integers: {item}"
    if item["type"].startswith("multi"):
        if not item.get("choices"):
            yield f"must specify choices: {item}"
        elif default and default not in item["choices"]:
            yield f"Default choice must be answered from the choices listed: {item}"


def schedule(rule: str) -> Iterator[str]:
    if len(re.findall(r"DTSTART(;[^:]+)?:[0-9]+T[0-9]+Z?", rule)) != 1:
        yield "exactly one DTSTART is required"
    if re.search(r"DTSTART:[0-9]+T[0-9]+ ", rule):
        yield "DTSTART cannot be a naive datetime"
    rules = re.findall(r"RRULE:([^\s]*)", rule)
    if not rules:
        yield "One or more rule required in rrule."
    for one in rules:
        if "INTERVAL" not in one:
            yield "INTERVAL required in rrule"
        if "SECONDLY" in one or ("COUNT" in one and "UNTIL" in one):
            yield "not supported"


def notification(item: dict[str, Any]) -> Iterator[str]:
    if item["notification_type"] == "webhook":
        given = item.get("notification_configuration", {})
        for name, kind in WEBHOOK.items():
            value = given.get(name)
            if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
                yield f"Configuration field '{name}' is missing or no {kind.__name__}"


def answers(given: dict[str, Any], spec: dict[str, Any], *, needed: bool) -> Iterator[str]:
    """What is wrong with answers, from a schedule or a node. needed: required ones must be among them."""
    questions = {item["variable"]: item for item in spec.get("spec", [])}
    yield from (f"Variable {name} is not allowed on launch" for name in given if name not in questions)
    for name, item in questions.items():
        if name in given:
            value = given[name]
            if not isinstance(value, QUESTIONS[item["type"]]) or value not in item.get("choices", [value]):
                yield f"{name}: {value} is no answer"
        elif needed and item["required"]:
            yield f"'{name}' value missing"
