"""How the product grows: with the lanes of a mesh, and with the meshes of an inventory.

Usage: ``python tests/bench/scale.py [pure|lanes|meshes ...]``, all three by default. On the lab's ASM
OpenAPI in this process; what is measured runs in processes of its own, as users run it. ``measure``
returns the figures, for other benchmarks.

pure: the plan and the truth tables of 100 groups x 10 lanes x 20 services, from nothing and unchanged.
lanes: one run of the module lane_groups over 1, 10, 100 and 1,000 lanes, first and unchanged.
meshes: one playbook over 50 meshes, one fork against ten; then with a pace, which all forks together keep.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

ROOT = Path(__file__).parents[2]
if __name__ == "__main__":
    sys.path[:0] = [str(ROOT / part) for part in (".ansible/collections", "roles/lab/files", "tests")]

import yaml
from aiohttp import ClientSession, web
from ansible_collections.asm.lanes.plugins.module_utils._asm.budget import BURST
from ansible_collections.asm.lanes.plugins.module_utils._asm.report import truth_tables
from ansible_collections.asm.lanes.plugins.module_utils._lanes import model, words
from ansible_collections.asm.lanes.plugins.module_utils._lanes.plan import make_plan
from asm_lanes_lab.settings import Settings
from integration.lane_group.conftest import ADMIN, Emulator

Figures = dict[str, Any]
SIZES = ((1, 1), (1, 10), (10, 10), (100, 10))  # groups, lanes of each
MESHES, FORKS = 50, 10
UNPACED = 10_000.0  # calls per second
PACE = 20.0
#: Seconds from a call's turn to its arrival, on a machine as busy as ten forks make it. Calls that had their
#: turns in a longer time may arrive within a second.
LATE = 0.25
SPANS = (1, 5)  # seconds in which calls are counted


def spec(name: str, lanes: int, services: int = 1) -> Figures:
    """A group in the user's words."""
    refs = [f"default/s{number}" for number in range(services)]
    return {
        "name": name,
        "mode": "permissive",
        "route_header": "version",
        "trace_header": "baggage",
        "gateway_rule": {"name": "gw", "namespace": "default"},
        "services": refs,
        "baseline": "v0",
        "lanes": [
            {"name": f"v{number}", "label_selector": {"version": f"v{number}"}, "services": refs}
            for number in range(lanes)
        ],
    }


def pure(groups: int = 100, lanes: int = 10, services: int = 20) -> Figures:
    """CPU seconds of the plans and truth tables."""
    began = time.process_time()
    wanted = [words.parse(spec(f"g{number}", lanes, services)) for number in range(groups)]
    parsed = time.process_time()
    new = [truth_tables(make_plan(None, group)) for group in wanted]
    made = time.process_time()
    current = [model.merge(None, group) for group in wanted]
    begun = time.process_time()
    same = [truth_tables(make_plan(*pair)) for pair in zip(current, wanted, strict=True)]
    ended = time.process_time()
    assert all(table["moves"] for table in new)
    assert not any(table["moves"] for table in same)
    return {
        "groups": groups,
        "lanes": groups * lanes,
        "rows": sum(len(table["after"]) for table in new),
        "parse_seconds": parsed - began,
        "new_seconds": made - parsed,
        "unchanged_seconds": ended - begun,
    }


def options(endpoint: str) -> dict[str, Any]:
    """What every task needs."""
    keys = {"access_key_id": ADMIN.access_key_id, "access_key_secret": ADMIN.access_key_secret}
    return {"endpoint": endpoint, "protocol": "http", **keys}


