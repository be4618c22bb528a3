"""Cells as kubectl prints them."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from asm_lanes_lab.kube.objects import stamp
from asm_lanes_lab.kube.tables import age, json_path


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0s"),
        (119, "119s"),
        (180, "3m"),
        (200, "3m20s"),
        (660, "11m"),
        (3 * 3600, "3h"),
        (49 * 3600, "2d"),
    ],
)
def test_ages(seconds: int, text: str) -> None:
    then = datetime(2026, 1, 1, tzinfo=timezone.utc)
    assert age(stamp(then), then + timedelta(seconds=seconds)) == text


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (".spec.size", 3),
        (".spec.nothing.here", None),
        (".spec.names[1]", "b"),
        ('.status.conditions[?(@.type=="Ready")].status', "True"),
        (".metadata.annotations.x\\.io/a", "y"),
        (".spec.names[*]", ["a", "b"]),
    ],
)
def test_json_paths(path: str, value: Any) -> None:
    obj = {
        "metadata": {"annotations": {"x.io/a": "y"}},
        "spec": {"size": 3, "names": ["a", "b"]},
        "status": {"conditions": [{"type": "Other", "status": "False"}, {"type": "Ready", "status": "True"}]},
    }
    assert json_path(obj, path) == value
