"""The lab's mesh against istiod: random routing and lane groups, and the same requests through both.

``MESH_CASES=300`` sets how many cases, ``MESH_SEED`` where they begin.
"""

from __future__ import annotations

import json
import os
import random
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from itertools import cycle, islice
from pathlib import Path

import pytest
import pytest_asyncio
from asm_lanes_lab.plane import ISTIO, OWN

from .cases import SIDECAR, Case, Request, at_gateway, in_mesh, make, service
from .lanes import of_lanes
from .world import MESHES, World

CASES = int(os.environ.get("MESH_CASES", "90"))
SEED = int(os.environ.get("MESH_SEED", "1"))
BATCH = 30
#: Requests of one kind, as balancing and weights may choose: at least so many, and at most so many, with
#: which the rarest pod (a share of 1 in 34) goes unseen once in 60 million times. Shares are not compared.
LEAST, MOST = 3, 600

_MAKERS: tuple[tuple[str, Callable[[random.Random, str], Case]], ...] = (
    ("gateway", at_gateway),
    ("mesh", in_mesh),
    ("lanes", of_lanes),
)

pytestmark = [pytest.mark.real, pytest.mark.timeout(1500), pytest.mark.asyncio(loop_scope="module")]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    async with World(Path(tmp_path_factory.mktemp("meshes"))) as world:
        yield world


def cases() -> Iterator[Case]:
    """Cases without end, of each kind in turn; each has a seed of its own, to be tried again alone."""
    for number, (kind, maker) in enumerate(cycle(_MAKERS)):
        yield maker(random.Random(f"{SEED}-{number}"), f"{kind}-{number}")


async def seen(world: World, request: Request) -> dict[str, set[str]]:
    """All that each mesh makes of a request, tried until the two, and the prediction, agree."""
    found: dict[str, set[str]] = {mesh: set() for mesh in MESHES}
    for attempt in range(MOST):
        for mesh in MESHES:
            found[mesh].add(await world.ask(mesh, request))
        settled = found[OWN] == found[ISTIO] and not mistaken(request, found)
        if settled and attempt + 1 >= LEAST:
            break
    return found


def mistaken(request: Request, found: dict[str, set[str]]) -> bool:
    """Whether others answer than was predicted."""
    return request.expected is not None and any(
        {answer.split()[0] for answer in answers} != request.expected for answers in found.values()
    )


async def differences(world: World, case: Case, counts: Counter[str]) -> list[str]:
    """Requests of which the meshes, or the prediction, make different things."""
    wrong = []
    for request in case.requests:
        found = await seen(world, request)
        counts["requests"] += 1
        counts["predicted"] += request.expected is not None
        counts["answered"] += any("/" in answer.split()[0] for answer in found[OWN])
        if found[OWN] == found[ISTIO] and not mistaken(request, found):
            continue
        told = [f"{mesh}: {sorted(found[mesh])}" for mesh in MESHES]
        if request.expected is not None:
            told.append(f"predicted: {sorted(request.expected)}")
        wrong.append("\n    ".join([str(request), *told]))
    return wrong


async def test_a_fallback_is_asms_own(world: World) -> None:
    """The documented difference; and that the comparison sees one."""
    nobody = make("DestinationRule", "alone", {"host": "alone", "subsets": [_subset("v1"), _subset("gone")]})
    route = {"destination": {"host": "alone", "subset": "gone"}}
    fallback = {"fallback": {"target": {"host": "alone", "subset": "v1"}}}
    rule = make("VirtualService", "alone", {"hosts": ["alone"], "http": [{"route": [route | fallback]}]})
    case = Case("alone", [nobody, rule], [service("alone", "a")], [Request(SIDECAR, "alone")])
    await world.apply([case])
    found = await seen(world, case.requests[0])
    assert {answer.split()[0] for answer in found[OWN]} == {"a/v1"}
    assert {answer.split()[0] for answer in found[ISTIO]} == {"503"}
    assert len(await differences(world, case, Counter())) == 1
    await world.remove([case])


def _subset(version: str) -> dict[str, object]:
    return {"name": version, "labels": {"version": version}}


async def test_both_route_alike(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    counts, wrong, began = Counter[str](), [], time.monotonic()
    for batch in _batches(islice(cases(), CASES)):
        await world.apply(batch)
        for case in batch:
            found = await differences(world, case, counts)
            if found:
                objects = [json.dumps(obj["spec"]) for obj in case.mesh]
                wrong.append("\n  ".join([f"seed {SEED}, case {case.name}", *found, *objects]))
            counts["agreed"] += not found
        await world.remove(batch)
    with capsys.disabled():
        print(
            f"\nseed {SEED}: {counts['agreed']}/{CASES} cases agree; {counts['requests']} requests, of which"
            f" {counts['answered']} reached a pod, {counts['predicted']} were predicted;"
            f" {time.monotonic() - began:.0f} s"
        )
    assert counts["answered"] > counts["requests"] / 3, "most requests led nowhere: that would prove little"
    assert not wrong, f"{len(wrong)} cases differ:\n" + "\n".join(wrong)


def _batches(all_cases: Iterator[Case]) -> Iterator[list[Case]]:
    while batch := list(islice(all_cases, BATCH)):
        yield batch
