"""The guide on Kubernetes 1.20, whose server-side apply takes no port without its protocol.

``OLD_KUBERNETES_ASSETS`` names the folder that old_kubernetes.py has built; etcd is that of the other tests.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from asm_lanes_lab.plane import REAL
from lab_fixture import RunningLab, lab_command, start_lab
from planes import Http

from .test_guide import changed, play

ASSETS = os.environ.get("OLD_KUBERNETES_ASSETS")

pytestmark = [
    pytest.mark.real,
    pytest.mark.timeout(900),
    pytest.mark.skipif(not ASSETS, reason="OLD_KUBERNETES_ASSETS is not set: CONTRIBUTING.md, Tests"),
]


@pytest.fixture(scope="module")
def old(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningLab]:
    state_dir = tmp_path_factory.mktemp("old") / "lab"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KUBEBUILDER_ASSETS", str(Path(str(ASSETS)).resolve()))
        try:
            yield start_lab(state_dir, control_plane=REAL)
        finally:
            lab_command("stop", state_dir, "--purge")


def test_the_guide_runs_twice_and_is_taken_back(old: RunningLab) -> None:
    for kubeconfig in (old.cluster_kubeconfig, old.mesh_kubeconfig):
        http = Http(kubeconfig)
        assert http("GET", "/version").body["gitVersion"].startswith("v1.20.")
        http.close()
    assert changed(play(old, "asm.lanes.site")) > 0
    assert changed(play(old, "asm.lanes.site")) == 0
    assert changed(play(old, "asm.lanes.teardown")) > 0


def test_what_it_refuses_without_its_protocol(old: RunningLab) -> None:
    """The very thing that makes the roles say it."""
    ports = [{"port": 5000}]
    service = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "bare"}, "spec": {"ports": ports}}
    http = Http(old.cluster_kubeconfig)
    path = "/api/v1/namespaces/default/services/bare"
    done = http("PATCH", path, service, kind="application/apply-patch+yaml", query={"fieldManager": "test"})
    assert done.code >= 400 and "protocol" in done.body["message"], done.body
    http.close()
