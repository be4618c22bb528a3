"""The whole test suite: every step in turn, its time, and one line that counts at the end.

Usage: ``python tests/run.py [STEP ...]``; without a step, all of ``make test``; the groups ``full``, ``real``
and ``istio`` only when named. A step that fails does not stop the next one; the exit code tells. Each step is
a command of the field's own tools; pytest steps count their tests, the others count as one, sanity as many as
it ran. A few tests that fail are tried once more, alone, and named in the end: a shared machine may be slow
for a moment, and what needed a second try is to be looked at.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

ROOT = Path(__file__).parents[1]
REPORTS = ROOT / ".cache" / "test-reports"
PYTHON = sys.executable
TOOLS_PYTHON = str(ROOT / ".cache/tools/bin/python")  # made by `make tools`


@dataclass(frozen=True)
class Step:
    """One command. counts: how its output tells how many tests it ran."""

    group: str
    name: str
    command: tuple[str, ...]
    counts: str = "one"  # one | junit | sanity
    by_default: bool = True
    environment: tuple[tuple[str, str], ...] = ()

    @property
    def report(self) -> Path:
        return REPORTS / f"{self.name}.xml"

    @property
    def argv(self) -> list[str]:
        return [*self.command, *([f"--junitxml={self.report}"] if self.counts == "junit" else [])]


@dataclass
class Outcome:
    """Numbers of tests. second_try: names of those that passed then."""

    passed: int = 0
    failed: int = 0
    skipped: int = 0
    second_try: tuple[str, ...] = ()


#: So many failures may be the machine's; more are not, and are not tried again.
SECOND_TRIES = 5


# Two at a time, a file on one worker: labs have addresses of their own, but every Envoy takes
# some of the few inotify instances that Linux grants a user.
PARALLEL = ("-n", "2", "--dist", "loadfile")


#: How much `make test` takes of what runs at full length in the group ``full``.
PARTS = {"TRUTH_PAIRS": "20", "DRIFT_CASES": "6"}

#: Tests that hold on both control planes; the others are about the emulated one, or about no cluster at all.
EITHER = tuple(
    f"tests/integration/{name}"
    for name in (
        *("budget", "lifecycle", "lane_group/test_whole_lab.py", "rollback", "roles", "secrets"),
        *("node/test_lab.py", "probe/test_lab.py", "lab/test_pods.py"),
        *("mesh/test_mesh_info.py", "mesh/test_mesh_kubeconfig.py"),
    )
)


def pytest(group: str, name: str, *arguments: str, by_default: bool = True, **environment: str) -> Step:
    command = (PYTHON, "-m", "pytest", "-q", *arguments)
    return Step(group, name, command, "junit", by_default, tuple(environment.items()))


STEPS = (
    Step("lint", "ruff", ("ruff", "check", ".")),
    Step("lint", "ruff-format", ("ruff", "format", "--check", "--quiet", ".")),
    Step("lint", "mypy-collection", ("mypy", "-p", "ansible_collections.asm.lanes.plugins")),
    Step("lint", "mypy-lab", ("mypy", "-p", "asm_lanes_lab")),
    Step("lint", "yamllint", ("yamllint", "--strict", ".")),
    Step("lint", "ansible-lint", ("ansible-lint", "--offline", "--strict", "-q")),
    Step("lint", "changelog", ("antsibull-changelog", "lint")),
    pytest("unit", "unit", *PARALLEL, "tests/unit"),
    pytest("integration", "integration", *PARALLEL, "-m", "not full and not real", "tests/integration"),
    Step("sanity", "sanity", ("bash", "tests/sanity/run.sh"), "sanity"),
    Step("docs", "docs", (TOOLS_PYTHON, "docs/site/build.py")),
    Step("molecule", "molecule", ("molecule", "test", "--all")),
    # At full length, in CI: lane groups against Envoys; each kind of drift; audits of sound lanes and of
    # sound chains, five lengths each; the longer tests of AWX, jobs, events and the life cycle; Galaxy's
    # importer; every Python and ansible-core that the machine has.
    pytest("full", "truth", "tests/integration/truth", by_default=False, TRUTH_PAIRS="200"),
    pytest("full", "drift", "tests/integration/drift/test_kinds.py", by_default=False, DRIFT_CASES="20"),
    pytest(
        *("full", "audit", "tests/integration/audit"), by_default=False, CLEAN_RUNS="100", CHAIN_RUNS="20"
    ),
    pytest(
        *("full", "marked-full", *PARALLEL, "-m", "full", "tests/integration"),
        "--ignore=tests/integration/audit",  # the step before has them
        by_default=False,
    ),
    Step("full", "galaxy", (TOOLS_PYTHON, "tests/galaxy.py"), by_default=False),
    Step("full", "matrix", (PYTHON, "tests/matrix.py"), by_default=False),
    # Only when asked for (`make test-real`, which sets CONTROL_PLANE): they need the programs of a real
    # control plane: what is about it, and what runs on either, here on this one.
    pytest("real", "real-tests", *PARALLEL, "tests/integration/control_plane", *EITHER, by_default=False),
    Step("real", "real-molecule", ("molecule", "test", "--all"), by_default=False),
    # Needs istiod as well (`make test-istio`): the guide on it, and the lab's mesh against it.
    pytest("istio", "istio", "-m", "real", "tests/integration/istio", by_default=False),
)


def main(wanted: Sequence[str]) -> int:
    """Run the steps whose group or name is wanted; returns the exit code."""
    known = {step.group for step in STEPS} | {step.name for step in STEPS}
    if unknown := set(wanted) - known:
        print(f"no such step: {', '.join(sorted(unknown))}; there are: {', '.join(sorted(known))}")
        return 2
    REPORTS.mkdir(parents=True, exist_ok=True)
    total = Outcome()
    lines = []
    for step in STEPS:
        if step.group in wanted or step.name in wanted or (step.by_default and not wanted):
            outcome, seconds = run(step)
            total.passed += outcome.passed
            total.failed += outcome.failed
            total.skipped += outcome.skipped
            mark = "FAILED" if outcome.failed else "ok"
            lines.append(f"{step.name:<18} {mark:<6} {outcome.passed:>5} passed {seconds:>7.1f} s")
            lines += [f"  at the second try: {name}" for name in outcome.second_try]
    print("\n" + "\n".join(lines), flush=True)
    skipped = f", {total.skipped} skipped" if total.skipped else ""
    print(f"{total.passed} passed, {total.failed} failed{skipped}", flush=True)
    return 1 if total.failed else 0


def run(step: Step) -> tuple[Outcome, float]:
    """Run one step with its output shown as it comes."""
    begin = time.monotonic()
    outcome = _try(step, step.argv)
    if step.counts == "junit" and 0 < outcome.failed <= SECOND_TRIES and step.report.exists():
        names = _failed_in(step.report)
        again = _try(step, [*step.argv, "--last-failed", "--last-failed-no-failures=none", "-n0"])
        if not again.failed and again.passed == outcome.failed == len(names):
            passed = outcome.passed + again.passed
            outcome = Outcome(passed, 0, outcome.skipped, second_try=tuple(names))
    return outcome, time.monotonic() - begin


def _try(step: Step, command: Sequence[str]) -> Outcome:
    print(f"\n==> {step.name}: {' '.join(command)}", flush=True)
    step.report.unlink(missing_ok=True)
    text = []
    plain = {"FORCE_COLOR": "0", "PY_COLORS": "0", "ANSIBLE_FORCE_COLOR": "0"}
    environment = {**PARTS, **os.environ, **plain, **dict(step.environment)}
    with subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            text.append(line)
            print(line, end="", flush=True)
    return count(step, process.returncode, "".join(text))


def count(step: Step, code: int, text: str) -> Outcome:
    """How many tests a finished step stands for; a step that failed counts at least one failure."""
    if step.counts == "junit" and step.report.exists():
        outcome = _from_junit(step.report)
    elif step.counts == "sanity":
        outcome = Outcome(passed=len(set(re.findall(r'Running sanity test "([\w-]+)"', text))))
    else:
        outcome = Outcome(passed=1)
    if code and not outcome.failed:
        outcome.failed, outcome.passed = 1, max(outcome.passed - 1, 0)
    return outcome


def _failed_in(report: Path) -> list[str]:
    cases = ElementTree.parse(report).getroot().iter("testcase")
    return [
        f"{case.get('classname')}.{case.get('name')}"
        for case in cases
        if case.find("failure") is not None or case.find("error") is not None
    ]


def _from_junit(report: Path) -> Outcome:
    suite = ElementTree.parse(report).getroot().find("testsuite")
    assert suite is not None
    number = {key: int(suite.get(key, "0")) for key in ("tests", "failures", "errors", "skipped")}
    failed = number["failures"] + number["errors"]
    return Outcome(number["tests"] - failed - number["skipped"], failed, number["skipped"])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
