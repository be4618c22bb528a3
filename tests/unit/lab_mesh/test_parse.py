"""What is refused, and how it is said."""

from __future__ import annotations

from typing import Any

import pytest
from asm_lanes_lab.mesh.findings import Finding
from asm_lanes_lab.mesh.snapshot import Inputs, Snapshot

from .objects import Obj, by_kind, gateway, make, propagation, to, virtual_service


def read(*objects: Obj) -> tuple[Snapshot, list[Finding]]:
    return Inputs().read(by_kind(*objects))


def http(**fields: Any) -> Obj:
    return virtual_service("x", ["a"], {"route": [to("a")], **fields})


def match(**fields: Any) -> Obj:
    return http(match=[fields])


def response(**fields: Any) -> Obj:
    return virtual_service("x", ["a"], {"directResponse": {"status": 200, **fields}})


def rule(**spec: Any) -> Obj:
    return make("DestinationRule", "x", {"host": "a", **spec})


def balancer(**fields: Any) -> Obj:
    return rule(trafficPolicy={"loadBalancer": fields})


def server(**fields: Any) -> Obj:
    whole = {"port": {"number": 80, "name": "http", "protocol": "HTTP"}, "hosts": ["*"], **fields}
    return make("Gateway", "x", {"servers": [whole]})


def port(**fields: Any) -> Obj:
    return server(port={"number": 80, "name": "http", "protocol": "HTTP", **fields})


@pytest.mark.parametrize(
    ("obj", "field", "words"),
    [
        (http(fault={"abort": {"httpStatus": 500}}), "spec.http[0].fault", "not supported"),
        (http(mirror={"host": "b"}), "spec.http[0].mirror", "not supported"),
        (http(corsPolicy={}), "spec.http[0].corsPolicy", "not supported"),
        (http(timeuot="1s"), "spec.http[0].timeuot", "not supported"),
        (http(timeout="1 s"), "spec.http[0].timeout", "not a duration"),
        (http(timeout=1), "spec.http[0].timeout", "expected a string, found int"),
        (http(directResponse={"status": 200}), "spec.http[0]", "exactly one of"),
        (http(route=[]), "spec.http[0].route", "at least one destination"),
        (http(route=[{}]), "spec.http[0].route[0].destination", "required"),
        (http(route=[to("a", weight=-1)]), "spec.http[0].route[0].weight", "negative"),
        (http(route=[to("a"), to("b")]), "spec.http[0].route", "weights"),
        (http(route=[to("a b")]), "spec.http[0].route[0].destination.host", "not a host name"),
        (http(route=[to("a", "../x")]), "spec.http[0].route[0].destination.subset", "not a subset"),
        (
            http(route=[to("a") | {"fallback": {"case": "sometimes", "target": {"host": "a"}}}]),
            "spec.http[0].route[0].fallback.case",
            "'sometimes' is not supported",
        ),
        (http(route=[to("a") | {"fallback": {}}]), "spec.http[0].route[0].fallback.target", "required"),
        (
            http(headers={"request": {"set": {"a b": "1"}}}),
            "spec.http[0].headers.request.set.a b",
            "header name",
        ),
        (http(headers={"request": {"set": {"a": "50%"}}}), "spec.http[0].headers.request.set.a", "%%"),
        (
            http(headers={"request": {"set": {"a": "1\r\nb: 2"}}}),
            "spec.http[0].headers.request.set.a",
            "control",
        ),
        (http(headers={"request": {"remove": ["Host"]}}), "spec.http[0].headers.request", "host"),
        (http(retries={"attempts": -1}), "spec.http[0].retries.attempts", "negative"),
        (match(uri={}), "spec.http[0].match[0].uri", "one of exact, prefix, regex"),
        (match(uri={"exact": ""}), "spec.http[0].match[0].uri.exact", "empty"),
        (match(uri={"exact": "/", "prefix": "/"}), "spec.http[0].match[0].uri", "only one"),
        (match(uri={"suffix": "/"}), "spec.http[0].match[0].uri.suffix", "not supported"),
        (match(statPrefix="x"), "spec.http[0].match[0].statPrefix", "not supported"),
        (
            match(headers={"a": {"regex": "("}}),
            "spec.http[0].match[0].headers.a.regex",
            "not a regular expression",
        ),
        (match(headers={"a": {"regex": "(?=x)"}}), "spec.http[0].match[0].headers.a.regex", "RE2"),
        (match(headers={"a": {"regex": r"(x)\1"}}), "spec.http[0].match[0].headers.a.regex", "RE2"),
        (match(headers={"a": {"regex": "x{2000}"}}), "spec.http[0].match[0].headers.a.regex", "1000"),
        (match(headers={"a": {"regex": "x++"}}), "spec.http[0].match[0].headers.a.regex", "possessive"),
        (match(headers={"a": "exact"}), "spec.http[0].match[0].headers.a", "expected an object"),
        (make("VirtualService", "x", {"http": [{"route": [to("a")]}]}), "spec.hosts", "at least one host"),
        (make("VirtualService", "x", {"hosts": ["a"]}), "spec.http", "at least one route"),
        (make("VirtualService", "x", {"hosts": ["a"], "tcp": []}), "spec.tcp", "not supported"),
        (make("VirtualService", "x", {"hosts": ["a"], "exportTo": ["."]}), "spec.exportTo", "only '*'"),
        (make("VirtualService", "x", {"hosts": "a"}), "spec.hosts", "expected a list"),
        (
            rule(trafficPolicy={"outlierDetection": {}}),
            "spec.trafficPolicy.outlierDetection",
            "not supported",
        ),
        (
            rule(subsets=[{"name": "a", "trafficPolicy": {"tls": {"mode": "SIMPLE"}}}]),
            "spec.subsets[0].trafficPolicy.tls",
            "not supported",
        ),
        (rule(subsets=[{"name": "a"}, {"name": "a"}]), "spec.subsets[1].name", "twice"),
        (rule(subsets=[{"labels": {}}]), "spec.subsets[0].name", "required"),
        (
            balancer(simple="PASSTHROUGH"),
            "spec.trafficPolicy.loadBalancer.simple",
            "'PASSTHROUGH' is not supported",
        ),
        (balancer(consistentHash={}), "spec.trafficPolicy.loadBalancer.consistentHash", "exactly one of"),
        (balancer(warmup={}), "spec.trafficPolicy.loadBalancer.warmup", "not supported"),
        (make("DestinationRule", "x", {}), "spec.host", "required"),
        (port(protocol="HTTPS"), "spec.servers[0].port.protocol", "only HTTP"),
        (server(tls={"mode": "SIMPLE"}), "spec.servers[0].tls", "TLS"),
        (server(bind="127.0.0.1"), "spec.servers[0].bind", "not supported"),
        (server(hosts=[]), "spec.servers[0].hosts", "at least one host"),
        (server(hosts=["ns/a b"]), "spec.servers[0].hosts[0]", "not a host name"),
        (port(number=70000), "spec.servers[0].port.number", "not a port"),
        (make("Gateway", "x", {"servers": [{"hosts": ["*"]}]}), "spec.servers[0].port", "required"),
        (make("ASMHeaderPropagation", "x", {}), "spec.headers", "required"),
        (propagation("x", "Baggage"), "spec.headers[0]", "cannot be carried"),
        (propagation("x", "a:b"), "spec.headers[0]", "not a header name"),
        (make("TrafficLabel", "x", {"rules": []}), "spec.rules", "not supported"),
        (http(rewrite={"uri": "/a\nb"}), "spec.http[0].rewrite.uri", "control characters"),
        (response(body={"string": "x" * 5000}), "spec.http[0].directResponse.body.string", "4096"),
        (response(status=999), "spec.http[0].directResponse.status", "200 to 599"),
        (
            balancer(consistentHash={"useSourceIp": True, "minimumRingSize": 10**9}),
            "spec.trafficPolicy.loadBalancer.consistentHash.minimumRingSize",
            "8388608",
        ),
        (make("IstioGateway", "x", {}, "default"), "metadata.namespace", "istio-system"),
        (make("IstioGateway", "x", {"gatewayType": "egress"}, "istio-system"), "spec.gatewayType", "ingress"),
    ],
)
def test_refusals_name_the_field(obj: Obj, field: str, words: str) -> None:
    _unused, findings = read(obj)
    assert [(item.field, item.blocking) for item in findings] == [(field, True)]
    assert words in findings[0].message
    assert str(findings[0].ref) == f"{obj['kind']} {obj['metadata']['namespace']}/x"


