"""Fixtures that every test may use, and how long property tests look for a counterexample."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from ansible.plugins.loader import init_plugin_loader
from asm_lanes_lab.binaries import CONTROL_PLANE, MissingError, check
from hypothesis import settings
from lab_fixture import lab

__all__ = ["lab"]

# Before anything of the collection is imported: Python's own import would hide its plugins from templates.
init_plugin_loader([str(Path(__file__).parents[1] / ".ansible/collections")])

# Lane groups are large things to draw: enough examples to find a wrong order, few enough to run at
# every change. No deadline for one example: a busy machine is no bug.
settings.register_profile("asm_lanes", max_examples=50, deadline=None)
settings.load_profile("asm_lanes")


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Without its programs a real control plane cannot be tested; `make test-real` has them."""
    if item.get_closest_marker("real") and "CONTROL_PLANE" not in os.environ:
        try:
            check(CONTROL_PLANE)
        except MissingError as error:
            pytest.skip(f"{error}, or run make test-real")
