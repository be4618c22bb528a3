"""The predicted truth table equals what real Envoys do, for 200 random pairs of groups on a whole lab."""

from __future__ import annotations

import math
import os
import random
import time
from collections import Counter
from collections.abc import Iterator
from fractions import Fraction
from itertools import cycle, islice

import pytest
from ansible_collections.asm.lanes.plugins.module_utils._lanes import entry, model, routing, words
from lab_fixture import lab_command, start_lab

from .specs import PODS, REQUESTS, SERVICES, star
from .world import BACKENDS, CUSTOM_RESOURCE, Pod, World

PAIRS = int(os.environ.get("TRUTH_PAIRS", "200"))
PER_START = 5  # pairs with one first group
SEED = int(os.environ.get("TRUTH_SEED", "3"))
NO_LANE = "no-such-lane"
MOMENT = 0.5  # seconds
SAMPLE = 24  # requests where weights split them
SIGMAS = 6  # a chance of one in a billion to err


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A lab of its own, with services and caller."""
    state_dir = tmp_path_factory.mktemp("truth")
    try:
        world = World(start_lab(state_dir))
        world.deploy()
        yield world
        world.close()
    finally:
        lab_command("stop", state_dir, "--purge")


def test_pods_tell_versions_apart(world: World) -> None:
    """Without lanes everybody answers: else the comparison could not fail."""
    caller = world.callers()[0]
    for service in SERVICES:
        answers = {world.ask(caller, service, {}).labels["version"] for _try in range(30)}
        assert answers == set(PODS)


def disagreements(world: World, group: model.LaneGroup, counts: Counter[str]) -> list[str]:
    """Rows of the group's truth table that a real request contradicts."""
    found = []
    for row in routing.truth_table(group):
        caller, headers = entry_of(world, group, row)
        for header in headers:
            pod = world.ask(caller, row.service, header)
            counts["requests"] += 1
            expected = {"app": row.service.name, **row.labels}
            if not expected.items() <= pod.labels.items():
                found.append(f"{row.as_dict()}: {caller.name} with {header} got {dict(pod.labels)}")
        counts["rows"] += 1
    return found


def entry_of(world: World, group: model.LaneGroup, row: routing.Row) -> tuple[Pod, list[dict[str, str]]]:
    """Who calls, and with which headers: one request for each."""
    lane = group.lane(row.entry)
    if lane and not group.permissive:
        return world.callers(lane.labels)[0], [{}]
    caller = world.callers()[0]
    header = group.route_header or ""
    if row.entry is None:
        return caller, [{}, {header: NO_LANE}]
    return caller, [{header: row.entry}]


def at_the_gateway(world: World, group: model.LaneGroup, counts: Counter[str]) -> list[str]:
    """Requests from outside that go elsewhere than the lanes' rules and weights say."""
    found = []
    for host, headers in REQUESTS:
        title = f"{host} {headers}"
        if not entry.ingress_virtual_services(group):
            continue
        shares = entry.entry_shares(group, host, "/hello", headers)
        counts["requests at the gateway"] += 1
        if None in shares:
            status = world.ask_gateway(host, headers)
            found += [] if status is None else [f"{title}: answered by {status.labels}, not by nobody"]
            continue
        wanted = [(labels_of(group, lane), share) for lane, share in shares.items()]
        pods = [world.ask_gateway(host, headers) for _try in range(SAMPLE if len(shares) > 1 else 1)]
        found += [f"{title}: {problem}" for problem in misspread(wanted, pods)]
    return found


def labels_of(group: model.LaneGroup, name: str | None) -> dict[str, str]:
    """The labels of the pods to which the gateway sends what enters a lane."""
    lane = group.lane(name)
    assert lane
    targets = [*(rule.destination for rule in lane.ingress_rules or ())]
    targets += [weight.destination for weight in lane.ingress_weight or ()]
    service = next(service for service in SERVICES if str(service) == targets[0].service)
    answering = group.lane(routing.answering_lane(group, service, name) if group.permissive else name)
    return {"app": service.name, **(answering.labels if answering else {})}


