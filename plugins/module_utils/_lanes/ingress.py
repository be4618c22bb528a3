# Copyright (c) 2026, asm.lanes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""How requests find their lane at the gateway: rules of a lane, or one rule and weights.

Documented: the two strategies, hosts, match by URI and headers with exact, prefix or
regex, a weight per lane. Without any of it (as in the guide) requests carry the route
header themselves.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

RULE_BASED = "rule_based"  # the custom resources' word; the OpenAPI says rule-based (documented)
WEIGHTED = "weighted"
STRATEGIES = (RULE_BASED, WEIGHTED)
HOW = ("exact", "prefix", "regex")


@dataclass(frozen=True, order=True)
class StringMatch:
    """how: exact, prefix or regex (which matches the whole string, as in Istio)."""

    how: str
    value: str

    def matches(self, text: str | None) -> bool:
        """Whether ``text`` matches; None (no such header) never does."""
        if text is None:
            return False
        if self.how == "exact":
            return text == self.value
        if self.how == "prefix":
            return text.startswith(self.value)
        return re.fullmatch(self.value, text) is not None


@dataclass(frozen=True)
class RequestMatch:
    """All of it must match. headers: sorted (name, match); names in lower case."""

    uri: StringMatch | None = None
    headers: tuple[tuple[str, StringMatch], ...] = ()

    def matches(self, path: str, headers: Mapping[str, str]) -> bool:
        """Whether a request for ``path`` with ``headers`` (names in lower case) matches."""
        if self.uri is not None and not self.uri.matches(path):
            return False
        return all(match.matches(headers.get(name)) for name, match in self.headers)


@dataclass(frozen=True)
class Destination:
    """service: ``namespace/name``. port: of the Service."""

    service: str
    port: int


@dataclass(frozen=True)
class IngressRule:
    """One rule of a lane: what matches goes to the lane. hosts: sorted, ``*`` for all."""

    name: str
    hosts: tuple[str, ...]
    match: RequestMatch
    destination: Destination


@dataclass(frozen=True)
class IngressWeight:
    """A lane's share of the group's weighted traffic: ``weight`` of the sum over all lanes."""

    weight: int
    destination: Destination


@dataclass(frozen=True)
class IngressRouting:
    """A group's strategy. hosts, matches (any of them): of the weighted strategy only; sorted."""

    strategy: str = RULE_BASED
    hosts: tuple[str, ...] = ()
    matches: tuple[RequestMatch, ...] = ()


# --- from and to the user's words ---------------------------------------------------------


class IngressError(ValueError):
    """path: where; remedy: what to do. The text says what was found."""

    def __init__(self, path: str, message: str, remedy: str) -> None:
        super().__init__(message)
        self.path = path
        self.remedy = remedy


def parse_routing(spec: Mapping[str, Any], path: str) -> IngressRouting:
    """``{strategy, hosts, matches}``. Raises IngressError."""
    strategy = str(spec.get("strategy") or RULE_BASED)
    if strategy not in STRATEGIES:
        raise IngressError(
            f"{path}.strategy", f"{strategy!r} is no strategy", f"Choose one of {', '.join(STRATEGIES)}"
        )
    hosts, matches = _hosts(spec), spec.get("matches") or []
    if strategy == RULE_BASED and (spec.get("hosts") or matches):
        raise IngressError(
            path,
            "hosts and matches belong to the weighted strategy",
            "Give them to the lanes' ingress_rules, or choose strategy weighted",
        )
    return IngressRouting(
        strategy,
        hosts if strategy == WEIGHTED else (),
        tuple(
            sorted({parse_match(m, f"{path}.matches[{i}]") for i, m in enumerate(matches)}, key=match_order)
        ),
    )


def routing_as_spec(routing: IngressRouting) -> dict[str, Any]:
    """What ``parse_routing`` takes."""
    if routing.strategy == RULE_BASED:
        return {"strategy": RULE_BASED}
    matches = [match_as_spec(match) for match in routing.matches]
    return {"strategy": WEIGHTED, "hosts": list(routing.hosts), "matches": matches}


