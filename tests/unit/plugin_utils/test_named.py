"""Templates that only name a variable come to what the template engine makes of them."""

from __future__ import annotations

from typing import Any

import pytest
from ansible.errors import AnsibleError, AnsibleValueOmittedError
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar, trust_as_template
from ansible_collections.asm.lanes.plugins.plugin_utils._named import resolve
from hypothesis import given, settings
from hypothesis import strategies as st

NAMES = ["a_b", "lane_x", "_own_c", "not_there", "plain"]
names = st.sampled_from(NAMES)
words = st.sampled_from(["", "x", "a b", "1", "true", "~/.kube", "{", "}}", "{{ a_b }}", "{# no #}"])
literals = st.sampled_from(
    ["'x'", "''", "'a b'", "7", "true", "false", "{}", "[]", "omit", "none", "'{{'", '"x"']
)
calls = st.sampled_from(
    ["lookup('ansible.builtin.env', 'NO_SUCH')", "a_b.more", "'' if lane_x else a_b", "x, y"]
)
fallbacks = st.one_of(literals, names, calls)
steps = st.one_of(
    st.builds("default({})".format, fallbacks),
    st.builds("default({}, true)".format, fallbacks),
    st.builds("default({}, false)".format, literals),
    st.builds("default({}, boolean=true)".format, literals),
    st.just("mandatory('say it')"),
    st.sampled_from(["upper", "bool", "default", "list", "int"]),
)


def printed(name: str, filters: list[str], tight: bool) -> str:
    gap = "" if tight else " "
    return "{{" + gap + " | ".join([name, *filters]) + gap + "}}"


expressions = st.builds(printed, names, st.lists(steps, max_size=3), st.booleans())
texts = st.lists(st.one_of(expressions, words), min_size=1, max_size=3).map("".join)
templates = st.one_of(expressions, texts).map(trust_as_template)
leaves = st.one_of(st.none(), st.booleans(), st.integers(0, 9), st.floats(0, 1), words, templates)
values = st.recursive(
    leaves,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3),
    max_leaves=6,
)


def outcome(function: Any, *arguments: Any) -> Any:
    """The value with its types, or that it is omitted or an error."""
    try:
        return shape(function(*arguments))
    except AnsibleValueOmittedError:
        return "omitted"
    except AnsibleError:
        return "an error"


def shape(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): shape(item) for key, item in value.items()}
    if isinstance(value, list):
        return [shape(item) for item in value]
    kinds = (bool, int, float, str, type(None))
    return next(kind.__name__ for kind in kinds if isinstance(value, kind)), value


@settings(max_examples=300, deadline=None)
@given(values, st.dictionaries(st.sampled_from([name for name in NAMES if name != "not_there"]), values))
def test_the_same_value_or_error(value: Any, variables: dict[str, Any]) -> None:
    # Variables that name each other in circles take minutes to fail: each names only those after it.
    known = {
        name: item
        for name, item in variables.items()
        if not any(other in str(item) for other in NAMES[: NAMES.index(name) + 1])
    }
    templar = Templar(DataLoader(), variables=known)
    assert outcome(resolve, value, templar) == outcome(templar.template, value)


@pytest.mark.parametrize(
    "text",
    [
        "{{ lane_group_region }}",
        "{{ lane_group_region | default('cn-hangzhou') }}",
        "{{ no_region | default(lane_group_region, true) | default(lookup('ansible.builtin.env', 'X')) }}",
        "{{ lane_group_region }}/{{ lane_group_region | mandatory('set it') }}",
    ],
)
def test_what_roles_write_needs_no_engine(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    templar = Templar(DataLoader(), variables={"lane_group_region": "r"})
    monkeypatch.setattr(Templar, "template", lambda *_unused: pytest.fail("the engine was asked"))
    assert set(resolve(trust_as_template(text), templar)) <= {"r", "/"}


def test_nothing_is_a_template_that_is_not_trusted() -> None:
    """What a module or a server answers may look like one."""
    templar = Templar(DataLoader(), variables={"a_b": "secret", "told_x": ["{{ a_b }}"]})
    assert resolve("{{ a_b }}", templar) == "{{ a_b }}"
    assert resolve(trust_as_template("{{ told_x }}"), templar) == ["{{ a_b }}"]
