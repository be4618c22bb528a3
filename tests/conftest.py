"""Fixtures that every test may use."""

from __future__ import annotations

from lab_fixture import lab

__all__ = ["lab"]
