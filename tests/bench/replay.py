"""The replay of the guide against a hand-tuned script and the usual way, in one run, interleaved.

Usage: ``python tests/bench/replay.py [--samples N]``; 5 by default. Starts a lab of its own. Every client
talks through `meter`, which counts requests and adds 0 or 50 ms to each. Prints medians and ratios, writes
``reports/bench.json`` with the raw samples. Times are of a shared machine: trust the ratios.
"""

from __future__ import annotations

import argparse
import base64
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

ROOT = Path(__file__).parents[2]
BENCH = Path(__file__).parent
if __name__ == "__main__":
    sys.path[:0] = [str(ROOT / part) for part in (".ansible/collections", "roles/lab/files", "tests")]

import yaml
from bench.meter import Meter, writes
from lab_fixture import RunningLab, lab_command, start_lab

LATENCIES = (0.0, 0.05)
REPORT = ROOT / "reports" / "bench.json"
#: The reads that no replay can do without, for it must see all of what it judges or sets. Discovery of API
#: versions and repeated reads are not in it.
MINIMUM = {
    "cluster": ("the namespace", "its Services", "its Deployments"),
    "mesh": ("the ASM gateway", "the gateway rules", "the VirtualServices"),
    "asm": ("the mesh", "its clusters", "the lane groups", "the group's lanes"),
}
ASM_WRITES = ("Create", "Update", "Delete")


@dataclass
class Sample:
    """One run. seconds of wall time, CPU seconds of all processes, peak memory in MiB of the largest."""

    seconds: float
    cpu: float
    memory: float
    requests: int
    writes: int


