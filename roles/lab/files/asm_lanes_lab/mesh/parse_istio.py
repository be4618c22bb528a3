"""Reads Gateways, VirtualServices and DestinationRules; refuses what is not supported."""

from __future__ import annotations

import re
from typing import Any

from .findings import RefusedError
from .istio import (
    MESH,
    Destination,
    DestinationRule,
    DirectResponse,
    Gateway,
    HeaderEdits,
    Headers,
    HttpMatch,
    HttpRoute,
    LoadBalancing,
    Redirect,
    Retries,
    Server,
    Share,
    StringMatch,
    Subset,
    ValueMatch,
    VirtualService,
    fqdn,
)
from .reader import Node, header_name, regex, unknown
from .refs import created, ref_of

_HOST = re.compile(r"(\*|(\*\.)?[A-Za-z0-9_]([-A-Za-z0-9_.]*[A-Za-z0-9_])?)")
_SUBSET = re.compile(r"[A-Za-z0-9]([-A-Za-z0-9._]*[A-Za-z0-9])?")
_FORMATTER = re.compile(r"%%|%REQ\([!#$&'*+.^_`|~0-9A-Za-z:?-]+\)%")
_HTTP = ("HTTP", "HTTP2", "GRPC", "GRPC-WEB")
_FALLBACK_CASES = ("noinstances", "noavailabled")  # names by recollection; both mean: no ready endpoint
_HASH_KEYS = ("httpHeaderName", "httpCookie", "useSourceIp", "httpQueryParameterName")
_MAX_BODY = 4096  # Envoy's limits
_MAX_RING = 8 * 1024 * 1024
_POLICIES = {
    "UNSPECIFIED": "LEAST_REQUEST",
    "LEAST_REQUEST": "LEAST_REQUEST",
    "LEAST_CONN": "LEAST_REQUEST",
    "ROUND_ROBIN": "ROUND_ROBIN",
    "RANDOM": "RANDOM",
}


# --- VirtualService -----------------------------------------------------------------------


def virtual_service(obj: dict[str, Any]) -> VirtualService:
    """The routing that a VirtualService asks for."""
    ref = ref_of(obj)
    spec = Node(obj.get("spec") or {}, "spec")
    spec.only("hosts", "gateways", "http", "exportTo")
    _exported(spec)
    hosts = tuple(_host(h, ref.namespace, f"spec.hosts[{i}]") for i, h in enumerate(spec.texts("hosts")))
    if not hosts:
        raise RefusedError(
            "spec.hosts", "at least one host is required (delegates are not supported)", "Invalid"
        )
    routes = spec.children("http")
    if not routes:
        raise RefusedError("spec.http", "at least one route is required", "Invalid")
    return VirtualService(
        ref=ref,
        created=created(obj),
        hosts=hosts,
        gateways=tuple(_gateway(g, ref.namespace) for g in spec.texts("gateways")) or (MESH,),
        http=tuple(
            _route(node, ref.namespace, f"{ref.namespace}/{ref.name}#{index}")
            for index, node in enumerate(routes)
        ),
    )


def _route(node: Node, namespace: str, default_name: str) -> HttpRoute:
    node.only(
        "name", "match", "route", "redirect", "directResponse", "rewrite", "timeout", "retries", "headers"
    )
    if sum(node.has(key) for key in ("route", "redirect", "directResponse")) != 1:
        raise RefusedError(
            node.path, "exactly one of route, redirect and directResponse is required", "Invalid"
        )
    rewrite = node.child("rewrite") or Node({}, "")
    rewrite.only("uri", "authority")
    return HttpRoute(
        name=node.text("name") or default_name,
        matches=tuple(_match(item, namespace) for item in node.children("match")),
        shares=_shares(node, namespace) if node.has("route") else (),
        redirect=_redirect(node),
        response=_direct_response(node),
        rewrite_uri=rewrite.line("uri"),
        rewrite_authority=rewrite.line("authority"),
        timeout=node.duration("timeout"),
        retries=_retries(node),
        headers=_headers(node),
    )


