"""Chains of 2 to 6 services: the hop where the lane is lost is named, whichever it is."""

from __future__ import annotations

import os
from typing import Any

import pytest

from .world import World, wait_for

CHAIN_RUNS = int(os.environ.get("CHAIN_RUNS", "1"))
LENGTH = 6
NAMESPACE = "chain"
NAMES = [f"s{number}" for number in range(1, LENGTH + 1)]
SERVICES = [f"{NAMESPACE}/{name}" for name in NAMES]
ISTIO = "networking.istio.io/v1beta1"
CHAIN: dict[str, Any] = {
    "name": "chain",
    "mode": "permissive",
    "route_header": "version",
    "trace_header": "baggage",
    "gateway_rule": {"name": "chain", "namespace": NAMESPACE},
    "services": SERVICES,
    "baseline": "base",
    "lanes": [
        {"name": "base", "label_selector": {"version": "v1"}, "services": SERVICES},
        {"name": "v2", "label_selector": {"version": "v2"}, "services": SERVICES[-1:]},
    ],
}


@pytest.fixture(scope="module")
def chain(world: World) -> World:
    """Six services, each calling the next; the last in two versions; an entry to each of them."""
    labels = {"istio-injection": "enabled"}
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE, "labels": labels}}
    world.cluster.create(namespace, "test")
    wait_for(lambda: world.mesh.get("v1", "Namespace", NAMESPACE) is not None)  # ASM makes it there, too
    for obj in _entries():
        world.mesh.create(obj, "test")
    for name, following in zip(NAMES, [*NAMES[1:], ""], strict=True):
        world.cluster.create(_service(name), "test")
        for version in ("v1", "v2") if not following else ("v1",):
            world.cluster.create(_deployment(name, version, following), "test")
    world.state_lanes(CHAIN)
    world.faults.wait()
    return world


@pytest.mark.timeout(1200)  # CHAIN_RUNS may be large, and the machine busy
def test_chains_of_every_length_with_the_drop_at_every_hop(chain: World) -> None:
    check_clean(chain, CHAIN_RUNS)
    for index in range(LENGTH - 1):
        set_forwarding(chain, NAMES[index], "0")
        for first in range(LENGTH - 1):
            check(chain, first, index if index >= first else None)
        set_forwarding(chain, NAMES[index], "1")
    check_clean(chain, 1)


def check_clean(world: World, times: int) -> None:
    """Every length so many times, and nothing is found."""
    for _number in range(times):
        for first in range(LENGTH - 1):
            check(world, first, None)


def check(world: World, first: int, dropped: int | None) -> None:
    """A chain that begins at a service, of which one or none drops the baggage."""
    told = world.until(
        lambda: world.audit(
            CHAIN,
            lanes=["v2"],
            messages=["http"],
            http_path=f"/{NAMES[first]}",
            answered_by=SERVICES[first:],
            answer_pattern=r"(?P<service>\bs\d)=(?P<version>[\w.]+)",
        ),
        lambda told: told.audit["passed"] is (dropped is None),
    )
    assert not told.not_tested, told
    [found] = told.audit["chains"]
    assert [hop["to"] for hop in found["hops"]] == ["gateway", *SERVICES[first:]]
    if dropped is None:
        assert told.clean, told
        assert {hop["status"] for hop in found["hops"]} == {"ok"}
        assert found["hops"][-1]["version"] == "v2"
        return
    source, target = SERVICES[dropped], SERVICES[dropped + 1]
    assert told.broken("http") == {(source, target, "outbound", "baggage", "application")}
    assert found["broken"]["hop"] == dropped - first + 2
    statuses = [hop["status"] for hop in found["hops"]]
    assert statuses == ["ok"] * (dropped - first + 2) + ["lost"] * (LENGTH - 1 - dropped)
    assert told.places() == {("context_lost_in_application", f"service {source}, its application")}


def set_forwarding(world: World, name: str, value: str) -> None:
    """Roll out the service with the switch as given."""
    found = world.cluster.get("apps/v1", "Deployment", f"{name}-v1", NAMESPACE)
    assert found
    container = found["spec"]["template"]["spec"]["containers"][0]
    env = [item for item in container["env"] if item["name"] != "FORWARD_BAGGAGE"]
    container["env"] = [*env, {"name": "FORWARD_BAGGAGE", "value": value}]
    template = {"spec": {"containers": [container]}}
    world.cluster.patch(found, {"spec": {"template": template}}, "test")
    world.faults.wait()


def _service(name: str) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name, "namespace": NAMESPACE},
        "spec": {"selector": {"app": name}, "ports": [{"name": "http", "port": 5000, "protocol": "TCP"}]},
    }


def _deployment(name: str, version: str, following: str) -> dict[str, Any]:
    labels = {"app": name, "version": version}
    container = {
        "name": "chain",
        "image": "asm-lanes.lab/chain:1",
        "ports": [{"containerPort": 5000, "protocol": "TCP"}],
        "env": [{"name": "NEXT_URL", "value": f"http://{following}:5000/" if following else ""}],
    }
    template = {"metadata": {"labels": labels}, "spec": {"containers": [container]}}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": f"{name}-{version}", "namespace": NAMESPACE},
        "spec": {"replicas": 1, "selector": {"matchLabels": labels}, "template": template},
    }


def _entries() -> list[dict[str, Any]]:
    port = {"number": 30080, "name": "http", "protocol": "HTTP"}
    routes = [
        {
            "match": [{"uri": {"prefix": f"/{name}"}}],
            "route": [
                {"destination": {"host": f"{name}.{NAMESPACE}.svc.cluster.local", "port": {"number": 5000}}}
            ],
        }
        for name in NAMES
    ]
    gateway = {
        "kind": "Gateway",
        "spec": {"selector": {"istio": "ingressgateway"}, "servers": [{"port": port, "hosts": ["*"]}]},
    }
    service = {
        "kind": "VirtualService",
        "spec": {"hosts": ["*"], "gateways": [f"{NAMESPACE}/chain"], "http": routes},
    }
    metadata = {"name": "chain", "namespace": NAMESPACE}
    return [{"apiVersion": ISTIO, "metadata": metadata, **obj} for obj in (gateway, service)]
