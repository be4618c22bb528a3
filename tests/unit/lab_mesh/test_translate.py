"""Decisions of the translation that need no Envoy: who sees which routes, what is remarked on."""

from __future__ import annotations

import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from asm_lanes_lab.mesh.options import Options
from asm_lanes_lab.mesh.snapshot import Inputs
from asm_lanes_lab.mesh.translate import ProxyConfig, Translation, translate
from asm_lanes_lab.mesh.virtualhosts import intersection
from asm_lanes_lab.mesh.workloads import app_address, protocol
from asm_lanes_lab.mesh.xds import XdsWriter

from .objects import (
    Obj,
    by_kind,
    destination_rule,
    gateway,
    gateway_pod,
    istio_gateway,
    make,
    pod,
    propagation,
    service,
    to,
    virtual_service,
    when,
)

OPTIONS = Options(Path("/lab/xds"))
A = "a.default.svc.cluster.local"


def run(*objects: Obj) -> Translation:
    snapshot, refusals = Inputs().read(by_kind(*objects))
    result = translate(snapshot, OPTIONS)
    return Translation(result.proxies, refusals + result.findings)


def proxy(result: Translation, name: str) -> ProxyConfig:
    return next(item for item in result.proxies if item.name == name)


def routes(config: ProxyConfig, table: str, domain: str) -> list[dict[str, Any]]:
    hosts = config.routes[table]["virtual_hosts"]
    return next(host["routes"] for host in hosts if domain in host["domains"])


def clusters(found: Iterable[dict[str, Any]]) -> list[str]:
    """Cluster (its subset and port) or status of each route."""
    return [
        route["route"]["cluster"].removeprefix("outbound|").removesuffix(f"|{A}")
        if "route" in route
        else str(route["direct_response"]["status"])
        for route in found
    ]


def reasons(result: Translation) -> list[tuple[str, str, bool]]:
    return [(item.ref.name, item.reason, item.blocking) for item in result.findings]


def shared_clusters(result: Translation) -> dict[str, Any]:
    """The Services' clusters, which all proxies have alike."""
    return {item["name"]: item for item in result.proxies[0].clusters if item["name"].startswith("outbound")}


def endpoints(result: Translation, cluster: str) -> list[tuple[str, int]]:
    found = shared_clusters(result)[cluster]["load_assignment"]["endpoints"]
    hosts = [item["endpoint"]["address"]["socket_address"] for part in found for item in part["lb_endpoints"]]
    return [(host["address"], host["port_value"]) for host in hosts]


CALLER = pod("caller", "127.100.0.9", {"app": "caller", "team": "red"})


# --- hosts and order ----------------------------------------------------------------------


def test_names_by_which_a_service_is_called() -> None:
    result = run(service("a"), service("b", 80), CALLER, pod("far", "127.100.0.8", {}, namespace="far"))
    hosts = proxy(result, "default.caller").routes["outbound"]["virtual_hosts"]
    names = {host["name"]: host["domains"] for host in hosts}
    assert names[f"{A}:5000"] == ["a:5000", "a.default:5000", "a.default.svc:5000", f"{A}:5000"]
    assert names["b.default.svc.cluster.local:80"][:2] == ["b", "b.default"]
    assert names["unknown-host"] == ["*"]
    far = proxy(result, "far.far").routes["outbound"]["virtual_hosts"]
    assert "a:5000" not in [domain for host in far for domain in host["domains"]]


def test_oldest_mesh_rule_wins_and_the_loser_is_told() -> None:
    result = run(
        service("a"),
        CALLER,
        virtual_service("z-old", ["a"], {"directResponse": {"status": 201}}, age=1),
        virtual_service("a-new", [A, "other.example"], {"directResponse": {"status": 202}}, age=2),
    )
    assert clusters(routes(proxy(result, "default.caller"), "outbound", "a:5000")) == ["201"]
    assert clusters(routes(proxy(result, "default.caller"), "outbound", "other.example:80")) == ["202"]
    assert reasons(result) == [("a-new", "HostConflict", True)]


