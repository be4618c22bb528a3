# Copyright (c) 2026, asm.lanes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Ansible imports this package when a playbook first names an action of the collection.

That is before the first task: what modules need is imported on another core meanwhile. Where the inventory
plugin ``head_start`` is enabled, that is sooner.
"""

from __future__ import annotations

from ansible import context
from ansible_collections.asm.lanes.plugins.plugin_utils._module_host import hosts

# Only programs that run tasks have forks; and some are only asked what they would run.
if context.CLIARGS.get("forks") and not any(
    context.CLIARGS.get(only) for only in ("syntax", "listtasks", "listtags", "listhosts")
):
    hosts()
