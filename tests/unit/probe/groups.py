"""Lane groups and channels for the probe's unit tests."""

from __future__ import annotations

from typing import Any

from ansible_collections.asm.lanes.plugins.module_utils._lanes import model, words
from ansible_collections.asm.lanes.plugins.module_utils._probe import cases
from ansible_collections.asm.lanes.plugins.module_utils._probe.expect import Oracle
from ansible_collections.asm.lanes.plugins.module_utils._probe.reading import DEFAULT_PATTERN, Reader
from ansible_collections.asm.lanes.plugins.module_utils._probe.settings import (
    BROADCAST,
    CALL,
    OWN,
    WEBSOCKET,
    Channel,
)

WSK, HELLO = "default/wsk-svc", "default/helloworld"
CHAIN = r"(?P<service>[\w-]+)=(?P<version>[\w.]+)"


def lane(name: str, version: str, *services: str, label: str = "version", **more: Any) -> dict[str, Any]:
    return {"name": name, "label_selector": {label: version}, "services": list(services), **more}


def group(**changes: Any) -> model.LaneGroup:
    """The guide's group, changed."""
    spec = {
        "name": "ws",
        "mode": "permissive",
        "route_header": "version",
        "trace_header": "baggage",
        "gateway_rule": {"name": "ws-gateway", "namespace": "default"},
        "services": [WSK, HELLO],
        "baseline": "base",
        "lanes": [lane("base", "v1", WSK, HELLO), lane("v1", "v1", HELLO), lane("v2", "v2", HELLO)],
    }
    return words.parse({**spec, **changes})


def channel(*services: str, transport: str = WEBSOCKET, path: str = "socket.io") -> Channel:
    """A channel on which answers and broadcasts name these services."""
    pattern = DEFAULT_PATTERN if len(services or (HELLO,)) == 1 else CHAIN
    reader = Reader.parse(pattern, services or (HELLO,))
    return Channel(
        transport, path, {CALL: reader} if transport == "http" else {OWN: reader, BROADCAST: reader}
    )


def oracle(of: model.LaneGroup, label: str = "version", host: str = "gateway.test") -> Oracle:
    return Oracle(of, label, host)


def matrix(
    of: model.LaneGroup, *services: str, label: str = "version", on: Channel | None = None, **wish: Any
) -> cases.Matrix:
    """The cases of a group that has passed the check."""
    cases.check(of, services or (HELLO,), label)
    return cases.matrix(oracle(of, label), cases.Wish([on or channel(*services)], **wish))


def rule(
    service: str, headers: dict[str, Any] | None = None, hosts: list[str] | None = None, **uri: str
) -> Any:
    """An ingress rule of a lane."""
    match: dict[str, Any] = {"headers": headers or {}}
    if uri:
        match["uri"] = uri
    return {
        "name": "r",
        "hosts": hosts or ["*"],
        "match": match,
        "destination": {"service": service, "port": 5000},
    }


def weight(service: str, share: int) -> dict[str, Any]:
    return {"weight": share, "destination": {"service": service, "port": 5000}}
