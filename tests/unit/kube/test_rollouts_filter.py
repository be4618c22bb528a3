"""The filter that saves a wait: it must never call something ready that is not."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.asm.lanes.plugins.filter.rollouts import rollouts


def deployment(generation: int, wanted: int, status: dict[str, int]) -> dict[str, Any]:
    template = {"spec": {"containers": [{"name": "app", "image": "app:1"}]}}
    return {
        "metadata": {"name": "web", "generation": generation},
        "spec": {"replicas": wanted, "template": template},
        "status": status,
    }


def complete(generation: int, replicas: int) -> dict[str, int]:
    keys = ("replicas", "updatedReplicas", "availableReplicas")
    return {"observedGeneration": generation, **dict.fromkeys(keys, replicas)}


def test_what_the_controller_has_finished_is_ready() -> None:
    (found,) = rollouts([deployment(3, 2, complete(3, 2))])
    assert found["ready"]
    assert found["message"] == "2 of 2 replicas available"


@pytest.mark.parametrize(
    "status",
    [
        {},  # just created
        complete(2, 2),  # the newest change is not seen yet
        {**complete(3, 2), "availableReplicas": 1},
        {**complete(3, 2), "updatedReplicas": 1},
        {**complete(3, 2), "replicas": 3},
    ],
)
def test_everything_else_is_waited_for(status: dict[str, int]) -> None:
    (found,) = rollouts([deployment(3, 2, status)])
    assert not found["ready"]
