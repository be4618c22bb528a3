"""Selectors agree with a plain reading of their meaning."""

from __future__ import annotations

from typing import Any

import pytest
from asm_lanes_lab.kube.errors import ApiError
from asm_lanes_lab.kube.selectors import field_selector, label_selector, match_labels
from hypothesis import given
from hypothesis import strategies as st

KEYS = st.sampled_from(["a", "b", "x.io/c"])
VALUES = st.sampled_from(["", "1", "2", "v-1"])
LABELS = st.dictionaries(KEYS, VALUES)
SPACE = st.sampled_from(["", " "])


@st.composite
def requirements(draw: st.DrawFn) -> tuple[str, dict[str, Any]]:
    """The text of one requirement, and the same as a matchExpressions row."""
    key, space = draw(KEYS), draw(SPACE)
    operator = draw(st.sampled_from(["=", "==", "!=", "in", "notin", "exists", "missing"]))
    if operator in ("exists", "missing"):
        text = key if operator == "exists" else f"!{key}"
        return text, {"key": key, "operator": "Exists" if operator == "exists" else "DoesNotExist"}
    if operator in ("in", "notin"):
        values = draw(st.lists(VALUES, min_size=1, max_size=3))
        row: dict[str, Any] = {
            "key": key,
            "operator": "In" if operator == "in" else "NotIn",
            "values": values,
        }
        return f"{key} {operator} ({(',' + space).join(values)})", row
    value = draw(VALUES)
    row = {"key": key, "operator": "NotIn" if operator == "!=" else "In", "values": [value]}
    return f"{key}{space}{operator}{space}{value}", row


@given(st.lists(requirements(), min_size=1, max_size=4), LABELS)
def test_text_and_expressions_select_the_same(
    parts: list[tuple[str, dict[str, Any]]], labels: dict[str, str]
) -> None:
    text = ",".join(part for part, _unused in parts)
    obj = {"metadata": {"labels": labels}}
    wanted = match_labels({"matchExpressions": [row for _unused, row in parts]}, labels)
    assert label_selector(text)(obj) is wanted


@pytest.mark.parametrize("text", ["a in b", "=1", "a b", "a in (1", "a=1=2", "a,,b"])
def test_nonsense_is_refused(text: str) -> None:
    with pytest.raises(ApiError, match="unable to parse requirement"):
        label_selector(text)


def test_no_selector_object_selects_nothing_and_an_empty_one_everything() -> None:
    assert not match_labels(None, {"a": "1"})
    assert match_labels({}, {"a": "1"})


def test_fields() -> None:
    pod = {"metadata": {"name": "p", "namespace": "n"}, "spec": {"nodeName": "lab"}, "status": {}}
    assert field_selector("metadata.name=p,spec.nodeName==lab", "Pod")(pod)
    assert not field_selector("spec.nodeName!=lab", "Pod")(pod)
    assert field_selector("status.phase=", "Pod")(pod)
    assert field_selector("spec.color=red", "Widget", {"spec.color"})(
        {"metadata": {}, "spec": {"color": "red"}}
    )
    with pytest.raises(ApiError, match="field label not supported: spec"):
        field_selector("spec.nodeName=lab", "Service")
