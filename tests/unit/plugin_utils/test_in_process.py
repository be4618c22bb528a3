"""When a module host runs a module itself: when no other task of the play can want something meanwhile."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from ansible_collections.asm.lanes.plugins.plugin_utils._in_process import InProcessAction


@pytest.mark.parametrize(
    ("variables", "timeout", "alone"),
    [
        ({"ansible_play_hosts_all": ["one"]}, 0, True),
        ({"ansible_play_hosts_all": ["one"]}, 5, False),  # the task may end before its module
        ({"ansible_play_hosts_all": ["one", "two"]}, 0, False),
        ({"ansible_play_hosts_all": []}, 0, False),
        ({}, 0, False),
    ],
)
def test_alone(variables: dict[str, Any], timeout: int, alone: bool) -> None:
    action = SimpleNamespace(_task=SimpleNamespace(timeout=timeout))
    assert InProcessAction._is_alone(action, variables) is alone
