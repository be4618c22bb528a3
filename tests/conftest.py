"""Fixtures that every test may use, and how long property tests look for a counterexample."""

from __future__ import annotations

import os

import pytest
from asm_lanes_lab.binaries import CONTROL_PLANE, MissingError, check
from hypothesis import settings
from lab_fixture import lab

__all__ = ["lab"]

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
