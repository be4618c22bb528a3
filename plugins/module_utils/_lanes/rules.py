# Copyright (c) 2026, asm.lanes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What makes a lane group valid: each field alone, and the group as a whole."""

from __future__ import annotations

import re

from .ingress import WEIGHTED
from .model import BAGGAGE, DNS_LABEL, DNS_LABEL_RULE, MODES, Lane, LaneGroup
from .problems import Problem, SpecError

# The Go types of the lane custom resources say that the route header is "neither a trace
# id nor baggage" (documented); which headers count as trace ids is our list.
RESERVED_ROUTE_HEADERS = frozenset(
    {BAGGAGE, "traceparent", "tracestate", "b3", "x-b3-traceid", "x-b3-trace-id"}
)

_HEADER = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110 token
_LABEL_NAME = re.compile(r"[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?")
_LABEL_PREFIX = re.compile(r"(?=.{1,253}$)[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")


def validate(group: LaneGroup) -> None:
    """Check a merged group as a whole; raises SpecError with all problems."""
    problems = [*_missing_problems(group), *_lane_service_problems(group), *_fallback_problems(group)]
    problems += _ingress_problems(group)
    problems += _permissive_problems(group) if group.permissive else _strict_problems(group)
    if problems:
        raise SpecError(f"lane group {group.name}", problems)


def _missing_problems(group: LaneGroup) -> list[Problem]:
    problems = []
    if not group.services:
        problems.append(
            Problem("services", "no service given", "List the services of the call chain as namespace/name")
        )
    if group.gateway_rule is None:
        problems.append(
            Problem("gateway_rule", "not given", "Name the Istio Gateway through which the traffic enters")
        )
    return problems


def _lane_service_problems(group: LaneGroup) -> list[Problem]:
    known = set(group.services or ())
    return [
        Problem(
            f"lanes[{lane.name}].services",
            f"{service} is not a service of the group",
            "Add it to the group's services or take it out of the lane",
        )
        for lane in group.lanes or ()
        for service in lane.services
        if service not in known
    ]


def _fallback_problems(group: LaneGroup) -> list[Problem]:
    problems = []
    for service, name in group.service_fallback or ():
        lane = group.lane(name)
        path = f"service_fallback[{service}]"
        if lane is None:
            problems.append(Problem(path, f"there is no lane {name!r}", "Name a lane of this group"))
        elif not lane.contains(service):
            problems.append(
                Problem(
                    path, f"lane {name!r} does not contain {service}", "Name a lane that contains the service"
                )
            )
    return problems


def _ingress_problems(group: LaneGroup) -> list[Problem]:
    weighted = group.ingress_routing is not None and group.ingress_routing.strategy == WEIGHTED
    problems = [
        problem for lane in group.lanes or () for problem in _lane_ingress_problems(group, lane, weighted)
    ]
    weights = [weight.weight for lane in group.lanes or () for weight in lane.ingress_weight or ()]
    readable = all(lane.ingress_weight is not None for lane in group.lanes or ())
    if weighted and group.lanes and readable and not sum(weights):
        problems.append(
            Problem(
                "ingress_routing", "no lane has a weight", "Give at least one lane an ingress_weight above 0"
            )
        )
    return problems


def _lane_ingress_problems(group: LaneGroup, lane: Lane, weighted: bool) -> list[Problem]:
    path = f"lanes[{lane.name}]"
    problems = []
    if weighted and lane.ingress_rules:
        problems.append(
            Problem(
                f"{path}.ingress_rules",
                "the group's strategy is weighted",
                "Put the match into the group's ingress_routing, or choose strategy rule_based",
            )
        )
    if not weighted and lane.ingress_weight:
        problems.append(
            Problem(
                f"{path}.ingress_weight", "the group's strategy is rule_based", "Choose strategy weighted"
            )
        )
    names = [rule.name for rule in lane.ingress_rules or ()]
    for name in sorted({name for name in names if names.count(name) > 1}):
        problems.append(
            Problem(f"{path}.ingress_rules[{name}]", "two rules have this name", "Give each its own name")
        )
    known = {str(service) for service in group.services or ()}
    targets = [(f"{path}.ingress_rules[{r.name}]", r.destination) for r in lane.ingress_rules or ()]
    targets += [(f"{path}.ingress_weight", weight.destination) for weight in lane.ingress_weight or ()]
    for where, destination in targets:
        if destination.service not in known:
            problems.append(
                Problem(
                    f"{where}.destination.service",
                    f"{destination.service} is not a service of the group",
                    "Name one of the group's services",
                )
            )
    return problems