def run_module(arguments: Mapping[str, Any], cache: Path) -> Figures:
    """One run of lane_groups in a process of its own: wall and CPU seconds, MiB at the most."""
    with tempfile.TemporaryFile() as given, tempfile.TemporaryFile() as told:
        given.write(json.dumps({"ANSIBLE_MODULE_ARGS": dict(arguments)}).encode())
        given.seek(0)
        began = time.monotonic()
        process = subprocess.Popen(
            [sys.executable, "-m", "ansible_collections.asm.lanes.plugins.modules.lane_groups"],
            env={
                **os.environ,
                "PYTHONPATH": str(ROOT / ".ansible/collections"),
                "XDG_CACHE_HOME": str(cache),
            },
            stdin=given,
            stdout=told,
        )
        _pid, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        seconds = time.monotonic() - began
        told.seek(0)
        result = json.loads(told.read())
    assert not result.get("failed"), result.get("msg")
    return {
        "changed": result["changed"],
        "seconds": seconds,
        "cpu_seconds": used.ru_utime + used.ru_stime,
        "max_rss_mib": used.ru_maxrss / 1024,
    }


def lanes(sizes: Sequence[tuple[int, int]] = SIZES) -> list[Figures]:
    """For each size a run that makes everything and one that changes nothing, without a pace."""
    found = []
    with emulator() as (asm, folder):
        for groups, each in sizes:
            asm.reset()
            arguments = {
                **options(asm.endpoint),
                "mesh_id": "lab-mesh",
                "calls_per_second": UNPACED,
                "timeout": 900,
                "groups": [spec(f"g{number}", each) for number in range(groups)],
            }
            for name in ("first", "unchanged"):
                asm.api.stats.reset()
                figures = run_module(arguments, folder)
                assert figures["changed"] == (name == "first")
                stats = asm.api.stats.as_dict()
                counts = {key: stats[key] for key in ("requests", "writes")}
                found.append({"run": name, "lanes": groups * each, "groups": groups, **counts, **figures})
    return found


@contextmanager
def emulator() -> Iterator[tuple[Emulator, Path]]:
    """The lab's ASM OpenAPI in a folder of its own."""
    with tempfile.TemporaryDirectory() as name:
        asm = Emulator(Path(name))
        try:
            yield asm, Path(name)
        finally:
            asm.close()


class Endpoint:
    """The central endpoint of many meshes: passes each call on to the API of its mesh, noting when."""

    def __init__(self, apis: Mapping[str, int]) -> None:
        self._apis = apis
        self.calls: list[float] = []
        self.port = 0

    async def start(self) -> None:
        app = web.Application()
        app.router.add_route("*", "/", self._pass_on)
        self._runner = web.AppRunner(app)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.port = self._runner.addresses[0][1]
        self._session = ClientSession()

    async def _pass_on(self, request: web.Request) -> web.Response:
        self.calls.append(time.monotonic())
        body = await request.read()
        mesh = (parse_qs(body.decode()) | parse_qs(request.query_string))["ServiceMeshId"][0]
        url = f"http://127.0.0.1:{self._apis[mesh]}{request.path_qs}"
        sent = {"data": body, "headers": request.headers, "skip_auto_headers": ["Content-Type"]}
        async with self._session.request(request.method, url, **sent) as answer:
            return web.Response(body=await answer.read(), status=answer.status)

    async def stop(self) -> None:
        await self._session.close()
        await self._runner.cleanup()

    def most_in(self, seconds: float) -> int:
        """The most calls that came within so many seconds."""
        return max(sum(begin <= call < begin + seconds for call in self.calls) for begin in self.calls)


def meshes(count: int = MESHES, forks: int = FORKS) -> Figures:
    """Throughput of one playbook over many meshes, and whether all its forks kept one budget."""
    with emulator() as (asm, folder):
        names = [f"mesh-{number}" for number in range(count)]
        cluster = asm.connection("cluster", folder / "cluster.kubeconfig")
        ports = {}
        for name in names:
            settings = Settings.parse({"mesh_id": name}, state_dir=folder)
            ports[name] = asm.openapi(settings, asm.mesh, cluster, [ADMIN]).port
        endpoint = Endpoint(ports)
        asm.wait(endpoint.start())
        try:
            serial = _play(names, 1, UNPACED, endpoint, folder)
            forked = _play(names, forks, UNPACED, endpoint, folder)
            paced = _play(names, forks, PACE, endpoint, folder)
        finally:
            asm.wait(endpoint.stop())
    return {
        "meshes": count,
        "forks": forks,
        "serial_seconds": serial["seconds"],
        "forked_seconds": forked["seconds"],
        "ratio": serial["seconds"] / forked["seconds"],
        "calls": paced["calls"],
        "paced_seconds": paced["seconds"],
        "seconds_by_budget": (paced["calls"] - BURST) / PACE,
        **{f"most_calls_in_{seconds}_s": paced[f"most_{seconds}"] for seconds in SPANS},
        **{f"budget_of_{seconds}_s": BURST + PACE * seconds for seconds in SPANS},
    }


