"""Fixtures that every test may use, and how long property tests look for a counterexample."""

from __future__ import annotations

from hypothesis import settings
from lab_fixture import lab

__all__ = ["lab"]

# Lane groups are large things to draw: enough examples to find a wrong order, few enough to run at
# every change. No deadline for one example: a busy machine is no bug.
settings.register_profile("asm_lanes", max_examples=50, deadline=None)
settings.load_profile("asm_lanes")
