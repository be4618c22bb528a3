"""Faults of network and server: the run converges, and nothing is done twice."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.asm.lanes.plugins.module_utils._asm.errors import AsmError
from ansible_collections.asm.lanes.plugins.module_utils._lanes.model import merge
from ansible_collections.asm.lanes.plugins.module_utils._lanes.words import as_spec, parse
from asm_lanes_lab.asm import Fault

HELLO = ["default/helloworld"]
GROUP: dict[str, Any] = {
    "name": "ws",
    "mode": "permissive",
    "route_header": "version",
    "trace_header": "baggage",
    "gateway_rule": {"name": "ws-gateway"},
    "services": HELLO,
    "baseline": "base",
    "service_fallback": {},
    "lanes": [
        {"name": "base", "label_selector": {"version": "v1"}, "services": HELLO},
        {"name": "v2", "label_selector": {"version": "v2"}, "services": HELLO},
    ],
}
COMPLETE = as_spec(merge(None, parse(GROUP)))
PASSING = [
    "throttled",
    "internal_error",
    "unavailable",
    "html",
    "reset_before",
    "reset_after",
    "timeout_before",
    "timeout_after",
    "half_json",
]
READS = ["GetSwimLaneGroupList", "GetSwimLaneList", "DescribeClustersInServiceMesh"]
WRITES = ["CreateSwimLaneGroup", "CreateSwimLane"]


def found(lanes) -> dict[str, Any]:
    group = lanes.read("ws")
    assert group is not None
    return as_spec(group)


@pytest.mark.parametrize("action", READS + WRITES)
@pytest.mark.parametrize("kind", PASSING)
def test_a_run_survives_a_passing_fault(asm, lanes, kind, action):
    asm.faults(Fault(kind, action=action, delay=1.2, retry_after=50 if kind == "throttled" else 0))
    lanes.ensure(parse(GROUP))
    assert asm.api.faults.as_list() == []  # it did happen
    assert found(lanes) == COMPLETE


@pytest.mark.parametrize("kind", PASSING)
def test_an_update_survives_a_passing_fault(asm, lanes, kind):
    lanes.ensure(parse({**GROUP, "baseline": "v2"}))
    asm.faults(
        Fault(kind, action="UpdateSwimLaneGroup", delay=1.2, retry_after=50 if kind == "throttled" else 0)
    )
    lanes.ensure(parse(GROUP))
    assert asm.api.faults.as_list() == []
    assert found(lanes) == COMPLETE


@pytest.mark.parametrize("action", ["DeleteSwimLane", "DeleteSwimLaneGroup"])
@pytest.mark.parametrize("kind", PASSING)
def test_a_removal_survives_a_passing_fault(asm, lanes, kind, action):
    lanes.ensure(parse(GROUP))
    asm.faults(Fault(kind, action=action, delay=1.2, retry_after=50 if kind == "throttled" else 0))
    lanes.ensure(parse({"name": "ws"}), absent=True)
    assert asm.api.faults.as_list() == []
    assert lanes.read("ws") is None


@pytest.mark.parametrize("kind", ["clock_skew", "expired_token"])
@pytest.mark.parametrize("calls_before", range(0, 8))
def test_whenever_a_run_breaks_off_the_next_one_completes_it(asm, lanes, kind, calls_before):
    asm.faults(Fault(kind, skip=calls_before, times=0))
    with pytest.raises(AsmError):
        lanes.ensure(parse(GROUP))
    asm.faults()
    lanes.ensure(parse(GROUP))
    assert found(lanes) == COMPLETE
