"""Routes: one entry of a VirtualService -> Envoy routes, as one proxy sees it."""

from __future__ import annotations

from dataclasses import dataclass

from .envoy import PREVIOUS_HOSTS, Json, seconds
from .istio import (
    MESH,
    DirectResponse,
    HeaderEdits,
    Headers,
    HttpMatch,
    HttpRoute,
    Labels,
    LoadBalancing,
    Redirect,
    Retries,
    Share,
    VirtualService,
)
from .matches import route_match
from .services import Services

_REDIRECT_CODES = {
    301: "MOVED_PERMANENTLY",
    302: "FOUND",
    303: "SEE_OTHER",
    307: "TEMPORARY_REDIRECT",
    308: "PERMANENT_REDIRECT",
}
# Istio's default policy: only what cannot have reached the application.
_DEFAULT_RETRIES = Retries(2, retry_on="connect-failure,refused-stream,unavailable,cancelled")


@dataclass(frozen=True)
class Scope:
    """For whom routes are made: a listener port of one proxy, reached through some gateways (or `mesh`)."""

    port: int
    gateways: frozenset[str]
    namespace: str = ""
    labels: Labels = frozenset()

    def admits(self, match: HttpMatch) -> bool:
        """Whether a match can apply here at all; what depends on the request is left to Envoy."""
        return (
            (match.port is None or match.port == self.port)
            and (not match.gateways or not self.gateways.isdisjoint(match.gateways))
            and match.source_labels <= self.labels
            and match.source_namespace in ("", self.namespace)
        )


def virtual_service_routes(rule: VirtualService, scope: Scope, services: Services) -> list[Json]:
    """The routes of a VirtualService in order, up to the first that takes every request."""
    routes: list[Json] = []
    for entry in rule.http:
        matches: list[HttpMatch | None] = [match for match in entry.matches if scope.admits(match)]
        if not entry.matches:
            matches = [None]
        for match in matches:
            routes.append(_route(entry, match, scope, services))
            if match is None or match.catch_all:
                return routes
    return routes


def service_route(cluster: str, balancing: LoadBalancing) -> Json:
    """The route of a Service without VirtualService: all its pods. Istio calls it `default`."""
    action: Json = {"cluster": cluster, "timeout": "0s", "retry_policy": _retry_policy(_DEFAULT_RETRIES)}
    hashes = _hash_policy(balancing)
    if hashes:
        action["hash_policy"] = [hashes]
    return {"name": "default", "match": {"prefix": "/"}, "route": action}


def not_found_route() -> Json:
    """What Envoy does anyway when nothing matches, as a route.

    It has to be one: settings of the Lua filter belong to the route that a request has *before* the filter
    sets a header, even where only the header leads to a real route.
    """
    return {"name": "no-route", "match": {"prefix": "/"}, "direct_response": {"status": 404}}


def unknown_host_route() -> Json:
    """The answer to requests for hosts that no Service has."""
    body = "asm.lanes lab: no Service and no VirtualService has the host %REQ(:AUTHORITY)%\n"
    return {
        "name": "unknown-host",
        "match": {"prefix": "/"},
        "direct_response": {
            "status": 502,
            "body_format": {"text_format_source": {"inline_string": body}},
        },
    }


def is_catch_all(route: Json) -> bool:
    """Whether an Envoy route takes every request, be it by a prefix ``/`` in any case."""
    match = route["match"]
    return bool(match.get("prefix") == "/" and match.keys() <= {"prefix", "case_sensitive"})


def _route(entry: HttpRoute, match: HttpMatch | None, scope: Scope, services: Services) -> Json:
    name = f"{entry.name}.{match.name}" if match and match.name else entry.name
    route: Json = {"name": name, "match": route_match(match)}
    if entry.redirect:
        route["redirect"] = _redirect(entry.redirect)
    elif entry.response:
        route["direct_response"] = _direct_response(entry.response)
    else:
        route["route"] = _action(entry, scope, services)
    edits = [entry.headers]
    if len(entry.shares) == 1:  # edits of several are those of their weighted clusters
        edits.append(entry.shares[0].headers)
    route.update(_header_edits(*edits))
    return route


