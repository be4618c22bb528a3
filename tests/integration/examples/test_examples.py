"""The examples of every module's page, run as they stand there.

A module without an entry in WORLDS fails a test: whoever adds one says what its examples need. All
run in one playbook, each module's on a host of its own, so that one that fails stops no other.
"""

from __future__ import annotations

import importlib
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import certifi
import pytest
import yaml
from asm_lanes_lab.asm import Credential
from asm_lanes_lab.settings import Settings
from integration.probe.servers import App, serve
from lab_servers import LabServers

ROOT = Path(__file__).parents[3]
MODULES = sorted(file.stem for file in (ROOT / "plugins/modules").glob("*.py"))
KEY = Credential("key-of-the-examples", "5ecret-of-the-examples")
NOTE = {"ansible.builtin.debug": {"msg": "an example has failed"}}
DEPLOYMENTS = ("wsk-deploy", "helloworld-v1", "helloworld-v2")
OURS = {"app.kubernetes.io/managed-by": "asm.lanes"}

Obj = dict[str, Any]


def examples(module: str) -> list[Obj]:
    """The tasks on a module's page; what stands for a place of the reader's own is the tests' own."""
    text: str = importlib.import_module(f"ansible_collections.asm.lanes.plugins.modules.{module}").EXAMPLES
    for example, own in (
        ("cb8963379255149cb98c8686f274x****", "{{ mesh_id }}"),
        ("http://192.0.2.10:30080", "{{ gateway_url }}"),
    ):
        text = text.replace(example, f'"{own}"')
    tasks: list[Obj] = yaml.safe_load(text)
    return tasks


def guide() -> list[Obj]:
    """The first example of lane_group, whatever there was before."""
    [task, *_others] = examples("lane_group")
    task["asm.lanes.lane_group"].update(purge_lanes=True, recreate=True)
    return [task]


@dataclass(frozen=True)
class World:
    """What the examples of a module find. before: tasks. variables: beyond those that all have.

    more: how many tasks the roles in the examples have beyond one each.
    """

    before: list[Obj] = field(default_factory=list)
    variables: Mapping[str, Any] = field(default_factory=dict)
    more: int = 0


SHOP = {
    "name": "shop",
    "route_header": "x-lane",
    "trace_header": "baggage",
    "gateway_rule": {"name": "shop-gateway", "namespace": "shop"},
    "services": ["shop/orders", "shop/stock"],
    "baseline": "stable",
    "lanes": [
        {
            "name": "stable",
            "label_selector": {"version": "v1"},
            "services": ["shop/orders", "shop/stock"],
        },
        {"name": "canary", "label_selector": {"version": "v3"}, "services": ["shop/orders"]},
    ],
}
WEIGHTED = {
    **SHOP,
    "ingress_routing": {"strategy": "weighted"},
    "lanes": [
        {**lane, "ingress_weight": {"weight": share, "destination": {"service": "shop/orders", "port": 5000}}}
        for lane, share in zip(SHOP["lanes"], (90, 10), strict=True)
    ],
}
WS = {
    "name": "ws",
    "route_header": "version",
    "trace_header": "baggage",
    "gateway_rule": {"name": "ws-gateway", "namespace": "default"},
    "services": ["default/wsk-svc", "default/helloworld"],
    "baseline": "base",
    "lanes": [
        {
            "name": "base",
            "label_selector": {"version": "v1"},
            "services": ["default/wsk-svc", "default/helloworld"],
        },
        {"name": "v2", "label_selector": {"version": "v2"}, "services": ["default/helloworld"]},
    ],
}

WORLDS = {
    "application": World(),
    "gateway_routing": World(),
    "kube_objects": World(),
    "lane_group": World(),
    # There are no proxies here: nothing is known of the way of the lanes, and the module says so.
    "lane_audit": World(variables={"ws_lanes": WS, "shop_lanes": SHOP}),
    "lane_group_drift": World(guide()),
    "lane_group_info": World(guide()),
    "lane_groups": World(),
    "lane_probe": World(
        variables={
            "guide_lanes": WS,
            "shop_lanes": SHOP,
            "shop_weighted_lanes": WEIGHTED,
            "shop_ca": certifi.where(),
        }
    ),
    "lane_report": World(variables={"my_lane_group": WS}),
    "mesh_info": World(),
    # Its examples write the file and remove it.
    "mesh_kubeconfig": World(variables={"mesh_kubeconfig": "{{ folder }}/fetched.kubeconfig"}),
    "preflight": World(),
    "replay_summary": World(variables={"my_lane_group": WS}),
    "role_arguments": World(
        variables={
            "asm_lanes_mesh_id": "{{ mesh_id }}",
            "asm_lanes_cluster_kubeconfig": "{{ cluster_kubeconfig }}",
            "asm_lanes_mesh_kubeconfig": "{{ mesh_kubeconfig }}",
            "asm_lanes_endpoint": "{{ lab_connection.endpoint }}",
            "asm_lanes_protocol": "http",
            "asm_lanes_access_key_id": KEY.access_key_id,
            "asm_lanes_access_key_secret": KEY.access_key_secret,
            "preflight_fail_on": "never",  # not all of the guide's application is here
        },
        more=1,
    ),
    "rollout_status": World(),
}