def _match(node: Node, namespace: str) -> HttpMatch:
    node.only(
        "name", "uri", "scheme", "method", "authority", "headers", "withoutHeaders", "port", "queryParams",
        "sourceLabels", "sourceNamespace", "gateways", "ignoreUriCase",
    )  # fmt: skip
    headers = [
        ValueMatch(f":{key}", _string_match(node, key))
        for key in ("method", "authority", "scheme")
        if node.has(key)
    ]
    headers += _value_matches(node, "headers", header=True)
    headers += _value_matches(node, "withoutHeaders", header=True, invert=True)
    return HttpMatch(
        name=node.text("name"),
        uri=_uri(node),
        ignore_uri_case=node.flag("ignoreUriCase"),
        headers=tuple(headers),
        query=tuple(_value_matches(node, "queryParams")),
        port=node.number("port") or None,
        source_labels=frozenset(node.pairs("sourceLabels")),
        source_namespace=node.text("sourceNamespace"),
        gateways=tuple(_gateway(name, namespace) for name in node.texts("gateways")),
    )


def _uri(node: Node) -> StringMatch | None:
    if not node.has("uri"):
        return None
    match = _string_match(node, "uri")
    if match is None:
        raise RefusedError(node.at("uri"), "one of exact, prefix, regex is required", "Invalid")
    if not match.value:
        raise RefusedError(f"{node.at('uri')}.{match.kind}", "must not be empty", "Invalid")
    if match.kind == "regex" and node.flag("ignoreUriCase"):
        raise RefusedError(node.at("ignoreUriCase"), "not with a regex: write (?i) into the expression")
    return match


def _value_matches(node: Node, key: str, *, header: bool = False, invert: bool = False) -> list[ValueMatch]:
    child = node.child(key)
    found = []
    for name in sorted(child.value) if child else ():
        assert child is not None
        path = child.at(name)
        pseudo = name in (":method", ":authority", ":scheme", ":path")
        clean = header_name(name, path) if header and not pseudo else name
        found.append(ValueMatch(clean, _string_match(child, name), invert))
    return found


def _string_match(node: Node, key: str) -> StringMatch | None:
    """exact, prefix or regex; None for `{}`, which only asks for presence."""
    child = Node(node.value[key] if node.value[key] is not None else {}, node.at(key))
    child.only("exact", "prefix", "regex")
    if len(child.value) > 1:
        raise RefusedError(child.path, "only one of exact, prefix, regex", "Invalid")
    for kind in child.value:
        text = child.text(kind)
        return StringMatch(kind, regex(text, child.at(kind)) if kind == "regex" else text)
    return None


def _shares(node: Node, namespace: str) -> tuple[Share, ...]:
    shares = []
    for item in node.children("route"):
        item.only("destination", "weight", "headers", "fallback")
        weight = item.number("weight")
        if weight < 0:
            raise RefusedError(item.at("weight"), "must not be negative", "Invalid")
        shares.append(
            Share(_destination(item, namespace), weight, _headers(item), _fallback(item, namespace))
        )
    if not shares:
        raise RefusedError(node.at("route"), "at least one destination is required", "Invalid")
    if len(shares) > 1 and not any(share.weight for share in shares):
        raise RefusedError(node.at("route"), "several destinations need weights, and one above 0", "Invalid")
    return tuple(shares)


def _fallback(node: Node, namespace: str) -> Destination | None:
    child = node.child("fallback")
    if child is None:
        return None
    child.only("case", "target")
    if child.text("case"):
        unknown([child.text("case")], _FALLBACK_CASES, child.at("case"))
    return _destination(child, namespace, "target")


def _destination(node: Node, namespace: str, key: str = "destination") -> Destination:
    child = node.child(key)
    if child is None:
        raise RefusedError(node.at(key), "is required", "Invalid")
    child.only("host", "subset", "port")
    port = child.child("port")
    if port is not None:
        port.only("number")
    subset = child.text("subset")
    if subset and not _SUBSET.fullmatch(subset):
        raise RefusedError(child.at("subset"), f"{subset!r} is not a subset name", "Invalid")
    return Destination(
        _host(child.required("host"), namespace, child.at("host")),
        subset,
        (port.number("number") or None) if port else None,
    )


