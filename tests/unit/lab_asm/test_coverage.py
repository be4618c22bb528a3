# Copyright (c) 2026, asm.lanes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The coverage table against the official SDK's request and response classes."""

from __future__ import annotations

import inspect
import re
import typing
from collections.abc import Iterator
from html import escape
from typing import Any

import pytest
from alibabacloud_servicemesh20200111 import client, models
from asm_lanes_lab.asm import coverage
from asm_lanes_lab.asm.api import ACTIONS

TABLE = coverage.load()
LANE_ACTIONS = {
    f"{verb}SwimLane{noun}"
    for verb, noun in (
        ("Create", "Group"),
        ("Update", "Group"),
        ("Delete", "Group"),
        ("Get", "GroupList"),
        ("Create", ""),
        ("Update", ""),
        ("Delete", ""),
        ("Get", "List"),
        ("Get", "Detail"),
    )
}


def parameters(action: str) -> dict[str, type]:
    """Parameters of an action as the SDK has them, with their types; lists count as text."""
    request = getattr(models, f"{action}Request")
    hints = inspect.signature(request.__init__).parameters
    return {name: hints[attribute].annotation for attribute, name in names(request).items()}


def names(model: Any) -> dict[str, str]:
    """Attribute -> wire name, from what ``to_map`` of the class writes."""
    source = inspect.getsource(model.to_map)
    found = {}
    for name, value in re.findall(r"result\['([^']+)'\] = (.+)", source):
        attribute = re.search(r"self\.(\w+)", value)
        if attribute:
            found[attribute[1]] = name
        else:  # a list: `result['X'] = []` is followed by a loop over self.x
            loop = re.search(rf"result\['{name}'\] = \[\]\s+if self\.(\w+)", source)
            assert loop, f"{model.__name__}.{name}"
            found[loop[1]] = name
    attributes = set(inspect.signature(model.__init__).parameters) - {"self"}
    assert set(found) == attributes, f"{model.__name__}: this test does not read the class rightly"
    return found


def fields(model: Any, prefix: str = "") -> Iterator[str]:
    """Paths of all fields of a response class, nested ones included."""
    hints = inspect.signature(model.__init__).parameters
    for attribute, name in names(model).items():
        yield prefix + name
        hint = hints[attribute].annotation
        item = typing.get_args(hint)[0] if typing.get_origin(hint) is list else hint
        if inspect.isclass(item) and item.__module__ == models.__name__:
            yield from fields(item, f"{prefix}{name}{'[]' if item is not hint else ''}.")


def test_the_table_has_the_nine_lane_actions_and_each_is_implemented() -> None:
    assert set(TABLE.operations) >= LANE_ACTIONS
    assert set(TABLE.operations) == set(ACTIONS)


@pytest.mark.parametrize("action", TABLE.operations)
def test_every_parameter_of_the_sdk_is_in_the_table(action: str) -> None:
    expected = parameters(action)
    table = TABLE.operations[action].parameters
    assert set(table) == set(expected)
    for name, kind in expected.items():
        assert (table[name].type == "boolean") == (kind is bool), name


@pytest.mark.parametrize("action", TABLE.operations)
def test_every_response_field_of_the_sdk_is_in_the_table(action: str) -> None:
    paths = {field.path for field in TABLE.operations[action].response}
    trees = tuple(path.removesuffix("*") for path in paths if path.endswith(".*"))
    expected = set(fields(getattr(models, f"{action}ResponseBody")))
    missing = {path for path in expected - paths if not path.startswith(trees or ("\0",))}
    assert missing == set()
    assert {path for path in paths - expected if not path.endswith(".*")} == set()
    assert [tree for tree in trees if not any(path.startswith(tree) for path in expected)] == []


@pytest.mark.parametrize("action", TABLE.operations)
def test_methods_are_those_of_the_sdk(action: str) -> None:
    function = re.sub(r"(?<!^)(?=[A-Z])", "_", action).lower() + "_with_options"
    source = inspect.getsource(getattr(client.Client, function))
    assert f"method='{TABLE.operations[action].method}'" in source


def test_words_of_the_table() -> None:
    for behaviour in TABLE.general:
        assert behaviour.mark in coverage.MARKS
    for operation in TABLE.operations.values():
        assert operation.method in ("GET", "POST")
        assert operation.access in ("read", "write")
        for parameter in operation.parameters.values():
            assert parameter.status in coverage.PARAMETER_STATUS
            assert parameter.mark in coverage.MARKS
            assert parameter.type in coverage.TYPES
            assert parameter.status == "implemented" or parameter.note, parameter.name
        for field in operation.response:
            assert field.status in coverage.FIELD_STATUS
            assert field.mark in coverage.MARKS
            assert field.status == "absent" or not field.path.endswith(".*")
        for behaviour in operation.behaviours:
            assert behaviour.mark in coverage.MARKS


def test_the_markdown_shows_every_row() -> None:
    text = coverage.markdown(TABLE)
    for operation in TABLE.operations.values():
        assert f"## {operation.name}\n" in text
        for field in operation.response:
            assert f"| `{field.path}` | {field.status} | {field.mark} |" in text
        for behaviour in operation.behaviours:
            assert f"| {escape(behaviour.what, quote=False)} | {behaviour.mark} |" in text
