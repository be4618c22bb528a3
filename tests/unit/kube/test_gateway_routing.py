"""What the role gateway_routing makes of the user's variables, and the module of its options; no server."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.asm.lanes.plugins.module_utils._asm.gateway_routing import (
    bad_ports,
    routing_objects,
    with_port,
)
from ansible_collections.asm.lanes.plugins.module_utils._kube.wanted import problems
from ansible_collections.asm.lanes.plugins.modules import gateway_routing

from . import role_options

OWN = {"app.kubernetes.io/managed-by": "asm.lanes", "app.kubernetes.io/part-of": "ws"}


def of_role(**variables: Any) -> dict[str, Any]:
    """The objects that the role has made, by kind."""
    given = role_options.options("gateway_routing", gateway_routing, **variables)
    return {item["kind"]: item for item in routing_objects(given)}


def test_the_defaults_of_role_and_module_are_the_guides() -> None:
    expected = {
        "Gateway": {
            "apiVersion": "networking.istio.io/v1beta1",
            "kind": "Gateway",
            "metadata": {"name": "ws-gateway", "namespace": "default", "labels": OWN},
            "spec": {
                "selector": {"istio": "ingressgateway"},
                "servers": [{"hosts": ["*"], "port": {"name": "http", "number": 30080, "protocol": "HTTP"}}],
            },
        },
        "VirtualService": {
            "apiVersion": "networking.istio.io/v1beta1",
            "kind": "VirtualService",
            "metadata": {"name": "ws", "namespace": "default", "labels": OWN},
            "spec": {
                "gateways": ["default/ws-gateway"],
                "hosts": ["*"],
                "http": [
                    {
                        "route": [
                            {
                                "destination": {
                                    "host": "wsk-svc.default.svc.cluster.local",
                                    "port": {"number": 5000},
                                }
                            }
                        ]
                    }
                ],
            },
        },
    }
    assert of_role() == expected
    assert {
        item["kind"]: item for item in routing_objects(role_options.validated(gateway_routing))
    } == expected
    assert problems(list(expected.values())) == []


def test_the_rule_may_live_elsewhere_than_the_service() -> None:
    made = of_role(
        asm_lanes_namespace="shop",
        asm_lanes_gateway_rule_namespace="istio-system",
        asm_lanes_gateway_rule_name="front",
        asm_lanes_gateway_name="edge",
        asm_lanes_gateway_port="8080",
        gateway_routing_api_version="networking.istio.io/v1",
        gateway_routing_labels={"team": "a", "app.kubernetes.io/managed-by": "somebody"},
    )
    rule, route = made["Gateway"], made["VirtualService"]
    assert rule["apiVersion"] == route["apiVersion"] == "networking.istio.io/v1"
    assert rule["metadata"] == {"name": "front", "namespace": "istio-system", "labels": {**OWN, "team": "a"}}
    assert route["metadata"]["namespace"] == "istio-system"
    assert rule["spec"]["selector"] == {"istio": "edge"}
    assert rule["spec"]["servers"][0]["port"]["number"] == 8080
    assert route["spec"]["gateways"] == ["istio-system/front"]
    assert route["spec"]["http"][0]["route"][0]["destination"]["host"] == "wsk-svc.shop.svc.cluster.local"


def test_a_name_that_leads_nowhere_is_found_before_anything_is_written() -> None:
    made = of_role(gateway_routing_service="Wsk_Svc")
    assert problems(list(made.values())) == [
        'VirtualService "ws": destination host "Wsk_Svc.default.svc.cluster.local": "Wsk_Svc": a name is at '
        "most 63 lower case letters, digits and hyphens, beginning and ending with a letter or digit"
    ]
    assert (
        "gateway_routing_service"
        in role_options.evaluate("gateway_routing", "__gateway_routing_advice")["objects"]
    )


@pytest.mark.parametrize("port", [0, -1, 65536])
def test_what_is_no_port_is_named(port: int) -> None:
    both = {"port": port, "service_port": port}
    assert [sentence.split(":")[0] for sentence in bad_ports(both)] == [
        f"port {port}",
        f"service_port {port}",
    ]
    assert bad_ports({"port": 1, "service_port": 65535}) == []


def test_a_port_is_added_once_whatever_its_name() -> None:
    others = [{"name": "http2", "port": 80, "targetPort": 80, "protocol": "TCP"}]
    new = {"name": "http-8080", "port": 8080, "targetPort": 8080, "protocol": "TCP"}
    assert with_port(others, 8080) == [*others, new]
    assert with_port(others, 80) == others


@pytest.mark.parametrize(
    "spec", [None, "text", {"http": "text"}, {"http": [{"route": [{"destination": 1}]}]}]
)
def test_what_is_no_virtual_service_has_no_destination(spec: object) -> None:
    item = {"apiVersion": "v1", "kind": "VirtualService", "metadata": {"name": "a"}, "spec": spec}
    assert problems([item]) == []