def misspread(wanted: list[tuple[dict[str, str], Fraction]], pods: list[Pod | None]) -> list[str]:
    """What contradicts the wanted shares of labels among the pods that answered."""
    found = []
    for pod in pods:
        if pod is None or not any(labels.items() <= pod.labels.items() for labels, _share in wanted):
            found.append(f"answered by {pod and dict(pod.labels)}, wanted is one of {wanted}")
    for labels, share in wanted:
        # Lanes may have pods in common: then more of them come than the lane's share.
        most = sum(one for other, one in wanted if all(labels.get(k, v) == v for k, v in other.items()))
        count = sum(pod is not None and labels.items() <= pod.labels.items() for pod in pods)
        low, high = (len(pods) * float(part) for part in (share, most))
        slack = SIGMAS * math.sqrt(len(pods)) / 2 if len(wanted) > 1 else 0.0
        if not low - slack <= count <= high + slack:
            found.append(f"{labels}: {count} of {len(pods)}, wanted {share}")
    return found


def checked(world: World, backend: str, group: model.LaneGroup, counts: Counter[str]) -> None:
    """Apply a group: check mode writes nothing and tells the truth, the second run changes nothing."""
    before = world.writes()
    foretold = world.ensure(backend, group, check=True)
    assert world.writes() == before, "check mode has written"
    made = world.ensure(backend, group)
    assert made.facts() == foretold.facts(), "check mode told something else"
    world.wait_effective(group)
    before = world.writes()
    again = world.ensure(backend, group)
    assert again.plan is not None and not again.plan.changed
    assert world.writes() == before, "the second run has written"
    counts["changes"] += made.done


def there_and_back(
    world: World, backend: str, first: model.LaneGroup, second: model.LaneGroup, counts: Counter[str]
) -> list[str]:
    """From the group that is there to another and back; the rows that turned out otherwise."""
    was = world.read(backend)
    checked(world, backend, second, counts)
    wrong = contradictions(world, second, counts)
    counts["changes"] += world.ensure(backend, first).done
    world.wait_effective(first)
    assert world.read(backend) == was, "A -> B -> A is not A"
    return [*wrong, *contradictions(world, first, counts)]


def contradictions(world: World, group: model.LaneGroup, counts: Counter[str]) -> list[str]:
    """What contradicts a group that is in force, and still does a moment later.

    An Envoy shows what its main thread has loaded; the thread that serves a request follows when it gets a
    processor.
    """
    found = [*disagreements(world, group, counts), *at_the_gateway(world, group, counts)]
    if not found:
        return []
    counts["late"] += 1
    time.sleep(MOMENT)
    return [*disagreements(world, group, counts), *at_the_gateway(world, group, counts)]


def pairs(world: World, rng: random.Random) -> Iterator[tuple[str, model.LaneGroup, model.LaneGroup]]:
    """Pairs without end, each with its way to the lanes; the first of each is in force."""
    for backend in cycle(BACKENDS):
        centre, *others = star(rng, PER_START, whole=backend == CUSTOM_RESOURCE)
        world.ensure(backend, centre, absent=True)  # what ASM fixes at creation differs
        world.ensure(backend, centre)
        world.wait_effective(centre)
        for other in others:
            yield backend, centre, other


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_prediction_equals_what_envoys_do(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    counts, wrong = Counter[str](), []
    began = time.monotonic()
    for number, (backend, first, second) in enumerate(islice(pairs(world, random.Random(SEED)), PAIRS)):
        title = f"pair {number} of seed {SEED}, {backend}"
        specs = f"A: {words.as_spec(first)}\n  B: {words.as_spec(second)}"
        try:
            found = there_and_back(world, backend, first, second, counts)
        except Exception as error:
            error.add_note(f"{title}\n  {specs}")
            raise
        counts["agreed"] += not found
        wrong += ["\n  ".join([title, specs, *found])] if found else []
    with capsys.disabled():
        print(
            f"\nseed {SEED}: {counts['agreed']}/{PAIRS} pairs agree, there and back; "
            f"{counts['changes']} changes, {counts['rows']} rows of truth, {counts['requests']} requests, "
            f"{counts['requests at the gateway']} cases at the gateway, {counts['late']} looks too early, "
            f"{time.monotonic() - began:.0f} s"
        )
    assert not wrong, "\n".join(wrong)