def test_every_module_has_examples_that_are_run():
    assert sorted(WORLDS) == MODULES, "say in WORLDS what the examples of each module need"
    assert not [module for module in MODULES if not examples(module)]


class Servers(LabServers):
    """Cluster, mesh and ASM API as the guide's prerequisites want them, with its Deployments rolled out."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        settings = Settings.parse({}, state_dir=folder)
        self.files = settings.files
        self.cluster = self.started("cluster", self.files.cluster_kubeconfig)
        self.mesh = self.started("mesh", self.files.mesh_kubeconfig)
        self.endpoint = f"127.0.0.1:{self.openapi(settings, self.mesh, self.cluster, [KEY]).port}"
        self.wait(self._fill())
        kube = folder / ".kube"
        kube.mkdir()
        for name in ("ack", "ack.yml", "config"):
            (kube / name).symlink_to(self.files.cluster_kubeconfig)
        for name in ("mesh", "asm.yml"):
            (kube / name).symlink_to(self.files.mesh_kubeconfig)

    async def _fill(self) -> None:
        metadata = {"name": "default", "labels": {"istio-injection": "enabled"}}
        await self.cluster.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": metadata}, "test")
        port = {"name": "http", "port": 30080, "targetPort": 30080, "protocol": "TCP"}
        gateway = {"name": "ingressgateway", "namespace": "istio-system"}
        await self.mesh.apply(
            {
                "apiVersion": "istio.alibabacloud.com/v1beta1",
                "kind": "IstioGateway",
                "metadata": gateway,
                "spec": {"gatewayType": "ingress", "ports": [port]},
            },
            "test",
        )
        for name in DEPLOYMENTS:
            made = await self.cluster.create(deployment(name))
            counted = ("replicas", "updatedReplicas", "readyReplicas", "availableReplicas")
            status = {"observedGeneration": made["metadata"]["generation"], **dict.fromkeys(counted, 1)}
            await self.cluster.patch_status(made, status)


def deployment(name: str) -> Obj:
    labels = {"app": name}
    container = {"name": "main", "image": "main:1"}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": "default", "labels": OURS},
        "spec": {
            "replicas": 1,
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": {"containers": [container]}},
        },
    }


def plays(variables: Mapping[str, Any]) -> list[Obj]:
    """One for each module, with the options that all tasks share as the examples leave them out."""
    return [
        {
            "hosts": module,
            "gather_facts": False,
            "module_defaults": {"group/asm.lanes.asm": "{{ lab_connection }}"},
            "vars": {**variables, **WORLDS[module].variables},
            # Rescued, since ansible-playbook goes on to no other play when all hosts of one have failed.
            "tasks": [{"block": [*WORLDS[module].before, *examples(module)], "rescue": [NOTE]}],
        }
        for module in MODULES
        if module in WORLDS
    ]


@pytest.fixture(scope="module")
def outcome(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """What ansible-playbook shows."""
    folder = tmp_path_factory.mktemp("examples")
    servers = Servers(folder)
    try:
        with serve(App().build()) as url:
            connection = {"endpoint": servers.endpoint, "protocol": "http", "timeout": 60}
            keys = {"access_key_id": KEY.access_key_id, "access_key_secret": KEY.access_key_secret}
            variables = {
                "ansible_connection": "local",
                "ansible_python_interpreter": sys.executable,
                "mesh_id": "lab-mesh",
                "gateway_url": url,
                "folder": str(folder),
                "cluster_kubeconfig": str(servers.files.cluster_kubeconfig),
                "mesh_kubeconfig": str(servers.files.mesh_kubeconfig),
                "lab_connection": {**connection, **keys},
            }
            book = folder / "play.yml"
            book.write_text(json.dumps(plays(variables)))
            yield _run(folder, book)
    finally:
        servers.close()


def _run(folder: Path, book: Path) -> str:
    foreign = ("ALIBABA", "ALICLOUD", "K8S_", "KUBECONFIG", "ANSIBLE_")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
    command = [str(Path(sys.executable).with_name("ansible-playbook")), "-i", ",".join([*MODULES, ""])]
    done = subprocess.run(
        [*command, str(book)],
        cwd=ROOT,
        env={**environment, "HOME": str(folder), "ANSIBLE_NOCOLOR": "1"},
        capture_output=True,
        text=True,
        check=False,
        timeout=580,
    )
    return done.stdout + done.stderr


@pytest.mark.parametrize("module", sorted(WORLDS))
@pytest.mark.timeout(600)
def test_the_examples_run(outcome: str, module: str) -> None:
    recap = re.search(rf"^{module} +: (.*)$", outcome, re.MULTILINE)
    assert recap, outcome[-3000:]
    counts = {key: int(value) for key, value in re.findall(r"(\w+)=(\d+)", recap[1])}
    world = WORLDS[module]
    tasks = len(world.before) + len(examples(module)) + world.more
    told = outcome[outcome.find(f"PLAY [{module}]") :].partition("\nPLAY ")[0]
    assert (counts["ok"], counts["rescued"], counts["skipped"]) == (tasks, 0, 0), told
