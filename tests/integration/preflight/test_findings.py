"""Every prerequisite, missing in turn, is found on real APIs; nothing else is blamed for it."""

from __future__ import annotations

import dataclasses
import socket
from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.asm.lanes.plugins.module_utils._preflight.finding import (
    FAILED,
    OK,
    SKIPPED,
    WARNING,
    Finding,
)
from ansible_collections.asm.lanes.plugins.module_utils._preflight.new import new

from .conftest import OURS, WANTED, World

ISTIO = "networking.istio.io/v1beta1"
OF_INSTANCE = {"edition", "version", "baggage_propagation", "cluster"}
OF_CLUSTER = {"session_affinity", "foreign_objects"}
OF_MESH = {
    "istio_api",
    "gateway",
    "gateway_port",
    "gateway_rule_namespace",
    "foreign_objects",
    "catch_all_routes",
    "mesh_routes",
}
EVERYTHING = {"mesh", *OF_INSTANCE, "cluster_kubeconfig", "namespace", "injection", "mesh_kubeconfig"}
EVERYTHING |= OF_CLUSTER | OF_MESH

Findings = dict[str, Finding]


def named(findings: Findings, status: str) -> set[str]:
    return {name for name, finding in findings.items() if finding.status == status}


def only(findings: Findings, status: str, *names: str, skipped: set[str] = frozenset()) -> Finding:  # type: ignore[assignment]
    """The first of the named findings, after making sure that these and no others have the status."""
    assert named(findings, status) == set(names), findings
    assert named(findings, SKIPPED) == skipped, findings
    assert named(findings, OK) == EVERYTHING - set(names) - skipped, findings
    for name in names:
        assert findings[name].found
        assert findings[name].needed
        assert findings[name].remedy
    return findings[names[0]]


def route(gateways: list[str], hosts: list[str], **more: Any) -> dict[str, Any]:
    destination = {"host": "elsewhere.default.svc.cluster.local"}
    return {"hosts": hosts, "gateways": gateways, "http": [{"route": [{"destination": destination}], **more}]}


def test_all_prerequisites_are_met(world: World) -> None:
    findings = world.check()
    assert named(findings, OK) == EVERYTHING, findings


# --- the ASM instance -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("connection", "said", "remedy"),
    [
        ({"access_key_id": "nobody"}, "InvalidAccessKeyId", "access_key_id"),
        ({"access_key_secret": "wrong-secret-of-mine"}, "SignatureDoesNotMatch", "access_key_secret"),
        ({"endpoint": "127.0.0.1:9"}, "connection refused", "endpoint"),
        ({"endpoint": "http://x"}, "is not an endpoint", "host:port"),
    ],
)
def test_an_instance_that_cannot_be_read(world: World, connection: Any, said: str, remedy: str) -> None:
    findings = world.check(**connection)
    finding = only(findings, FAILED, "mesh", skipped=OF_INSTANCE)
    assert said in finding.found
    assert remedy in finding.remedy
    assert not any("secret-of" in str(one) for one in findings.values())


def test_an_unknown_instance(world: World) -> None:
    wanted = dataclasses.replace(WANTED, mesh_id="another")
    finding = only(world.check(wanted), FAILED, "mesh", skipped=OF_INSTANCE)
    assert "another" in finding.found
    assert "mesh_id" in finding.remedy


@pytest.mark.parametrize(
    ("settings", "check", "found"),
    [
        ({"mesh_state": "initial"}, "mesh", "state initial"),
        ({"mesh_edition": "standard"}, "edition", "standard"),
        ({"mesh_version": "v1.20.8.40-gabc-aliyun"}, "baggage_propagation", "v1.20.8.40"),
    ],
)
def test_an_instance_that_will_not_do(world: World, settings: Any, check: str, found: str) -> None:
    endpoint = world.instance(**settings)
    assert found in only(world.check(endpoint=endpoint), FAILED, check).found


def test_old_versions(world: World) -> None:
    endpoint = world.instance(mesh_version="v1.18.2.110-gabc-aliyun")
    only(world.check(endpoint=endpoint), FAILED, "version", "baggage_propagation")
    knowingly = dataclasses.replace(WANTED, allow_old_version=True)
    endpoint = world.instance(mesh_version="v1.18.2.111-gabc-aliyun")
    assert (
        "later hops" in only(world.check(knowingly, endpoint=endpoint), WARNING, "baggage_propagation").remedy
    )
    other_header = dataclasses.replace(WANTED, trace_header="my-trace-id")
    assert named(world.check(other_header, endpoint=endpoint), OK) == EVERYTHING


