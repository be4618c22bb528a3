"""Random lane groups: always valid, small enough to read when one fails."""

from __future__ import annotations

from typing import Any

from ansible_collections.asm.lanes.plugins.module_utils._lanes import ingress, model
from hypothesis import strategies as st

SERVICES = [model.ServiceRef("default", name) for name in ("a", "b", "c", "d")]
LANES = ["base", "blue", "green", "v1", "v2"]
#: (route header, trace header): the modes baggage, custom header and trace id.
HEADERS = [("version", "baggage"), ("x-lane", "x-lane"), ("version", "x-request-id")]


@st.composite
def groups(
    draw: st.DrawFn, mode: str | None = None, headers: tuple[str, str] | None = None
) -> model.LaneGroup:
    """A complete, valid group named ``g``. mode, headers: what else ASM fixes at creation, any by default."""
    mode = mode or draw(st.sampled_from(model.MODES))
    route_header, trace_header = headers or draw(st.sampled_from(HEADERS))
    services = draw(st.lists(st.sampled_from(SERVICES), min_size=1, unique=True))
    names = draw(st.lists(st.sampled_from(LANES), min_size=1, unique=True))
    baseline = draw(st.sampled_from(names)) if mode == model.PERMISSIVE else None
    routing = draw(_routings())
    lanes = []
    for name in names:
        complete = mode == model.STRICT or name == baseline
        inside = services if complete else draw(st.lists(st.sampled_from(services), min_size=1, unique=True))
        rules, weight = draw(_entries(routing, services))
        labels = {"version": draw(st.sampled_from(["v1", "v2", "v3"]))}
        lanes.append(model.make_lane(name, labels, inside, rules, weight))
    fallback = draw(_fallbacks(services, lanes)) if mode == model.PERMISSIVE else {}
    return model.make_group(
        name="g",
        mode=mode,
        route_header=route_header if mode == model.PERMISSIVE else None,
        trace_header=trace_header if mode == model.PERMISSIVE else None,
        gateway_rule=model.GatewayRule("gw", "default"),
        services=services,
        baseline=baseline,
        service_fallback=fallback,
        ingress_routing=routing,
        lanes=lanes,
    )


HOSTS = ["*", "*.shop.example", "www.shop.example", "api.example"]
PATHS = ["/", "/mock", "/mock/a"]
VALUES = ["v1", "v2", "x"]


def _matches() -> st.SearchStrategy[ingress.RequestMatch]:
    return st.builds(
        ingress.RequestMatch,
        st.none() | st.builds(ingress.StringMatch, st.sampled_from(ingress.HOW), st.sampled_from(PATHS)),
        st.dictionaries(
            st.sampled_from(["x-user", "x-tag"]),
            st.builds(ingress.StringMatch, st.sampled_from(ingress.HOW), st.sampled_from(VALUES)),
            max_size=1,
        ).map(lambda headers: tuple(sorted(headers.items()))),
    )


def _hosts() -> st.SearchStrategy[tuple[str, ...]]:
    hosts = st.lists(st.sampled_from(HOSTS), min_size=1, max_size=2, unique=True)
    return hosts.map(lambda found: tuple(sorted(found)))


def _routings() -> st.SearchStrategy[ingress.IngressRouting]:
    weighted = st.builds(
        ingress.IngressRouting,
        st.just(ingress.WEIGHTED),
        _hosts(),
        st.lists(_matches(), max_size=2, unique=True).map(
            lambda found: tuple(sorted(found, key=ingress.match_order))
        ),
    )
    return st.just(ingress.IngressRouting()) | weighted


@st.composite
def _entries(draw: st.DrawFn, routing: ingress.IngressRouting, services: list[model.ServiceRef]) -> Any:
    """What of rules and weight a lane has under the strategy."""
    target = ingress.Destination(str(draw(st.sampled_from(services))), 5000)
    if routing.strategy == ingress.WEIGHTED:
        return [], [ingress.IngressWeight(draw(st.integers(1, 100)), target)]
    names = draw(st.lists(st.sampled_from(["r1", "r2"]), unique=True))
    return [ingress.IngressRule(name, draw(_hosts()), draw(_matches()), target) for name in names], []


@st.composite
def _fallbacks(draw: st.DrawFn, services: Any, lanes: list[model.Lane]) -> dict[model.ServiceRef, str]:
    chosen = {}
    for service in draw(st.lists(st.sampled_from(services), unique=True)):
        chosen[service] = draw(st.sampled_from([lane.name for lane in lanes if service in lane.services]))
    return chosen


@st.composite
def pairs(draw: st.DrawFn) -> tuple[model.LaneGroup, model.LaneGroup]:
    """Two groups of one mode and one pair of headers, so that a plan from one to the other exists."""
    mode, headers = draw(st.sampled_from(model.MODES)), draw(st.sampled_from(HEADERS))
    return draw(groups(mode, headers)), draw(groups(mode, headers))
