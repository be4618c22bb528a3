# Copyright (c) 2026, asm.lanes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Lane groups from and to the user's words: dictionaries of plain values."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

from .ingress import (
    IngressError,
    parse_routing,
    parse_rule,
    parse_weight,
    routing_as_spec,
    rule_as_spec,
    weight_as_spec,
)
from .model import (
    DNS_LABEL_RULE,
    GatewayRule,
    Lane,
    LaneGroup,
    ServiceRef,
    make_lane,
    parse_service,
    sort_lanes,
)
from .problems import Problem, SpecError
from .rules import syntax_problems

_Parsed = TypeVar("_Parsed")


def parse(spec: Mapping[str, Any]) -> LaneGroup:
    """A wanted group from the user's words.

    spec: keys ``name``, ``mode``, ``route_header``, ``trace_header``, ``gateway_rule``
    {name, namespace}, ``services`` [``namespace/name``], ``baseline``,
    ``service_fallback`` {service: lane}, ``ingress_routing`` {strategy, hosts, matches},
    ``lanes`` [{name, label_selector, services, ingress_rules, ingress_weight}];
    a missing key or None means "not stated".

    Raises SpecError with every problem that can be seen without knowing the current state.
    """
    problems: list[Problem] = []
    rule = spec.get("gateway_rule")
    fallback = spec.get("service_fallback")
    lanes = spec.get("lanes")
    routing = spec.get("ingress_routing")
    group = LaneGroup(
        name=str(spec.get("name") or ""),
        mode=spec.get("mode"),
        route_header=_text(spec.get("route_header")),
        trace_header=_text(spec.get("trace_header")),
        gateway_rule=None
        if rule is None
        else GatewayRule(str(rule.get("name") or ""), _text(rule.get("namespace"))),
        services=_services(spec.get("services"), "services", problems),
        baseline=_text(spec.get("baseline")),
        service_fallback=None if fallback is None else _fallback(fallback, problems),
        ingress_routing=None
        if routing is None
        else _checked(problems, parse_routing, routing, "ingress_routing"),
        lanes=None if lanes is None else _lanes(lanes, problems),
    )
    problems += syntax_problems(group)
    if problems:
        raise SpecError(f"lane group {group.name or '(no name)'}", problems)
    return group


def as_spec(group: LaneGroup) -> dict[str, Any]:
    """The group in the user's words: what ``parse`` takes; keys that are None are left out."""
    spec: dict[str, Any] = {
        "name": group.name,
        "mode": group.mode,
        "route_header": group.route_header,
        "trace_header": group.trace_header,
        "gateway_rule": None,
        "services": None if group.services is None else [str(s) for s in group.services],
        "baseline": group.baseline,
        "service_fallback": None
        if group.service_fallback is None
        else {str(service): lane for service, lane in group.service_fallback},
        "ingress_routing": None if group.ingress_routing is None else routing_as_spec(group.ingress_routing),
        "lanes": None if group.lanes is None else [lane_as_spec(lane) for lane in group.lanes],
    }
    if group.gateway_rule:
        rule = {"name": group.gateway_rule.name, "namespace": group.gateway_rule.namespace}
        spec["gateway_rule"] = {k: v for k, v in rule.items() if v is not None}
    return {key: value for key, value in spec.items() if value is not None}


def lane_as_spec(lane: Lane) -> dict[str, Any]:
    """One lane in the user's words; what is not stated is left out."""
    spec: dict[str, Any] = {
        "name": lane.name,
        "label_selector": lane.labels,
        "services": [str(s) for s in lane.services],
    }
    if lane.ingress_rules is not None:
        spec["ingress_rules"] = [rule_as_spec(rule) for rule in lane.ingress_rules]
    if lane.ingress_weight is not None:
        spec["ingress_weight"] = weight_as_spec(lane.ingress_weight[0]) if lane.ingress_weight else {}
    return spec


def _text(value: Any) -> str | None:
    return None if value is None else str(value)


def _services(texts: Any, path: str, problems: list[Problem]) -> tuple[ServiceRef, ...] | None:
    if texts is None:
        return None
    found = set()
    for index, text in enumerate(texts):
        service = parse_service(str(text))
        if service is None:
            problems.append(
                Problem(
                    f"{path}[{index}]",
                    f"{text!r} is not a service",
                    f"Write it as namespace/name, each of {DNS_LABEL_RULE}",
                )
            )
        else:
            found.add(service)
    return tuple(sorted(found))


def _fallback(entries: Mapping[str, Any], problems: list[Problem]) -> tuple[tuple[ServiceRef, str], ...]:
    pairs = []
    for text, lane in entries.items():
        found = _services([text], f"service_fallback[{text}]", problems)
        pairs += [(service, str(lane)) for service in found or ()]
    return tuple(sorted(pairs))


def _lanes(entries: Iterable[Mapping[str, Any]], problems: list[Problem]) -> tuple[Lane, ...]:
    lanes: dict[str, Lane] = {}
    for entry in entries:
        lane = _lane(entry, problems)
        if lane.name in lanes:
            problems.append(
                Problem(
                    f"lanes[{lane.name}]",
                    "two lanes have this name",
                    "Give every lane of the group its own name",
                )
            )
        lanes[lane.name] = lane
    return sort_lanes(lanes.values())


def _lane(entry: Mapping[str, Any], problems: list[Problem]) -> Lane:
    name = str(entry.get("name") or "")
    path = f"lanes[{name}]"
    labels = {str(key): str(value) for key, value in (entry.get("label_selector") or {}).items()}
    services = _services(entry.get("services") or [], f"{path}.services", problems)
    rules, weight = entry.get("ingress_rules"), entry.get("ingress_weight")
    parsed = [
        _checked(problems, parse_rule, rule, f"{path}.ingress_rules[{rule.get('name')}]")
        for rule in rules or ()
    ]
    weights = [_checked(problems, parse_weight, weight, f"{path}.ingress_weight")] if weight else []
    return make_lane(
        name,
        labels,
        services or (),
        None if rules is None else [rule for rule in parsed if rule],
        None if weight is None else [w for w in weights if w],
    )


def _checked(
    problems: list[Problem],
    parser: Callable[[Mapping[str, Any], str], _Parsed],
    spec: Mapping[str, Any],
    path: str,
) -> _Parsed | None:
    """What the parser makes of ``spec``; its complaint becomes one of the problems."""
    try:
        return parser(spec, path)
    except IngressError as error:
        problems.append(Problem(error.path, str(error), error.remedy))
        return None
