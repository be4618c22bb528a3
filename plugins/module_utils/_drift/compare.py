# Copyright (c) 2026, asm.lanes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A wanted lane group against the one that is there, field by field. Pure.

What is not stated is not compared; what cannot be read is told as skipped.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from .._asm.backend import Observed
from .._lanes.ingress import routing_as_spec, rule_as_spec, weight_as_spec
from .._lanes.model import Lane, LaneGroup
from . import kinds
from .kinds import Finding, Kind, Skip


def lane_group(name: str) -> str:
    """A lane group, as a finding calls it."""
    return f"lane group {name}"


def lane_of(group: str, lane: str) -> str:
    """A lane, as a finding calls it."""
    return f"lane {lane} of lane group {group}"


def compare(wanted: LaneGroup, current: LaneGroup | None, whole: bool = True) -> list[Finding]:
    """The differences of group and lanes.

    current: None when there is no such group. whole: whether the source tells all labels of a lane's
    selector; the OpenAPI tells one.
    """
    if current is None:
        return [Finding(kinds.GROUP_MISSING, lane_group(wanted.name), wanted=wanted.name)]
    return [*_group(wanted, current), *_lanes(wanted, current, whole)]


def unread(wanted: LaneGroup, current: LaneGroup | None, whole: bool = True) -> list[Skip]:
    """What is stated but cannot be read, so that it was not compared."""
    if current is None:
        return []
    skips = [Skip(kind, f"{what} cannot be read back") for kind, what in _unread(wanted, current, whole)]
    rule, found = wanted.gateway_rule, current.gateway_rule
    if rule and rule.namespace and found and found.namespace is None:
        reason = "the OpenAPI does not return the namespace of the gateway rule: give mesh_kubeconfig"
        skips.append(Skip(kinds.GATEWAY_RULE, reason))
    return skips


def objections(observed: Observed | None) -> list[Finding]:
    """What ASM itself says against the group and its lanes."""
    if observed is None:
        return []
    group = observed.group.name
    subjects = [(lane_group(group), observed.errors)]
    subjects += [(lane_of(group, lane), said) for lane, said in sorted(observed.objections.items())]
    return [
        Finding(
            kinds.VALIDATION_MESSAGE,
            subject,
            "ValidationMessage",
            found=objection.text,
            severity=kinds.ERROR if objection.serious else kinds.WARNING,
        )
        for subject, said in subjects
        for objection in said
    ]


def _group(wanted: LaneGroup, current: LaneGroup) -> Iterator[Finding]:
    subject = lane_group(wanted.name)
    for kind, field in (
        (kinds.HEADERS, "mode"),
        (kinds.HEADERS, "route_header"),
        (kinds.HEADERS, "trace_header"),
        (kinds.BASELINE, "baseline"),
    ):
        stated, found = getattr(wanted, field), getattr(current, field)
        if stated is not None and stated != found:
            yield Finding(kind, subject, field, stated, found)
    yield from _gateway_rule(wanted, current)
    if wanted.services is not None and wanted.services != current.services:
        yield _services(subject, wanted.services, current.services or ())
    if wanted.service_fallback is not None:
        yield from _fallbacks(wanted, current)
    routing, found = wanted.ingress_routing, current.ingress_routing
    if routing is not None and found is not None and routing != found:
        yield Finding(
            kinds.INGRESS_ROUTING,
            subject,
            "ingress_routing",
            routing_as_spec(routing),
            routing_as_spec(found),
        )


def _gateway_rule(wanted: LaneGroup, current: LaneGroup) -> Iterator[Finding]:
    rule, found = wanted.gateway_rule, current.gateway_rule
    if rule is None:
        return
    subject = lane_group(wanted.name)
    if found is None or rule.name != found.name:
        yield Finding(kinds.GATEWAY_RULE, subject, "gateway_rule.name", rule.name, found and found.name)
    if rule.namespace and found and found.namespace and rule.namespace != found.namespace:
        yield Finding(kinds.GATEWAY_RULE, subject, "gateway_rule.namespace", rule.namespace, found.namespace)


