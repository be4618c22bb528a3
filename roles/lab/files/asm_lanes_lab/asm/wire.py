# Copyright (c) 2026, asm.lanes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""JSON texts of the OpenAPI to and from fields of the custom resources. Pure.

documented: every form here, except where a function says otherwise.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from asm_lanes_lab.domain import model

from . import errors

STRATEGIES = {"rule-based": "rule_based", "weighted": "weighted"}  # OpenAPI -> custom resource
_MODES = ("exact", "prefix", "regex")

Json = Any


def dump(value: Json) -> str:
    """Compact JSON with text as it is."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def load(parameter: str, text: str) -> Json:
    """A JSON text; ApiError names the parameter when it is none."""
    try:
        return json.loads(text)
    except ValueError as error:
        raise errors.invalid(parameter, f"not JSON: {error}") from None


# --- services -----------------------------------------------------------------------------


def services_in(parameter: str, text: str, clusters: Mapping[str, str]) -> list[dict[str, Any]]:
    """``["<cluster name>/<cluster id>/<namespace>/<service>", ...]`` as ClusterServiceRefs.

    clusters: id -> name of the clusters in the mesh. Raises ApiError for anything else,
    an unknown cluster, a service named twice and an empty list (assumed).
    """
    entries = load(parameter, text)
    if not isinstance(entries, list) or not all(isinstance(entry, str) for entry in entries):
        raise errors.invalid(parameter, "not a JSON array of texts")
    if not entries:
        raise errors.invalid(parameter, "names no service")
    references = [_service_in(parameter, entry, clusters) for entry in entries]
    keys = [(r["cluster"]["id"], r["namespace"], r["name"]) for r in references]
    if len(set(keys)) != len(keys):
        raise errors.invalid(parameter, "names a service twice")
    return references


def _service_in(parameter: str, entry: str, clusters: Mapping[str, str]) -> dict[str, Any]:
    parts = entry.split("/")
    service = model.parse_service("/".join(parts[2:])) if len(parts) == 4 else None
    if service is None:
        raise errors.invalid(
            parameter, f"{entry!r} is not of the form <cluster name>/<cluster id>/<namespace>/<service>"
        )
    name, cluster_id = parts[:2]
    if clusters.get(cluster_id) != name:
        known = ", ".join(f"{name}/{key}" for key, name in clusters.items())
        raise errors.invalid(
            parameter,
            f"{entry!r} names the cluster {name}/{cluster_id}, which is not in the mesh",
            f"Clusters of the mesh: {known}.",
        )
    return {"name": service.name, "namespace": service.namespace, "cluster": {"name": name, "id": cluster_id}}


def services_out(references: Iterable[Mapping[str, Any]], default: tuple[str, str]) -> str:
    """ClusterServiceRefs as the JSON text; default: (name, id) for those without a cluster (assumed)."""
    texts = []
    for reference in references:
        cluster = reference.get("cluster") or {}
        name, cluster_id = cluster.get("name") or default[0], cluster.get("id") or default[1]
        texts.append(f"{name}/{cluster_id}/{reference['namespace']}/{reference['name']}")
    return dump(texts)


# --- matches ------------------------------------------------------------------------------


def weighted_rule_in(parameter: str, text: str) -> dict[str, Any]:
    """``{"Domains", "MatchRequests"}`` as the resource's weightedRoutingRule."""
    rule = _object(parameter, load(parameter, text), {"Domains", "MatchRequests"})
    domains = rule.get("Domains", ["*"])
    if not isinstance(domains, list) or not all(isinstance(domain, str) for domain in domains):
        raise errors.invalid(parameter, "Domains is not an array of texts")
    matches = _array(parameter, rule, "MatchRequests")
    return {"hosts": domains, "requestMatches": [_match_in(parameter, match) for match in matches]}


def _match_in(parameter: str, value: Json) -> dict[str, Any]:
    match = _object(parameter, value, {"URI", "Headers"})
    result: dict[str, Any] = {}
    if match.get("URI"):
        result["uri"] = _string_match_in(
            parameter, _object(parameter, match["URI"], {"MatchingMode", "MatchingContent"})
        )
    fields = {"Name", "MatchingMode", "MatchingContent"}
    headers = [_object(parameter, header, fields) for header in _array(parameter, match, "Headers")]
    if headers:
        if not all(isinstance(header.get("Name"), str) and header["Name"] for header in headers):
            raise errors.invalid(parameter, "a header match has no Name")
        result["headers"] = {header["Name"]: _string_match_in(parameter, header) for header in headers}
    return result


