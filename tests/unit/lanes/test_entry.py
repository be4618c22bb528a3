"""The lane that a request enters, against the VirtualServices made for the gateway."""

from __future__ import annotations

import re
from fractions import Fraction
from typing import Any

from ansible_collections.asm.lanes.plugins.module_utils._lanes import entry, model, rules, words
from hypothesis import given
from hypothesis import strategies as st
from unit.lanes.strategies import PATHS, VALUES, groups

Resource = dict[str, Any]
NAMES = ["www.shop.example", "img.shop.example", "api.example", "elsewhere.example"]


def matches(block: Resource, path: str, headers: dict[str, str]) -> bool:
    """Istio's rule for one match block, written down a second time."""

    def one(rule: dict[str, str], text: str | None) -> bool:
        ((how, value),) = rule.items()
        if text is None:
            return False
        return {
            "exact": text == value,
            "prefix": text.startswith(value),
            "regex": bool(re.fullmatch(value, text)),
        }[how]

    if "uri" in block and not one(block["uri"], path):
        return False
    return all(one(rule, headers.get(name)) for name, rule in block.get("headers", {}).items())


def shares(
    resources: list[Resource], host: str, path: str, headers: dict[str, str]
) -> dict[str, Fraction] | None:
    """What the gateway would do: the VirtualService of the most specific host, its first matching route."""
    by_host = {resource["spec"]["hosts"][0]: resource for resource in resources}
    candidates = [host, *(f"*.{rest}" for rest in suffixes(host)), "*"]
    found = next((by_host[name] for name in candidates if name in by_host), None)
    for route in found["spec"]["http"] if found else ():
        blocks = route.get("match")
        if blocks is None or any(matches(block, path, headers) for block in blocks):
            total = sum(leg.get("weight", 1) for leg in route["route"])
            return {
                name: Fraction(leg.get("weight", 1), total)
                for leg in route["route"]
                for name in leg["headers"]["request"]["set"].values()
            }
    return None


def suffixes(host: str) -> list[str]:
    parts = host.split(".")
    return [".".join(parts[index:]) for index in range(1, len(parts))]


@given(
    groups("permissive"),
    st.sampled_from(NAMES),
    st.sampled_from(PATHS),
    st.dictionaries(st.sampled_from(["x-user", "x-tag", "version", "x-lane"]), st.sampled_from(VALUES)),
)
def test_the_gateway_does_what_is_predicted(
    group: model.LaneGroup, host: str, path: str, headers: dict[str, str]
) -> None:
    predicted = entry.entry_shares(group, host, path, headers)
    assert sum(predicted.values()) == 1
    made = shares(entry.ingress_virtual_services(group), host, path, headers)
    if made is None:  # no rule of ours: the request's own header decides
        lane = group.lane(headers.get(group.route_header or ""))
        made = {lane.name if lane else None: Fraction(1)}  # type: ignore[dict-item]
    assert predicted == made


def test_sixty_twenty_twenty(guide_spec: dict[str, Any]) -> None:
    to = {"service": "default/wsk-svc", "port": 5000}
    for lane, weight in zip(guide_spec["lanes"], (60, 20, 20), strict=True):
        lane["ingress_weight"] = {"weight": weight, "destination": to}
    group = words.parse({**guide_spec, "ingress_routing": {"strategy": "weighted"}})
    rules.validate(group)
    assert entry.entry_shares(group, "any", "/", {}) == {
        "base": Fraction(3, 5),
        "v1": Fraction(1, 5),
        "v2": Fraction(1, 5),
    }
    (resource,) = entry.ingress_virtual_services(group)
    assert resource["spec"]["gateways"] == ["default/ws-gateway"]
    # wsk-svc is in the baseline alone: every share goes there, with its own lane in the header.
    assert {leg["destination"]["subset"] for leg in resource["spec"]["http"][0]["route"]} == {"base"}


def test_the_guide_has_nothing_at_the_gateway(guide_spec: dict[str, Any]) -> None:
    group = words.parse(guide_spec)
    assert entry.ingress_virtual_services(group) == []
    assert entry.entry_shares(group, "any", "/", {"version": "v2"}) == {"v2": Fraction(1)}
    assert entry.entry_shares(group, "any", "/", {"version": "v22"}) == {None: Fraction(1)}
