"""The module, its examples, the role and the playbook, as users run them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.asm.lanes.plugins.module_utils._drift import kinds
from ansible_collections.asm.lanes.plugins.module_utils._lanes import model, words
from ansible_collections.asm.lanes.plugins.modules import lane_group_drift
from lab_servers import TOKEN

from .cases import VERSIONS, gateway, pod, service, virtual_service
from .world import ADMIN, LANES, SECRET, Obj, World

ROOT = Path(__file__).parents[3]
BIN = Path(sys.executable).parent
[EXAMPLE, SHOW, ONE_LANE, AROUND, ACT] = yaml.safe_load(lane_group_drift.EXAMPLES)
GUIDE = EXAMPLE["asm.lanes.lane_group_drift"]


@pytest.fixture(scope="module", autouse=True)
def guide(world: World) -> Iterator[model.LaneGroup]:
    """The guide's group, made through the OpenAPI, with pods and everything that ASM makes of it."""

    async def surround() -> None:
        await world.put(world.mesh, gateway("ws-gateway", "default"))
        for name in ("wsk-svc", "helloworld"):
            await world.put(world.cluster, service(name, "default"))
            for version in VERSIONS:
                await world.put(world.cluster, pod(name, "default", version))

    world.wait(surround())
    group = words.parse({key: value for key, value in GUIDE.items() if "{{" not in str(value)})
    world.start_asm()
    world.make(group, openapi=True)
    world.settle()
    yield group


def options(world: World) -> dict[str, Any]:
    """What every task needs."""
    return {
        "mesh_id": "lab-mesh",
        "endpoint": f"127.0.0.1:{world.api.port}",
        "protocol": "http",
        "access_key_id": ADMIN.access_key_id,
        "access_key_secret": SECRET,
    }


def run(command: list[str], world: World, **more: Any) -> subprocess.CompletedProcess[str]:
    """A command without the credentials of whoever runs the tests; it shows no secret and no traceback."""
    foreign = ("ALIBABA", "ALICLOUD", "K8S_", "KUBECONFIG", "ANSIBLE_")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
    environment |= {"PYTHONPATH": str(ROOT / ".ansible/collections"), "ANSIBLE_NOCOLOR": "1"}
    environment["ANSIBLE_SHOW_CUSTOM_STATS"] = "1"
    before = world.api.stats.writes
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=100, check=False, **more
    )
    told = done.stdout + done.stderr
    assert world.api.stats.writes == before
    assert [word for word in (SECRET, TOKEN, "Traceback") if word in told] == [], told
    return done


def module(world: World, **arguments: Any) -> dict[str, Any]:
    """The module in a process of its own; its result."""
    given = {**options(world), "name": "ws", **arguments}
    name = "ansible_collections.asm.lanes.plugins.modules.lane_group_drift"
    done = run([sys.executable, "-m", name], world, input=json.dumps({"ANSIBLE_MODULE_ARGS": given}))
    result: dict[str, Any] = json.loads(done.stdout)
    return {key: value for key, value in result.items() if key != "invocation"}


def both(world: World) -> dict[str, str]:
    return {"mesh_kubeconfig": str(world.mesh_file), "cluster_kubeconfig": str(world.cluster_file)}


async def narrow(world: World, name: str, **spec: Any) -> Obj:
    """Change the spec of a lane; the lane as it was."""
    [lane] = [one for one in await world.mesh.list(LANES, "ASMSwimLane") if one["metadata"]["name"] == name]
    lane = {"apiVersion": LANES, "kind": "ASMSwimLane", **lane}
    await world.put(world.mesh, {**lane, "spec": {**lane["spec"], **spec}})
    return lane


@pytest.fixture
def drifted(world: World) -> Iterator[None]:
    """Lane v2 selects the pods of v1, and somebody's route takes helloworld's traffic."""
    spec = {"hosts": ["helloworld"], "http": [{"route": [{"destination": {"host": "helloworld"}}]}]}
    mine = virtual_service("mine", "default", spec)
    lane = world.wait(narrow(world, "ws-v2", labelSelector={"version": "v1"}))
    world.wait(world.put(world.mesh, mine))
    world.settle()
    yield
    world.wait(world.put(world.mesh, lane))
    world.wait(world.remove(world.mesh, mine))
    world.settle()


def play(world: World, folder: Path, content: list[dict[str, Any]] | str, *arguments: str) -> Any:
    """Run tasks, or a playbook of the collection; secrets by file."""
    variables = folder / "variables.json"
    own = {f"asm_lanes_{key}": value for key, value in {**options(world), **both(world)}.items()}
    plain = {"mesh_id": "lab-mesh", "secret": SECRET, "ansible_python_interpreter": sys.executable}
    variables.write_text(json.dumps({**own, **plain, **both(world)}))
    book = content
    if not isinstance(content, str):
        defaults = {"group/asm.lanes.asm": {**options(world), "access_key_secret": "{{ secret }}"}}
        book = str(folder / "play.yml")
        plays = [{"hosts": "localhost", "gather_facts": False, "module_defaults": defaults, "tasks": content}]
        Path(book).write_text(yaml.safe_dump(plays, sort_keys=False))
    return run([str(BIN / "ansible-playbook"), "-e", f"@{variables}", *arguments, str(book)], world)


