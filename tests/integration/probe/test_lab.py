"""Lanes that the gateway chooses, on a whole lab: by rules, by weights, in strict mode; with real Envoys."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest
from ansible_collections.asm.lanes.plugins.module_utils._asm.resource_transforms import new_group, new_lane
from ansible_collections.asm.lanes.plugins.module_utils._lanes import words
from kube_client import connected
from lab_fixture import RunningLab

from .probing import prove

FRONT, ORDERS = "default/front", "default/orders"
BOTH = [FRONT, ORDERS]
TO_FRONT = {"service": FRONT, "port": 5000}
PATIENCE = 60.0  # seconds that the lab gets for anything, on a busy machine too
READING = {
    "transports": ["http"],
    "answered_by": BOTH,
    "answer_pattern": r"(?P<service>[\w-]+)=(?P<version>[\w.]+)",
}


def workload(app: str, version: str, **env: str) -> dict[str, Any]:
    labels = {"app": app, "version": version}
    container = {
        "name": "main",
        "image": "asm-lanes.lab/chain:1",
        "ports": [{"containerPort": 5000, "protocol": "TCP"}],
        "env": [{"name": name, "value": value} for name, value in env.items()],
    }
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": f"{app}-{version}", "namespace": "default"},
        "spec": {
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": {"containers": [container]}},
        },
    }


def service(app: str) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": app, "namespace": "default"},
        "spec": {"selector": {"app": app}, "ports": [{"name": "http", "port": 5000, "protocol": "TCP"}]},
    }


GATEWAY = {
    "apiVersion": "networking.istio.io/v1beta1",
    "kind": "Gateway",
    "metadata": {"name": "gw", "namespace": "default"},
    "spec": {
        "selector": {"istio": "ingressgateway"},
        "servers": [{"port": {"number": 30080, "name": "http", "protocol": "HTTP"}, "hosts": ["*"]}],
    },
}


@pytest.fixture(scope="module")
def chain(lab: RunningLab) -> Iterator[RunningLab]:
    """front calls orders; both in two versions, with sidecars."""
    lab.reset()
    namespace = {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {"name": "default", "labels": {"istio-injection": "enabled"}},
    }
    following = {"NEXT_URL": "http://orders:5000/"}
    pods = [workload("front", version, **following) for version in ("v1", "v2")]
    pods += [workload("orders", version) for version in ("v1", "v2")]
    with connected(lab.cluster_kubeconfig) as cluster:
        cluster.apply(namespace, service("front"), service("orders"), *pods)
    with connected(lab.mesh_kubeconfig) as mesh:
        mesh.apply(GATEWAY)
    yield lab
    lab.reset()


def lane(number: int, **more: Any) -> dict[str, Any]:
    name = f"s{number}"
    return {"name": name, "label_selector": {"version": f"v{number}"}, "services": BOTH, **more}


def by_user(number: int) -> dict[str, Any]:
    match = {"headers": {"x-user": {"exact": f"user-{number}"}}}
    return lane(
        number, ingress_rules=[{"name": "r", "hosts": ["*"], "match": match, "destination": TO_FRONT}]
    )


def by_weight(number: int, share: int) -> dict[str, Any]:
    return lane(number, ingress_weight={"weight": share, "destination": TO_FRONT})


def spec(*lanes: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return {
        "name": "shop",
        "mode": "permissive",
        "route_header": "x-lane",
        "trace_header": "baggage",
        "gateway_rule": {"name": "gw", "namespace": "default"},
        "services": BOTH,
        "baseline": "s1",
        "lanes": list(lanes),
        **changes,
    }


def resources(group: dict[str, Any]) -> list[dict[str, Any]]:
    parsed = words.parse(group)
    return [new_group(parsed, None), *(new_lane(parsed.name, one, None) for one in parsed.lanes or ())]


@pytest.fixture
def mesh(chain: RunningLab) -> Iterator[Any]:
    """Makes a group, and takes it away afterwards."""
    made: list[dict[str, Any]] = []

    def make(group: dict[str, Any]) -> None:
        made[:] = resources(group)
        api.apply(*made)

    with connected(chain.mesh_kubeconfig) as api:
        yield make
        api.delete(*reversed(made))


def settled(lab: RunningLab, group: dict[str, Any], passed: bool = True, **given: Any) -> dict[str, Any]:
    """The proof, once the mesh is as it should be."""
    deadline = time.monotonic() + PATIENCE
    while True:
        proof = prove(lab.gateway_url(), lane_group=group, **READING, **given)
        if proof["passed"] is passed or time.monotonic() > deadline:
            return proof
        time.sleep(0.2)


def test_permissive_lanes_by_rules(chain: RunningLab, mesh: Any) -> None:
    group = spec(by_user(1), by_user(2))
    mesh(group)
    proof = settled(chain, group)
    assert proof["passed"], proof["message"]
    observed = {case["name"]: case["observed"]["call"] for case in proof["cases"]}
    assert observed == {
        "lane s1, http": {FRONT: {"v1": 4}, ORDERS: {"v1": 4}},
        "lane s2, http": {FRONT: {"v2": 4}, ORDERS: {"v2": 4}},
        "forged header in lane s1, http": {FRONT: {"v1": 1}, ORDERS: {"v1": 1}},
        "forged header in lane s2, http": {FRONT: {"v2": 1}, ORDERS: {"v2": 1}},
    }


def test_a_lane_for_all_the_rest(chain: RunningLab, mesh: Any) -> None:
    rest = {"name": "rest", "hosts": ["*"], "match": {}, "destination": TO_FRONT}
    group = spec(lane(1, ingress_rules=[rest]), {**by_user(2), "name": "a2"})
    mesh(group)
    proof = settled(chain, group)
    assert proof["passed"], proof["message"]
    forged = next(case for case in proof["cases"] if case["name"] == "forged header in lane a2, http")
    assert forged["observed"]["call"] == {FRONT: {"v2": 1}, ORDERS: {"v2": 1}}
    unknown = next(case for case in proof["cases"] if case["name"] == "unknown value, http")
    assert unknown["lane"] == "s1"


def test_strict_lanes(chain: RunningLab, mesh: Any) -> None:
    strict = {"mode": "strict", "baseline": None, "route_header": None, "trace_header": None}
    group = spec(by_user(1), by_user(2), **strict)
    mesh(group)
    proof = settled(chain, group)
    assert proof["passed"], proof["message"]
    assert [case["observed"]["call"][ORDERS] for case in proof["cases"]] == [{"v1": 4}, {"v2": 4}]
    assert "no header" in {left["what"] for left in proof["not_tested"]}


def test_weights(chain: RunningLab, mesh: Any) -> None:
    def weighted(first: int) -> dict[str, Any]:
        routing = {"strategy": "weighted"}
        return spec(by_weight(1, first), by_weight(2, 100 - first), ingress_routing=routing)

    mesh(weighted(90))
    proof = settled(chain, weighted(90), timeout=60)
    assert proof["passed"], proof["message"]
    assert [draw["name"] for draw in proof["weights"]] == ["weights", "weights with a forged header"]
    for draw in proof["weights"]:
        assert draw["answered"] == draw["samples"] >= 100
        assert [row["lane"] for row in draw["lanes"]] == ["s1", "s2"]
        assert sum(row["observed"] for row in draw["lanes"]) == pytest.approx(1)
    mesh(weighted(50))
    proof = settled(chain, weighted(90), passed=False, timeout=60)
    assert "lane s1 had" in proof["message"]
    assert "expected 90.0%" in proof["message"]
