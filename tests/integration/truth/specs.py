"""Random lane groups for the lab's nine pods: services a, b, c in versions v1, v2, v3.

Plain ``random`` with a fixed seed, not hypothesis: every pair shall be as rich as the last, the
lab goes from one to the next, and a failure is read, not shrunk.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

from ansible_collections.asm.lanes.plugins.module_utils._lanes import model

NAME = "g"
SERVICES = tuple(model.ServiceRef("default", name) for name in "abc")
#: version -> labels of its pods, apart from ``app``: ``tier`` selects one or two versions.
PODS = {
    "v1": {"version": "v1", "tier": "old"},
    "v2": {"version": "v2", "tier": "new"},
    "v3": {"version": "v3", "tier": "new"},
}
LANES = ("base", "blue", "green", "v1", "v2")
#: (route header, trace header): the modes baggage, custom header and trace id.
HEADERS = (("version", "baggage"), ("x-lane", "x-lane"), ("version", "x-request-id"))


def star(rng: random.Random, points: int, several_labels: bool) -> list[model.LaneGroup]:
    """A group, and ``points`` others that differ from it in nothing that ASM fixes at creation.

    several_labels: whether lanes may have more than one label (the OpenAPI takes one).
    """
    mode = rng.choices(model.MODES, weights=[3, 1])[0]
    headers = rng.choice(HEADERS) if mode == model.PERMISSIVE else (None, None)
    return [_group(rng, mode, headers, several_labels) for _group_of_star in range(points + 1)]


def _group(rng: random.Random, mode: str, headers: Sequence[Any], several_labels: bool) -> model.LaneGroup:
    permissive = mode == model.PERMISSIVE
    services = _some(rng, SERVICES)
    names = _some(rng, LANES)
    baseline = rng.choice(names) if permissive else None
    lanes = [
        model.make_lane(
            name,
            _labels(rng, permissive, several_labels),
            _some(rng, services) if permissive and name != baseline else services,
            [],
            [],
        )
        for name in names
    ]
    fallback = {
        service: rng.choice([lane.name for lane in lanes if service in lane.services])
        for service in services
        if permissive and rng.random() < 0.3
    }
    return model.make_group(
        name=NAME,
        mode=mode,
        route_header=headers[0],
        trace_header=headers[1],
        gateway_rule=model.GatewayRule("gw", "default"),
        services=services,
        baseline=baseline,
        service_fallback=fallback,
        lanes=lanes,
    )


def _labels(rng: random.Random, permissive: bool, several_labels: bool) -> dict[str, str]:
    labels = rng.choice(list(PODS.values()))
    # In strict mode the caller's labels choose the lane: they must not fit lanes of other labels.
    keys = ["version"] if not permissive else rng.choice([["version"], ["version"], ["tier"]])
    if several_labels and permissive and rng.random() < 0.3:
        keys = ["version", "tier"]
    return {key: labels[key] for key in keys}


def _some(rng: random.Random, things: Sequence[Any]) -> list[Any]:
    return rng.sample(things, rng.randint(1, len(things)))