def test_exact_host_before_longer_wildcard_before_shorter() -> None:
    rules = [
        virtual_service(f"r{index}", [host], {"directResponse": {"status": 200 + index}}, age=index)
        for index, host in enumerate(["*", "*.local", "*.svc.cluster.local", A])
    ]
    for count, expected in ((4, "203"), (3, "202"), (2, "201"), (1, "200")):
        result = run(service("a"), CALLER, *rules[:count])
        assert clusters(routes(proxy(result, "default.caller"), "outbound", "a:5000")) == [expected]


def gateway_objects(*rules: Obj) -> Translation:
    return run(
        istio_gateway(80, 81),
        gateway_pod("127.0.0.1", "127.100.9.9:15000"),
        gateway("one", 80, hosts=("*.example", "default/only.test", "far/not.test")),
        gateway("two", 80, hosts=("./own.test",)),
        service("a"),
        *rules,
    )


def test_gateway_merges_rules_of_a_host_and_puts_catch_alls_last() -> None:
    result = gateway_objects(
        virtual_service("late", ["x.example"], {"match": when("h"), "directResponse": {"status": 201}},
                        gateways=["one"], age=3),
        virtual_service("early", ["x.example"], {"directResponse": {"status": 202}}, gateways=["one"], age=1),
        virtual_service(
            "any-case", ["x.example"],
            {"match": [{"uri": {"prefix": "/"}, "ignoreUriCase": True}], "directResponse": {"status": 203}},
            gateways=["one"], age=2,
        ),
    )  # fmt: skip
    table = proxy(result, "istio-system.istio-ingressgateway-1")
    assert clusters(routes(table, "http.80", "x.example")) == ["201", "202", "203"]


def test_gateway_asks_the_rules_of_its_oldest_gateway_first() -> None:
    """As istiod does: an older rule that is bound to a younger Gateway comes after."""
    result = run(
        istio_gateway(80),
        gateway_pod("127.0.0.1", "127.100.9.9:15000"),
        gateway("a-young", 80, age=2),
        gateway("z-old", 80, age=1),
        virtual_service(
            "x", ["x.example"], {"match": when("h"), "directResponse": {"status": 201}},
            gateways=["a-young"], age=1,
        ),
        virtual_service(
            "y", ["x.example"], {"match": when("h"), "directResponse": {"status": 202}},
            gateways=["z-old"], age=2,
        ),
    )  # fmt: skip
    table = proxy(result, "istio-system.istio-ingressgateway-1")
    assert clusters(routes(table, "http.80", "x.example")) == ["202", "201"]


def test_edits_of_a_single_destination_come_after_those_of_its_route() -> None:
    """As istiod does: the last one to set a header wins; with several destinations it is the route."""
    edits = {"headers": {"request": {"set": {"x": "destination"}, "remove": ["y"]}}}
    route = {"headers": {"request": {"set": {"x": "route", "host": "route.example"}}}}
    one = virtual_service("one", ["a"], {"route": [to("a", **edits)], **route})
    two = virtual_service("two", ["b"], {"route": [to("a", weight=1, **edits), to("a", weight=0)], **route})
    table = proxy(run(service("a"), service("b"), CALLER, one, two), "default.caller")
    [single] = routes(table, "outbound", "a:5000")[:1]
    assert [item["header"]["value"] for item in single["request_headers_to_add"]] == ["route", "destination"]
    assert single["request_headers_to_remove"] == ["y"]
    assert single["route"]["host_rewrite_literal"] == "route.example"
    [several] = routes(table, "outbound", "b:5000")[:1]
    assert [item["header"]["value"] for item in several["request_headers_to_add"]] == ["route"]
    [weighted] = several["route"]["weighted_clusters"]["clusters"]
    assert [item["header"]["value"] for item in weighted["request_headers_to_add"]] == ["destination"]


