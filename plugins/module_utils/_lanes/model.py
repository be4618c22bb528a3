# Copyright (c) 2026, asm.lanes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Lane groups and lanes: the types.

One type serves as the wanted and as the current state. In a *wanted* group ``None``
means "not stated: leave alone"; in a *current* group it means "cannot be read back".
``merge`` lays a wanted group over a current one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from .ingress import IngressRouting, IngressRule, IngressWeight

PERMISSIVE = "permissive"
STRICT = "strict"
MODES = (PERMISSIVE, STRICT)
BAGGAGE = "baggage"

DNS_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
DNS_LABEL_RULE = "lower case letters, digits and '-', at most 63, beginning and ending with a letter or digit"


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

    def contains(self, service: ServiceRef) -> bool:
        """Whether the service is one of the lane's."""
        return service in self._services

    @cached_property
    def _services(self) -> frozenset[ServiceRef]:
        return frozenset(self.services)


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
        return self._lanes.get(name)

    def contains(self, service: ServiceRef) -> bool:
        """Whether the service is one of the group's."""
        return service in self._services

    # A truth table asks for lanes and services lanes x services times: looked up, not searched.
    @cached_property
    def _lanes(self) -> dict[str | None, Lane]:
        return {lane.name: lane for lane in self.lanes or ()}

    @cached_property
    def _services(self) -> frozenset[ServiceRef]:
        return frozenset(self.services or ())

    @property
    def permissive(self) -> bool:
        return self.mode == PERMISSIVE

    @cached_property
    def fallbacks(self) -> Mapping[ServiceRef, str]:
        return dict(self.service_fallback or ())

    def with_lane(self, lane: Lane) -> LaneGroup:
        """The same group with this lane added, or replaced where the name exists."""
        return replace(self, lanes=sort_lanes([*self._others(lane.name), lane]))

    def without_lane(self, name: str) -> LaneGroup:
        return replace(self, lanes=tuple(self._others(name)))

    def _others(self, name: str) -> list[Lane]:
        return [lane for lane in self.lanes or () if lane.name != name]


def sort_lanes(lanes: Iterable[Lane]) -> tuple[Lane, ...]:
    return tuple(sorted(lanes, key=lambda lane: lane.name))


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
        fields["lanes"] = sort_lanes(fields["lanes"])
    return LaneGroup(**fields)


def parse_service(text: str) -> ServiceRef | None:
    """``namespace/name`` as a ServiceRef; None when it is not of that form."""
    namespace, slash, name = text.partition("/")
    if slash and DNS_LABEL.fullmatch(namespace) and DNS_LABEL.fullmatch(name):
        return ServiceRef(namespace, name)
    return None


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
        lanes=sort_lanes(_merge_lanes(current, wanted, purge_lanes)),
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
