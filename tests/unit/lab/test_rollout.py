"""The decisions of a rollout: bounds, steps, conditions."""

from __future__ import annotations

from typing import Any

import pytest
from asm_lanes_lab.controllers import rollout
from asm_lanes_lab.controllers.rollout import Replicas
from asm_lanes_lab.objects import find_condition, timestamp
from hypothesis import given
from hypothesis import strategies as st


def deployment(
    replicas: int = 1, surge: int | str = "25%", unavailable: int | str = "25%", **spec: Any
) -> Any:
    rolling = {"maxSurge": surge, "maxUnavailable": unavailable}
    return {
        "metadata": {"name": "web", "namespace": "default", "generation": 3},
        "spec": {
            "replicas": replicas,
            "strategy": {"type": "RollingUpdate", "rollingUpdate": rolling},
            **spec,
        },
    }


@pytest.mark.parametrize(
    ("replicas", "surge", "unavailable", "expected"),
    [
        (1, "25%", "25%", (1, 0)),
        (4, "25%", "25%", (1, 1)),
        (10, "25%", "25%", (3, 2)),
        (4, 0, 0, (0, 1)),
        (4, 2, 0, (2, 0)),
        (0, "25%", "25%", (0, 1)),
    ],
)
def test_bounds(replicas: int, surge: int | str, unavailable: int | str, expected: tuple[int, int]) -> None:
    assert rollout.bounds(deployment(replicas, surge, unavailable)) == expected


def test_hash_is_stable_and_tells_templates_apart() -> None:
    one = rollout.template_hash({"spec": {"containers": [{"image": "a", "name": "x"}]}})
    assert one == rollout.template_hash({"spec": {"containers": [{"name": "x", "image": "a"}]}})
    assert one != rollout.template_hash({"spec": {"containers": [{"image": "b", "name": "x"}]}})
    assert len(one) == 10
    assert set(one) <= set(rollout.SAFE_LETTERS)


@given(
    replicas=st.integers(1, 8),
    surge=st.integers(0, 4),
    unavailable=st.integers(0, 4),
    old=st.lists(st.integers(0, 4), max_size=3),
    broken=st.booleans(),
)
def test_a_rolling_update_keeps_its_bounds_and_ends(
    replicas: int, surge: int, unavailable: int, old: list[int], broken: bool
) -> None:
    """Pods become available at once, unless the new template is broken: then the old ones must stay."""
    web = deployment(replicas, surge, unavailable)
    surge, unavailable = rollout.bounds(web)
    counts = {"new": 0} | {f"old{index}": count for index, count in enumerate(old)}
    floor = min(sum(old), replicas - unavailable)
    ceiling = max(sum(old), replicas + surge)

    def available(name: str) -> int:
        return 0 if broken and name == "new" else counts[name]

    for _unused in range(50):
        sets = [Replicas(name, wanted, available(name)) for name, wanted in counts.items()]
        step = rollout.rolling_update(web, sets[0], sets[1:])
        if not step:
            break
        counts |= step
        assert sum(counts.values()) <= ceiling
        assert sum(available(name) for name in counts) >= floor
    if broken and floor > 0:
        assert sum(counts.values()) - counts["new"] >= floor
    else:
        assert counts == {"new": replicas} | {name: 0 for name in counts if name != "new"}


def test_scaling_down_needs_no_availability() -> None:
    assert rollout.rolling_update(deployment(1), Replicas("new", 3, 0), []) == {"new": 1}


def test_recreate_waits_for_the_old_pods() -> None:
    web = deployment(2) | {"spec": {"replicas": 2, "strategy": {"type": "Recreate"}}}
    new = Replicas("new", 0, 0)
    assert rollout.recreate(web, new, [Replicas("old", 2, 2)], 2) == {"old": 0}
    assert rollout.recreate(web, new, [Replicas("old", 0, 0)], 2) == {}
    assert rollout.recreate(web, new, [Replicas("old", 0, 0)], 0) == {"new": 2}


def replica_set(name: str, wanted: int, /, **status: int) -> Any:
    return {"metadata": {"name": name}, "spec": {"replicas": wanted}, "status": status}


def conditions(web: Any, *sets: Any) -> tuple[dict[str, Any], list[Any]]:
    counts = rollout.status(web, sets[0], sets)
    found = rollout.conditions(web, counts, sets[0], sets)
    web["status"] = counts | {"conditions": found}
    return {item["type"]: (item["status"], item["reason"]) for item in found}, found


def test_conditions_of_a_rollout_that_succeeds() -> None:
    web = deployment(2)
    seen, _unused = conditions(web, replica_set("web-1", 2))
    assert seen == {
        "Available": ("False", "MinimumReplicasUnavailable"),
        "Progressing": ("True", "NewReplicaSetCreated"),
    }
    seen, _unused = conditions(web, replica_set("web-1", 2, replicas=2, readyReplicas=1, availableReplicas=1))
    assert seen["Progressing"] == ("True", "ReplicaSetUpdated")
    done = replica_set("web-1", 2, replicas=2, readyReplicas=2, availableReplicas=2)
    seen, found = conditions(web, done)
    assert seen == {
        "Available": ("True", "MinimumReplicasAvailable"),
        "Progressing": ("True", "NewReplicaSetAvailable"),
    }
    assert web["status"]["observedGeneration"] == 3
    assert web["status"]["unavailableReplicas"] is None
    assert rollout.seconds_to_deadline(web, found) is None
    seen, _unused = conditions(web, replica_set("web-1", 2, replicas=2, readyReplicas=1, availableReplicas=1))
    assert seen["Progressing"] == ("True", "NewReplicaSetAvailable"), "a lost pod is no new rollout"


def test_conditions_of_a_rollout_that_runs_out_of_time() -> None:
    web = deployment(1, progressDeadlineSeconds=2)
    waiting = replica_set("web-1", 1, replicas=1)
    conditions(web, waiting)
    _unused, found = conditions(web, waiting)
    assert 0 < (rollout.seconds_to_deadline(web, found) or 0) <= 2.5
    progress = find_condition(web["status"]["conditions"], "Progressing")
    assert progress
    progress["lastUpdateTime"] = "2020-01-01T00:00:00Z"
    seen, found = conditions(web, waiting)
    assert seen["Progressing"] == ("False", "ProgressDeadlineExceeded")
    failed = find_condition(found, "Progressing")
    assert failed and failed["message"] == 'ReplicaSet "web-1" has timed out progressing.'
    seen, _unused = conditions(web, waiting)
    assert seen["Progressing"] == ("False", "ProgressDeadlineExceeded"), "it stays"


def test_a_failure_to_make_pods_shows() -> None:
    refused = replica_set("web-1", 1)
    reason = {"type": "ReplicaFailure", "reason": "FailedCreate", "message": "Error creating: no"}
    refused["status"]["conditions"] = [reason | {"status": "True", "lastTransitionTime": timestamp()}]
    seen, _unused = conditions(deployment(1), refused)
    assert seen["ReplicaFailure"] == ("True", "FailedCreate")


def test_no_deadline_no_condition() -> None:
    seen, _unused = conditions(deployment(1, progressDeadlineSeconds=rollout.NEVER), replica_set("web-1", 1))
    assert "Progressing" not in seen
