"""The supervisor: a crashed part starts again, and one that crashes for ever is given up."""

from __future__ import annotations

import asyncio

import pytest
from asm_lanes_lab import supervisor
from asm_lanes_lab.supervisor import Part, PartError, Supervisor


class Shaky:
    """Crashes a number of times, then works."""

    def __init__(self, crashes: int) -> None:
        self.left = crashes
        self.works = asyncio.Event()
        self.stopped = False

    async def run(self) -> None:
        if self.left:
            self.left -= 1
            raise OSError("the disk is full")
        self.works.set()
        try:
            await asyncio.Event().wait()
        finally:
            self.stopped = True


@pytest.fixture(autouse=True)
def short_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisor, "PAUSE", 0.01)


async def test_a_crashed_part_starts_again() -> None:
    shaky, steady = Shaky(crashes=2), Shaky(crashes=0)
    all_parts = Supervisor([Part("shaky", lambda: shaky), Part("steady", lambda: steady)])
    all_parts.start()
    await asyncio.wait_for(asyncio.gather(shaky.works.wait(), steady.works.wait()), 5)
    told = [part.as_dict() for part in all_parts.parts]
    assert told[0] == {
        "name": "shaky",
        "state": "running",
        "restarts": 2,
        "error": "OSError: the disk is full",
    }
    assert told[1] == {"name": "steady", "state": "running", "restarts": 0, "error": ""}
    await all_parts.stop()
    assert (shaky.stopped, steady.stopped) == (True, True)
    assert {part.state for part in all_parts.parts} == {"stopped"}


async def test_a_part_that_crashes_for_ever_is_given_up() -> None:
    hopeless, steady = Shaky(crashes=1000), Shaky(crashes=0)
    all_parts = Supervisor([Part("steady", lambda: steady), Part("hopeless", lambda: hopeless)])
    all_parts.start()
    error = await asyncio.wait_for(all_parts.failed(), 5)
    await all_parts.stop()
    assert isinstance(error, PartError)
    assert str(error) == "hopeless crashed 5 times within 60 s, last: OSError: the disk is full"
    assert steady.stopped


async def test_a_part_that_just_ends_has_crashed_too() -> None:
    class Short:
        async def run(self) -> None:
            return

    all_parts = Supervisor([Part("short", Short)])
    all_parts.start()
    error = await asyncio.wait_for(all_parts.failed(), 5)
    assert "ended without being asked to" in str(error)