def _fallbacks(wanted: LaneGroup, current: LaneGroup) -> Iterator[Finding]:
    stated, found = wanted.fallbacks, current.fallbacks
    for service in sorted({*stated, *found}):
        if stated.get(service) != found.get(service):
            field = f"service_fallback[{service}]"
            subject = lane_group(wanted.name)
            yield Finding(kinds.SERVICE_FALLBACK, subject, field, stated.get(service), found.get(service))


def _lanes(wanted: LaneGroup, current: LaneGroup, whole: bool) -> Iterator[Finding]:
    if wanted.lanes is None:
        return
    for lane in wanted.lanes:
        found = current.lane(lane.name)
        if found is None:
            yield Finding(kinds.LANE_MISSING, lane_of(wanted.name, lane.name), wanted=lane.name)
        else:
            yield from _lane(lane_of(wanted.name, lane.name), lane, found, whole)
    for extra in current.lanes or ():
        if wanted.lane(extra.name) is None:
            yield Finding(kinds.LANE_EXTRA, lane_of(wanted.name, extra.name), found=extra.name)


def _lane(subject: str, wanted: Lane, found: Lane, whole: bool) -> Iterator[Finding]:
    if wanted.label_selector != found.label_selector and not (_is_part(wanted, found) and not whole):
        yield Finding(kinds.SELECTOR, subject, "label_selector", wanted.labels, found.labels)
    if wanted.services != found.services:
        yield _services(subject, wanted.services, found.services)
    if wanted.ingress_rules is not None and found.ingress_rules is not None:
        yield from _rules(subject, wanted, found)
    stated, there = _weight(wanted), _weight(found)
    if stated is not None and there is not None and stated != there:
        yield Finding(kinds.WEIGHT, subject, "ingress_weight", stated, there)


def _services(subject: str, wanted: tuple[Any, ...], found: tuple[Any, ...]) -> Finding:
    return Finding(
        kinds.SERVICES, subject, "services", [str(one) for one in wanted], [str(one) for one in found]
    )


def _rules(subject: str, wanted: Lane, found: Lane) -> Iterator[Finding]:
    stated = {rule.name: rule_as_spec(rule) for rule in wanted.ingress_rules or ()}
    there = {rule.name: rule_as_spec(rule) for rule in found.ingress_rules or ()}
    for name in sorted({*stated, *there}):
        if stated.get(name) != there.get(name):
            yield Finding(kinds.RULE, subject, f"ingress_rules[{name}]", stated.get(name), there.get(name))


def _weight(lane: Lane) -> dict[str, Any] | None:
    """In the user's words; {} without a weight, None when not stated or not to be read."""
    if lane.ingress_weight is None:
        return None
    return weight_as_spec(lane.ingress_weight[0]) if lane.ingress_weight else {}


def _is_part(wanted: Lane, found: Lane) -> bool:
    """Whether the selector that was found is a part of the one that is wanted."""
    return found.label_selector != wanted.label_selector and found.labels.items() <= wanted.labels.items()


def _unread(wanted: LaneGroup, current: LaneGroup, whole: bool) -> Iterator[tuple[Kind, str]]:
    if wanted.ingress_routing is not None and current.ingress_routing is None:
        yield kinds.INGRESS_ROUTING, f"ingress_routing of {lane_group(wanted.name)}"
    for lane in wanted.lanes or ():
        found = current.lane(lane.name)
        if found is None:
            continue
        if not whole and _is_part(lane, found):
            yield kinds.SELECTOR, f"all of label_selector of {lane_of(wanted.name, lane.name)}"
        for kind, field in ((kinds.RULE, "ingress_rules"), (kinds.WEIGHT, "ingress_weight")):
            if getattr(lane, field) is not None and getattr(found, field) is None:
                yield kind, f"{field} of {lane_of(wanted.name, lane.name)}"