def test_gateway_exposes_only_shared_hosts() -> None:
    answer = {"directResponse": {"status": 200}}
    result = gateway_objects(
        virtual_service("all", ["*"], answer, gateways=["one", "default/two"]),
        virtual_service("far", ["*"], answer, gateways=["default/one", "default/two"], namespace="far"),
        virtual_service("mesh-only", ["y.example"], answer),
    )
    table = proxy(result, "istio-system.istio-ingressgateway-1")
    found = {host["domains"][0]: len(host["routes"]) for host in table.routes["http.80"]["virtual_hosts"]}
    assert found == {"*.example": 2, "only.test": 1, "not.test": 1, "own.test": 1}
    assert set(table.routes) == {"http.80"}


def test_match_on_gateway_and_port() -> None:
    result = gateway_objects(
        virtual_service(
            "x",
            ["own.test", "x.example"],
            {"match": [{"gateways": ["one"]}], "directResponse": {"status": 201}},
            {"match": [{"port": 81}], "directResponse": {"status": 202}},
            {"match": [{"port": 80}, {"uri": {"prefix": "/x"}}], "directResponse": {"status": 203}},
            gateways=["one", "two"],
        )
    )
    table = proxy(result, "istio-system.istio-ingressgateway-1")
    assert clusters(routes(table, "http.80", "own.test")) == ["203"]
    assert clusters(routes(table, "http.80", "x.example")) == ["201"]


def test_unreachable_and_unselected_gateways() -> None:
    lost = gateway("lost", 80)
    lost["spec"]["selector"] = {"istio": "nobody"}
    result = run(
        istio_gateway(80), gateway_pod("127.0.0.1", "127.100.9.9:15000"), gateway("gw", 80, 8443), lost,
        virtual_service("x", ["*"], {"directResponse": {"status": 200}}, gateways=["gw", "missing"]),
    )  # fmt: skip
    assert reasons(result) == [
        ("gw", "PortNotOpen", True),
        ("lost", "NoGateway", False),
        ("x", "UnknownGateway", False),
    ]
    listeners = proxy(result, "istio-system.istio-ingressgateway-1").listeners
    assert [item["address"]["socket_address"] for item in listeners] == [
        {"address": "127.0.0.1", "port_value": 80}
    ]


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("*", "a.b", "a.b"), ("a.b", "*", "a.b"), ("*.b", "*", "*.b"), ("*.b", "*.a.b", "*.a.b"),
        ("*.b", "b", None), ("a", "b", None), ("*.a", "*.b", None), ("a", "a", "a"), ("*", "*", "*"),
    ],
)  # fmt: skip
def test_intersection_of_hosts(one: str, other: str, expected: str | None) -> None:
    assert intersection(one, other) == intersection(other, one) == expected


# --- callers ------------------------------------------------------------------------------


def test_source_conditions_are_decided_per_caller() -> None:
    rule = virtual_service(
        "x",
        ["a"],
        {"match": [{"sourceLabels": {"team": "red"}}], "directResponse": {"status": 201}},
        {"match": [{"sourceNamespace": "far"}], "directResponse": {"status": 202}},
        {"directResponse": {"status": 203}},
    )
    others = [
        pod("blue", "127.100.0.7", {"team": "blue"}),
        pod("far", "127.100.0.8", {"team": "blue"}, namespace="far"),
    ]
    result = run(service("a"), rule, CALLER, *others)
    for name, expected in (("default.caller", "201"), ("default.blue", "203"), ("far.far", "202")):
        assert clusters(routes(proxy(result, name), "outbound", f"{A}:5000")) == [expected]