def test_another_cluster_is_meant(world: World) -> None:
    wanted = dataclasses.replace(WANTED, cluster="elsewhere")
    finding = only(world.check(wanted), FAILED, "cluster")
    assert finding.found == "lab (c-lab)"
    assert "asm_lanes_cluster" in finding.remedy
    for name in ("lab", "c-lab"):
        assert named(world.check(dataclasses.replace(WANTED, cluster=name)), OK) == EVERYTHING


# --- kubeconfigs ----------------------------------------------------------------------------


def test_kubeconfigs_that_are_missing(world: World) -> None:
    finding = only(world.check(mesh_kubeconfig="/nowhere"), FAILED, "mesh_kubeconfig", skipped=OF_MESH)
    assert "/nowhere does not exist" in finding.found
    # ASM still knows the namespaces and their labels.
    skipped = OF_CLUSTER
    only(world.check(cluster_kubeconfig="/nowhere"), FAILED, "cluster_kubeconfig", skipped=skipped)


def test_kubeconfigs_that_are_exchanged(world: World) -> None:
    finding = only(
        world.check(mesh_kubeconfig=str(world.cluster_file)), FAILED, "mesh_kubeconfig", skipped=OF_MESH
    )
    assert "is another server: it does not know IstioGateways" in finding.found
    assert "asm_lanes_mesh_kubeconfig" in finding.remedy
    sources = {"cluster_kubeconfig": str(world.mesh_file)}
    finding = only(world.check(**sources), FAILED, "cluster_kubeconfig", skipped=OF_CLUSTER)
    assert "is the control plane of the ASM instance" in finding.found
    assert "asm_lanes_cluster_kubeconfig" in finding.remedy


def test_a_server_that_is_down(world: World) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    text = world.mesh_file.read_text()
    address = connect_address(text)
    file = world.folder / "down.kubeconfig"
    file.write_text(text.replace(address, f"127.0.0.1:{port}"))
    finding = only(world.check(mesh_kubeconfig=str(file)), FAILED, "mesh_kubeconfig", skipped=OF_MESH)
    assert "cannot be reached" in finding.found


def connect_address(kubeconfig: str) -> str:
    return kubeconfig.partition("https://")[2].split()[0]


# --- the namespace --------------------------------------------------------------------------


def test_the_namespace_is_missing(world: World) -> None:
    wanted = dataclasses.replace(WANTED, namespace="shop")
    finding = only(world.check(wanted), FAILED, "namespace", skipped={"injection"})
    assert "sample_app_manage_namespace" in finding.remedy
    assert named(world.check(dataclasses.replace(wanted, manage_namespace=True)), OK) == EVERYTHING


@pytest.mark.parametrize("label", [None, "disabled"])
def test_injection_is_off(world: World, label: str | None) -> None:
    world.label({"istio-injection": label})
    assert "istio-injection=enabled" in only(world.check(), FAILED, "injection").remedy
    only(
        world.check(cluster_kubeconfig="/nowhere"),
        FAILED,
        "injection",
        "cluster_kubeconfig",
        skipped=OF_CLUSTER,
    )
    assert named(world.check(dataclasses.replace(WANTED, manage_namespace=True)), OK) == EVERYTHING
    world.label({"istio.io/rev": "1-22"})
    assert named(world.check(), OK) == EVERYTHING


# --- the gateway ----------------------------------------------------------------------------


def test_the_gateway_or_its_port_is_missing(world: World) -> None:
    other = dataclasses.replace(WANTED, gateway_name="mygateway")
    assert (
        "asm_lanes_gateway_name"
        in only(world.check(other), FAILED, "gateway", skipped={"gateway_port"}).remedy
    )
    port = dataclasses.replace(WANTED, gateway_port=8080)
    finding = only(world.check(port), FAILED, "gateway_port")
    assert finding.found == "ports 30080"
    assert "gateway_routing_manage_gateway_port" in finding.remedy
    assert named(world.check(dataclasses.replace(port, manage_gateway_port=True)), OK) == EVERYTHING


def test_the_istio_version_is_not_served(world: World) -> None:
    wanted = dataclasses.replace(WANTED, api_version="networking.istio.io/v1alpha3")
    assert "gateway_routing_api_version" in only(world.check(wanted), FAILED, "istio_api").remedy


def _two_variables(world: World) -> dict[str, Any]:
    return {"routing_namespace": "istio-system"}


def _left_behind(world: World) -> dict[str, Any]:
    world.mesh(ISTIO, "VirtualService", "default/ws", route(["default/ws-gateway"], ["*"]), OURS)
    return {"routing_namespace": "istio-system", "rule_namespace": "istio-system"}