def _string_match_in(parameter: str, match: Mapping[str, Json]) -> dict[str, str]:
    mode, content = match.get("MatchingMode"), match.get("MatchingContent")
    if mode not in _MODES:
        raise errors.invalid(parameter, f"MatchingMode {mode!r} is none of {', '.join(_MODES)}")
    if not isinstance(content, str):
        raise errors.invalid(parameter, "MatchingContent is not a text")
    return {mode: content}


def _array(parameter: str, value: Mapping[str, Json], field: str) -> list[Json]:
    array = value.get(field)
    if array is not None and not isinstance(array, list):
        raise errors.invalid(parameter, f"{field} is not an array")
    return array or []


def _object(parameter: str, value: Json, fields: set[str]) -> dict[str, Json]:
    if not isinstance(value, dict):
        raise errors.invalid(parameter, f"expected an object with {', '.join(sorted(fields))}")
    unknown = sorted(set(value) - fields)
    if unknown:
        raise errors.invalid(
            parameter, f"unknown field {', '.join(unknown)}; known are {', '.join(sorted(fields))}"
        )
    return value


def weighted_rule_out(rule: Mapping[str, Any]) -> str:
    """The resource's weightedRoutingRule as the OpenAPI's JSON text."""
    matches = [_match_out(match) for match in rule.get("requestMatches") or ()]
    return dump({"Domains": rule.get("hosts") or ["*"], "MatchRequests": matches})


def _match_out(match: Mapping[str, Any]) -> dict[str, Json]:
    result: dict[str, Json] = {}
    if match.get("uri"):
        result["URI"] = _string_match_out(match["uri"])
    headers = match.get("headers") or {}
    if headers:
        result["Headers"] = [{"Name": name, **_string_match_out(value)} for name, value in headers.items()]
    return result


def _string_match_out(match: Mapping[str, str]) -> dict[str, str]:
    mode, content = next(iter(match.items()))
    return {"MatchingMode": mode, "MatchingContent": content}


# --- lanes at the gateway -----------------------------------------------------------------


def ingress_rules_out(rules: Iterable[Mapping[str, Any]], lane: str) -> str:
    """The resource's ingressRules as the OpenAPI's IngressRule; ``[]`` without any (assumed)."""
    return dump(
        [
            {
                "Domains": rule.get("hosts") or ["*"],
                "RouteName": rule["name"],
                "MatchRequest": _match_out(rule.get("match") or {}),
                "RouteDestinations": [{"Destination": _destination_out(rule.get("route") or {}, lane)}],
            }
            for rule in rules
        ]
    )


def ingress_weight_out(weight: Mapping[str, Any], lane: str) -> str:
    """The resource's ingressWeight as the OpenAPI's WeightedIngressDestination."""
    return dump({"RouteDestination": _destination_out(weight, lane), "Weight": weight.get("weight", 0)})


def _destination_out(route: Mapping[str, Any], lane: str) -> dict[str, Json]:
    destination = route.get("destination") or {}
    return {"Host": destination.get("host", ""), "Subset": lane}


# --- fallbacks and messages ---------------------------------------------------------------


def fallbacks_in(parameter: str, text: str) -> dict[str, str]:
    """``{"<namespace>/<service>": "<lane>"}`` (inferred from the custom resource)."""
    targets = load(parameter, text)
    if not isinstance(targets, dict) or not all(isinstance(lane, str) for lane in targets.values()):
        raise errors.invalid(parameter, "not a JSON object of service to lane name")
    for key in targets:
        if model.parse_service(key) is None:
            raise errors.invalid(parameter, f"{key!r} is not of the form <namespace>/<service>")
    return targets


def validation_out(messages: list[Mapping[str, Any]] | None) -> str:
    """``null`` when there is nothing to say (documented), else the messages as JSON (inferred)."""
    return dump(messages or None)
