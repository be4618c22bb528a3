"""The role gateway_routing against the lab's Kubernetes API: its life cycle, and what goes wrong."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from .conftest import Servers
from .test_sample_app import errors

ROLE = "- {include_role: {name: asm.lanes.gateway_routing}}"
ABSENT = "- {include_role: {name: asm.lanes.gateway_routing}, vars: {gateway_routing_state: absent}}"
SHOW = "- {debug: {var: gateway_routing_result}}"
GUIDE = {"Gateway/ws-gateway", "VirtualService/ws"}
FOREIGN = """
apiVersion: networking.istio.io/v1beta1
kind: VirtualService
metadata: {name: foreign, namespace: default}
spec: {hosts: [foreign.example], http: [{route: [{destination: {host: foreign}}]}]}
"""
GATEWAY = """
apiVersion: istio.alibabacloud.com/v1beta1
kind: IstioGateway
metadata: {name: ingressgateway, namespace: istio-system}
spec:
  gatewayType: ingress
  ports: [{name: http2, port: 80, targetPort: 80, protocol: TCP}]
"""


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_life_cycle(servers: Servers) -> None:
    servers.in_mesh.apply(yaml.safe_load(FOREIGN), yaml.safe_load(GATEWAY))
    listening = ports(servers)
    writes, untouched = servers.writes("mesh"), servers.writes("cluster")
    checked = servers.play(f"{ROLE}\n{SHOW}", "--check", "--diff")
    assert checked.code == 0, checked.output
    assert checked.counts["changed"] == 1
    assert "VirtualService ws" in checked.output
    assert "wsk-svc.default.svc.cluster.local" in checked.output
    assert servers.writes("mesh") == writes

    twice = servers.play(f"{ROLE}\n{ROLE}\n{SHOW}")
    assert twice.code == 0, twice.output
    assert twice.counts["changed"] == 1
    assert '"written": []' in twice.output
    assert routing(servers) - {"VirtualService/foreign"} == GUIDE
    assert ports(servers) == listening
    assert servers.writes("cluster") == untouched

    gone = servers.play(f"{ABSENT}\n{ABSENT}")
    assert gone.code == 0, gone.output
    assert gone.counts["changed"] == 1
    assert routing(servers) == {"VirtualService/foreign"}


def routing(servers: Servers) -> set[str]:
    """The gateway rules and routes in the mesh."""
    return servers.in_mesh.names("Gateway", "VirtualService")


def ports(servers: Servers) -> list[dict[str, Any]]:
    """The ports of the ASM gateway."""
    found = servers.in_mesh.get("IstioGateway", "ingressgateway", "istio-system")
    assert found
    listed: list[dict[str, Any]] = found["spec"]["ports"]
    return listed


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_the_gateway_port_is_added_on_request_and_no_other_is_lost(servers: Servers) -> None:
    managed = {"gateway_routing_manage_gateway_port": True}
    old = ports(servers)
    checked = servers.play(f"{ROLE}\n{SHOW}", "--check", **managed)
    assert checked.code == 0, checked.output
    assert '"IstioGateway ingressgateway"' in checked.output
    assert ports(servers) == old
    twice = servers.play(f"{ROLE}\n{ROLE}\n{SHOW}", **managed)
    assert twice.code == 0, twice.output
    assert twice.counts["changed"] == 1  # the port and the routing, once
    new = {"name": "http-30080", "port": 30080, "targetPort": 30080, "protocol": "TCP"}
    assert ports(servers) == [*old, new]


def test_what_is_refused_leaves_the_gateway_as_it_is(servers: Servers) -> None:
    before = ports(servers)
    wrong = {"gateway_routing_port": 31999, "gateway_routing_hosts": []}
    result = servers.play(ROLE, gateway_routing_manage_gateway_port=True, **wrong)
    assert result.code != 0
    assert "Nothing was written." in result.output
    assert ports(servers) == before


@pytest.mark.parametrize(
    ("variables", "words"),
    [
        ({"gateway_routing_rule_name": "Ws_Gateway"}, 'Gateway \\"Ws_Gateway\\": a name is at most 253'),
        ({"gateway_routing_service": "Wsk_Svc"}, "made from gateway_routing_rule_name"),
        (
            {"gateway_routing_namespace": "nowhere"},
            "namespace nowhere does not exist",
        ),
        (
            {"gateway_routing_manage_gateway_port": True, "gateway_routing_gateway_name": "edge"},
            "There is no IstioGateway edge in namespace istio-system",
        ),
        ({"gateway_routing_hosts": []}, "Gateway ws-gateway in namespace default"),
    ],
)
def test_bad_input_is_one_clear_error(servers: Servers, variables: dict[str, object], words: str) -> None:
    result = servers.play(ROLE, **variables)
    assert result.code != 0
    assert len(errors(result)) == 1, result.output
    assert words in result.output
    assert "Traceback" not in result.output


def test_the_kubeconfig_of_the_cluster_is_noticed(servers: Servers) -> None:
    result = servers.play(ROLE, asm_lanes_mesh_kubeconfig=str(servers.kubeconfig("cluster")))
    assert len(errors(result)) == 1, result.output
    assert "does not serve Gateway of networking.istio.io/v1beta1" in result.output
    assert "right server (cluster or mesh control plane)" in result.output