@pytest.mark.parametrize("prepare", [_two_variables, _left_behind])
def test_namespaces_of_the_gateway_rule_disagree(
    world: World, prepare: Callable[[World], dict[str, Any]]
) -> None:
    wanted = dataclasses.replace(WANTED, **prepare(world))
    assert (
        "asm_lanes_gateway_rule_namespace"
        in only(world.check(wanted), FAILED, "gateway_rule_namespace").remedy
    )


def test_a_gateway_rule_of_the_same_name_elsewhere(world: World) -> None:
    server = {"port": {"number": 443, "name": "x", "protocol": "HTTP"}, "hosts": ["*"]}
    spec = {"selector": {"istio": "ingressgateway"}, "servers": [server]}
    world.mesh(ISTIO, "Gateway", "istio-system/ws-gateway", spec)
    assert "istio-system/ws-gateway" in only(world.check(), WARNING, "gateway_rule_namespace").found


# --- somebody else's ------------------------------------------------------------------------


def test_what_others_have_made(world: World) -> None:
    port = {"name": "http", "port": 5000, "protocol": "TCP"}
    world.cluster("v1", "Service", "default/helloworld", {"ports": [port], "selector": {"app": "x"}})
    world.cluster("v1", "Service", "default/wsk-svc", {"ports": [port], "sessionAffinity": "ClientIP"}, OURS)
    findings = world.check()
    assert only(findings, WARNING, "foreign_objects").found == "Service default/helloworld"
    assert findings["session_affinity"].found == "ClientIP: default/wsk-svc"


@pytest.mark.parametrize(
    ("name", "gateways", "hosts", "more", "labels", "check"),
    [
        ("all", ["default/ws-gateway"], ["*"], {}, {}, "catch_all_routes"),
        ("slash", ["ws-gateway"], ["*"], {"match": [{"uri": {"prefix": "/"}}]}, {}, "catch_all_routes"),
        ("other", ["default/other"], ["*"], {}, {}, "catch_all_routes"),
        ("hello", ["mesh"], ["helloworld"], {}, {}, "mesh_routes"),
        ("fqdn", ["mesh"], ["helloworld.default.svc.cluster.local"], {}, {}, "mesh_routes"),
        ("path", ["default/ws-gateway"], ["*"], {"match": [{"uri": {"prefix": "/x"}}]}, {}, None),
        ("host", ["default/ws-gateway"], ["shop.example"], {}, {}, None),
        ("ours", ["default/ws-gateway"], ["*"], {}, OURS, None),
        ("lanes", ["mesh"], ["helloworld"], {}, {"provider": "asm", "swimlane-group": "ws"}, None),
        ("stranger", ["mesh"], ["stranger"], {}, {}, None),
    ],
)
def test_routes_of_others(
    world: World, name: str, gateways: list[str], hosts: list[str], more: Any, labels: Any, check: str | None
) -> None:
    server = {"port": {"number": 30080, "name": "x", "protocol": "HTTP"}, "hosts": ["*"]}
    spec = {"selector": {"istio": "ingressgateway"}, "servers": [server]}
    world.mesh(ISTIO, "Gateway", "default/other", spec)
    world.mesh(ISTIO, "VirtualService", f"default/{name}", route(gateways, hosts, **more), labels)
    findings = world.check()
    assert named(findings, WARNING) == ({check} if check else set()), findings
    if check:
        assert findings[check].found == f"default/{name}"


# --- what the later steps need not look for -------------------------------------------------


def test_what_is_new_is_told_step_by_step(world: World) -> None:
    def told(**sources: Any) -> dict[str, bool]:
        return new(world.facts(**sources), WANTED)

    assert told() == {"application": True, "routing": True}
    assert told(cluster_kubeconfig="/nowhere") == {"application": False, "routing": True}
    assert told(mesh_kubeconfig="/nowhere") == {"application": True, "routing": False}
    world.cluster("v1", "Service", "default/of-others", {"ports": [{"port": 80}]})
    world.mesh(ISTIO, "VirtualService", "istio-system/ws", route(["default/ws-gateway"], ["*"]))
    assert told() == {"application": True, "routing": True}
    world.cluster("v1", "Service", "default/wsk-svc", {"ports": [{"port": 5000}]})
    assert told() == {"application": False, "routing": True}
    world.mesh(ISTIO, "VirtualService", "default/ws", route(["default/ws-gateway"], ["*"]))
    assert told() == {"application": False, "routing": False}
