from __future__ import annotations

from collections.abc import Iterator

import pytest

from .cases import Case, gateway, groups, namespace_object, surround
from .world import World


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    world = World(tmp_path_factory.mktemp("drift"))
    yield world
    world.close()


@pytest.fixture(scope="session")
def cases(world: World) -> list[Case]:
    """Twenty groups made by the product, with everything that ASM makes of them."""
    world.wait(world.put(world.mesh, namespace_object("elsewhere")))
    world.wait(world.put(world.mesh, gateway("gw", "elsewhere")))
    found = []
    for group in groups():
        world.wait(surround(world, group))
        world.make(group)
        found.append(Case(world, group))
    world.start_asm()
    world.settle()
    return found
