"""Where nobody says where the gateway is, the proof asks the cluster, and waits for its load balancer."""

from __future__ import annotations

import threading
import time

from planes import Http

from .conftest import Servers

ASK = """
- ansible.builtin.include_role:
    name: asm.lanes.lane_proof
- ansible.builtin.debug:
    msg: "The gateway is at {{ lane_proof_result.proof.gateway.url }}"
"""
SERVICES = "/api/v1/namespaces/istio-system/services"
LABELS = {"app": "istio-ingressgateway", "istio": "ingressgateway"}


def make_service(cluster: Http, kind: str) -> None:
    port = {"name": "http", "port": 30080, "protocol": "TCP"}
    metadata = {"name": "istio-ingressgateway", "labels": LABELS}
    spec = {"type": kind, "selector": LABELS, "ports": [port]}
    service = {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": spec}
    made = cluster("POST", SERVICES, service)
    assert made.code == 201, made.body


def give_address(cluster: Http, **ingress: str) -> None:
    status = {"status": {"loadBalancer": {"ingress": [ingress]}}}
    kind = "application/merge-patch+json"
    done = cluster("PATCH", f"{SERVICES}/istio-ingressgateway/status", status, kind=kind)
    assert done.code == 200, done.body


def test_it_waits_for_the_address(servers: Servers) -> None:
    cluster = Http(servers.kubeconfig("cluster"))
    make_service(cluster, "LoadBalancer")
    asked = servers.requests("cluster")[0]

    def cloud() -> None:
        """Give the address once somebody has asked in vain: a second after the last of the requests."""
        deadline = time.monotonic() + 90
        before = asked
        while (now := servers.requests("cluster")[0]) == asked or now != before:
            assert time.monotonic() < deadline
            before = now
            time.sleep(1)
        give_address(Http(servers.kubeconfig("cluster")), hostname="lanes.example.com")

    thread = threading.Thread(target=cloud)
    thread.start()
    waited = servers.play(ASK, "--check", asm_lanes_gateway_port=31080)
    thread.join()
    assert waited.code == 0, waited.output
    assert "The gateway is at http://lanes.example.com:31080" in waited.output
    waiting = "waiting up to 300 s for an address of the load balancer of Service istio-system/"
    assert waited.output.count(waiting) == 1

    give_address(cluster, ip="203.0.113.7")
    found = servers.play(ASK, "--check")
    assert "The gateway is at http://203.0.113.7:30080" in found.output
    assert waiting not in found.output
    assert cluster("DELETE", f"{SERVICES}/istio-ingressgateway").code == 200
    cluster.close()


def test_what_it_does_not_find_is_told(servers: Servers) -> None:
    cluster = Http(servers.kubeconfig("cluster"))
    missing = servers.play(ASK, "--check")
    assert missing.code == 2
    words = " ".join(missing.output.split())
    assert "the cluster has no Service in istio-system with the labels istio=ingressgateway" in words

    make_service(cluster, "NodePort")
    without = servers.play(ASK, "--check")
    assert without.code == 2
    words = " ".join(without.output.split())
    assert "Service istio-system/istio-ingressgateway (NodePort) has no address of a load balancer" in words
    assert "Set asm_lanes_gateway_address" in words
    assert "RETRYING" not in words, "none will come"
    assert cluster("DELETE", f"{SERVICES}/istio-ingressgateway").code == 200

    make_service(cluster, "LoadBalancer")
    too_late = servers.play(ASK, "--check", lane_proof_address_timeout=0)
    assert too_late.code == 2
    assert "(LoadBalancer) has no address of a load balancer after 0 s" in " ".join(too_late.output.split())
    assert cluster("DELETE", f"{SERVICES}/istio-ingressgateway").code == 200
    cluster.close()

    nowhere = servers.play(ASK, "--check", asm_lanes_cluster_kubeconfig="/nowhere")
    assert nowhere.code == 2
    assert "/nowhere" in nowhere.output
    assert "Traceback" not in nowhere.output
