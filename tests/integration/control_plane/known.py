"""Differences between the emulated and the real API that are known and documented in ``kube/README.md``."""

from __future__ import annotations

from .operations import Operation


def known(operation: Operation | None, line: str) -> bool:
    """Whether a difference is one of the documented ones."""
    return False
