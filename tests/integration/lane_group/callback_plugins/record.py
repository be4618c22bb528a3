# Copyright (c) 2026, asm.lanes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Writes the result of every lane_group and lane_group_info task as one line of JSON, as users see it."""

from __future__ import annotations

DOCUMENTATION = """
name: record
type: aggregate
short_description: Record results of lane_group and lane_group_info
description: Appends the result of each task of theirs to the file named by E(RECORD_RESULTS).
"""

import json
import os
from pathlib import Path
from typing import Any

from ansible.plugins.callback import CallbackBase


class CallbackModule(CallbackBase):
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "record"

    def _record(self, result: Any) -> None:
        if result.task.action.startswith("asm.lanes.lane_group"):
            with Path(os.environ["RECORD_RESULTS"]).open("a") as file:
                file.write(json.dumps(result.result, default=str) + "\n")

    def v2_runner_on_ok(self, result: Any) -> None:
        self._record(result)

    def v2_runner_on_failed(self, result: Any, ignore_errors: bool = False) -> None:
        self._record(result)