def parse_rule(spec: Mapping[str, Any], path: str) -> IngressRule:
    """``{name, hosts, match, destination}``. Raises IngressError."""
    name = str(spec.get("name") or "")
    if not name:
        raise IngressError(f"{path}.name", "not given", "Give every rule a name")
    return IngressRule(
        name,
        _hosts(spec),
        parse_match(spec.get("match") or {}, f"{path}.match"),
        parse_destination(spec.get("destination") or {}, f"{path}.destination"),
    )


def rule_as_spec(rule: IngressRule) -> dict[str, Any]:
    """What ``parse_rule`` takes."""
    return {
        "name": rule.name,
        "hosts": list(rule.hosts),
        "match": match_as_spec(rule.match),
        "destination": destination_as_spec(rule.destination),
    }


def parse_weight(spec: Mapping[str, Any], path: str) -> IngressWeight:
    """``{weight, destination}``. Raises IngressError."""
    weight = spec.get("weight")
    if not isinstance(weight, int) or isinstance(weight, bool) or weight < 0:
        raise IngressError(f"{path}.weight", f"{weight!r} is no weight", "Give a whole number, 0 or more")
    return IngressWeight(weight, parse_destination(spec.get("destination") or {}, f"{path}.destination"))


def weight_as_spec(weight: IngressWeight) -> dict[str, Any]:
    """What ``parse_weight`` takes."""
    return {"weight": weight.weight, "destination": destination_as_spec(weight.destination)}


def parse_match(spec: Mapping[str, Any], path: str) -> RequestMatch:
    """``{uri: {exact|prefix|regex: text}, headers: {name: {…}}}``. Raises IngressError."""
    uri = spec.get("uri")
    headers = spec.get("headers") or {}
    return RequestMatch(
        None if uri is None else _string_match(uri, f"{path}.uri"),
        tuple(
            sorted(
                (str(name).lower(), _string_match(match, f"{path}.headers[{name}]"))
                for name, match in headers.items()
            )
        ),
    )


def match_order(match: RequestMatch) -> tuple[StringMatch, tuple[tuple[str, StringMatch], ...]]:
    """Sorting key that knows matches without a URI."""
    return match.uri or StringMatch("", ""), match.headers


def match_as_spec(match: RequestMatch) -> dict[str, Any]:
    """What ``parse_match`` takes; also the shape of the custom resources and of Istio."""
    spec: dict[str, Any] = {}
    if match.uri is not None:
        spec["uri"] = {match.uri.how: match.uri.value}
    if match.headers:
        spec["headers"] = {name: {m.how: m.value} for name, m in match.headers}
    return spec


def parse_destination(spec: Mapping[str, Any], path: str) -> Destination:
    """``{service, port}``. Raises IngressError."""
    port = spec.get("port")
    if not isinstance(port, int) or isinstance(port, bool) or not 0 < port < 65536:
        raise IngressError(f"{path}.port", f"{port!r} is no port", "Give the port of the Service, 1 to 65535")
    service = str(spec.get("service") or "")
    if service.count("/") != 1:
        raise IngressError(f"{path}.service", f"{service!r} is not a service", "Write it as namespace/name")
    return Destination(service, port)


def destination_as_spec(destination: Destination) -> dict[str, Any]:
    """What ``parse_destination`` takes."""
    return {"service": destination.service, "port": destination.port}


def _hosts(spec: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(sorted({str(host) for host in spec.get("hosts") or ["*"]}))


def _string_match(spec: Mapping[str, Any], path: str) -> StringMatch:
    given = {how: spec[how] for how in HOW if spec.get(how) is not None}
    if len(given) != 1:
        raise IngressError(
            path, f"{len(given)} of exact, prefix and regex are given", "Give exactly one of the three"
        )
    how, value = next(iter(given.items()))
    if how == "regex":
        try:
            re.compile(str(value))
        except re.error as error:
            raise IngressError(path, f"{value!r} is no regular expression ({error})", "Correct it") from None
    return StringMatch(how, str(value))