def _redirect(node: Node) -> Redirect | None:
    child = node.child("redirect")
    if child is None:
        return None
    child.only("uri", "authority", "scheme", "port", "redirectCode")
    code = child.number("redirectCode", 301)
    if code not in (301, 302, 303, 307, 308):
        raise RefusedError(
            child.at("redirectCode"), f"{code} is not one of 301, 302, 303, 307, 308", "Invalid"
        )
    return Redirect(
        child.line("uri"), child.line("authority"), child.line("scheme"), child.number("port") or None, code
    )


def _direct_response(node: Node) -> DirectResponse | None:
    child = node.child("directResponse")
    if child is None:
        return None
    child.only("status", "body")
    status = child.number("status")
    if not 200 <= status <= 599:
        raise RefusedError(child.at("status"), f"{status} is not a status from 200 to 599", "Invalid")
    body = child.child("body") or Node({}, "")
    body.only("string")
    text = body.text("string")
    if len(text.encode()) > _MAX_BODY:
        raise RefusedError(body.at("string"), f"longer than Envoy's limit of {_MAX_BODY} bytes", "Invalid")
    return DirectResponse(status, text)


def _retries(node: Node) -> Retries | None:
    child = node.child("retries")
    if child is None:
        return None
    child.only("attempts", "perTryTimeout", "retryOn")
    attempts = child.number("attempts")
    if attempts < 0:
        raise RefusedError(child.at("attempts"), "must not be negative", "Invalid")
    return Retries(attempts, child.duration("perTryTimeout"), child.text("retryOn"))


def _headers(node: Node) -> Headers:
    child = node.child("headers")
    if child is None:
        return Headers()
    child.only("request", "response")
    return Headers(_edits(child, "request"), _edits(child, "response"))


def _edits(node: Node, key: str) -> HeaderEdits:
    child = node.child(key)
    if child is None:
        return HeaderEdits()
    child.only("set", "add", "remove")
    edits = HeaderEdits(
        _header_pairs(child, "set"),
        _header_pairs(child, "add"),
        tuple(header_name(name, child.at("remove")) for name in child.texts("remove")),
    )
    if "host" in (*dict(edits.add), *edits.remove):
        raise RefusedError(child.path, "the host can only be set, not added or removed", "Invalid")
    return edits


def _header_pairs(node: Node, key: str) -> tuple[tuple[str, str], ...]:
    pairs = []
    for name, value in node.pairs(key):
        path = f"{node.at(key)}.{name}"
        if "%" in _FORMATTER.sub("", value):
            raise RefusedError(
                path, f"in {value!r}: of Envoy's %formatters% only %REQ(header)% is supported; write %% for %"
            )
        if any(ord(character) < 32 or ord(character) == 127 for character in value):
            raise RefusedError(path, "control characters are not allowed in a header", "Invalid")
        pairs.append(("host" if name == ":authority" else header_name(name, path), value))
    return tuple(pairs)


def _gateway(name: str, namespace: str) -> str:
    return name if name == MESH or "/" in name else f"{namespace}/{name}"


def _host(host: str, namespace: str, path: str) -> str:
    if not _HOST.fullmatch(host):
        raise RefusedError(path, f"{host!r} is not a host name", "Invalid")
    return fqdn(host.lower(), namespace)


def _exported(spec: Node) -> None:
    if spec.texts("exportTo") not in ((), ("*",)):
        raise RefusedError(
            spec.at("exportTo"), "only '*' (visible everywhere) is supported by the lab's mesh"
        )


# --- DestinationRule ----------------------------------------------------------------------


def destination_rule(obj: dict[str, Any]) -> DestinationRule:
    """Subsets and load balancing of a host."""
    ref = ref_of(obj)
    spec = Node(obj.get("spec") or {}, "spec")
    spec.only("host", "subsets", "trafficPolicy", "exportTo")
    _exported(spec)
    subsets = tuple(_subset(node) for node in spec.children("subsets"))
    names = [subset.name for subset in subsets]
    for index, name in enumerate(names):
        if name in names[:index]:
            raise RefusedError(f"spec.subsets[{index}].name", f"{name!r} is there twice", "Invalid")
    return DestinationRule(
        ref=ref,
        created=created(obj),
        host=_host(spec.required("host"), ref.namespace, "spec.host"),
        subsets=subsets,
        balancing=_balancing(spec),
    )


