# Copyright (c) 2026, asm.lanes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Inventory: no hosts; the first code of a collection that ``ansible-playbook`` runs."""

from __future__ import annotations

DOCUMENTATION = r"""
name: head_start
version_added: 0.1.0
short_description: Import what the modules need while ansible-playbook begins
description:
  - Gives no hosts, and reads no inventory. C(ansible-playbook) loads the inventory plugins that are enabled
    before it reads a playbook, and this one then has the libraries of the modules imported, which keeps
    another core busy for a quarter of a second. Without it that begins where the playbook first names an
    action of this collection.
  - Does so for a playbook that is named on the command line as one of this collection, such as
    C(asm.lanes.site). Else it does nothing.
requirements:
  - Name it among C(enable_plugins) in C(ansible.cfg), before those that read inventories.
author:
  - asm.lanes maintainers (@asm-lanes)
options: {}
"""

EXAMPLES = r"""
# ansible.cfg
# [inventory]
# enable_plugins = asm.lanes.head_start, host_list, script, auto, yaml, ini, toml
"""

import importlib

from ansible import context
from ansible.plugins.inventory import BaseInventoryPlugin

COLLECTION = "asm.lanes."


class InventoryModule(BaseInventoryPlugin):  # type: ignore[misc]
    """Starts the module hosts when it is made."""

    NAME = "asm.lanes.head_start"

    def __init__(self) -> None:
        """As Ansible does when it has loaded the plugin."""
        super().__init__()
        playbooks = context.CLIARGS.get("args") or ()
        if not isinstance(playbooks, str) and any(name.startswith(COLLECTION) for name in playbooks):
            importlib.import_module("ansible_collections.asm.lanes.plugins.action")

    def verify_file(self, path: str) -> bool:
        """Whether this plugin reads an inventory: never."""
        return False