def _play(names: Sequence[str], forks: int, pace: float, endpoint: Endpoint, folder: Path) -> Figures:
    """One playbook over all meshes that makes a lane group in each, and removes it."""
    group = {**spec("{{ inventory_hostname }}-g", 2), **options(f"127.0.0.1:{endpoint.port}")}
    group |= {"mesh_id": "{{ inventory_hostname }}", "calls_per_second": pace}
    tasks = [{"asm.lanes.lane_group": {**group, "state": state}} for state in ("present", "absent")]
    host = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
    inventory, book = folder / "hosts.json", folder / "book.yml"
    inventory.write_text(json.dumps({"all": {"hosts": dict.fromkeys(names, host)}}))
    book.write_text(yaml.safe_dump([{"hosts": "all", "gather_facts": False, "tasks": tasks}]))
    endpoint.calls.clear()
    command = [str(Path(sys.executable).with_name("ansible-playbook")), "-i", str(inventory), str(book)]
    began = time.monotonic()
    done = subprocess.run(
        [*command, "-f", str(forks)],
        cwd=ROOT,
        env={**os.environ, "XDG_CACHE_HOME": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )
    seconds = time.monotonic() - began
    assert done.returncode == 0, re.findall(r"\"msg\": .{300}", done.stdout)[:3]
    most = {f"most_{seconds}": endpoint.most_in(seconds) for seconds in SPANS}
    return {"seconds": seconds, "calls": len(endpoint.calls), **most}


PARTS: Mapping[str, Callable[[], Any]] = {"pure": pure, "lanes": lanes, "meshes": meshes}


def measure(parts: Sequence[str] = tuple(PARTS)) -> Figures:
    """The figures of the parts by name."""
    return {part: PARTS[part]() for part in parts}


def limits(found: Mapping[str, Any]) -> dict[str, bool]:
    """What is asked of the figures, and whether it is so."""
    kept = {}
    if "pure" in found:
        both = [found["pure"][key] for key in ("new_seconds", "unchanged_seconds")]
        kept["plan and truth tables of the largest case <= 2 s"] = max(both) <= 2
    for run in ("first", "unchanged"):
        rows = [row for row in found.get("lanes", ()) if row["run"] == run]
        for less, more in pairwise(rows):
            factor = more["lanes"] / less["lanes"]
            title = f"{run}: {more['lanes']} lanes need <= {factor:g} x what {less['lanes']} need"
            kept[title] = all(more[key] <= 1.2 * factor * less[key] for key in ("seconds", "requests"))
    if "meshes" in found:
        row = found["meshes"]
        kept["forks are faster than one"] = row["ratio"] > 1
        kept["all forks together keep one budget"] = all(
            row[f"most_calls_in_{seconds}_s"] <= row[f"budget_of_{seconds}_s"] + PACE * LATE
            for seconds in SPANS
        )
    return kept


def main(arguments: Sequence[str]) -> int:
    """Measure and print; the exit code tells whether the limits are kept."""
    found = measure(arguments or tuple(PARTS))
    for part, figures in found.items():
        for row in figures if isinstance(figures, list) else [figures]:
            words_of = (f"{k} {v:.2f}" if isinstance(v, float) else f"{k} {v}" for k, v in row.items())
            print(f"{part}: {', '.join(words_of)}", flush=True)
    kept = limits(found)
    for limit, held in kept.items():
        print(f"{'ok    ' if held else 'FAILED'} {limit}")
    return 0 if all(kept.values()) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
