"""The guide on a lab whose proxies are configured by istiod; and that the lab is what it says."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from asm_lanes_lab.kubelet.process import alive
from asm_lanes_lab.plane import ISTIO, REAL
from lab_fixture import RunningLab, lab_command, start_lab
from planes import Http

ROOT = Path(__file__).parents[3]
#: Seconds for the lab to start: two API servers with all CRDs of Istio, on a busy machine too.
PATIENCE = 300

pytestmark = [pytest.mark.real, pytest.mark.timeout(1500)]


@pytest.fixture(scope="module")
def istio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningLab]:
    state_dir = tmp_path_factory.mktemp("istio") / "lab"
    try:
        yield start_lab(state_dir, PATIENCE, control_plane=REAL, mesh=ISTIO)
    finally:
        lab_command("stop", state_dir, "--purge")


def play(lab: RunningLab, playbook: str, *arguments: str) -> str:
    done = subprocess.run(
        [Path(sys.executable).with_name("ansible-playbook"), f"-i{lab.inventory}", playbook, *arguments],
        cwd=ROOT,
        env={**os.environ, "ANSIBLE_NOCOLOR": "1", "TMPDIR": str(lab.state_dir.parent)},
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    output = done.stdout + done.stderr
    assert done.returncode == 0, output
    return output


def changed(output: str) -> int:
    found = re.search(r"localhost .*changed=(\d+) ", output)
    assert found, output
    return int(found[1])


def pids(lab: RunningLab) -> dict[str, int]:
    return {item["name"].rpartition(" ")[2]: item["pid"] for item in lab.status()["processes"]}


def admin(lab: RunningLab, proxy: Path, path: str) -> str:
    """What an Envoy says of itself."""
    at = json.loads((proxy / "bootstrap.json").read_text())["admin"]["address"]["socket_address"]
    open_url = urllib.request.build_opener(urllib.request.ProxyHandler({})).open
    with open_url(f"http://{at['address']}:{at['port_value']}{path}", timeout=60) as answer:
        text: str = answer.read().decode()
        return text


def test_the_guide(istio: RunningLab) -> None:
    """First run, unchanged second run; the proof is part of both, its report tells what real clients saw."""
    assert changed(play(istio, "asm.lanes.site")) > 0
    reports = istio.state_dir.parent / "reports"
    assert changed(play(istio, "asm.lanes.site", "-e", f"asm_lanes_report_dir={reports}")) == 0
    proof: Any = json.loads((reports / "lane-proof.json").read_text())
    assert proof["passed"] is True
    seen = {case["name"]: case["observed"]["own"] for case in proof["cases"] if case["kind"] == "lane"}
    assert seen["lane v2"].keys() == {"default/helloworld"}
    assert seen["lane v2"]["default/helloworld"].keys() == {"v2"}


def test_the_proxies_have_everything_from_istiod(istio: RunningLab) -> None:
    proxies = sorted(istio.settings.files.xds.iterdir())
    assert len(proxies) == 4
    for proxy in proxies:
        assert [file.name for file in proxy.iterdir()] == ["bootstrap.json"], "no configuration in files"
        dump = json.loads(admin(istio, proxy, "/config_dump"))["configs"]
        kinds = {item["@type"].rpartition(".")[2]: item for item in dump}
        assert kinds["ListenersConfigDump"]["dynamic_listeners"]
        assert not kinds["ListenersConfigDump"].get("static_listeners")
        assert kinds["RoutesConfigDump"]["dynamic_route_configs"]
        assert len(kinds["ClustersConfigDump"]["static_clusters"]) == 1  # istiod itself
        rejected = re.findall(r"(\S+update_rejected): ([1-9]\d*)", admin(istio, proxy, "/stats"))
        assert not rejected, proxy


def test_endpoints_are_workload_entries(istio: RunningLab) -> None:
    """Those of the ready pods, and they follow the pods."""
    http = Http(istio.cluster_kubeconfig)
    path = "/apis/networking.istio.io/v1/namespaces/default/workloadentries"
    entries = http("GET", path).body["items"]
    pods = http("GET", "/api/v1/namespaces/default/pods").body["items"]
    http.close()
    assert {item["spec"]["address"] for item in entries} == {pod["status"]["podIP"] for pod in pods}


def test_istiod_that_dies_is_started_again(istio: RunningLab) -> None:
    before = pids(istio)
    os.kill(before["istiod"], signal.SIGKILL)
    play(istio, "asm.lanes.rollback")  # the lanes are gone: routes have changed since
    play(istio, "asm.lanes.site")
    after = pids(istio)
    assert after["istiod"] != before["istiod"]


def test_stop_leaves_nothing(istio: RunningLab) -> None:
    known = pids(istio)
    lab_command("stop", istio.state_dir)
    assert not [name for name, pid in known.items() if alive(pid)]
    assert [file.name for file in istio.state_dir.iterdir()] == ["lab.log"]
