"""What the scenario shall have brought about, read past the collection.

Objects through openshift's dynamic client, answers through HTTP and python-socketio. What
is expected stands in the scenario's vars.yml, written by hand.
"""

from __future__ import annotations

import os
import re
import sys
import urllib.request
import uuid
from pathlib import Path
from typing import Any

import pytest
import socketio

sys.path.insert(0, str(Path(__file__).parents[1]))
import target

INVENTORY = Path(os.environ["ASM_LANES_TARGET"])
VARS = Path(os.environ["ASM_LANES_VARS"])
SETTINGS = target.variables(INVENTORY, VARS)
EXPECTED = SETTINGS["expected"]
PORT = EXPECTED["gateway_rule"]["port"]
ADDRESS = target.gateway(SETTINGS, target.clients(INVENTORY, VARS)["cluster"])
GATEWAY = f"http://{ADDRESS}:{PORT}"
ISTIO = "networking.istio.io/v1beta1"
ASM = "istio.alibabacloud.com/v1"


@pytest.fixture(scope="module")
def api() -> dict[str, Any]:
    return target.clients(INVENTORY, VARS)


def get(client: Any, api_version: str, kind: str, name: str, namespace: str | None = None) -> dict[str, Any]:
    found: dict[str, Any] = (
        client.resources.get(api_version=api_version, kind=kind).get(name=name, namespace=namespace).to_dict()
    )
    return found


def test_the_gateway_listens(host: Any) -> None:
    if not ADDRESS.startswith("127."):
        pytest.skip("the gateway's sockets are on another machine")
    assert host.socket(f"tcp://{ADDRESS}:{PORT}").is_listening


@pytest.mark.parametrize(("name", "replicas"), EXPECTED["deployments"].items())
def test_a_deployment_is_ready(api: dict[str, Any], name: str, replicas: int) -> None:
    found = get(api["cluster"], "apps/v1", "Deployment", name, EXPECTED["namespace"])
    assert found["spec"]["replicas"] == found["status"]["readyReplicas"] == replicas
    assert found["metadata"]["labels"]["app.kubernetes.io/managed-by"] == "asm.lanes"


@pytest.mark.parametrize("name", EXPECTED["services"])
def test_a_service_selects_running_pods(api: dict[str, Any], name: str) -> None:
    client = api["cluster"]
    selector = get(client, "v1", "Service", name, EXPECTED["namespace"])["spec"]["selector"]
    query = ",".join(f"{key}={value}" for key, value in selector.items())
    pods = (
        client.resources.get(api_version="v1", kind="Pod")
        .get(namespace=EXPECTED["namespace"], label_selector=query)
        .items
    )
    assert pods
    assert {pod.status.phase for pod in pods} == {"Running"}


def test_the_gateway_rule_and_its_route(api: dict[str, Any]) -> None:
    namespace = SETTINGS.get("asm_lanes_gateway_rule_namespace", EXPECTED["namespace"])
    gateway = get(api["mesh"], ISTIO, "Gateway", EXPECTED["gateway_rule"]["name"], namespace)
    assert [server["port"]["number"] for server in gateway["spec"]["servers"]] == [
        EXPECTED["gateway_rule"]["port"]
    ]
    route = get(api["mesh"], ISTIO, "VirtualService", EXPECTED["virtual_service"]["name"], namespace)
    assert route["spec"]["gateways"] == [f"{namespace}/{EXPECTED['gateway_rule']['name']}"]
    assert route["spec"]["http"][0]["route"][0]["destination"]["host"] == EXPECTED["virtual_service"]["host"]


def test_the_lane_group_and_its_lanes(api: dict[str, Any]) -> None:
    group = get(api["mesh"], ASM, "ASMSwimLaneGroup", EXPECTED["lane_group"])["spec"]
    assert group["isPermissive"] is True
    mode = group["permissiveModeConfiguration"]
    assert mode["routeHeader"] == EXPECTED["route_header"]
    assert mode["traceHeader"] == "baggage"
    assert mode["fallbackTarget"] == EXPECTED["baseline"]
    resource = api["mesh"].resources.get(api_version=ASM, kind="ASMSwimLane")
    lanes = resource.get(label_selector=f"swimlane-group={EXPECTED['lane_group']}").to_dict()["items"]
    found = [lane["spec"]["labelSelector"] for lane in lanes]
    assert sorted(found, key=str) == sorted(EXPECTED["lanes"].values(), key=str)


@pytest.mark.parametrize(("service", "lanes"), EXPECTED["subsets"].items())
def test_a_service_has_a_subset_for_each_of_its_lanes(
    api: dict[str, Any], service: str, lanes: list[str]
) -> None:
    resource = api["mesh"].resources.get(api_version=ISTIO, kind="DestinationRule")
    rules = resource.get(label_selector=f"swimlane-group={EXPECTED['lane_group']}").to_dict()["items"]
    host = f"{service}.{EXPECTED['namespace']}.svc.cluster.local"
    subsets = {
        s["name"]: s["labels"]
        for rule in rules
        if rule["spec"]["host"] == host
        for s in rule["spec"]["subsets"]
    }
    assert subsets == {lane: EXPECTED["lanes"][lane] for lane in lanes}


def test_the_handshake_goes_through_the_gateway() -> None:
    with urllib.request.urlopen(f"{GATEWAY}/socket.io/?EIO=4&transport=polling", timeout=10) as answer:
        assert answer.status == 200
        assert b'"upgrades":["websocket"]' in answer.read()


@pytest.mark.parametrize("case", EXPECTED["answers"], ids=lambda case: repr(case["entry"]))
def test_who_answers(case: dict[str, Any]) -> None:
    """Three messages: each of a client's own is answered by its lane, each broadcast by the baseline."""
    headers = {} if case["entry"] is None else {EXPECTED["route_header"]: case["entry"]}
    own, broadcasts = [], []
    with socketio.SimpleClient() as client:
        client.connect(GATEWAY, headers=headers, transports=["websocket"], wait_timeout=10)
        for _unused in range(3):
            client.emit("test000", str(uuid.uuid4()))
        while len(own) < 3 or len(broadcasts) < 3:
            event, text = client.receive(timeout=10)
            (own if event == "hello" else broadcasts).append(re.findall(EXPECTED["pattern"], text))
    assert own == [case["own"]] * 3
    assert broadcasts == [EXPECTED["broadcast"]] * 3
