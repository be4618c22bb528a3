"""Reading access logs: ASM's fields, null and dash, what is not logged, WebSockets in two lines."""

from __future__ import annotations

import json

from ansible_collections.asm.lanes.plugins.module_utils._audit.access_log import INBOUND, OUTBOUND, parse
from ansible_collections.asm.lanes.plugins.module_utils._audit.context import (
    UNLOGGED,
    Carrier,
    members,
    trace_of,
)

from .logs import V2, WSK_POD, line, log

CLUSTER = "outbound|5000|v2|helloworld.default.svc.cluster.local"


def test_a_line_of_asm() -> None:
    made = line(1.5, 0.02, upstream_cluster=CLUSTER, upstream_host="10.0.0.4:5000", version="v2", baggage="-")
    [entry] = log(WSK_POD, ["[info] not JSON", "{broken", json.dumps(made)]).entries
    assert (entry.direction, entry.subset, entry.service) == (OUTBOUND, "v2", "default/helloworld")
    assert (entry.upstream_ip, entry.code, entry.flags) == (V2.ip, 200, "")
    assert entry.headers == {"version": "v2", "baggage": None, "traceparent": None}
    assert round(entry.end - entry.start, 3) == 0.021


def test_a_header_without_a_field_is_unknown_not_absent() -> None:
    made = {key: value for key, value in line(1, 1, upstream_cluster=CLUSTER).items() if key != "baggage"}
    found = parse("default/wsk-1", False, [json.dumps(made)], ("version", "baggage"))
    assert found.missing == ("request_id", "upstream_host", "baggage")
    carrier = Carrier.of("version", "baggage")
    assert carrier.carried(found.entries[0].headers) is UNLOGGED
    assert carrier.lane(found.entries[0].headers) is None


def test_fields_may_be_nested_or_written_with_an_underscore() -> None:
    nested = {"start_time": "2026-01-01T00:00:01.000Z", "headers": {"Version": "v1"}, "x_lane": "a"}
    [entry] = parse("a/b", False, [json.dumps(nested)], ("version", "x-lane")).entries
    assert entry.headers == {"version": "v1", "x-lane": "a"}


def test_of_a_websocket_the_later_line_counts() -> None:
    made = line(1, 0.01, upstream_cluster="inbound|5000||", request_id="a")
    opened = {**made, "event": "DownstreamTunnelSuccessfullyEstablished"}
    closed = {**made, "duration": 2000}
    [entry] = log(WSK_POD, [json.dumps(opened), json.dumps(closed)]).entries
    assert (entry.direction, entry.open, round(entry.end - entry.start, 3)) == (INBOUND, False, 2.001)
    [still] = log(WSK_POD, [json.dumps(opened)]).entries
    assert still.open


def test_baggage_and_traceparent() -> None:
    assert members("a=1, Version=v%202;meta=x,version=v3, broken,=,") == {"a": "1", "version": "v3", "": ""}
    assert trace_of(f"00-{'a' * 32}-{'b' * 16}-01") == "a" * 32
    assert trace_of("nonsense") == ""


def test_private_baggage_is_not_shown() -> None:
    carrier = Carrier.of("version", "baggage")
    assert carrier.shown({"baggage": "user=secret,version=v2"}) == "version=v2"
    assert carrier.shown({"baggage": "user=secret"}) is None
