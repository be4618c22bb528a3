"""The lab's ASM OpenAPI and a user, as for lane_group, with a task for many groups."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from integration.lane_group.conftest import Emulator, User, asm, make_user, running_emulator

__all__ = ["asm", "running_emulator"]

CONNECTION = ("mesh_id", "access_key_id", "access_key_secret", "endpoint", "protocol", "timeout")
GROUP = ("route_header", "trace_header", "gateway_rule", "services", "baseline", "lanes")


@dataclass
class Many:
    """A user of the module, and groups to state."""

    user: User

    def group(self, name: str, **stated: Any) -> dict[str, Any]:
        """The guide's group under another name; None takes an option away."""
        options = {"name": name, **{key: self.user.defaults[key] for key in GROUP}, **stated}
        return {key: value for key, value in options.items() if value is not None}

    def task(self, *groups: dict[str, Any], **options: Any) -> dict[str, Any]:
        connection = {key: self.user.defaults[key] for key in CONNECTION}
        arguments = {**connection, "groups": list(groups), **options}
        return {"name": "Lane groups", "asm.lanes.lane_groups": arguments}

    def run(self, *groups: dict[str, Any], check: bool = False, **options: Any) -> dict[str, Any]:
        """The result of one task."""
        arguments = ["--check", "--diff"] if check else []
        return self.user.play([self.task(*groups, **options)], *arguments)[0]


@pytest.fixture
def many(asm: Emulator, tmp_path: Path) -> Many:
    return Many(make_user(asm.endpoint, tmp_path))
