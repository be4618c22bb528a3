# Copyright (c) 2026, asm.lanes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The way in at the gateway, in the OpenAPI's JSON texts. Pure.

Documented: the forms. The strategy and the weighted rule of a group can be read and
written; the rules and the weight of a lane can only be read, and their examples have no
port, so that mostly they are only known to be there.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, TypeVar

from .._lanes.ingress import (
    RULE_BASED,
    WEIGHTED,
    IngressError,
    IngressRouting,
    IngressRule,
    IngressWeight,
    RequestMatch,
    StringMatch,
    parse_routing,
    parse_rule,
    parse_weight,
)

STRATEGIES = {"rule-based": RULE_BASED, "weighted": WEIGHTED}  # OpenAPI -> our word
_Parsed = TypeVar("_Parsed")


def routing_parameters(routing: IngressRouting) -> dict[str, str]:
    """Parameters of UpdateSwimLaneGroup for a strategy."""
    words = {ours: theirs for theirs, ours in STRATEGIES.items()}
    parameters = {"ingress_routing_strategy": words[routing.strategy]}
    if routing.strategy == WEIGHTED:
        rule = {"Domains": list(routing.hosts), "MatchRequests": [_match_out(m) for m in routing.matches]}
        parameters["weighted_ingress_rule"] = json.dumps(rule, separators=(",", ":"))
    return parameters


def routing_from_answer(item: Mapping[str, Any]) -> IngressRouting | None:
    """The strategy of a group; nothing said means rule based (inferred), None means not understood."""
    strategy = STRATEGIES.get(str(item.get("IngressRoutingStrategy") or "rule-based"))
    if strategy == RULE_BASED:
        return IngressRouting()
    rule = _load(item.get("WeightedIngressRule"))
    if strategy is None or not isinstance(rule, dict | None):
        return None
    rule = rule or {}
    spec = {
        "strategy": WEIGHTED,
        "hosts": rule.get("Domains"),
        "matches": [_match_in(match) for match in rule.get("MatchRequests") or ()],
    }
    return _parsed(partial(parse_routing, spec, "WeightedIngressRule"))


def rules_from_answer(text: Any, weighted: bool) -> tuple[IngressRule, ...] | None:
    """A lane's rules; None when they cannot be told, as without a port or where they are not in force."""
    rules = _load(text)
    if not rules:
        return ()
    if weighted or not isinstance(rules, list):
        return None
    found = [_parsed(partial(parse_rule, _rule_spec(rule), "IngressRule")) for rule in rules]
    return None if None in found else tuple(rule for rule in found if rule)


def weight_from_answer(item: Mapping[str, Any], weighted: bool) -> tuple[IngressWeight, ...] | None:
    """A lane's weight; () in a rule based group; None when it cannot be told, as without a port."""
    if not weighted:
        return ()
    # The list misspells the field that the detail spells right (documented).
    weight = _load(item.get("WeightedIngressDestinatin") or item.get("WeightedIngressDestination"))
    if not isinstance(weight, dict):
        return None
    if not weight.get("Weight") and not (weight.get("RouteDestination") or {}).get("Host"):
        return ()
    spec = {
        "weight": weight.get("Weight"),
        "destination": _destination(weight.get("RouteDestination")),
    }
    found = _parsed(partial(parse_weight, spec, "WeightedIngressDestination"))
    return None if found is None else (found,)


def service_of_host(host: Any) -> str:
    """``namespace/name`` of ``name.namespace.svc.…``; without a namespace what cannot be parsed."""
    name, _dot, rest = str(host or "").partition(".")
    namespace = rest.partition(".")[0]
    return f"{namespace}/{name}" if namespace else name


def _rule_spec(rule: Mapping[str, Any]) -> dict[str, Any]:
    destinations = rule.get("RouteDestinations") or [{}]
    return {
        "name": rule.get("RouteName"),
        "hosts": rule.get("Domains"),
        "match": _match_in(rule.get("MatchRequest") or {}),
        "destination": _destination(destinations[0].get("Destination")),
    }


def _destination(destination: Any) -> dict[str, Any]:
    found = destination or {}
    return {"service": service_of_host(found.get("Host")), "port": (found.get("Port") or {}).get("Number")}


def _match_in(match: Mapping[str, Any]) -> dict[str, Any]:
    spec: dict[str, Any] = {}
    if match.get("URI"):
        spec["uri"] = _string_in(match["URI"])
    if match.get("Headers"):
        spec["headers"] = {header.get("Name"): _string_in(header) for header in match["Headers"]}
    return spec


def _string_in(match: Mapping[str, Any]) -> dict[str, Any]:
    return {str(match.get("MatchingMode")): match.get("MatchingContent")}


def _match_out(match: RequestMatch) -> dict[str, Any]:
    result: dict[str, Any] = {}
    if match.uri is not None:
        result["URI"] = _string_out(match.uri)
    if match.headers:
        result["Headers"] = [{"Name": name, **_string_out(value)} for name, value in match.headers]
    return result


def _string_out(match: StringMatch) -> dict[str, str]:
    return {"MatchingMode": match.how, "MatchingContent": match.value}


def _parsed(parse: Callable[[], _Parsed]) -> _Parsed | None:
    try:
        return parse()
    except IngressError:
        return None


def _load(text: Any) -> Any:
    """What a JSON text holds; the text itself where it is none."""
    try:
        return json.loads(text) if isinstance(text, str) and text else text
    except ValueError:
        return text
