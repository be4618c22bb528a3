"""The documented rights suffice, and each of them is needed: without it, the error names it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from asm_lanes_lab.plane import REAL
from lab_fixture import RunningLab, lab_command, start_lab
from planes import Http

from .accounts import Account, Permission, files, permissions

ROOT = Path(__file__).parents[3]

pytestmark = [pytest.mark.real, pytest.mark.timeout(1500)]

#: Rights that no error misses: for what is told when something else has failed already, and for what the ASM
#: OpenAPI tells as well.
OPTIONAL = {"replicasets", "pods", "events", "namespaces"}


@dataclass
class Stage:
    """Two users of a lab, cluster and mesh, and plays run as these."""

    lab: RunningLab
    accounts: dict[str, Account]
    folder: Path

    def grant(self, namespaces: dict[str, str], missing: Permission | None = None) -> None:
        """Give each user the rights of the files for its API."""
        for side, account in self.accounts.items():
            mine = {file: space for file, space in namespaces.items() if file.startswith(f"{side}/")}
            account.grant(mine, missing)

    def play(self, playbook: str, *, admin: bool = False, **variables: Any) -> tuple[int, str]:
        """Run a playbook of the collection; its exit code and all it said."""
        given = dict(variables)
        if not admin:
            for side, account in self.accounts.items():
                given[f"asm_lanes_{side}_kubeconfig"] = str(account.file)
        command = [
            str(Path(sys.executable).with_name("ansible-playbook")),
            f"--inventory={self.lab.inventory}",
            f"--extra-vars={json.dumps(given)}",
            *playbook.split(),
        ]
        environment = {**os.environ, "ANSIBLE_NOCOLOR": "1", "TMPDIR": str(self.folder)}
        done = subprocess.run(
            command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=900
        )
        return done.returncode, done.stdout + done.stderr


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    folder = tmp_path_factory.mktemp("rbac")
    state_dir = folder / "lab"
    admins: list[Http] = []
    try:
        lab = start_lab(state_dir, control_plane=REAL)
        accounts = {}
        for side, file in (("cluster", lab.cluster_kubeconfig), ("mesh", lab.mesh_kubeconfig)):
            admins.append(Http(file))
            accounts[side] = Account(f"lanes-{side}", side, admins[-1], file, folder / f"{side}.kubeconfig")
        yield Stage(lab, accounts, folder)
    finally:
        for admin in admins:
            admin.close()
        lab_command("stop", state_dir, "--purge")


#: Which files each step of the guide needs, with the namespace of their Roles.
PREFLIGHT = {"cluster/preflight": "default", "mesh/preflight": "istio-system"}
APPLICATION = {"cluster/sample_app": "default"}
ROUTING = {"mesh/gateway_routing": "default"}
LANES = {"mesh/lane_group": "-"}
DRIFT = {"mesh/lane_drift": "-", "cluster/lane_drift": "default"}
PORT = {"mesh/gateway_routing-port": "istio-system"}
SPACE = {"cluster/sample_app-namespace": "-"}

RESOURCES = {"lane_group_backend": "custom_resource"}


def test_every_file_is_tried() -> None:
    tried = {**PREFLIGHT, **APPLICATION, **ROUTING, **LANES, **DRIFT, **PORT, **SPACE}
    assert set(tried) == {*files("cluster"), *files("mesh")}


def test_the_documented_rights_suffice(stage: Stage) -> None:
    stage.grant({**PREFLIGHT, **APPLICATION, **ROUTING, **LANES, **DRIFT})
    mesh = str(stage.accounts["mesh"].file)
    given = {**RESOURCES, "lane_group_mesh_kubeconfig": mesh, "lane_drift_fail_on": "error"}
    for playbook in ("asm.lanes.site", "asm.lanes.site", "asm.lanes.drift"):
        code, output = stage.play(playbook, **given)
        assert code == 0, output
    assert re.search(r"localhost .*changed=0 ", output)
    code, output = stage.play("asm.lanes.teardown", **given)
    assert code == 0, output


#: Permissions in the order in which one state of the lab serves them: nothing there, then all, then the end.
BEFORE, AFTER, END = ("get", "list", "create"), ("patch",), ("delete",)


def cases(namespaces: dict[str, str], verbs: tuple[str, ...]) -> list[Permission]:
    found = [item for file in namespaces for item in permissions(file)]
    return [item for item in found if item.verb in verbs and item.resource not in OPTIONAL]


def refused(permission: Permission, output: str) -> bool:
    """Whether an error names verb and resource, as Kubernetes words it."""
    words = rf'cannot {permission.verb} resource \\?"{permission.resource}\\?"'
    return re.search(words, " ".join(output.split())) is not None


@pytest.mark.parametrize("permission", cases(PREFLIGHT, BEFORE), ids=str)
def test_preflight_names_what_is_missing(stage: Stage, permission: Permission) -> None:
    stage.grant(PREFLIGHT, permission)
    code, output = stage.play("asm.lanes.preflight")
    assert code == 2, output
    assert refused(permission, output), output


STEPS = {
    "sample_app": (APPLICATION, {"sample_app_labels": {"changed": "yes"}}),
    "gateway_routing": (ROUTING, {"gateway_routing_labels": {"changed": "yes"}}),
    "lane_group": (LANES, {}),  # patching its resources is not tried without the right to: see docs/rbac
}


def step_cases(verbs: tuple[str, ...]) -> list[Any]:
    return [
        pytest.param(step, item, id=f"{step}: {item.verb} {item.resource}")
        for step, (namespaces, _change) in STEPS.items()
        for item in cases(namespaces, verbs)
        if _change or item.verb not in AFTER
    ]


def variables(stage: Stage, step: str) -> dict[str, Any]:
    if step != "lane_group":
        return {}
    return {**RESOURCES, "lane_group_mesh_kubeconfig": str(stage.accounts["mesh"].file)}


@pytest.mark.parametrize(("step", "permission"), step_cases(BEFORE))
def test_making_names_what_is_missing(stage: Stage, step: str, permission: Permission) -> None:
    code, output = stage.play("asm.lanes.teardown", admin=True)
    assert code == 0, output
    stage.grant(STEPS[step][0], permission)
    code, output = stage.play(f"asm.lanes.site --tags {step}", **variables(stage, step))
    if code == 0:  # a right that only the way back needs
        code, output = stage.play(f"asm.lanes.teardown --tags {step}", **variables(stage, step))
    assert code == 2, output
    assert refused(permission, output), output


@pytest.mark.parametrize(("step", "permission"), step_cases((*AFTER, *END)))
def test_changing_names_what_is_missing(stage: Stage, step: str, permission: Permission) -> None:
    code, output = stage.play("asm.lanes.site --skip-tags lane_proof", admin=True)
    assert code == 0, output
    stage.grant(STEPS[step][0], permission)
    given = variables(stage, step)
    if permission.verb in AFTER:
        code, output = stage.play(f"asm.lanes.site --tags {step}", **given, **STEPS[step][1])
    else:
        code, output = stage.play(f"asm.lanes.teardown --tags {step}", **given)
    assert code == 2, output
    assert refused(permission, output), output


def test_waiting_names_what_is_missing(stage: Stage) -> None:
    """Only a Deployment that takes its time is watched: here one whose image nobody has."""
    code, output = stage.play("asm.lanes.teardown", admin=True)
    assert code == 0, output
    watch = next(item for item in permissions("cluster/sample_app") if item.verb == "watch")
    stage.grant(APPLICATION, watch)
    images = {"registry-cn-hangzhou.ack.aliyuncs.com/ack-demo/examples-helloworld-v2:1.0": "nobody/has:1"}
    code, output = stage.play("asm.lanes.site --tags sample_app", sample_app_images=images)
    assert code == 2, output
    assert refused(watch, output), output
