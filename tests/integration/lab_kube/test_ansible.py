"""kubernetes.core tasks: what is changed, what is not, and what check mode leaves alone."""

from __future__ import annotations

import json
from typing import Any

from integration.lab_kube.harness import Lab, config_map, deployment, widget


def task(title: str, /, **options: Any) -> dict[str, Any]:
    extra = {key: options.pop(key) for key in ("check_mode", "ignore_errors", "diff") if key in options}
    module = options.pop("module", "kubernetes.core.k8s")
    return {"name": title, module: options, **extra}


def results(lab: Lab, tasks: list[dict[str, Any]]) -> dict[str, Any]:
    """Results of *tasks* by name."""
    done = lab.playbook(tasks)
    assert done.returncode == 0, done.stdout + done.stderr
    plays = json.loads(done.stdout)["plays"]
    return {row["task"]["name"]: row["hosts"]["localhost"] for row in plays[0]["tasks"]}


def test_the_modules_of_kubernetes_core(lab: Lab) -> None:
    objects = [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "team"}},
        deployment(),
        widget(),
    ]
    scaled = deployment(replicas=3)
    applied = [config_map("applied", a="1"), {**widget("beta"), "apiVersion": "example.com/v1beta1"}]
    found = results(
        lab,
        [
            task("in check mode", definition=objects[1:], check_mode=True),
            task("create", definition=objects),
            task("unchanged", definition=objects),
            task("patch", definition=scaled, diff=True),
            task("apply", definition=config_map("a", x="1"), apply=True),
            task("apply again", definition=config_map("a", x="1"), apply=True),
            task("apply server-side", definition=applied, server_side_apply={"field_manager": "me"}),
            task("apply server-side again", definition=applied, server_side_apply={"field_manager": "me"}),
            task(
                "info",
                kind="Deployment",
                api_version="apps/v1",
                label_selectors=["app = web"],
                module="kubernetes.core.k8s_info",
            ),
            task("invalid", definition=widget("bad", size=-1), ignore_errors=True),
            task("absent", definition=objects, state="absent", wait=True, wait_sleep=1, wait_timeout=10),
        ],
    )
    changed = {name: row.get("changed") for name, row in found.items()}
    assert changed == {
        "in check mode": True,
        "create": True,
        "unchanged": False,
        "patch": True,
        "apply": True,
        "apply again": False,
        "apply server-side": True,
        "apply server-side again": False,
        "info": False,
        "invalid": changed["invalid"],
        "absent": True,
    }
    assert found["patch"]["diff"]["after"]["spec"]["replicas"] == 3
    assert len(found["info"]["resources"]) == 1
    assert "spec.size" in json.dumps(found["invalid"])
    assert found["invalid"]["failed"] is True
