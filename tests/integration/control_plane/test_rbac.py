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

#: What marks the objects that the roles make.
OURS = "app.kubernetes.io/managed-by=asm.lanes"
#: Rights of their own tests: for what is told when something else has failed already, and for what the ASM
#: OpenAPI tells as well.
OPTIONAL = {"replicasets", "pods", "events", "namespaces"}


@dataclass
class Stage:
    """Two users of a lab, cluster and mesh, and plays run as these."""

    lab: RunningLab
    accounts: dict[str, Account]
    admins: dict[str, Http]
    folder: Path
    state: str = "empty"

    def bring(self, state: str) -> None:
        """Have the guide's objects made by an administrator (``full``), or none of them (``empty``)."""
        if self.state != state:
            playbook = "teardown" if state == "empty" else "site --skip-tags lane_proof"
            code, output = self.play(f"asm.lanes.{playbook}", admin=True)
            assert code == 0, output
        self.state = state

    def hold(self, permission: Permission, *finalizers: str) -> None:
        """Keep all objects of a resource from going at once, or (without finalizers) no longer."""
        admin = self.admins[permission.file.split("/")[0]]
        prefix = f"/apis/{permission.group}" if permission.group else "/api"
        version = {"": "v1", "apps": "v1"}.get(permission.group, "v1beta1")
        path = f"{prefix}/{version}/namespaces/default/{permission.resource}"
        body = {"metadata": {"finalizers": list(finalizers) or None}}
        for item in admin("GET", path, query={"labelSelector": OURS}).body["items"]:
            name = item["metadata"]["name"]
            done = admin("PATCH", f"{path}/{name}", body, kind="application/merge-patch+json")
            assert done.code == 200, done.body

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
    admins: dict[str, Http] = {}
    try:
        lab = start_lab(state_dir, control_plane=REAL)
        accounts = {}
        for side, file in (("cluster", lab.cluster_kubeconfig), ("mesh", lab.mesh_kubeconfig)):
            admins[side] = Http(file)
            accounts[side] = Account(f"lanes-{side}", side, admins[side], file, folder / f"{side}.kubeconfig")
        yield Stage(lab, accounts, admins, folder)
    finally:
        for admin in admins.values():
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
ADDRESS = {"cluster/lane_proof-address": "istio-system"}
AUDIT = {"cluster/lane_proof-audit": "default", "cluster/lane_proof-audit-gateway": "istio-system"}

RESOURCES = {"lane_group_backend": "custom_resource"}


def test_every_file_is_tried() -> None:
    tried = {**PREFLIGHT, **APPLICATION, **ROUTING, **LANES, **DRIFT, **PORT, **SPACE, **ADDRESS, **AUDIT}
    assert set(tried) == {*files("cluster"), *files("mesh")}


def test_the_documented_rights_suffice(stage: Stage) -> None:
    stage.grant({**PREFLIGHT, **APPLICATION, **ROUTING, **LANES, **DRIFT, **ADDRESS})
    mesh = str(stage.accounts["mesh"].file)
    given = {**RESOURCES, "lane_group_mesh_kubeconfig": mesh, "lane_drift_fail_on": "error"}
    given["asm_lanes_gateway_address"] = ""  # it is looked up
    for playbook in ("asm.lanes.site", "asm.lanes.site", "asm.lanes.drift"):
        code, output = stage.play(playbook, **given)
        assert code == 0, output
    assert re.search(r"localhost .*changed=0 ", output)
    code, output = stage.play("asm.lanes.teardown", **given)
    assert code == 0, output


def cases(namespaces: dict[str, str], *verbs: str) -> list[Permission]:
    found = [item for file in namespaces for item in permissions(file)]
    return [item for item in found if item.verb in verbs and item.resource not in OPTIONAL]


def refused(permission: Permission, output: str) -> bool:
    """Whether a message names verb and resource, as Kubernetes words it."""
    words = rf'cannot {permission.verb} resource \\?"{permission.resource}\\?"'
    return re.search(words, " ".join(output.split())) is not None


@pytest.mark.parametrize("permission", cases(PREFLIGHT, "get", "list"), ids=str)
def test_preflight_names_what_is_missing(stage: Stage, permission: Permission) -> None:
    stage.grant(PREFLIGHT, permission)
    code, output = stage.play("asm.lanes.preflight")
    assert code == 2, output
    assert refused(permission, output), output