def test_one_bad_server_leaves_the_others() -> None:
    obj = gateway("x", 80, 81)
    obj["spec"]["servers"][0]["tls"] = {"mode": "SIMPLE"}
    snapshot, findings = read(obj)
    assert [item.port for item in snapshot.gateways[0].servers] == [81]
    assert [item.field for item in findings] == ["spec.servers[0].tls"]


def test_short_names_are_completed_in_the_own_namespace() -> None:
    obj = virtual_service(
        "x", ["a", "b.c", "*"], {"route": [to("d")]}, gateways=["gw", "other/gw", "mesh"], namespace="ns"
    )
    (rule,) = read(obj)[0].virtual_services
    assert rule.hosts == ("a.ns.svc.cluster.local", "b.c", "*")
    assert rule.gateways == ("ns/gw", "other/gw", "mesh")
    assert rule.http[0].shares[0].destination.host == "d.ns.svc.cluster.local"


def test_durations() -> None:
    texts = {"1s": 1, "1.5s": 1.5, "250ms": 0.25, "1h2m3s": 3723, "0s": 0}
    for text, seconds in texts.items():
        assert read(http(timeout=text))[0].virtual_services[0].http[0].timeout == seconds


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    "pattern", [r"v[0-9]+", r"(?i)a|b", r"^\d{1,3}\.x$", r"[^,]*(,|$)", r"a\+\+", "ü?", "[[a]"]
)
def test_usual_expressions_pass(pattern: str) -> None:
    assert read(match(headers={"a": {"regex": pattern}}))[1] == []


def versioned(obj: Obj, version: str) -> Obj:
    return {**obj, "metadata": {**obj["metadata"], "resourceVersion": version}}


def test_last_good_form_counts_until_the_object_is_another() -> None:
    inputs = Inputs()
    good, bad = versioned(http(), "1"), versioned(http(fault={}), "2")
    before, _unused = inputs.read(by_kind(good))
    after, findings = inputs.read(by_kind(bad))
    assert after == before
    assert "last good version stays" in findings[0].message
    made_anew = {**bad, "metadata": {**bad["metadata"], "uid": "another"}}
    snapshot, findings = inputs.read(by_kind(made_anew))
    assert snapshot.virtual_services == ()
    assert "no effect" in findings[0].message
    assert inputs.read({}) == (Snapshot(), [])


def test_status_and_other_metadata_do_not_change_the_snapshot() -> None:
    inputs = Inputs()
    first, _unused = inputs.read(by_kind(versioned(http(), "1")))
    second, _unused = inputs.read(by_kind(versioned(http() | {"status": {"conditions": []}}, "2")))
    assert first == second
