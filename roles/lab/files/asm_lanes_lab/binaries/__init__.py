"""The programs of a real control plane: found on this machine, downloaded, or built from their Go modules."""

from __future__ import annotations

from .find import Found, MissingError, find
from .make import check, minor, provide
from .recipes import CONTROL_PLANE, Recipe

__all__ = ["CONTROL_PLANE", "Found", "MissingError", "Recipe", "check", "find", "minor", "provide"]
