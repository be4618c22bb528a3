# Copyright (c) 2026, asm.lanes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The proof document, version 1: what reports and audits read. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

SCHEMA = "asm.lanes/proof/v1"


def complete(
    told: Mapping[str, Any], where: Mapping[str, Any], group: Mapping[str, Any], started: datetime
) -> dict[str, Any]:
    """Return the whole document.

    told: what a verdict says, with ``message``, ``attempts``, ``seconds`` and ``load``. where: ``url`` and
    ``path`` of the gateway. group: the lane group as the user gave it. started: UTC.
    """
    return {
        "schema": SCHEMA,
        "started_at": started.isoformat(timespec="milliseconds"),
        "gateway": dict(where),
        "lane_group": _stated(group),
        "weights": [],
        "not_tested": [],
        "audit": None,
        "findings": [],
        **told,
    }


def _stated(value: Any) -> Any:
    """Return the value without the keys that Ansible fills in with None."""
    if isinstance(value, dict):
        return {key: _stated(item) for key, item in value.items() if item is not None}
    if isinstance(value, list):
        return [_stated(item) for item in value]
    return value
