"""The audit comes in as clients do: by what the lanes' rules look for, by a cookie, by a query, over TLS."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible_collections.asm.lanes.plugins.module_utils._audit import experiment
from ansible_collections.asm.lanes.plugins.module_utils._audit.ways import Way
from ansible_collections.asm.lanes.plugins.module_utils._probe import client_options, entry
from asm_lanes_lab.kube.pki import Authority
from integration.probe import servers
from integration.probe.probing import GROUP as GUIDE
from integration.probe.probing import WSK

from .world import World

pytestmark = pytest.mark.timeout(300)
ROUTES = ("networking.istio.io/v1beta1", "VirtualService", "ws", "default")
RULED: dict[str, Any] = {
    **GUIDE,
    "ingress_routing": {"strategy": "rule_based"},
    "lanes": [
        {
            **lane,
            "ingress_rules": [
                {
                    "name": "testers",
                    "match": {"headers": {"x-user": {"exact": "tester"}}},
                    "destination": {"service": WSK, "port": 5000},
                }
            ],
        }
        if lane["name"] == "v2"
        else lane
        for lane in GUIDE["lanes"]
    ],
}


def reroute(guide: World, http: list[Any]) -> list[Any]:
    """Give the gateway these routes, if any; returns those before."""
    found = guide.mesh.get(*ROUTES)
    assert found
    if http:
        guide.mesh.patch(found, {"spec": {"http": http}}, "test")
    before: list[Any] = found["spec"]["http"]
    return before


@pytest.mark.parametrize("via", ["cookie", "query"])
def test_a_routing_of_the_users_own(guide: World, via: str) -> None:
    """A route at the gateway that turns a cookie, or a query parameter, into the route header."""
    asked: dict[str, Any] = {"entry": {"via": via, "name": "lane"}, "lanes": ["v2"], "messages": ["call"]}
    told = guide.audit(GUIDE, **asked)
    [chain] = told.audit["chains"]
    words = f"the client sent the {via} lane=v2, the gateway passes on none"
    assert words in chain["broken"]["words"], told
    match = {"cookie": {"headers": {"cookie": {"regex": "(.*; *)?lane=v2(;.*)?"}}},
             "query": {"queryParams": {"lane": {"exact": "v2"}}}}[via]  # fmt: skip
    plain = reroute(guide, [])
    laned = {**plain[0], "match": [match], "headers": {"request": {"set": {"version": "v2"}}}}
    reroute(guide, [laned, *plain])
    try:
        told = guide.until(lambda: guide.audit(GUIDE, **asked), lambda told: told.audit["passed"] is True)
    finally:
        reroute(guide, plain)
    assert told.audit["passed"] is True, told
    [chain] = told.audit["chains"]
    assert [hop["version"] for hop in chain["hops"]][-1] == "v2"


def test_the_rules_of_a_lane_are_met(guide: World) -> None:
    guide.state_lanes(RULED)
    try:
        told = guide.until(lambda: guide.audit(RULED, lanes=["v2"]), lambda told: told.clean)
        assert told.clean, told
        call = next(one for one in told.audit["chains"] if one["message_kind"] == "call")
        assert {hop["header"] for hop in call["hops"]} == {"v2"}
        said = guide.audit(RULED, lanes=["v2"], path="elsewhere", messages=["handshake"])
        assert said.audit["passed"] is None, said
    finally:
        guide.state_lanes(GUIDE)


@pytest.mark.parametrize("kind", [experiment.WEBSOCKET, experiment.POLLING, experiment.HTTP])
def test_an_authority_of_ones_own(tmp_path: Path, kind: str) -> None:
    authority = Authority.create()
    file = tmp_path / "ca.pem"
    file.write_text(authority.pem)
    way = Way(entry.by(entry.HEADER, "version", "v2"))
    made = [experiment.Experiment("lane v2", "v2", kind, way)]

    def outcome(url: str, tls: Any) -> experiment.Outcome:
        settings = experiment.Settings(url, "version", "baggage", tls=tls, broadcast_event="", timeout=10)
        [told] = experiment.run(made, settings)
        return told

    with servers.serve(servers.App().build(), authority.server_context("127.0.0.1")) as url:
        trusted = outcome(url, client_options.tls({"url": url, "validate_certs": True, "ca_path": str(file)}))
        strange = outcome(url, client_options.tls({"url": url, "validate_certs": True, "ca_path": None}))
    assert "v2" in (trusted.answer or ""), trusted
    assert strange.answer is None and strange.failure