def _subset(node: Node) -> Subset:
    node.only("name", "labels", "trafficPolicy")
    name = node.required("name")
    if not _SUBSET.fullmatch(name):
        raise RefusedError(node.at("name"), f"{name!r} is not a subset name", "Invalid")
    return Subset(name, frozenset(node.pairs("labels")), _balancing(node))


def _balancing(node: Node) -> LoadBalancing | None:
    policy = node.child("trafficPolicy")
    if policy is None:
        return None
    policy.only("loadBalancer")
    balancer = policy.child("loadBalancer")
    if balancer is None:
        return None
    balancer.only("simple", "consistentHash")
    hashing = balancer.child("consistentHash")
    if hashing is not None:
        return _consistent_hash(hashing)
    simple = balancer.text("simple", "UNSPECIFIED")
    unknown([simple], _POLICIES, balancer.at("simple"))
    return LoadBalancing(_POLICIES[simple])


def _consistent_hash(node: Node) -> LoadBalancing:
    node.only(*_HASH_KEYS, "minimumRingSize")
    keys = [key for key in _HASH_KEYS if node.has(key)]
    if len(keys) != 1:
        raise RefusedError(node.path, f"exactly one of {', '.join(_HASH_KEYS)}", "Invalid")
    ring = node.number("minimumRingSize") or None
    if ring and not 0 < ring <= _MAX_RING:
        raise RefusedError(node.at("minimumRingSize"), f"must be from 1 to {_MAX_RING}", "Invalid")
    if keys[0] == "httpHeaderName":
        name = header_name(node.text("httpHeaderName"), node.at("httpHeaderName"))
        return LoadBalancing("RING_HASH", "header", name, ring_size=ring)
    if keys[0] == "httpQueryParameterName":
        return LoadBalancing("RING_HASH", "query", node.required("httpQueryParameterName"), ring_size=ring)
    if keys[0] == "useSourceIp":
        return LoadBalancing("RING_HASH", "source" if node.flag("useSourceIp") else "", ring_size=ring)
    cookie = node.child("httpCookie")
    assert cookie is not None
    cookie.only("name", "path", "ttl")
    return LoadBalancing(
        "RING_HASH",
        "cookie",
        cookie.required("name"),
        cookie_path=cookie.text("path"),
        cookie_ttl=cookie.duration("ttl") or 0.0,
        ring_size=ring,
    )


# --- Gateway ------------------------------------------------------------------------------


def gateway(obj: dict[str, Any]) -> Gateway:
    """A gateway rule. A server that is not supported is left out with a finding; the others work."""
    ref = ref_of(obj)
    spec = Node(obj.get("spec") or {}, "spec")
    spec.only("servers", "selector")
    servers, findings = [], []
    for index, node in enumerate(spec.children("servers")):
        try:
            servers.append(_server(node, index))
        except RefusedError as refused:
            findings.append(refused.finding(ref))
    return Gateway(ref, created(obj), frozenset(spec.pairs("selector")), tuple(servers), tuple(findings))


def _server(node: Node, index: int) -> Server:
    port = node.child("port")
    if port is None:
        raise RefusedError(node.at("port"), "is required", "Invalid")
    port.only("number", "protocol", "name")
    protocol = port.text("protocol").upper()
    if protocol not in _HTTP:
        raise RefusedError(port.at("protocol"), f"only HTTP is supported by the lab's mesh, not {protocol!r}")
    if node.has("tls"):
        raise RefusedError(node.at("tls"), "TLS at the gateway is not supported by the lab's mesh")
    node.only("port", "hosts", "name")
    hosts = node.texts("hosts")
    if not hosts:
        raise RefusedError(node.at("hosts"), "at least one host is required", "Invalid")
    for position, host in enumerate(hosts):
        if not _HOST.fullmatch(host.rpartition("/")[2]):
            raise RefusedError(f"{node.at('hosts')}[{position}]", f"{host!r} is not a host name", "Invalid")
    number = port.number("number")
    if not 0 < number < 65536:
        raise RefusedError(port.at("number"), f"{number} is not a port", "Invalid")
    return Server(index, number, tuple(host.lower() for host in hosts))
