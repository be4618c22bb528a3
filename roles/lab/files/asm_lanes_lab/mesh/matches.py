"""Conditions: Istio's HTTPMatchRequest -> Envoy's RouteMatch."""

from __future__ import annotations

from .envoy import Json
from .istio import HttpMatch, StringMatch, ValueMatch


def route_match(match: HttpMatch | None) -> Json:
    """The condition of one Envoy route; None means every request."""
    if match is None:
        return {"prefix": "/"}
    result = _path(match)
    if match.headers:
        result["headers"] = [_header(condition) for condition in match.headers]
    if match.query:
        result["query_parameters"] = [_query(condition) for condition in match.query]
    return result


def _path(match: HttpMatch) -> Json:
    if match.uri is None:
        return {"prefix": "/"}
    if match.uri.kind == "regex":
        return {"safe_regex": {"regex": match.uri.value}}
    result: Json = {"path" if match.uri.kind == "exact" else "prefix": match.uri.value}
    if match.ignore_uri_case:
        result["case_sensitive"] = False
    return result


def _string(match: StringMatch) -> Json:
    return {"safe_regex": {"regex": match.value}} if match.kind == "regex" else {match.kind: match.value}


def _anything(match: StringMatch | None) -> bool:
    # An empty prefix means presence too, and would be invalid to Envoy.
    return match is None or match == StringMatch("prefix", "")


def _header(condition: ValueMatch) -> Json:
    result: Json = {"name": condition.name}
    if condition.match is None or _anything(condition.match):
        result["present_match"] = True
    else:
        result["string_match"] = _string(condition.match)
    if condition.invert:
        result["invert_match"] = True
        if "string_match" in result:
            # A header that is missing is one that does not have the value.
            result["treat_missing_header_as_empty"] = True
    return result


def _query(condition: ValueMatch) -> Json:
    if condition.match is None or _anything(condition.match):
        return {"name": condition.name, "present_match": True}
    return {"name": condition.name, "string_match": _string(condition.match)}
