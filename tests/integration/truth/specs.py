"""Random lane groups for the lab's nine pods: services a, b, c in versions v1, v2, v3.

Plain ``random`` with a fixed seed, not hypothesis: every pair shall be as rich as the last, the
lab goes from one to the next, and a failure is read, not shrunk.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

from ansible_collections.asm.lanes.plugins.module_utils._lanes import ingress, model

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
#: Hosts of rules, and requests at the gateway as (host, headers); all of them for /hello.
HOSTS = ("*", "*.shop.example", "www.shop.example")
USER = "x-user"
MATCHES = tuple(
    ingress.parse_match(match, "match")
    for match in (
        {},
        {"uri": {"prefix": "/hel"}},
        {"uri": {"exact": "/other"}},
        {"headers": {USER: {"prefix": "te"}}},
        {"uri": {"regex": "/h.*o"}, "headers": {USER: {"exact": "alice"}}},
        {"uri": {"exact": "/hello"}, "headers": {USER: {"regex": "tester-[0-9]+"}}},
    )
)
REQUESTS = tuple(
    (host, headers)
    for host in ("www.shop.example", "api.shop.example", "elsewhere.example")
    for headers in ({}, {USER: "alice"}, {USER: "tester-1"})
)


def star(rng: random.Random, points: int, whole: bool) -> list[model.LaneGroup]:
    """A group, and ``points`` others that differ from it in nothing that ASM fixes at creation.

    whole: whether lanes may have rules and weights, and more than one label, which the OpenAPI cannot write.
    """
    mode = rng.choices(model.MODES, weights=[3, 1])[0]
    headers = rng.choice(HEADERS) if mode == model.PERMISSIVE else (None, None)
    return [_group(rng, mode, headers, whole) for _group_of_star in range(points + 1)]


def _group(rng: random.Random, mode: str, headers: Sequence[Any], whole: bool) -> model.LaneGroup:
    permissive = mode == model.PERMISSIVE
    services = _some(rng, SERVICES)
    names = _some(rng, LANES)
    baseline = rng.choice(names) if permissive else None
    routing = _routing(rng) if whole else None
    lanes = [
        model.make_lane(
            name,
            _labels(rng, permissive, whole),
            _some(rng, services) if permissive and name != baseline else services,
            *_ingress(rng, routing, services, always=name == names[0]),
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
        ingress_routing=routing,
        lanes=lanes,
    )


def _labels(rng: random.Random, permissive: bool, several_labels: bool) -> dict[str, str]:
    labels = rng.choice(list(PODS.values()))
    # In strict mode the caller's labels choose the lane: they must not fit lanes of other labels.
    keys = ["version"] if not permissive else rng.choice([["version"], ["version"], ["tier"]])
    if several_labels and permissive and rng.random() < 0.3:
        keys = ["version", "tier"]
    return {key: labels[key] for key in keys}


def _routing(rng: random.Random) -> ingress.IngressRouting:
    if rng.random() < 0.6:
        return ingress.IngressRouting()
    matches = sorted(rng.sample(MATCHES, rng.randint(0, 2)), key=ingress.match_order)
    return ingress.IngressRouting(ingress.WEIGHTED, tuple(sorted(_some(rng, HOSTS))), tuple(matches))


def _ingress(
    rng: random.Random,
    routing: ingress.IngressRouting | None,
    services: Sequence[model.ServiceRef],
    always: bool,
) -> tuple[list[ingress.IngressRule], list[ingress.IngressWeight]]:
    """A lane's rules, or its weight, to one service. always: a weighted group needs a weight somewhere."""
    if routing is None:
        return [], []
    to = ingress.Destination(str(rng.choice(services)), 5000)
    if routing.strategy == ingress.WEIGHTED:
        return [], [ingress.IngressWeight(rng.randint(1, 4), to)] if always or rng.random() < 0.7 else []
    rules = [
        ingress.IngressRule(f"r{number}", tuple(sorted(_some(rng, HOSTS))), rng.choice(MATCHES), to)
        for number in range(rng.randint(0, 2))
    ]
    return rules, []


def _some(rng: random.Random, things: Sequence[Any]) -> list[Any]:
    return rng.sample(things, rng.randint(1, len(things)))