def test_a_rule_without_a_route_for_the_caller_is_none() -> None:
    """As istiod does: the next rule counts, and in the end the Service itself."""
    mine = {"match": [{"sourceLabels": {"team": "red"}}], "directResponse": {"status": 201}}
    second = {"match": [{"sourceNamespace": "default"}], "directResponse": {"status": 202}}
    rules = [
        virtual_service("first", ["a", "x.example"], mine, age=1),
        virtual_service("second", ["a"], second, age=2),
    ]
    others = [
        pod("blue", "127.100.0.7", {"team": "blue"}),
        pod("far", "127.100.0.8", {"team": "blue"}, namespace="far"),
    ]
    result = run(service("a"), *rules, CALLER, *others)
    for name, expected in (("default.caller", "201"), ("default.blue", "202"), ("far.far", "5000|")):
        assert clusters(routes(proxy(result, name), "outbound", f"{A}:5000"))[0] == expected
    blue = proxy(result, "default.blue").routes["outbound"]["virtual_hosts"]
    assert "x.example" not in [domain for host in blue for domain in host["domains"]]


def test_only_injected_pods_and_gateways_have_proxies() -> None:
    plain = pod("plain", "127.100.0.7", {}, sidecar=False)
    early = pod("early", "", {})
    done = pod("done", "127.100.0.6", {})
    done["status"]["phase"] = "Succeeded"
    unset = gateway_pod("127.0.0.1", "")
    assert [item.name for item in run(CALLER, plain, early, done, unset, istio_gateway()).proxies] == [
        "default.caller"
    ]


# --- destinations -------------------------------------------------------------------------


def pods() -> list[Obj]:
    return [
        pod("v1", "127.100.0.1", {"app": "a", "version": "v1"}),
        pod("v2", "127.100.0.2", {"app": "a", "version": "v2"}),
        pod("not-ready", "127.100.0.3", {"app": "a", "version": "v1"}, ready=False),
        pod("other-app", "127.100.0.4", {"app": "b", "version": "v1"}),
        pod("elsewhere", "127.100.0.5", {"app": "a", "version": "v1"}, namespace="far"),
    ]


def test_endpoints_are_ready_pods_of_the_service() -> None:
    result = run(service("a"), *pods(), destination_rule("a", "a", "v1", "v3"))
    assert endpoints(result, f"outbound|5000||{A}") == [("127.100.0.1", 5000), ("127.100.0.2", 5000)]
    assert endpoints(result, f"outbound|5000|v1|{A}") == [("127.100.0.1", 5000)]
    assert endpoints(result, f"outbound|5000|v3|{A}") == []


