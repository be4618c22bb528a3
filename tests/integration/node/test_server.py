"""The probe against the stock socket.io server of Node.js, and the stock client's view of the same."""

from __future__ import annotations

import pytest
from integration.probe import servers
from integration.probe.probing import HELLO, by_name, prove
from integration.probe.test_stickiness import balancer

from .conftest import Client

pytestmark = pytest.mark.node


@pytest.mark.parametrize("transport", ["websocket", "polling"])
def test_every_kind_of_message(node_servers: list[str], transport: str) -> None:
    proof = prove(
        node_servers[0],
        transports=[transport],
        ack_event="ask",
        to_one_event="welcome",
        negative_cases=False,
        timeout=60,
    )
    assert proof["passed"], proof["message"]
    case = proof["cases"][-1]
    assert case["lane"] == "v2"
    assert case["observed"] == {
        "own": {HELLO: {"v2": 4}},
        "ack": {HELLO: {"v2": 4}},
        "to_one": {HELLO: {"v2": 2}},
        "broadcast": {HELLO: {"v1": 24}},
    }
    assert case["counts"]["acknowledged_by_client"] == 4


@pytest.mark.parametrize(
    ("version", "case"), [("v2", "lane v2"), ("v22", "lookalike v22"), (None, "no header")]
)
def test_the_stock_client_sees_the_same(
    node_servers: list[str], node_client: Client, version: str | None, case: str
) -> None:
    ours = by_name(prove(node_servers[0], timeout=60))[case]
    done = node_client(node_servers[0], version, 1.5)
    assert done.returncode == 0, done.stderr
    said = {
        line.partition(": ")[0]: line.partition("version: ")[2][:2] for line in done.stdout.splitlines()[1:]
    }
    assert said == {"Server response": "v2" if version == "v2" else "v1", "Broadcast": "v1"}
    assert list(ours["observed"]["own"][HELLO]) == [said["Server response"]]
    assert list(ours["observed"]["broadcast"][HELLO]) == [said["Broadcast"]]


def test_polling_over_two_stock_servers_without_stickiness(node_servers: list[str]) -> None:
    with servers.serve(balancer(node_servers)) as url:
        message = prove(url, transports=["polling"], negative_cases=False)["message"]
    assert "Session ID unknown" in message
    assert "different replicas" in message
