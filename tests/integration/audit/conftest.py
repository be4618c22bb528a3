from __future__ import annotations

from collections.abc import Iterator

import pytest
from lab_fixture import lab_command, start_lab

from .world import World


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A lab of the audit's own: its tests spoil it."""
    state_dir = tmp_path_factory.mktemp("audit")
    try:
        yield World(start_lab(state_dir))
    finally:
        lab_command("stop", state_dir, "--purge")


@pytest.fixture(scope="module")
def guide(world: World) -> World:
    world.deploy_guide()
    return world
