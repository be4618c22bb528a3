# Copyright (c) 2026, asm.lanes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Runs the module ``application`` without packing it; see plugin_utils/_in_process.py."""

from __future__ import annotations

from ansible_collections.asm.lanes.plugins.plugin_utils._in_process import InProcessAction
from ansible_collections.asm.lanes.plugins.plugin_utils._module_host import KUBERNETES


class ActionModule(InProcessAction):
    """The action plugin."""

    host = KUBERNETES
