"""The guide's own client, under Node.js with the stock socket.io-client."""

from __future__ import annotations

import re

import pytest
from integration.probe import servers

from .conftest import Client

pytestmark = pytest.mark.node


@pytest.mark.parametrize(("version", "answer"), [("v2", "v2"), ("v1", "v1"), (None, "v1"), ("v22", "v1")])
def test_it_sees_what_the_probe_sees(node_client: Client, version: str | None, answer: str) -> None:
    app = servers.App()
    with servers.serve(app.build()) as url:
        done = node_client(url, version, 1.5)
    assert done.returncode == 0, done.stderr
    connected, *said = done.stdout.splitlines()
    assert re.fullmatch(r"Connected! [0-9a-f-]{36}", connected)
    assert said == [
        f"Server response: Hello version: {answer}, instance: test",
        "Broadcast: Hello version: v1, instance: test",
    ]
    assert app.acknowledged == [("got it",)]


def test_it_says_so_when_there_is_no_gateway(node_client: Client) -> None:
    done = node_client("http://127.0.0.1:9", "v2", 5)
    assert done.returncode == 1
    assert "Connection failed: " in done.stderr