def test_pod_that_is_being_deleted_gets_no_traffic_but_keeps_its_proxy() -> None:
    leaving = pod("v1", "127.100.0.1", {"app": "a"})
    leaving["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    result = run(service("a"), leaving)
    assert endpoints(result, f"outbound|5000||{A}") == []
    assert [item.name for item in result.proxies] == ["default.v1"]


def test_target_port_by_number_and_by_name() -> None:
    result = run(service("a", 80, targetPort="web"), service("a", 81, namespace="far", targetPort=9), *pods())
    assert endpoints(result, f"outbound|80||{A}") == [("127.100.0.1", 5000), ("127.100.0.2", 5000)]
    assert endpoints(result, "outbound|81||a.far.svc.cluster.local") == [("127.100.0.5", 9)]
    inbound = [item["name"] for item in proxy(result, "far.elsewhere").listeners]
    assert inbound == ["outbound", "inbound-9", "inbound-5000"]


def test_rules_of_two_namespaces_and_two_ages() -> None:
    old = destination_rule("old", A, "v1", namespace="istio-system", age=1)
    new = destination_rule("new", A, "v1", "v2", namespace="istio-system", age=2)
    new["spec"]["subsets"][0]["labels"] = {"version": "v2"}
    merged = run(service("a"), *pods(), old, new)
    assert endpoints(merged, f"outbound|5000|v1|{A}") == [("127.100.0.1", 5000)]
    assert endpoints(merged, f"outbound|5000|v2|{A}") == [("127.100.0.2", 5000)]
    assert reasons(merged) == [("new", "SubsetConflict", True)]
    own = destination_rule("own", "a", "v9", age=3)
    shadowed = run(service("a"), *pods(), old, own, destination_rule("far", A, "v1", namespace="far"))
    assert f"outbound|5000|v1|{A}" not in shared_clusters(shadowed)
    assert sorted(reasons(shadowed)) == [("far", "ForeignNamespace", True), ("old", "Shadowed", True)]


def test_fallback_depends_on_ready_endpoints() -> None:
    rule = virtual_service("x", ["a"], {"route": [to("a", "v2", fallback="v1")]})
    for version, expected in (("v2", "5000|v2"), ("v1", "5000|v1")):
        result = run(service("a"), destination_rule("a", "a", "v1", "v2"), rule, CALLER,
                     pod("p", "127.100.0.1", {"app": "a", "version": version}))  # fmt: skip
        assert clusters(routes(proxy(result, "default.caller"), "outbound", "a:5000")) == [expected]


def test_port_of_a_destination() -> None:
    two = service("a")
    two["spec"]["ports"].append({"name": "http-b", "port": 6000})
    result = run(two, CALLER, virtual_service("x", ["a"], {"route": [to("a")]}))
    config = proxy(result, "default.caller")
    assert clusters(routes(config, "outbound", "a:6000")) == ["6000|"]
    wrong = {"destination": {"host": "a", "port": {"number": 7}}}
    assert reasons(run(two, virtual_service("x", ["a"], {"route": [wrong]}))) == [
        ("x", "UnknownDestination", False)
    ]


@pytest.mark.parametrize(
    ("name", "app_protocol", "expected"),
    [
        ("http", "", "http"), ("http-ws", "", "http"), ("HTTP-x", "", "http"), ("https", "", "tcp"),
        ("httpx", "", "tcp"), ("", "", "tcp"), ("grpc-web", "", "http"), ("grpc", "", "http2"),
        ("http2-x", "", "http2"), ("tcp", "http", "http"), ("http", "tcp", "tcp"),
    ],
)  # fmt: skip
def test_protocol_of_a_port(name: str, app_protocol: str, expected: str) -> None:
    assert protocol(name, app_protocol) == expected


def test_tcp_port_is_let_in_but_not_called() -> None:
    database = service("a")
    database["spec"]["ports"][0]["name"] = "mysql"
    result = run(database, pods()[0])
    config = proxy(result, "default.v1")
    filters = [item["filter_chains"][0]["filters"][0]["name"] for item in config.listeners]
    assert filters[1] == "envoy.filters.network.tcp_proxy"
    assert [host["name"] for host in config.routes["outbound"]["virtual_hosts"]] == ["unknown-host"]
    assert reasons(result) == [("a", "TcpPort", False)]


def test_injected_app_is_reached_at_its_own_address() -> None:
    assert app_address("127.100.3.4", "127.100.0.0/16", "127.101.0.0/16") == "127.101.3.4"
    (cluster, *_unused) = proxy(run(CALLER), "default.caller").clusters
    (host,) = cluster["load_assignment"]["endpoints"][0]["lb_endpoints"]
    assert host["endpoint"]["address"]["socket_address"] == {"address": "127.101.0.9", "port_value": 5000}


def test_pod_of_a_foreign_network_gets_no_sidecar() -> None:
    result = run(CALLER, pod("x", "10.0.0.1", {}), pod("y", "::1", {}))
    assert [item.name for item in result.proxies] == ["default.caller"]
    assert reasons(result) == [("x", "ForeignAddress", True), ("y", "ForeignAddress", True)]


# --- propagation --------------------------------------------------------------------------


def context(result: Translation, name: str, table: str) -> Any:
    filters = proxy(result, name).routes[table].get("typed_per_filter_config", {})
    return filters.get("envoy.filters.http.lua", {}).get("filter_context")


def test_propagations_of_a_pod_are_united() -> None:
    prefixed = make("ASMHeaderPropagation", "p", {"headerPrefix": ["x-lane-"]})
    result = run(
        service("caller"), CALLER, pod("other", "127.100.0.8", {}), prefixed,
        propagation("one", "Version", labels={"app": "caller"}),
        propagation("two", "version", "color", labels={"team": "red"}),
        propagation("far", "z", namespace="far"),
    )  # fmt: skip
    wanted = {"headers": ["color", "version"], "prefixes": ["x-lane-"]}
    assert context(result, "default.caller", "outbound") == {"direction": "outbound", **wanted}
    assert context(result, "default.caller", "inbound-5000") == {"direction": "inbound", **wanted}
    assert context(result, "default.other", "outbound")["headers"] == []


def test_listeners_do_not_depend_on_routing() -> None:
    objects = [service("a"), CALLER, *pods(), istio_gateway(80), gateway("gw", 80)]
    entry = gateway_pod("127.0.0.1", "127.100.9.9:15000")
    plain = run(*objects, entry)
    laned = run(
        *objects, entry, destination_rule("a", "a", "v1"), propagation("p", "version"),
        virtual_service("x", ["a"], {"route": [to("a", "v1")]}, gateways=["gw", "mesh"]),
    )  # fmt: skip
    assert [item.listeners for item in plain.proxies] == [item.listeners for item in laned.proxies]
    assert [item.routes for item in plain.proxies] != [item.routes for item in laned.proxies]


def test_secrets_cannot_be_logged() -> None:
    with pytest.raises(ValueError, match="Cookie"):
        Options(Path("/x"), logged_headers=("version", "Cookie"))


# --- files --------------------------------------------------------------------------------


def test_only_changed_files_are_written_and_leftovers_go(tmp_path: Path) -> None:
    def step(*objects: Obj) -> list[str]:
        snapshot, _unused = Inputs().read(by_kind(*objects))
        written = writer.write(translate(snapshot, Options(tmp_path)))
        return [str(path.relative_to(tmp_path)) for path in written]

    stale = tmp_path / "default.gone" / "bootstrap.json"
    stale.parent.mkdir()
    stale.touch()
    writer = XdsWriter(tmp_path)
    base = [service("a"), service("caller"), CALLER, *pods()[:2]]
    first = step(*base)
    assert not stale.parent.exists()
    assert first[0] == "default.caller/cds.json"
    assert first[-1] == "default.v2/bootstrap.json"
    assert step(*base) == []
    rule = virtual_service("x", ["a"], {"directResponse": {"status": 200}})
    names = ("caller", "v1", "v2")
    assert step(*base, rule) == [f"default.{name}/rds/outbound.json" for name in names]
    base[-1] = pod("v2", "127.100.0.2", {"app": "a", "version": "v2"}, ready=False)
    assert step(*base, rule) == [f"default.{name}/cds.json" for name in names]
    step(service("a"), CALLER)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["default.caller"]


def test_hundred_lanes_in_less_than_a_second(tmp_path: Path) -> None:
    lanes = [f"v{index}" for index in range(100)]
    objects = [istio_gateway(80), gateway_pod("127.0.0.1", "127.100.9.9:15000"), gateway("gw", 80)]
    for index in range(3):
        name = f"s{index}"
        http = [
            {"match": when("version", exact=lane), "route": [to(name, lane, fallback="v0")]} for lane in lanes
        ]
        objects += [
            service(name),
            pod(name, f"127.100.0.{index + 1}", {"app": name, "version": "v0"}),
            destination_rule(name, name, *lanes),
            virtual_service(name, [name], *http, {"route": [to(name, "v0")]}),
        ]
    begin = time.process_time()
    snapshot, _unused = Inputs().read(by_kind(*objects))
    result = translate(snapshot, Options(tmp_path))
    XdsWriter(tmp_path).write(result)
    assert time.process_time() - begin < 1
    assert len(shared_clusters(result)) == 303
