"""The proof document, which reports and audits read."""

from __future__ import annotations

from datetime import datetime, timezone

from ansible_collections.asm.lanes.plugins.module_utils._probe import document

BEGAN = datetime(2026, 1, 2, 3, 4, 5, 6000, tzinfo=timezone.utc)
GROUP = {"name": "ws", "baseline": None, "lanes": [{"name": "v2", "ingress_rules": None}]}


def test_it_has_every_key_of_its_version() -> None:
    told = {"passed": True, "cases": [], "load": {"connections": 0}}
    proof = document.complete(told, {"url": "http://gateway", "path": "socket.io"}, GROUP, BEGAN)
    assert proof == {
        "schema": "asm.lanes/proof/v1",
        "started_at": "2026-01-02T03:04:05.006+00:00",
        "gateway": {"url": "http://gateway", "path": "socket.io"},
        "lane_group": {"name": "ws", "lanes": [{"name": "v2"}]},
        "weights": [],
        "not_tested": [],
        "audit": None,
        "findings": [],
        "passed": True,
        "cases": [],
        "load": {"connections": 0},
    }