def _action(entry: HttpRoute, scope: Scope, services: Services) -> Json:
    action: Json = {
        "timeout": seconds(entry.timeout or 0),
        "retry_policy": _retry_policy(entry.retries or _DEFAULT_RETRIES),
    }
    if entry.rewrite_uri:
        action["prefix_rewrite"] = entry.rewrite_uri
    authority = entry.rewrite_authority or dict(entry.headers.request.set).get("host")
    shares = [share for share in entry.shares if share.weight > 0 or len(entry.shares) == 1]
    names = [_cluster(share, scope, services) for share in shares]
    if len(entry.shares) > 1:
        clusters = [_weighted(share, name) for share, name in zip(shares, names, strict=True)]
        action["weighted_clusters"] = {"clusters": clusters}
    else:
        action["cluster"] = names[0]
        authority = authority or dict(shares[0].headers.request.set).get("host")
    if authority:
        action["host_rewrite_literal"] = authority
    hashes = [_hash_policy(services.clusters[name].balancing) for name in names if name in services.clusters]
    if any(hashes):
        action["hash_policy"] = [policy for policy in hashes if policy]
    return action


def _weighted(share: Share, cluster: str) -> Json:
    result: Json = {"name": cluster, "weight": share.weight or 1, **_header_edits(share.headers)}
    host = dict(share.headers.request.set).get("host")
    if host:
        result["host_rewrite_literal"] = host
    return result


def _cluster(share: Share, scope: Scope, services: Services) -> str:
    """The cluster of a share, or of its fallback when nothing in it is ready.

    ASM's proxies decide at the request; here the decision is made anew whenever an endpoint changes.
    """
    name = services.cluster_name(share.destination, scope.port)
    if share.fallback is None or (name in services.clusters and services.clusters[name].endpoints):
        return name
    return services.cluster_name(share.fallback, scope.port)


def _retry_policy(retries: Retries) -> Json:
    if not retries.attempts:
        return {}
    policy: Json = {
        "retry_on": retries.retry_on or _DEFAULT_RETRIES.retry_on,
        "num_retries": retries.attempts,
        "retry_host_predicate": [
            {"name": "envoy.retry_host_predicates.previous_hosts", "typed_config": {"@type": PREVIOUS_HOSTS}}
        ],
        "host_selection_retry_max_attempts": "5",
    }
    if retries.per_try_timeout is not None:
        policy["per_try_timeout"] = seconds(retries.per_try_timeout)
    return policy


def _hash_policy(balancing: LoadBalancing) -> Json | None:
    if balancing.hash_on == "header":
        return {"header": {"header_name": balancing.hash_name}}
    if balancing.hash_on == "query":
        return {"query_parameter": {"name": balancing.hash_name}}
    if balancing.hash_on == "source":
        return {"connection_properties": {"source_ip": True}}
    if balancing.hash_on == "cookie":
        cookie: Json = {"name": balancing.hash_name, "ttl": seconds(balancing.cookie_ttl)}
        if balancing.cookie_path:
            cookie["path"] = balancing.cookie_path
        return {"cookie": cookie}
    return None


def _redirect(redirect: Redirect) -> Json:
    result: Json = {"response_code": _REDIRECT_CODES[redirect.code]}
    for key, value in (
        ("path_redirect", redirect.uri),
        ("host_redirect", redirect.authority),
        ("scheme_redirect", redirect.scheme),
        ("port_redirect", redirect.port),
    ):
        if value:
            result[key] = value
    return result


def _direct_response(response: DirectResponse) -> Json:
    result: Json = {"status": response.status}
    if response.body:
        result["body"] = {"inline_string": response.body}
    return result


def _header_edits(*edits: Headers) -> Json:
    """Edits one after the other, so that the last one's `set` wins."""
    result: Json = {}
    for side in ("request", "response"):
        in_order: list[HeaderEdits] = [getattr(headers, side) for headers in edits]
        added = [header for one in in_order for header in _added(one)]
        removed = [name for one in in_order for name in one.remove]
        if added:
            result[f"{side}_headers_to_add"] = added
        if removed:
            result[f"{side}_headers_to_remove"] = removed
    return result


def _added(edits: HeaderEdits) -> list[Json]:
    replaced = [(pair, "OVERWRITE_IF_EXISTS_OR_ADD") for pair in edits.set if pair[0] != "host"]
    appended = [(pair, "APPEND_IF_EXISTS_OR_ADD") for pair in edits.add if pair[0] != "host"]
    return [
        {"header": {"key": name, "value": value}, "append_action": action, "keep_empty_value": True}
        for (name, value), action in replaced + appended
    ]


def mesh_scope(port: int, namespace: str, labels: Labels) -> Scope:
    """The scope of a sidecar's outbound side for one Service port."""
    return Scope(port, frozenset({MESH}), namespace, labels)
