"""How soon a change of a lane is in force, and what a sidecar costs a request, on the lab.

Usage: ``python tests/bench/push.py [LANES ...]``; 1, 10 and 100 by default. For each number of lanes in one
group: one lane's pods are changed through the ASM API, and requests are sent through a sidecar until one is
routed anew. The time runs from before the run that writes to that answer. Then requests to an app, straight
and through the caller's sidecar.
"""

from __future__ import annotations

import http.client
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).parents[2]
if __name__ == "__main__":
    sys.path[:0] = [str(ROOT / part) for part in (".ansible/collections", "roles/lab/files", "tests")]

from ansible_collections.asm.lanes.plugins.module_utils._asm.client import AsmClient
from ansible_collections.asm.lanes.plugins.module_utils._asm.credentials import Connection
from ansible_collections.asm.lanes.plugins.module_utils._asm.deadline import Deadline
from ansible_collections.asm.lanes.plugins.module_utils._lanes import model, words
from integration.truth.specs import NAME, PODS, SERVICES
from integration.truth.world import OPENAPI, World
from lab_fixture import lab_command, start_lab

#: Its pods have no sidecar of their own: what is measured is the caller's.
SERVICE = SERVICES[1]
CHANGES = 10
REQUESTS = 500
PATIENCE = 30.0
APP_PORT = 5000


class Unhurried(World):
    """A world whose client has time enough for the largest group, and no budget that slows it down."""

    def _client(self) -> AsmClient:
        variables = self._lab.variables
        connection = Connection(
            variables["asm_lanes_access_key_id"],
            variables["asm_lanes_access_key_secret"],
            endpoint=self._lab.asm_endpoint,
            protocol="http",
        )
        return AsmClient(connection, variables["asm_lanes_mesh_id"], Deadline(300))


def group(lanes: int, last: str) -> model.LaneGroup:
    """A group of so many lanes over one service. last: name of the pods that the last lane selects."""
    service, versions = str(SERVICE), list(PODS)
    selectors = [{"version": versions[number % len(versions)]} for number in range(lanes)]
    selectors[-1] = {"version": last}
    spec = {
        "name": NAME,
        "route_header": "version",
        "trace_header": "baggage",
        "gateway_rule": {"name": "gw", "namespace": "default"},
        "services": [service],
        "baseline": "lane0",
        "lanes": [
            {"name": f"lane{number}", "label_selector": selector, "services": [service]}
            for number, selector in enumerate(selectors)
        ],
    }
    return model.merge(None, words.parse(spec))


def push_times(here: World, lanes: int) -> list[float]:
    """Seconds from an API write to the first request that is routed anew, for several changes."""
    names = list(PODS)[:2]
    here.ensure(OPENAPI, group(lanes, names[0]))
    here.wait_effective(here.read(OPENAPI))
    caller, times = here.callers()[0], []
    for number in range(CHANGES):
        wanted = names[(number + 1) % 2]
        begin = time.monotonic()
        here.ensure(OPENAPI, group(lanes, wanted))
        while here.ask(caller, SERVICE, {"version": f"lane{lanes - 1}"}).labels["version"] != wanted:
            assert time.monotonic() - begin < PATIENCE, f"not in force after {PATIENCE:g} s"
        times.append(time.monotonic() - begin)
    return times


def request_times(address: tuple[str, int], url: str) -> list[float]:
    """Seconds of each of many requests, one after the other on one connection."""
    connection = http.client.HTTPConnection(*address, timeout=PATIENCE)
    times = []
    for _number in range(REQUESTS):
        begin = time.perf_counter()
        connection.request("GET", url)
        assert connection.getresponse().read()
        times.append(time.perf_counter() - begin)
    connection.close()
    return times


def line(name: str, times: Sequence[float]) -> str:
    """Median, 99th percentile and maximum in milliseconds."""
    ordered = sorted(times)
    tail = ordered[min(len(ordered) - 1, int(len(ordered) * 0.99))]
    shown = {"p50": statistics.median(times), "p99": tail, "max": ordered[-1]}
    return f"{name:<34}" + "".join(f"{key} {value * 1e3:>8.2f} ms   " for key, value in shown.items())


def main(sizes: Sequence[int]) -> int:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as folder:
        state = Path(folder) / "lab"
        here = Unhurried(start_lab(state))
        try:
            here.deploy()
            for lanes in sizes:
                print(line(f"change in force, {lanes} lanes", push_times(here, lanes)), flush=True)
            caller = here.callers()[0]
            pod = next(pod for pod in here.pods.values() if pod.labels["app"] == SERVICE.name)
            print(line("request, straight to an app", request_times((pod.ip, APP_PORT), "/hello")))
            url = f"http://{SERVICE.name}.{SERVICE.namespace}:{APP_PORT}/hello"
            print(line("request, through a sidecar", request_times((caller.ip, 15001), url)))
        finally:
            here.close()
            lab_command("stop", state, "--purge")
    return 0


if __name__ == "__main__":
    sys.exit(main([int(text) for text in sys.argv[1:]] or [1, 10, 100]))
