"""What the Services of a gateway say of its address; no server."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.asm.lanes.plugins.module_utils._kube.gateway_address import (
    addresses,
    missing,
)


def service(kind: str | None, *ingress: dict[str, str]) -> dict[str, Any]:
    status = {"loadBalancer": {"ingress": list(ingress)}} if ingress else {}
    spec = {"type": kind} if kind else {}
    return {"metadata": {"name": "gateway"}, "spec": spec, "status": status}


@pytest.mark.parametrize(
    ("services", "expected"),
    [
        ([], []),
        ([service("LoadBalancer")], []),
        ([service("LoadBalancer", {"hostname": "a.example"})], ["a.example"]),
        (
            [service("LoadBalancer", {"hostname": "a.example"}, {"ip": "192.0.2.1"})],
            ["192.0.2.1", "a.example"],
        ),
        ([service("NodePort"), service("LoadBalancer", {"ip": "192.0.2.2"})], ["192.0.2.2"]),
        ([{"metadata": {"name": "new"}, "spec": {}}], []),
    ],
)
def test_addresses(services: list[dict[str, Any]], expected: list[str]) -> None:
    assert addresses(services) == expected


@pytest.mark.parametrize(
    ("services", "words"),
    [
        ([], "the cluster has no Service where it should be. Set"),
        ([service("NodePort")], "Service mesh/gateway (NodePort) has no address of a load balancer. Set"),
        ([service(None)], "(ClusterIP) has no address of a load balancer. Set"),
        ([service("LoadBalancer")], "(LoadBalancer) has no address of a load balancer after 7 s. Set"),
    ],
)
def test_why_there_is_none(services: list[dict[str, Any]], words: str) -> None:
    assert words in missing(services, "mesh", "where it should be", 7)
