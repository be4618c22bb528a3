"""Twelve seeded faults, each found and located; nothing found where nothing is wrong."""

from __future__ import annotations

import os
from typing import Any

import pytest
from ansible_collections.asm.lanes.plugins.module_utils._audit import reads
from ansible_collections.asm.lanes.plugins.module_utils._kube.client import Api, KubeError
from asm_lanes_lab.faults import catalogue
from integration.probe.probing import GROUP as GUIDE
from integration.probe.probing import HELLO, WSK

from .world import Told, World

CLEAN_RUNS = int(os.environ.get("CLEAN_RUNS", "3"))
SYSTEM = "istio-system"
LANE_ROUTES = f"VirtualService {SYSTEM}/trafficlabel-vs-ws-default-helloworld"
LANE_RULE = f"DestinationRule {SYSTEM}/trafficlabel-dr-ws-default-helloworld"
SPLIT = f"VirtualService {SYSTEM}/swimlane-ingress-vs-ws-0"
LANE_V2 = "lane v2 of lane group ws"
SPLIT_HOST = "split.example.com"

#: Fault -> kind and object of the finding; of pods the beginning of the name. What a fault entails besides.
LOCATED: dict[str, tuple[str, str]] = {
    "baggage-dropped-by-app": ("context_lost_in_application", f"service {WSK}, its application"),
    "baggage-dropped-by-sidecar": ("context_lost_in_proxy", f"service {WSK}, its proxy"),
    "subset-swapped": ("generated_edited", LANE_RULE),
    "fallback-missing": ("generated_edited", LANE_ROUTES),
    "wrong-weight": ("generated_edited", SPLIT),
    "broadcast-in-lane": ("broadcast_in_lane", f"service {WSK}, its application"),
    "header-rewritten": ("header_rewritten_at_gateway", "VirtualService default/ws"),
    "label-on-wrong-pods": ("label_on_wrong_pods", "Pod default/helloworld-v2-"),
    "foreign-catch-all": ("foreign_virtual_service", "VirtualService default/everything"),
    "stale-endpoints": ("stale_endpoint", f"endpoint ADDRESS of {HELLO}"),
    "replica-wrong": ("replica_differs", "Pod default/helloworld-v2-canary-"),
    "polling-not-sticky": ("polling_not_sticky", f"service {WSK}"),
}
ENTAILED = {"fallback-missing": {("subset_without_pods", LANE_V2), ("validation_message", LANE_V2)}}
#: One of each culprit - application, proxy, gateway; the others at full length only.
QUICK = ("baggage-dropped-by-app", "baggage-dropped-by-sidecar", "header-rewritten")
WEIGHTS = {"base": 90, "v2": 10}
WEIGHTED: dict[str, Any] = {
    **GUIDE,
    "ingress_routing": {"strategy": "weighted", "hosts": [SPLIT_HOST]},
    "lanes": [
        {
            **lane,
            "ingress_weight": {
                "weight": WEIGHTS[lane["name"]],
                "destination": {"service": WSK, "port": 5000},
            },
        }
        if lane["name"] in WEIGHTS
        else lane
        for lane in GUIDE["lanes"]
    ],
}


pytestmark = pytest.mark.timeout(1200)  # CLEAN_RUNS may be large, and the machine busy


def test_every_fault_of_the_lab_has_its_place() -> None:
    assert set(LOCATED) == set(catalogue.NAMES)
    assert len(LOCATED) == 12


def test_nothing_is_found_where_nothing_is_wrong(guide: World) -> None:
    for _number in range(CLEAN_RUNS):
        told = guide.audit(GUIDE)
        assert told.clean, told


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=() if name in QUICK else pytest.mark.full)
        for name in LOCATED
        if name != "wrong-weight"
    ],
)
def test_faults_are_found_and_located(guide: World, name: str) -> None:
    """The probe finds that lanes are not as promised, the audit where that comes from."""
    kind, wanted = LOCATED[name]
    if name == "stale-endpoints":
        pods = guide.pods().items()
        wanted = wanted.replace("ADDRESS", next(p["status"]["podIP"] for n, p in pods if "-v2-" in n))
    guide.faults.turn_on(name)
    try:
        proof = guide.until(lambda: guide.prove(GUIDE), lambda proof: proof["passed"] is False)
        told = guide.until(
            lambda: guide.audit(GUIDE, lanes=["v2"], proof=proof), lambda told: bool(told.findings)
        )
    finally:
        guide.faults.turn_off(name)
    assert proof["passed"] is False, proof["table"]
    check(told, name, kind, wanted)
    again = guide.until(lambda: guide.audit(GUIDE, lanes=["v2"]), lambda told: told.clean)
    assert again.clean, again
    proof = guide.until(lambda: guide.prove(GUIDE), lambda proof: proof["passed"])
    assert proof["passed"], proof["message"]


