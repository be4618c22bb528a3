"""Many lane groups at once: requests and time of a run that changes nothing.

Usage: ``python tests/bench/lanes.py [GROUPS [LANES]]``, 100 and 10 by default. On the lab's ASM
OpenAPI in this process, with 50 ms of latency on every call, at the default pace and without one.
Measured against one task per lane, as module collections do it that know no groups: a sample of
those, scaled up, without the start of a process for each, which a real task costs besides.
Exits with 1 when the limits are not kept: 1 + groups reads, no write, a quarter of the time at the
default pace.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
if __name__ == "__main__":
    sys.path[:0] = [str(ROOT / part) for part in (".ansible/collections", "roles/lab/files", "tests")]

from ansible_collections.asm.lanes.plugins.module_utils._asm.credentials import CALLS_PER_SECOND
from ansible_collections.asm.lanes.plugins.module_utils._asm.lane_group import Run, Wish, ensure
from ansible_collections.asm.lanes.plugins.module_utils._asm.lane_groups import ensure_all
from ansible_collections.asm.lanes.plugins.module_utils._asm.openapi import OpenApiLanes
from ansible_collections.asm.lanes.plugins.module_utils._asm.resource_transforms import new_group, new_lane
from ansible_collections.asm.lanes.plugins.module_utils._asm.transforms import Cluster
from ansible_collections.asm.lanes.plugins.module_utils._lanes import model, words
from asm_lanes_lab.asm import Fault
from integration.lane_group.conftest import Emulator, InProcess

LATENCY = 0.05  # seconds per call
SAMPLE = 40  # tasks for a lane that are really run
LAB = Cluster("lab", "c-lab")
HELLO = "default/helloworld"


def make_groups(groups: int, lanes: int) -> list[model.LaneGroup]:
    """So many complete groups."""
    return [
        model.merge(
            None,
            words.parse(
                {
                    "name": f"g{number}",
                    "route_header": "version",
                    "trace_header": "baggage",
                    "gateway_rule": {"name": "gw", "namespace": "default"},
                    "services": [HELLO],
                    "baseline": "v0",
                    "lanes": [
                        {"name": f"v{lane}", "label_selector": {"version": f"v{lane}"}, "services": [HELLO]}
                        for lane in range(lanes)
                    ],
                }
            ),
        )
        for number in range(groups)
    ]


def seed(asm: Emulator, groups: Sequence[model.LaneGroup]) -> None:
    """Put the groups into the mesh, past the API that is measured."""
    for group in groups:
        resources = [new_group(group, LAB), *(new_lane(group.name, lane, LAB) for lane in group.lanes or ())]
        for resource in resources:
            asm.wait(asm.mesh.create(resource))
    asm.api.stats.reset()


def run_all(
    asm: Emulator, wishes: Sequence[Wish], pace: float | None = None, seconds: float = 120
) -> tuple[list[Run], float]:
    """One run over all groups, and its seconds. pace: calls per second."""
    runs: list[Run] = []
    began = time.monotonic()
    ensure_all(OpenApiLanes(InProcess(asm).client(seconds, pace)), wishes, runs, check_mode=False)
    return runs, time.monotonic() - began


def run_lane_by_lane(asm: Emulator, groups: Sequence[model.LaneGroup], limit: int) -> int:
    """One task for every lane until ``limit``; how many there were."""
    tasks = [replace(group, lanes=(lane,)) for group in groups for lane in group.lanes or ()][:limit]
    for group in tasks:
        ensure(OpenApiLanes(InProcess(asm).client()), Wish(group), Run(), check_mode=False)
    return len(tasks)


def measure(asm: Emulator, count: int, lanes: int) -> dict[str, Any]:
    """The figures of the bench."""
    groups = make_groups(count, lanes)
    seed(asm, groups)
    asm.faults(Fault("latency", times=0, delay=LATENCY))
    wishes = [Wish(group, purge_lanes=True) for group in groups]
    runs, paced = run_all(asm, wishes, CALLS_PER_SECOND)
    stats = asm.api.stats.as_dict()
    seconds = run_all(asm, wishes)[1]
    began = time.monotonic()
    sample = run_lane_by_lane(asm, groups, SAMPLE)
    lane_by_lane = (time.monotonic() - began) / sample * count * lanes
    return {
        "groups": count,
        "lanes": count * lanes,
        "changed": sum(bool(run.plan and run.plan.changed) for run in runs),
        "reads": stats["requests"] - stats["writes"],
        "writes": stats["writes"],
        "seconds": paced,
        "seconds_without_pace": seconds,
        "seconds_lane_by_lane": lane_by_lane,
        "ratio": paced / lane_by_lane,
    }


def main(arguments: Sequence[str]) -> int:
    """Measure and print; the exit code tells whether the limits are kept."""
    groups, lanes = (int(text) for text in [*arguments, *("100", "10")[len(arguments) :]])
    with tempfile.TemporaryDirectory() as folder:
        asm = Emulator(Path(folder))
        try:
            found = measure(asm, groups, lanes)
        finally:
            asm.close()
    for name, value in found.items():
        print(f"{name:<22}{value:>10.2f}" if isinstance(value, float) else f"{name:<22}{value:>8}")
    kept = {
        f"reads <= {1 + groups}": found["reads"] <= 1 + groups,
        "no write, no change": found["writes"] == found["changed"] == 0,
        "at most a quarter of the time": found["seconds"] <= found["seconds_lane_by_lane"] / 4,
    }
    for limit, held in kept.items():
        print(f"{'ok    ' if held else 'FAILED'} {limit}")
    return 0 if all(kept.values()) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
