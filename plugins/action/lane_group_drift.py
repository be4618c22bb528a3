# Copyright (c) 2026, asm.lanes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Runs the module ``lane_group_drift`` in Ansible's own process; see plugin_utils/_in_process.py."""

from __future__ import annotations

from ansible_collections.asm.lanes.plugins.modules import lane_group_drift
from ansible_collections.asm.lanes.plugins.plugin_utils._in_process import InProcessAction, warm

LIBRARIES = warm(
    "alibabacloud_servicemesh20200111.client",
    "alibabacloud_credentials.provider",
    "kubernetes.client",
    "kubernetes.config",
    "kubernetes.dynamic",
)


class ActionModule(InProcessAction):
    """The action plugin."""

    main = staticmethod(lane_group_drift.main)