@dataclass
class World:
    """A lab behind meters, and the commands that are compared on it."""

    lab: RunningLab
    folder: Path
    meters: dict[str, Meter]
    commands: dict[str, list[str]] = field(default_factory=dict)

    def latency(self, seconds: float) -> None:
        for meter in self.meters.values():
            meter.latency = seconds

    def take(self) -> dict[str, Counter[str]]:
        """The requests since the last time, by API."""
        return {name: meter.take() for name, meter in self.meters.items()}

    def run(self, name: str, **environment: str) -> Sample:
        """Run a command; it must succeed."""
        asm_before = self.asm_writes()
        self.take()
        log = self.folder / f"{name}.log"
        begin = time.monotonic()
        with log.open("wb") as output:
            process = subprocess.Popen(
                self.commands[name],
                cwd=ROOT,
                # As users have it: Python keeps the bytecode of what it imports.
                env={**os.environ, "PYTHONDONTWRITEBYTECODE": "", **environment},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
            _pid, status, usage = os.wait4(process.pid, 0)
        seconds = time.monotonic() - begin
        process.returncode = os.waitstatus_to_exitcode(status)
        assert process.returncode == 0, f"{name}: exit code {process.returncode}\n{log.read_text()[-4000:]}"
        taken = self.take()
        written = writes(taken["cluster"]) + writes(taken["mesh"]) + self.asm_writes() - asm_before
        requests = sum(counts.total() for counts in taken.values())
        return Sample(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, requests, written)

    def asm_writes(self) -> int:
        """Writes that the ASM API has seen: its requests are all POST, so the meter cannot tell."""
        headers = {"x-lab-token": self.lab.credentials["lab_token"]}
        with urlopen(Request(f"http://{self.lab.asm_endpoint}/lab/stats", headers=headers)) as answer:
            actions = json.load(answer)["actions"]
        return sum(number for action, number in actions.items() if action.startswith(ASM_WRITES))


@contextmanager
def world() -> Iterator[World]:
    """A lab of its own, its APIs behind meters."""
    with tempfile.TemporaryDirectory() as folder:
        state = Path(folder) / "lab"
        lab = start_lab(state)
        meters: dict[str, Meter] = {}
        try:
            for name, kubeconfig in (("cluster", lab.cluster_kubeconfig), ("mesh", lab.mesh_kubeconfig)):
                meters[name] = _kube_meter(kubeconfig, Path(folder) / name)
            meters["asm"] = Meter(f"http://{lab.asm_endpoint}")
            yield World(lab, Path(folder), meters, _commands(lab, Path(folder), meters))
        finally:
            for meter in meters.values():
                meter.stop()
            lab_command("stop", state, "--purge")


def _kube_meter(kubeconfig: Path, metered: Path) -> Meter:
    """A meter before an API server, and a kubeconfig that leads to it."""
    config = yaml.safe_load(kubeconfig.read_text())
    cluster, user = config["clusters"][0]["cluster"], config["users"][0]["user"]
    ca = base64.b64decode(cluster.pop("certificate-authority-data")).decode()
    meter = Meter(cluster["server"], {"Authorization": f"Bearer {user.pop('token')}"}, ca)
    cluster["server"] = f"http://{meter.address}"
    metered.write_text(yaml.safe_dump(config))
    return meter


def _commands(lab: RunningLab, folder: Path, meters: dict[str, Meter]) -> dict[str, list[str]]:
    """ours, script, usual, nothing: command lines; what they need is in files."""
    variables = {
        **lab.variables,
        "asm_lanes_endpoint": meters["asm"].address,
        "asm_lanes_cluster_kubeconfig": str(folder / "cluster"),
        "asm_lanes_mesh_kubeconfig": str(folder / "mesh"),
    }
    world_file = folder / "world.json"
    world_file.write_text(
        json.dumps(
            {
                "cluster": str(folder / "cluster"),
                "mesh": str(folder / "mesh"),
                "gateway": lab.gateway_url(),
                "mesh_id": variables["asm_lanes_mesh_id"],
                "asm": {
                    "endpoint": meters["asm"].address,
                    "protocol": "http",
                    "region_id": variables["asm_lanes_region"],
                    "access_key_id": variables["asm_lanes_access_key_id"],
                    "access_key_secret": variables["asm_lanes_access_key_secret"],
                },
            }
        )
    )
    host = yaml.safe_load(lab.inventory.read_text())["lab"]["hosts"]
    usual = {
        "world": str(world_file),
        "cluster": str(folder / "cluster"),
        "mesh": str(folder / "mesh"),
        "services": [f"lab/c-lab/default/{name}" for name in ("wsk-svc", "helloworld")],
    }
    inventory = folder / "inventory.yml"
    inventory.write_text(yaml.safe_dump({"lab": {"hosts": host, "vars": {**variables, **usual}}}))
    nothing = folder / "nothing.yml"
    nothing.write_text(yaml.safe_dump([{"hosts": "localhost", "gather_facts": False, "tasks": []}]))
    playbook = [str(Path(sys.executable).with_name("ansible-playbook")), "-i", str(inventory)]
    return {
        "ours": [*playbook, "asm.lanes.site"],
        "script": [sys.executable, str(BENCH / "script.py"), str(world_file)],
        "usual": [*playbook, str(BENCH / "usual_way.yml")],
        "nothing": [*playbook, str(nothing)],
    }


def measure(here: World, samples: int, say: Callable[[str], None]) -> dict[str, Any]:
    """All samples, by latency, case and command."""
    found: dict[str, Any] = {}
    for latency in LATENCIES:
        here.latency(latency)
        rows: dict[str, dict[str, list[Sample]]] = {"first": {}, "unchanged": {}}
        for number in range(samples):
            for first, again in (("ours", ("ours", "nothing")), ("script", ("script", "usual"))):
                here.lab.reset()
                rows["first"].setdefault(first, []).append(here.run(first))
                for name in again:
                    rows["unchanged"].setdefault(name, []).append(here.run(name))
            rows["unchanged"].setdefault("requests", []).append(round_trips(here, minimum()))
            say(f"latency {latency * 1000:g} ms: sample {number + 1} of {samples}")
        found[f"{latency * 1000:g} ms"] = rows
    return found


def minimum() -> int:
    """How many requests a replay needs at least."""
    return sum(len(reads) for reads in MINIMUM.values())


def round_trips(here: World, number: int) -> Sample:
    """So many requests one after the other, and nothing else: the limit."""
    begin, cpu = time.monotonic(), time.process_time()
    for _number in range(number):
        with urlopen(f"http://{here.meters['cluster'].address}/version") as answer:
            answer.read()
    return Sample(time.monotonic() - begin, time.process_time() - cpu, 0.0, number, 0)


def processes(here: World) -> dict[str, dict[str, int]]:
    """What one unchanged run of each command starts, and how many modules its processes import."""
    found = {}
    here.latency(0.0)
    for name in ("ours", "script", "usual", "nothing"):
        file = here.folder / f"{name}.processes"
        here.run(name, PYTHONPATH=str(BENCH / "counting"), COUNT_PROCESSES=str(file))
        kinds = Counter(line.split()[0] for line in file.read_text().splitlines())
        modules = [
            int(line.split()[1]) for line in file.read_text().splitlines() if line.startswith("modules")
        ]
        found[name] = {
            "python": kinds["python"],
            "forks": kinds["fork"],
            "programs": kinds["program"],
            "templates": kinds["template"],
            "modules_imported": sum(modules),
        }
    return found


def summarise(raw: dict[str, Any], started: dict[str, Any]) -> dict[str, Any]:
    """Medians and the ratios of medians."""

    def median(latency: str, case: str, name: str, what: str = "seconds") -> float:
        return statistics.median(getattr(sample, what) for sample in raw[latency][case][name])

    report: dict[str, Any] = {"ratios": {}, "minimum": {"requests": minimum()}, "processes": started}
    for latency, cases in raw.items():
        ours, script = (median(latency, "unchanged", name) for name in ("ours", "script"))
        report["ratios"][latency] = {
            "unchanged_vs_script": ours / script,
            "first_vs_script": median(latency, "first", "ours") / median(latency, "first", "script"),
            "usual_way_vs_unchanged": median(latency, "unchanged", "usual") / ours,
            "unchanged_vs_nothing": ours / median(latency, "unchanged", "nothing"),
            "cpu_unchanged_vs_script": median(latency, "unchanged", "ours", "cpu")
            / median(latency, "unchanged", "script", "cpu"),
        }
        report[latency] = {
            f"{case} {name}": {what: median(latency, case, name, what) for what in asdict(samples[0])}
            for case, names in cases.items()
            for name, samples in names.items()
        }
    plain = f"{LATENCIES[0] * 1000:g} ms"
    report["ratios"].update(report["ratios"][plain])
    report["unchanged"] = {
        key: int(max(getattr(sample, key) for sample in raw[plain]["unchanged"]["ours"]))
        for key in ("writes", "requests")
    }
    report["samples"] = {
        latency: {
            case: {name: [asdict(sample) for sample in samples] for name, samples in names.items()}
            for case, names in cases.items()
        }
        for latency, cases in raw.items()
    }
    return report


def show(report: dict[str, Any]) -> None:
    """A table for people."""
    for latency in (key for key in report if key.endswith(" ms")):
        print(f"\nLatency {latency} per request; medians")
        print(f"  {'':<22}{'seconds':>9}{'CPU s':>8}{'MiB':>7}{'requests':>10}{'writes':>8}")
        for name, row in report[latency].items():
            print(
                f"  {name:<22}{row['seconds']:>9.2f}{row['cpu']:>8.2f}{row['memory']:>7.0f}"
                f"{row['requests']:>10.0f}{row['writes']:>8.0f}"
            )
        for name, ratio in report["ratios"][latency].items():
            print(f"  {name:<28}{ratio:>6.2f}")
    print("\nStarted by one unchanged run")
    for name, row in report["processes"].items():
        print(f"  {name:<10}" + ", ".join(f"{number} {what}" for what, number in row.items()))
    unchanged = report["unchanged"]
    print(
        f"\nunchanged: {unchanged['writes']} writes, {unchanged['requests']} requests; "
        f"the minimum is {report['minimum']['requests']}"
    )


def main() -> int:
    """Measure, show, keep."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--samples", type=int, default=5)
    options = parser.parse_args()
    with world() as here:
        raw = measure(here, options.samples, lambda text: print(text, flush=True))
        here.lab.reset()
        here.run("ours")
        started = processes(here)
    report = summarise(raw, started)
    REPORT.parent.mkdir(exist_ok=True)
    REPORT.write_text(json.dumps(report, indent=2) + "\n")
    show(report)
    print(f"all samples: {REPORT.relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
