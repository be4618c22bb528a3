"""The condition that the mesh puts on its objects."""

from __future__ import annotations

from typing import Any

from asm_lanes_lab.mesh.findings import Finding, Ref
from asm_lanes_lab.mesh.status import by_object, due

from .objects import Obj, virtual_service

REF = Ref("VirtualService", "default", "x")
BAD = Finding(REF, "spec.hosts[0]", "HostConflict", "taken")
WARNING = Finding(REF, "spec.http[0]", "UnknownDestination", "nobody there", blocking=False)


def with_status(obj: Obj, status: Obj) -> Obj:
    return {**obj, "status": status}


def wanted(obj: Obj, *findings: Finding, now: str = "T1") -> Any:
    found = due([obj], by_object(findings), now)
    return found[0][1] if found else None


def test_good_object() -> None:
    obj = virtual_service("x", ["a"])
    status = wanted(obj)
    assert status == {
        "observedGeneration": 1,
        "conditions": [
            {
                "type": "Reconciled", "status": "True", "reason": "Reconciled", "message": "in force",
                "observedGeneration": 1, "lastTransitionTime": "T1",
            }
        ],
    }  # fmt: skip
    assert wanted(with_status(obj, status), now="T2") is None


def test_blocking_finding_comes_first_and_warning_alone_stays_true() -> None:
    (condition,) = wanted(virtual_service("x", ["a"]), WARNING, BAD)["conditions"]
    assert (condition["status"], condition["reason"]) == ("False", "HostConflict")
    assert condition["message"] == "spec.hosts[0]: taken; spec.http[0]: nobody there"
    (condition,) = wanted(virtual_service("x", ["a"]), WARNING)["conditions"]
    assert (condition["status"], condition["reason"]) == ("True", "UnknownDestination")


def test_time_changes_only_with_the_status() -> None:
    obj = virtual_service("x", ["a"])
    good = with_status(obj, wanted(obj))
    assert wanted(good, WARNING, now="T2")["conditions"][0]["lastTransitionTime"] == "T1"
    assert wanted(good, BAD, now="T2")["conditions"][0]["lastTransitionTime"] == "T2"


def test_new_generation_is_observed_and_other_conditions_stay() -> None:
    obj = virtual_service("x", ["a"])
    status = wanted(obj)
    status["conditions"].append({"type": "Other", "status": "True"})
    obj["metadata"]["generation"] = 2
    new = wanted(with_status(obj, status), now="T2")
    assert new["observedGeneration"] == 2
    assert [item["type"] for item in new["conditions"]] == ["Other", "Reconciled"]
    assert new["conditions"][1]["lastTransitionTime"] == "T1"
