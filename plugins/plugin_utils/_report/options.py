# Copyright (c) 2026, asm.lanes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""How a report is wished. Apart from all that makes one."""

from __future__ import annotations

from typing import Any

ARGUMENTS: dict[str, Any] = {
    "dest": {"type": "path", "required": True},
    "name": {"type": "str", "default": "lane-proof"},
    "formats": {
        "type": "list",
        "elements": "str",
        "choices": ["json", "junit", "html", "svg", "mermaid"],
        "default": ["json", "junit", "html", "svg"],
    },
    "mode": {"type": "str", "default": "0644"},
    "versions": {"type": "dict", "default": {}},
}
"""The options of `asm.lanes.lane_report`, but for the proof."""