def test_preflight_asks_asm_where_it_may_not_see_the_namespace(stage: Stage) -> None:
    namespaces = [item for item in permissions("cluster/preflight") if item.resource == "namespaces"]
    assert [item.verb for item in namespaces] == ["get"]
    stage.grant(PREFLIGHT, namespaces[0])
    code, output = stage.play("asm.lanes.preflight")
    assert code == 0, output


STEPS = {"sample_app": APPLICATION, "gateway_routing": ROUTING, "lane_group": LANES}

HELLO = ["default/helloworld"]
BASE = {
    "name": "base",
    "label_selector": {"version": "v1"},
    "services": ["default/wsk-svc", "default/helloworld"],
}
#: What makes a step patch a resource.
CHANGES: dict[str, dict[str, Any]] = {
    "services": {"sample_app_labels": {"changed": "yes"}},
    "deployments": {"sample_app_labels": {"changed": "yes"}},
    "gateways": {"gateway_routing_labels": {"changed": "yes"}},
    "virtualservices": {"gateway_routing_labels": {"changed": "yes"}},
    "asmswimlanegroups": {"lane_group_service_fallback": {"default/helloworld": "v1"}},
    "asmswimlanes": {
        "lane_group_lanes": [
            BASE,
            {"name": "v1", "label_selector": {"version": "v1"}, "services": HELLO},
            {"name": "v2", "label_selector": {"version": "v3"}, "services": HELLO},
        ]
    },
}


def step_cases(*verbs: str) -> list[Any]:
    return [
        pytest.param(step, item, id=f"{step}: {item.verb} {item.resource}")
        for step, namespaces in STEPS.items()
        for item in cases(namespaces, *verbs)
    ]


def test_every_right_of_a_step_is_tried() -> None:
    tried = step_cases("get", "list", "create", "patch", "delete", "watch")
    every = [item for step in STEPS.values() for file in step for item in permissions(file)]
    assert len(tried) == len([item for item in every if item.resource not in OPTIONAL])


def variables(stage: Stage, step: str) -> dict[str, Any]:
    if step != "lane_group":
        return {}
    return {**RESOURCES, "lane_group_mesh_kubeconfig": str(stage.accounts["mesh"].file)}


@pytest.mark.parametrize(("step", "permission"), step_cases("get", "list", "create"))
def test_making_names_what_is_missing(stage: Stage, step: str, permission: Permission) -> None:
    stage.bring("empty")
    stage.grant(STEPS[step], permission)
    code, output = stage.play(f"asm.lanes.site --tags {step}", **variables(stage, step))
    if code == 0 or step == "lane_group":
        stage.state = "some"
    if code == 0:  # a right that only the way back needs
        code, output = stage.play(f"asm.lanes.teardown --tags {step}", **variables(stage, step))
    assert code == 2, output
    assert refused(permission, output), output


@pytest.mark.parametrize(("step", "permission"), step_cases("patch"))
def test_changing_names_what_is_missing(stage: Stage, step: str, permission: Permission) -> None:
    stage.bring("full")
    stage.grant(STEPS[step], permission)
    given = {**variables(stage, step), **CHANGES[permission.resource]}
    code, output = stage.play(f"asm.lanes.site --tags {step}", **given)
    assert code == 2, output
    assert refused(permission, output), output


def test_an_object_that_is_there_already_needs_no_further_right(stage: Stage) -> None:
    stage.bring("empty")
    admin, path = stage.admins["cluster"], "/api/v1/namespaces/default/services"
    spec = {"selector": {"app": "helloworld"}, "ports": [{"name": "http", "port": 5000}]}
    service = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "helloworld"}, "spec": spec}
    made = admin("POST", path, service)
    assert made.code == 201, made.body
    stage.state = "some"
    stage.grant(APPLICATION)
    code, output = stage.play("asm.lanes.site --tags sample_app")
    assert code == 0, output
    found = admin("GET", f"{path}/helloworld").body["metadata"]
    assert found["uid"] == made.body["metadata"]["uid"]
    assert found["labels"]["app.kubernetes.io/managed-by"] == "asm.lanes"


@pytest.mark.parametrize("permission", cases(DRIFT, "get", "list"), ids=str)
def test_drift_names_what_it_may_not_see(stage: Stage, permission: Permission) -> None:
    """It compares less, and warns."""
    stage.bring("full")
    stage.grant(DRIFT, permission)
    code, output = stage.play("asm.lanes.drift")
    assert code == 0, output
    assert refused(permission, output), output


