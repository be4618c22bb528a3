"""What only a real control plane can show: that it is one, when a part of it dies, and what it leaves."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from asm_lanes_lab.kubelet.process import alive
from asm_lanes_lab.plane import REAL
from kube_client import connected
from lab_fixture import RunningLab, lab_command, start_lab
from planes import Http

ROOT = Path(__file__).parents[3]

pytestmark = [pytest.mark.real, pytest.mark.timeout(1500)]


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningLab]:
    state_dir = tmp_path_factory.mktemp("real") / "lab"
    try:
        yield start_lab(state_dir, control_plane=REAL)
    finally:
        lab_command("stop", state_dir, "--purge")


def command(lab: RunningLab, playbook: str) -> list[str]:
    play = str(Path(sys.executable).with_name("ansible-playbook"))
    return [play, f"--inventory={lab.inventory}", *playbook.split()]


def environment(lab: RunningLab) -> dict[str, str]:
    return {**os.environ, "ANSIBLE_NOCOLOR": "1", "TMPDIR": str(lab.state_dir.parent)}


def play(lab: RunningLab, playbook: str, code: int = 0) -> str:
    done = subprocess.run(
        command(lab, playbook),
        cwd=ROOT,
        env=environment(lab),
        capture_output=True,
        text=True,
        check=False,
        timeout=900,
    )
    output = done.stdout + done.stderr
    assert done.returncode == code, output
    return output


def changed(output: str) -> int:
    found = re.search(r"localhost .*changed=(\d+) ", output)
    assert found, output
    return int(found[1])


def pids(lab: RunningLab) -> dict[str, int]:
    return {item["name"].rpartition(" ")[2]: item["pid"] for item in lab.status()["processes"]}


def test_it_is_a_real_control_plane(real: RunningLab) -> None:
    status = real.status()
    names = {item["name"] for item in status["processes"]}
    programs = ("etcd", "cluster-apiserver", "cluster-controllers", "mesh-apiserver", "mesh-controllers")
    assert {f"control-plane {name}" for name in programs} <= names
    assert {part["state"] for part in status["parts"]} == {"running"}
    for kubeconfig in (real.cluster_kubeconfig, real.mesh_kubeconfig):
        http = Http(kubeconfig)
        assert http("GET", "/version").body["gitVersion"].startswith("v1.")
        assert http("GET", "/apis/rbac.authorization.k8s.io/v1/clusterroles/system:discovery").code == 200
        http._headers = {}  # nobody in particular
        assert http("GET", "/version").code == 401
        http.close()


@pytest.mark.parametrize("victim", ["etcd", "cluster-apiserver", "mesh-apiserver"])
def test_a_server_that_dies_in_mid_play(real: RunningLab, victim: str) -> None:
    """And does not come back before the play has ended: the play fails with words, the next run converges."""
    play(real, "asm.lanes.teardown")
    process = pids(real)[victim]
    known, successor = identity(process), 0
    with subprocess.Popen(
        command(real, "asm.lanes.site"),
        cwd=ROOT,
        env=environment(real),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as playing:
        assert playing.stdout
        lines = []
        for line in playing.stdout:
            lines.append(line)
            if "TASK [asm.lanes.sample_app : Services and Deployments" in line:
                os.kill(process, signal.SIGKILL)
                successor = started_again(known, process)
                os.kill(successor, signal.SIGSTOP)  # the lab has started it again, but it does not get up yet
        code = playing.wait(900)
    output = "".join(lines)
    assert successor, "the play has no such task"
    os.kill(successor, signal.SIGCONT)
    assert "Traceback" not in output
    assert code == 2, output
    failure = output[output.index("[ERROR]") :]
    told = ("cannot be reached", "etcd", "not answer", "timed out")
    assert any(word in failure for word in told), output
    assert wait_for(lambda: all(serves(file) for file in (real.cluster_kubeconfig, real.mesh_kubeconfig)))
    play(real, "asm.lanes.site")
    assert changed(play(real, "asm.lanes.site")) == 0


def identity(pid: int) -> tuple[bytes, str]:
    """What makes a process of a control plane the same after it was started again: arguments and folder."""
    return Path(f"/proc/{pid}/cmdline").read_bytes(), str(Path(f"/proc/{pid}/cwd").readlink())


def started_again(known: tuple[bytes, str], old: int) -> int:
    """Process id of the next process that is the same."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        for entry in Path("/proc").iterdir():
            with contextlib.suppress(OSError):
                if entry.name.isdigit() and int(entry.name) != old and identity(int(entry.name)) == known:
                    return int(entry.name)
        time.sleep(0.01)
    raise AssertionError("the lab does not start it again")


def serves(kubeconfig: Path) -> bool:
    http = Http(kubeconfig)
    try:
        return http("GET", "/readyz").code == 200
    except OSError:
        return False
    finally:
        http.close()


def wait_for(check: object, seconds: float = 90) -> bool:
    deadline = time.monotonic() + seconds
    while not check():  # type: ignore[operator]
        if time.monotonic() > deadline:
            return False
        time.sleep(0.2)
    return True


def test_reset_and_stop_leave_nothing(tmp_path: Path) -> None:
    state_dir = tmp_path / "lab"
    lab = start_lab(state_dir, control_plane=REAL)
    try:
        mine = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "mine", "namespace": "default"}}
        with connected(lab.cluster_kubeconfig) as cluster:
            cluster.apply(mine)
        before = pids(lab)
        lab.reset()
        assert serves(lab.cluster_kubeconfig)
        with connected(lab.cluster_kubeconfig) as cluster:
            assert cluster.get("ConfigMap", "mine", "default") is None
        assert not [pid for name, pid in before.items() if name != "lab" and alive(pid)]
        after = pids(lab)
    finally:
        lab_command("stop", state_dir)
    assert not [pid for pid in after.values() if alive(pid)]
    assert [file.name for file in state_dir.iterdir()] == ["lab.log"]


def test_a_killed_lab_leaves_no_orphans(tmp_path: Path) -> None:
    state_dir = tmp_path / "lab"
    lab = start_lab(state_dir, control_plane=REAL)
    try:
        known = pids(lab)
        os.kill(known["lab"], signal.SIGKILL)
        assert wait_for(lambda: not [pid for pid in known.values() if alive(pid)], 30)
    finally:
        lab_command("stop", state_dir)


def test_what_is_missing_is_told_at_once(tmp_path: Path) -> None:
    """Without the programs the lab does not start, and says how to get them."""
    environment = {**os.environ, "XDG_CACHE_HOME": str(tmp_path), "PATH": "/usr/bin:/bin"}
    environment.pop("KUBEBUILDER_ASSETS", None)
    environment["PYTHONPATH"] = str(ROOT / "roles/lab/files")
    asked = ["start", "--state-dir", str(tmp_path / "lab"), "--set", json.dumps("x") and "control_plane=real"]
    done = subprocess.run(
        [sys.executable, "-m", "asm_lanes_lab", *asked],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "a real control plane needs etcd, kube-apiserver, kube-controller-manager" in done.stderr