def test_the_playbook_says_where_the_lane_is_lost(guide: World) -> None:
    guide.faults.turn_on("header-rewritten")
    try:
        done = guide.play("asm.lanes.prove", "-e", "lane_proof_settle_timeout=0")
    finally:
        guide.faults.turn_off()
    assert done.returncode != 0
    assert "VirtualService default/ws: changes the route header" in done.stdout, done.stdout + done.stderr
    assert "client -X-> gateway" in done.stdout
    assert guide.until(lambda: guide.audit(GUIDE, lanes=["v2"]), lambda told: told.clean).clean
    done = guide.play("asm.lanes.prove")
    assert done.returncode == 0 and "every hop keeps the lane" in done.stdout, done.stdout + done.stderr


def test_a_log_that_may_not_be_read_is_named(guide: World, monkeypatch: pytest.MonkeyPatch) -> None:
    closed = next(f"default/{name}" for name in guide.pods() if name.startswith("helloworld-v2-"))
    real = reads._log

    def log(api: Api, pod: str, *more: Any) -> str:
        if pod == closed:  # an API server with RBAC says so: tests/integration/control_plane/test_rbac.py
            raise KubeError("may not", failure="forbidden", status=403)
        return real(api, pod, *more)

    monkeypatch.setattr(reads, "_log", log)
    told = guide.audit(GUIDE, lanes=["v2"])
    assert told.audit["passed"] is None and not told.findings
    assert {"what": f"the access log of {closed}", "why": f"{closed}: may not"} in told.not_tested


def test_logs_without_the_headers_are_said_to_be_so(guide: World) -> None:
    """A real mesh logs no header unless told to: unknown, never a guess."""
    other = {**GUIDE, "route_header": "x-not-logged"}
    told = guide.audit(other, mesh_kubeconfig=None, lanes=["v2"], messages=["handshake"])
    assert told.audit["passed"] is None and not told.findings
    assert any("does not show the header x-not-logged" in one["why"] for one in told.not_tested)


def test_the_app_under_auto_instrumentation_loses_the_handshakes_context(guide: World) -> None:
    """The guide's FAQ by experiment: the unchanged app, and the real packages of OpenTelemetry."""
    original = guide.set_image("wsk-deploy", "asm-lanes.lab/wsk-otel:1")
    try:
        told = guide.until(lambda: guide.audit(GUIDE, lanes=["v2"]), lambda told: bool(told.findings))
    finally:
        guide.set_image("wsk-deploy", original)
    lost = {(WSK, HELLO, "outbound", "baggage", "application")}
    assert told.broken("handshake") == set()
    assert told.broken("call") == told.broken("polling") == lost
    assert told.places() == {("context_lost_in_application", f"service {WSK}, its application")}
    [call] = [one for one in told.audit["chains"] if one["message_kind"] == "call"]
    # The trace goes on, which shows that this call is the message's; the lane does not.
    assert call["hops"][-1]["by"] == "trace"
    assert [hop["status"] for hop in call["hops"]] == ["ok", "ok", "lost"]
    again = guide.until(lambda: guide.audit(GUIDE, lanes=["v2"]), lambda told: told.clean)
    assert again.clean, again


def check(told: Told, name: str, kind: str, wanted: str) -> None:
    """The one object is named, and nothing else but what the fault entails."""
    others = told.places() - ENTAILED.get(name, set())
    assert len(others) == 1, told
    [(found_kind, found)] = others
    assert found_kind == kind and (found.startswith(wanted) if wanted.endswith("-") else found == wanted), (
        told
    )
    assert all(one["words"] and one["remedy"] and one["evidence"] for one in told.findings)


def test_wrong_weights_are_found_and_located(guide: World) -> None:
    guide.state_lanes(WEIGHTED)
    clean = guide.until(lambda: guide.audit(WEIGHTED), lambda told: told.clean)
    assert clean.clean, clean
    proof = guide.prove(WEIGHTED, transports=["websocket"])
    assert proof["passed"], proof["message"]
    guide.faults.turn_on("wrong-weight")
    try:
        proof = guide.until(
            lambda: guide.prove(WEIGHTED, transports=["websocket"]), lambda proof: proof["passed"] is False
        )
        told = guide.until(lambda: guide.audit(WEIGHTED, proof=proof), lambda told: bool(told.findings))
    finally:
        guide.faults.turn_off()
    shares = {one["lane"]: one for one in proof["weights"][0]["lanes"]}
    assert not shares["v2"]["passed"] and shares["v2"]["observed"] > 0.25, proof["weights"]
    check(told, "wrong-weight", *LOCATED["wrong-weight"])
    assert any("lane v2 got" in text for text in told.findings[0]["evidence"])
