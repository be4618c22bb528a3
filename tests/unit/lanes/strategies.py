"""Random lane groups: always valid, small enough to read when one fails."""

from __future__ import annotations

from typing import Any

from ansible_collections.asm.lanes.plugins.module_utils._lanes import model
from hypothesis import strategies as st

SERVICES = [model.ServiceRef("default", name) for name in ("a", "b", "c", "d")]
LANES = ["base", "blue", "green", "v1", "v2"]


@st.composite
def groups(draw: st.DrawFn, mode: str | None = None) -> model.LaneGroup:
    """A complete, valid group named ``g``; its create-only fields are always the same."""
    mode = mode or draw(st.sampled_from(model.MODES))
    services = draw(st.lists(st.sampled_from(SERVICES), min_size=1, unique=True))
    names = draw(st.lists(st.sampled_from(LANES), min_size=1, unique=True))
    baseline = draw(st.sampled_from(names)) if mode == model.PERMISSIVE else None
    lanes = []
    for name in names:
        complete = mode == model.STRICT or name == baseline
        inside = services if complete else draw(st.lists(st.sampled_from(services), min_size=1, unique=True))
        lanes.append(model.make_lane(name, {"version": draw(st.sampled_from(["v1", "v2", "v3"]))}, inside))
    fallback = draw(_fallbacks(services, lanes)) if mode == model.PERMISSIVE else {}
    return model.make_group(
        name="g",
        mode=mode,
        route_header="version" if mode == model.PERMISSIVE else None,
        trace_header="baggage" if mode == model.PERMISSIVE else None,
        gateway_rule=model.GatewayRule("gw", "default"),
        services=services,
        baseline=baseline,
        service_fallback=fallback,
        lanes=lanes,
    )


@st.composite
def _fallbacks(draw: st.DrawFn, services: Any, lanes: list[model.Lane]) -> dict[model.ServiceRef, str]:
    chosen = {}
    for service in draw(st.lists(st.sampled_from(services), unique=True)):
        chosen[service] = draw(st.sampled_from([lane.name for lane in lanes if service in lane.services]))
    return chosen


@st.composite
def pairs(draw: st.DrawFn) -> tuple[model.LaneGroup, model.LaneGroup]:
    """Two groups of one mode, so that a plan from one to the other exists."""
    mode = draw(st.sampled_from(model.MODES))
    return draw(groups(mode)), draw(groups(mode))