def test_the_examples_run_and_find_nothing(world, tmp_path):
    done = play(world, tmp_path, [EXAMPLE, SHOW, ONE_LANE, AROUND, ACT], "-vvvv", "--diff")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "lane group ws: no drift" in done.stdout
    assert "changed=0" in done.stdout


def test_the_examples_find_drift_and_fail_where_they_say_so(world, tmp_path, drifted):
    done = play(world, tmp_path, [AROUND, ACT, EXAMPLE, SHOW, ONE_LANE])
    assert done.returncode == 2, done.stdout
    assert "In the way: VirtualService default/mine" in done.stdout
    assert "error: selector of lane v2 of lane group ws label_selector" in done.stdout
    assert "failed=1" in done.stdout


def test_the_playbook_sets_statistics_and_changes_nothing(world, tmp_path, drifted):
    done = play(world, tmp_path, "playbooks/drift.yml", "--check")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "changed=0" in done.stdout
    statistics = done.stdout[done.stdout.index("CUSTOM STATS") :]
    assert "asm_lanes_drift" in statistics
    assert "foreign_virtual_service" in statistics

    done = play(world, tmp_path, "playbooks/drift.yml", "-e", "lane_drift_fail_on=error")
    assert done.returncode == 2
    assert "CUSTOM STATS" in done.stdout


def test_without_kubeconfigs_what_cannot_be_read_is_told(world, drifted):
    stated = {key: value for key, value in GUIDE.items() if "{{" not in str(value)}
    result = module(world, **stated)
    drift = result["drift"]
    assert [(one["kind"], one["object"]) for one in drift["findings"]] == [
        ("selector", "lane v2 of lane group ws")
    ]
    assert (result["source"], drift["counts"]) == ("openapi", {"error": 1, "warning": 0, "info": 0})
    assert {skip["kind"]: skip["reason"].partition(":")[0] for skip in drift["skipped"]} == {
        "gateway_rule": "the OpenAPI does not return the namespace of the gateway rule",
        "subset_without_pods": "cluster_kubeconfig is not given",
        **dict.fromkeys(
            ("foreign_virtual_service", "generated_missing", "generated_edited", "generated_orphaned"),
            "mesh_kubeconfig is not given",
        ),
    }
    assert [call["action"] for call in result["api_calls"]] == ["GetSwimLaneGroupList", "GetSwimLaneList"]


def test_a_kubeconfig_that_cannot_be_used_is_a_warning(world):
    result = module(world, mesh_kubeconfig="/no/where", cluster_kubeconfig=str(world.cluster_file))
    assert not result["drift"]["found"]
    assert result["source"] == "openapi"
    assert "/no/where does not exist" in str(result["warnings"])
    assert "/no/where does not exist" in result["drift"]["skipped"][0]["reason"]


def test_ignore_and_fail_on(world, drifted):
    told = module(world, **both(world), baseline="v1", fail_on="error", ignore=["foreign_virtual_service"])
    assert told["failed"]
    assert told["failure"]["kind"] == "drift"
    assert [one["kind"] for one in told["drift"]["findings"]] == ["baseline"]
    assert told["drift"]["ignored"] == 1
    passed = module(world, **both(world), fail_on="error", ignore=["foreign_virtual_service"])
    assert not passed.get("failed")


def test_a_missing_group_and_a_wrong_specification(world):
    assert [one["kind"] for one in module(world, name="nobody")["drift"]["findings"]] == ["group_missing"]
    wrong = module(world, services=["helloworld"])
    assert wrong["failure"]["kind"] == "specification"


def test_every_return_key_and_kind_is_documented(world, drifted):
    command = [str(BIN / "ansible-doc"), "--json", "asm.lanes.lane_group_drift"]
    page = json.loads(run(command, world).stdout)["asm.lanes.lane_group_drift"]
    documented = {"contains": page["return"]}
    told = {k: v for k, v in module(world, **both(world)).items() if k not in ("changed", "warnings")}
    assert not list(undocumented(told, documented))
    findings = page["return"]["drift"]["contains"]["findings"]["contains"]
    lines = findings["kind"]["description"]
    assert [line.partition(")")[0][2:] for line in lines] == list(kinds.NAMES)
    assert page["doc"]["options"]["ignore"]["choices"] == list(kinds.NAMES)


def undocumented(value: Any, documentation: Any, path: str = "") -> Iterator[str]:
    """The paths of all keys in a result for which a documentation has no entry."""
    if isinstance(value, list):
        for item in value:
            yield from undocumented(item, documentation, path)
    elif isinstance(value, dict) and "contains" in documentation:
        for key, inner in value.items():
            if key not in documentation["contains"]:
                yield f"{path}.{key}"
            else:
                yield from undocumented(inner, documentation["contains"][key], f"{path}.{key}")
