from __future__ import annotations

from collections.abc import Iterator

import pytest

from .cases import Case, groups, surround
from .world import World


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    world = World(tmp_path_factory.mktemp("drift"))
    yield world
    world.close()


@pytest.fixture(scope="session")
def cases(world: World) -> list[Case]:
    """Twenty groups made by the product, with everything that ASM makes of them."""
    world.start_asm()
    found = []
    for group in groups():
        world.wait(surround(world, group))
        world.make(group)
        found.append(Case(world, group))
    world.settle()
    return found
