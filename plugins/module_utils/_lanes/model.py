# Copyright (c) 2026, asm.lanes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Lane groups and lanes: the types, their parsing and their rules.

One type serves as the wanted and as the current state. In a *wanted* group ``None``
means "not stated: leave alone"; in a *current* group it means "cannot be read back".
``merge`` lays a wanted group over a current one, ``validate`` says what is wrong with
the result, all findings at once.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from .ingress import (
    WEIGHTED,
    IngressError,
    IngressRouting,
    IngressRule,
    IngressWeight,
    parse_routing,
    parse_rule,
    parse_weight,
    routing_as_spec,
    rule_as_spec,
    weight_as_spec,
)

_Parsed = TypeVar("_Parsed")

PERMISSIVE = "permissive"
STRICT = "strict"
MODES = (PERMISSIVE, STRICT)
BAGGAGE = "baggage"

# The Go types of the lane custom resources say that the route header is "neither a trace
# id nor baggage" (documented); which headers count as trace ids is our list.
RESERVED_ROUTE_HEADERS = frozenset(
    {BAGGAGE, "traceparent", "tracestate", "b3", "x-b3-traceid", "x-b3-trace-id"}
)

_DNS_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
_HEADER = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110 token
_LABEL_NAME = re.compile(r"[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?")
_LABEL_PREFIX = re.compile(r"(?=.{1,253}$)[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
_DNS_LABEL_RULE = (
    "lower case letters, digits and '-', at most 63, beginning and ending with a letter or digit"
)


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong with a specification.

    path: where, as a user writes it, such as ``lanes[v2].services[1]``.
    message: what was found and what was expected.
    remedy: what to do next.
    """

    path: str
    message: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.path}: {self.message}. {self.remedy}"


class SpecError(ValueError):
    """A specification that cannot be meant as it stands; carries every problem found."""

    def __init__(self, subject: str, problems: Iterable[Problem]) -> None:
        self.subject = subject
        self.problems = tuple(problems)
        super().__init__("\n".join([f"{subject} is not valid:", *(f"  - {p}" for p in self.problems)]))


@dataclass(frozen=True, order=True)
class ServiceRef:
    """A Kubernetes Service; written ``namespace/name``."""

    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}"

    @property
    def host(self) -> str:
        """Fully qualified name, as Istio resources refer to it (cluster domain ``cluster.local``)."""
        return f"{self.name}.{self.namespace}.svc.cluster.local"


@dataclass(frozen=True)
class GatewayRule:
    """The Istio ``Gateway`` through which a group's traffic enters.

    namespace is None when it cannot be read back (the OpenAPI's list does not return it).
    """

    name: str
    namespace: str | None = None


@dataclass(frozen=True)
class Lane:
    """One lane: the pods that carry the labels, for the services it contains.

    label_selector: sorted (key, value) pairs. services: sorted. ingress_rules: sorted by
    name. ingress_weight: one or none of it, as a tuple. The last two may be None: not
    stated, or not to be read back (see the module's docstring).
    """

    name: str
    label_selector: tuple[tuple[str, str], ...]
    services: tuple[ServiceRef, ...]
    ingress_rules: tuple[IngressRule, ...] | None = None
    ingress_weight: tuple[IngressWeight, ...] | None = None

    @property
    def labels(self) -> dict[str, str]:
        return dict(self.label_selector)


@dataclass(frozen=True)
class LaneGroup:
    """A lane group with its lanes. See the module's docstring for the meaning of None.

    baseline: name of the lane that answers where no other does (ASM: FallbackTarget);
    permissive mode only. service_fallback: (service, lane name) pairs that override it.
    lanes: sorted by name, whatever order they were written in.
    """

    name: str
    mode: str | None = None
    route_header: str | None = None
    trace_header: str | None = None
    gateway_rule: GatewayRule | None = None
    services: tuple[ServiceRef, ...] | None = None
    baseline: str | None = None
    service_fallback: tuple[tuple[ServiceRef, str], ...] | None = None
    ingress_routing: IngressRouting | None = None
    lanes: tuple[Lane, ...] | None = None

    def lane(self, name: str | None) -> Lane | None:
        """The lane of that name, or None."""
        return next((lane for lane in self.lanes or () if lane.name == name), None)

    @property
    def permissive(self) -> bool:
        return self.mode == PERMISSIVE

    @property
    def fallbacks(self) -> dict[ServiceRef, str]:
        return dict(self.service_fallback or ())

    def with_lane(self, lane: Lane) -> LaneGroup:
        """The same group with this lane added, or replaced where the name exists."""
        return replace(self, lanes=_sorted_lanes([*self._others(lane.name), lane]))

    def without_lane(self, name: str) -> LaneGroup:
        return replace(self, lanes=tuple(self._others(name)))

    def _others(self, name: str) -> list[Lane]:
        return [lane for lane in self.lanes or () if lane.name != name]


def _sorted_lanes(lanes: Iterable[Lane]) -> tuple[Lane, ...]:
    return tuple(sorted(lanes, key=lambda lane: lane.name))


# --- from and to the user's words ---------------------------------------------------------


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
    problems += _syntax_problems(group)
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


def make_lane(
    name: str,
    labels: Mapping[str, str],
    services: Iterable[ServiceRef],
    ingress_rules: Iterable[IngressRule] | None = None,
    ingress_weight: Iterable[IngressWeight] | None = None,
) -> Lane:
    """A lane in normal form: pairs, services and rules sorted, without repetition."""
    return Lane(
        name,
        tuple(sorted(labels.items())),
        tuple(sorted(set(services))),
        None if ingress_rules is None else tuple(sorted(ingress_rules, key=lambda rule: rule.name)),
        None if ingress_weight is None else tuple(ingress_weight),
    )


def make_group(**fields: Any) -> LaneGroup:
    """A group in normal form from already typed fields (services, lanes in any order)."""
    if fields.get("services") is not None:
        fields["services"] = tuple(sorted(set(fields["services"])))
    if fields.get("service_fallback") is not None:
        fields["service_fallback"] = tuple(sorted(dict(fields["service_fallback"]).items()))
    if fields.get("lanes") is not None:
        fields["lanes"] = _sorted_lanes(fields["lanes"])
    return LaneGroup(**fields)


def parse_service(text: str) -> ServiceRef | None:
    """``namespace/name`` as a ServiceRef; None when it is not of that form."""
    namespace, slash, name = text.partition("/")
    if slash and _DNS_LABEL.fullmatch(namespace) and _DNS_LABEL.fullmatch(name):
        return ServiceRef(namespace, name)
    return None


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
                    f"Write it as namespace/name, each of {_DNS_LABEL_RULE}",
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
    return _sorted_lanes(lanes.values())


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


# --- rules -------------------------------------------------------------------------------


def _syntax_problems(group: LaneGroup) -> list[Problem]:
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
    if _DNS_LABEL.fullmatch(name):
        return []
    return [Problem(path, f"{name!r} is not a Kubernetes name", f"Use {_DNS_LABEL_RULE}")]


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


def merge(current: LaneGroup | None, wanted: LaneGroup, purge_lanes: bool = False) -> LaneGroup:
    """What should be there: ``wanted`` where it says something, else ``current``.

    Lanes that only ``current`` has stay, unless ``purge_lanes`` is set and lanes are stated.
    Another ingress strategy clears what the lanes have of rules and weights and is not stated.
    Without a current group, what is not stated gets ASM's defaults (permissive is ours: the
    API's own default is strict).
    """
    if current is None:
        return replace(
            wanted,
            mode=wanted.mode or PERMISSIVE,
            services=wanted.services or (),
            service_fallback=wanted.service_fallback or (),
            ingress_routing=wanted.ingress_routing or IngressRouting(),
            lanes=tuple(merge_lane(None, lane) for lane in wanted.lanes or ()),
        )
    return LaneGroup(
        name=wanted.name,
        mode=_stated(wanted.mode, current.mode),
        route_header=_stated(wanted.route_header, current.route_header),
        trace_header=_stated(wanted.trace_header, current.trace_header),
        gateway_rule=_merge_rule(current.gateway_rule, wanted.gateway_rule),
        services=_stated(wanted.services, current.services),
        baseline=_stated(wanted.baseline, current.baseline),
        service_fallback=_stated(wanted.service_fallback, current.service_fallback),
        ingress_routing=_stated(wanted.ingress_routing, current.ingress_routing),
        lanes=_sorted_lanes(_merge_lanes(current, wanted, purge_lanes)),
    )


def _merge_lanes(current: LaneGroup, wanted: LaneGroup, purge_lanes: bool) -> Iterable[Lane]:
    purged = purge_lanes and wanted.lanes is not None
    lanes = {} if purged else {lane.name: lane for lane in current.lanes or ()}
    lanes.update({lane.name: merge_lane(current.lane(lane.name), lane) for lane in wanted.lanes or ()})
    if not _switches_strategy(current, wanted):
        return lanes.values()
    # What another strategy left in the lanes would come into force, or be in the way.
    stated = {lane.name: merge_lane(None, lane) for lane in wanted.lanes or ()}
    return [
        stated.get(lane.name) or replace(lane, ingress_rules=(), ingress_weight=()) for lane in lanes.values()
    ]


def _switches_strategy(current: LaneGroup, wanted: LaneGroup) -> bool:
    now, then = current.ingress_routing, wanted.ingress_routing
    return now is not None and then is not None and now.strategy != then.strategy


def merge_lane(current: Lane | None, wanted: Lane) -> Lane:
    """The lane as it should be; without a current one, neither rules nor weight unless stated."""
    return replace(
        wanted,
        ingress_rules=_stated(wanted.ingress_rules, current.ingress_rules if current else ()),
        ingress_weight=_stated(wanted.ingress_weight, current.ingress_weight if current else ()),
    )


def _stated(wanted: Any, current: Any) -> Any:
    return current if wanted is None else wanted


def _merge_rule(current: GatewayRule | None, wanted: GatewayRule | None) -> GatewayRule | None:
    if wanted is None or current is None:
        return wanted or current
    return GatewayRule(wanted.name, _stated(wanted.namespace, current.namespace))


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
        elif service not in lane.services:
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
    missing = [str(service) for service in group.services or () if service not in lane.services]
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
        missing = [str(service) for service in group.services or () if service not in lane.services]
        if missing:
            problems.append(
                Problem(
                    f"lanes[{lane.name}].services",
                    f"lacks {', '.join(missing)}",
                    "In strict mode every lane contains every service of the group",
                )
            )
    return problems