def test_drift_sees_everything_with_all_of_its_rights(stage: Stage) -> None:
    stage.bring("full")
    stage.grant(DRIFT)
    code, output = stage.play("asm.lanes.drift")
    assert code == 0, output
    assert "cannot" not in output


@pytest.mark.parametrize(("step", "permission"), step_cases("delete", "watch"))
def test_removing_names_what_is_missing(stage: Stage, step: str, permission: Permission) -> None:
    stage.bring("full")
    stage.state = "some"
    stage.grant(STEPS[step], permission)
    try:
        if permission.verb == "watch":  # only what does not go at once is watched
            stage.hold(permission, "lab.test/hold")
        code, output = stage.play(f"asm.lanes.teardown --tags {step}", **variables(stage, step))
    finally:
        if permission.verb == "watch":
            stage.hold(permission)
    assert code == 2, output
    assert refused(permission, output), output


@pytest.mark.parametrize(
    "permission", [item for item in permissions("cluster/sample_app") if item.resource in OPTIONAL], ids=str
)
def test_saying_why_a_deployment_does_not_get_ready(stage: Stage, permission: Permission) -> None:
    """Without the right to look around the error says what it could not look at."""
    stage.bring("full")
    stage.state = "some"
    stage.grant(APPLICATION, permission)
    images = {"registry-cn-hangzhou.ack.aliyuncs.com/ack-demo/examples-helloworld-v2:1.0": "nobody/has:1"}
    given = {"sample_app_images": images, "sample_app_wait_timeout": 3}
    code, output = stage.play("asm.lanes.site --tags sample_app", **given)
    assert code == 2, output
    assert refused(permission, output), output


@pytest.mark.parametrize("permission", [*permissions("cluster/lane_proof-address")], ids=str)
def test_looking_the_address_up_names_what_is_missing(stage: Stage, permission: Permission) -> None:
    stage.grant(ADDRESS, permission)
    code, output = stage.play("asm.lanes.site --tags lane_proof --check", asm_lanes_gateway_address="")
    assert code == 2, output
    assert refused(permission, output), output


@pytest.mark.parametrize("permission", cases(PORT, "get", "patch"), ids=str)
def test_opening_a_port_names_what_is_missing(stage: Stage, permission: Permission) -> None:
    stage.grant({**ROUTING, **PORT}, permission)
    given = {"gateway_routing_manage_gateway_port": True, "gateway_routing_port": 31999}
    code, output = stage.play("asm.lanes.site --tags gateway_routing --check", **given)
    assert code == 2, output
    assert refused(permission, output), output


@pytest.mark.parametrize("permission", [*permissions("cluster/sample_app-namespace")], ids=str)
def test_making_the_namespace_names_what_is_missing(stage: Stage, permission: Permission) -> None:
    """The namespace is not there yet, so the rights in it have to be those of a ClusterRole."""
    stage.grant({"cluster/sample_app": "*", **SPACE}, permission)
    given = {"sample_app_manage_namespace": True, "asm_lanes_namespace": "not-there-yet"}
    code, output = stage.play("asm.lanes.site --tags sample_app --check", **given)
    assert code == 2, output
    assert refused(permission, output), output


def test_the_audit_follows_all_lanes_with_its_rights(stage: Stage) -> None:
    stage.bring("full")
    stage.grant({**AUDIT, "mesh/lane_drift": "-"})
    code, output = stage.play("asm.lanes.site --tags lane_proof", lane_proof_audit=True)
    assert code == 0, output
    # Not that every hop is known: a real API server gives out no log of a sidecar that is not in the spec.
    assert re.search(r"^lane v2 +call +client -> gateway", output, re.MULTILINE), output
    assert "not audited" not in output
    assert "forbidden" not in output


@pytest.mark.parametrize("permission", [item for file in AUDIT for item in permissions(file)], ids=str)
def test_the_audit_names_what_it_may_not_see(stage: Stage, permission: Permission) -> None:
    stage.bring("full")
    stage.grant({**AUDIT, "mesh/lane_drift": "-"}, permission)
    _code, output = stage.play("asm.lanes.site --tags lane_proof", lane_proof_audit=True)
    assert refused(permission, output), output
