"""Access logs of a small mesh: a gateway, wsk, two helloworlds; lines as ASM's default fields have them."""

from __future__ import annotations

import json
from typing import Any

from ansible_collections.asm.lanes.plugins.module_utils._audit.access_log import Log, parse
from ansible_collections.asm.lanes.plugins.module_utils._audit.context import Carrier
from ansible_collections.asm.lanes.plugins.module_utils._audit.judge import Wanted
from ansible_collections.asm.lanes.plugins.module_utils._audit.trace import Journey, Pod, Traces

WSK, HELLO = "default/wsk-svc", "default/helloworld"
TAG = "0af7651916cd43dd8448eb211c80319c"
GATEWAY = Pod("istio-system/gw-1", "10.0.0.1", {"istio": "ingressgateway"}, gateway=True)
WSK_POD = Pod("default/wsk-1", "10.0.0.2", {"app": "wsk", "version": "v1"}, (WSK,), proxied=True)
V1 = Pod("default/hello-v1", "10.0.0.3", {"app": "helloworld", "version": "v1"}, (HELLO,), proxied=True)
V2 = Pod("default/hello-v2", "10.0.0.4", {"app": "helloworld", "version": "v2"}, (HELLO,), proxied=True)
PODS = (GATEWAY, WSK_POD, V1, V2)
Lines = dict[str, list[dict[str, Any]]]
HEADERS = ("version", "baggage", "traceparent")
CARRIER = Carrier.of("version", "baggage")
LANED = {"version": "v2", "baggage": f"version=v2,asm-lanes-audit={TAG}"}


def wanted(**other: Any) -> Wanted:
    return Wanted("v2", CARRIER, frozenset((WSK, HELLO)), **other)


def line(at: float, took: float, **fields: Any) -> dict[str, Any]:
    """at: seconds after the full minute; took: seconds. Headers that are not given are null."""
    return {
        "start_time": f"2026-01-01T00:00:{at:06.3f}Z",
        "duration": str(round(took * 1000)),
        "method": "GET",
        "path": "/",
        "response_code": "200",
        "response_flags": "-",
        **dict.fromkeys(HEADERS),
        **fields,
    }


def arrives(at: float = 1.0, took: float = 0.5, tag: str = TAG, **headers: Any) -> Lines:
    """A request at the gateway and at wsk, with these headers; at the gateway without baggage."""
    path = f"/socket.io/?EIO=4&asm-lanes-audit={tag}"
    same = {"path": path, "request_id": f"in-{tag}-{at}"}
    cluster = "outbound|5000||wsk-svc.default.svc.cluster.local"
    return {
        GATEWAY.name: [
            line(
                at,
                took,
                upstream_cluster=cluster,
                upstream_host="10.0.0.2:5000",
                **same,
                **{**headers, "baggage": None},
            )
        ],
        WSK_POD.name: [
            line(
                at + 0.001,
                took - 0.002,
                upstream_cluster="inbound|5000||",
                upstream_host="127.0.0.1:5000",
                **same,
                **headers,
            )
        ],
    }


def calls(pod: Pod, at: float = 1.1, subset: str = "v2", **headers: Any) -> Lines:
    """A call of wsk to helloworld, which a pod answers; both proxies see the same headers."""
    cluster = f"outbound|5000|{subset}|helloworld.default.svc.cluster.local"
    same = {"path": "/hello", "request_id": f"out-{at}", **headers}
    return {
        WSK_POD.name: [line(at, 0.02, upstream_cluster=cluster, upstream_host=f"{pod.ip}:5000", **same)],
        pod.name: [
            line(at + 0.001, 0.01, upstream_cluster="inbound|5000||", upstream_host="127.0.0.1:5000", **same)
        ],
    }


def journey(*parts: Lines, pods: tuple[Pod, ...] = PODS, tag: str = TAG) -> Journey:
    """What the audit makes of the lines of all parts."""
    entries = []
    for pod in pods:
        lines = [json.dumps(one) for part in parts for one in part.get(pod.name, ())]
        entries += log(pod, lines).entries
    return Traces(pods, entries).journey(tag)


def log(pod: Pod, lines: list[str]) -> Log:
    return parse(pod.name, pod.gateway, lines, HEADERS)