def _permissive_problems(group: LaneGroup) -> list[Problem]:
    problems = [
        Problem(path, "needed in permissive mode and not given", remedy)
        for path, value, remedy in (
            (
                "route_header",
                group.route_header,
                "Name the header whose value is the lane's name, such as version",
            ),
            (
                "trace_header",
                group.trace_header,
                "Name the header that the applications pass on, such as baggage",
            ),
        )
        if not value
    ]
    if not group.lanes:
        return problems
    names = ", ".join(lane.name for lane in group.lanes)
    if not group.baseline:
        return [
            *problems,
            Problem(
                "baseline",
                "a permissive group needs a baseline and none is given",
                f"Name one of its lanes: {names}",
            ),
        ]
    lane = group.lane(group.baseline)
    if lane is None:
        return [
            *problems,
            Problem(
                "baseline", f"there is no lane {group.baseline!r}", f"Name one of the group's lanes: {names}"
            ),
        ]
    missing = [str(service) for service in group.services or () if not lane.contains(service)]
    if missing:
        problems.append(
            Problem(
                f"lanes[{lane.name}].services",
                f"the baseline lacks {', '.join(missing)}",
                "A baseline contains every service of its group",
            )
        )
    return problems


def _strict_problems(group: LaneGroup) -> list[Problem]:
    problems = []
    if group.baseline:
        problems.append(
            Problem("baseline", "a strict group has no baseline", "Leave it out or choose mode permissive")
        )
    if group.service_fallback:
        problems.append(
            Problem(
                "service_fallback", "a strict group has no fallback", "Leave it out or choose mode permissive"
            )
        )
    for lane in group.lanes or ():
        missing = [str(service) for service in group.services or () if not lane.contains(service)]
        if missing:
            problems.append(
                Problem(
                    f"lanes[{lane.name}].services",
                    f"lacks {', '.join(missing)}",
                    "In strict mode every lane contains every service of the group",
                )
            )
    return problems


def syntax_problems(group: LaneGroup) -> list[Problem]:
    """What can be told from each field alone."""
    problems = _name_problems("name", group.name)
    if group.mode is not None and group.mode not in MODES:
        problems.append(Problem("mode", f"{group.mode!r} is not a mode", f"Choose one of {', '.join(MODES)}"))
    problems += _header_problems(group)
    if group.gateway_rule:
        problems += _name_problems("gateway_rule.name", group.gateway_rule.name)
        if group.gateway_rule.namespace is not None:
            problems += _name_problems("gateway_rule.namespace", group.gateway_rule.namespace)
    for lane in group.lanes or ():
        problems += _lane_syntax_problems(lane)
    return problems


def _name_problems(path: str, name: str) -> list[Problem]:
    # Lane names become subset names and parts of object names; the server's own rule is
    # unknown, so we hold them to the rule of Kubernetes names (inferred).
    if DNS_LABEL.fullmatch(name):
        return []
    return [Problem(path, f"{name!r} is not a Kubernetes name", f"Use {DNS_LABEL_RULE}")]


def _header_problems(group: LaneGroup) -> list[Problem]:
    problems = []
    for path, value in (("route_header", group.route_header), ("trace_header", group.trace_header)):
        if value is not None and not _HEADER.fullmatch(value):
            problems.append(
                Problem(
                    path,
                    f"{value!r} is not an HTTP header name",
                    "Use letters, digits and '-', such as x-asm-prefer-tag",
                )
            )
    if group.route_header is not None and group.route_header.lower() in RESERVED_ROUTE_HEADERS:
        problems.append(
            Problem(
                "route_header",
                f"{group.route_header!r} carries trace context and cannot select a lane",
                "Use an ordinary header, such as version; 'baggage' belongs in trace_header",
            )
        )
    return problems


def _lane_syntax_problems(lane: Lane) -> list[Problem]:
    path = f"lanes[{lane.name}]"
    problems = _name_problems(f"{path}.name", lane.name)
    if not lane.label_selector:
        problems.append(
            Problem(
                f"{path}.label_selector",
                "no label given",
                "Name the label of the lane's pods, such as {version: v2}",
            )
        )
    for key, value in lane.label_selector:
        prefix, slash, name = key.rpartition("/")
        if not _LABEL_NAME.fullmatch(name) or (slash and not _LABEL_PREFIX.fullmatch(prefix)):
            problems.append(
                Problem(
                    f"{path}.label_selector",
                    f"{key!r} is not a label key",
                    "Use Kubernetes' syntax, such as version or example.com/track",
                )
            )
        if value and not _LABEL_NAME.fullmatch(value):
            problems.append(
                Problem(
                    f"{path}.label_selector[{key}]",
                    f"{value!r} is not a label value",
                    "Use at most 63 letters, digits, '-', '_' and '.'",
                )
            )
    return problems
