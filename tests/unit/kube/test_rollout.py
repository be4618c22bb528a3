"""When is a Deployment rolled out, and what is said when it is not."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.asm.lanes.plugins.module_utils._kube.rollout import explain, rollout
from ansible_collections.asm.lanes.plugins.module_utils._kube.wait import Outcome

READY: dict[str, Any] = {
    "observedGeneration": 2,
    "replicas": 2,
    "updatedReplicas": 2,
    "availableReplicas": 2,
    "conditions": [
        {"type": "Available", "status": "True"},
        {"type": "Progressing", "status": "True", "reason": "NewReplicaSetAvailable"},
    ],
}
GIVEN_UP = {
    "type": "Progressing",
    "status": "False",
    "reason": "ProgressDeadlineExceeded",
    "message": "ReplicaSet has timed out",
}


def deployment(wanted: int = 2, **status: Any) -> dict[str, Any]:
    """A Deployment of generation 2 with some status."""
    return {
        "metadata": {"name": "d", "uid": "D", "generation": 2},
        "spec": {"replicas": wanted, "template": {"spec": {"containers": [{"name": "c", "image": "i:1"}]}}},
        "status": status,
    }


def owned(name: str, owner: str, **more: Any) -> dict[str, Any]:
    """An object that another one controls; its uid is its name."""
    return {"metadata": {"name": name, "uid": name, "ownerReferences": [{"uid": owner}]}, **more}


@pytest.mark.parametrize(
    ("status", "ready", "message"),
    [
        (READY, True, "2 of 2 replicas available"),
        ({}, False, "the Deployment controller has not seen the newest change"),
        (
            READY | {"observedGeneration": 1},
            False,
            "the Deployment controller has not seen the newest change",
        ),
        (READY | {"updatedReplicas": 1}, False, "1 of 2 replicas created from the newest template"),
        (READY | {"replicas": 3}, False, "1 replicas of an older template still running"),
        (READY | {"availableReplicas": 1}, False, "1 of 2 replicas available"),
    ],
)
def test_ready_under_the_rule_of_kubectl(status: dict[str, Any], ready: bool, message: str) -> None:
    found = rollout("d", deployment(**status))
    assert (found.ready, found.failed, found.message) == (ready, False, message)


def test_no_replicas_wanted_is_ready() -> None:
    assert rollout("d", deployment(0, observedGeneration=2)).ready


def test_a_controller_that_gave_up_is_a_failure_but_not_for_an_older_generation() -> None:
    stuck = READY | {"availableReplicas": 0, "conditions": [GIVEN_UP]}
    assert rollout("d", deployment(**stuck)).failed
    assert not rollout("d", deployment(**stuck | {"observedGeneration": 1})).failed


def test_a_deployment_that_does_not_exist() -> None:
    assert rollout("d", None).result() == {
        "name": "d",
        "exists": False,
        "ready": False,
        "failed": False,
        "replicas": 0,
        "updated_replicas": 0,
        "available_replicas": 0,
        "images": [],
        "message": "there is no Deployment of this name",
    }


@pytest.mark.parametrize(
    ("container", "line"),
    [
        (
            {"state": {"waiting": {"reason": "ImagePullBackOff", "message": 'pulling "i:1"'}}},
            'container c waiting: ImagePullBackOff: pulling "i:1"',
        ),
        (
            {
                "state": {"waiting": {"reason": "CrashLoopBackOff"}},
                "lastState": {"terminated": {"exitCode": 3, "reason": "Error"}},
                "restartCount": 4,
            },
            "container c waiting: CrashLoopBackOff; last ended with exit code 3, Error (restarted 4 times)",
        ),
        ({"state": {"terminated": {"exitCode": 1}}}, "container c ended with exit code 1, no reason given"),
        ({"state": {"running": {}}}, "container c runs but is not ready"),
    ],
)
def test_a_container_tells_why_it_is_not_ready(container: dict[str, Any], line: str) -> None:
    status = {"phase": "Running", "containerStatuses": [{"name": "c", "ready": False, **container}]}
    pods = [owned("p", "R", status=status), owned("other", "X", status=status)]
    lines = explain(deployment(), [owned("R", "D")], pods, [])
    assert lines == [f"pod p: {line}"]


def test_pods_that_are_ready_going_or_done_initialising_say_nothing() -> None:
    ready = {
        "phase": "Running",
        "initContainerStatuses": [{"name": "i", "state": {"terminated": {"exitCode": 0}}}],
        "containerStatuses": [{"name": "c", "ready": True, "state": {"running": {}}}],
        "conditions": [{"type": "Ready", "status": "True"}],
    }
    going = owned("g", "R", status={"phase": "Pending"})
    going["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    assert explain(deployment(), [owned("R", "D")], [owned("p", "R", status=ready), going], []) == []


def test_a_pod_that_cannot_be_scheduled_and_one_that_nobody_has_taken() -> None:
    unscheduled = {
        "phase": "Pending",
        "conditions": [
            {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/3 nodes"}
        ],
    }
    pods = [owned("p", "R", status=unscheduled), owned("q", "R", status={})]
    assert explain(deployment(), [owned("R", "D")], pods, []) == [
        "pod p: PodScheduled=False (Unschedulable): 0/3 nodes",
        "pod q: Pending",
    ]


def test_conditions_and_the_newest_warnings_in_order() -> None:
    def event(number: int, uid: str, kind: str = "Warning") -> dict[str, Any]:
        return {
            "type": kind,
            "reason": f"R{number}",
            "message": "m",
            "count": number,
            "lastTimestamp": f"2026-01-01T00:00:0{number}Z",
            "metadata": {},
            "involvedObject": {"uid": uid, "kind": "ReplicaSet", "name": "r"},
        }

    conditions = [
        GIVEN_UP,
        {"type": "Available", "status": "True"},
        {"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate", "message": "quota"},
    ]
    events = [event(number, "R") for number in (3, 1, 2, 7, 6, 5)] + [event(8, "X"), event(9, "R", "Normal")]
    assert explain(deployment(conditions=conditions), [owned("R", "D")], [], events) == [
        "condition Progressing=False (ProgressDeadlineExceeded): ReplicaSet has timed out",
        "condition ReplicaFailure=True (FailedCreate): quota",
        *(f"event R{number} (ReplicaSet r, {number} times): m" for number in (2, 3, 5, 6, 7)),
    ]


def test_the_message_names_every_late_deployment_and_what_to_do() -> None:
    late, ready = (
        rollout("a", deployment(**READY | {"availableReplicas": 0})),
        rollout("b", deployment(**READY)),
    )
    text = Outcome("ns", "/k", 30, (late, ready), "timeout", {"a": ["pod p: Pending"]}).message()
    assert text.splitlines() == [
        "1 of 2 Deployments in namespace ns are not ready, after 30 s:",
        "- a: 0 of 2 replicas available",
        "    pod p: Pending",
        "See more with: kubectl --kubeconfig /k --namespace ns describe deployment a",
    ]
    missing = Outcome("ns", "/k", 30, (rollout("c", None),), "missing").message()
    assert "- c: there is no Deployment of this name" in missing
    assert missing.endswith("kubectl --kubeconfig /k --namespace ns get deployments")
