"""The role sample_app against the lab's Kubernetes API: its life cycle, and what goes wrong."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from .conftest import Result, Servers

ROLE = "- {include_role: {name: asm.lanes.sample_app}}"
ABSENT = "- {include_role: {name: asm.lanes.sample_app}, vars: {sample_app_state: absent}}"
SHOW = "- {debug: {var: sample_app_result}}"
GUIDE = {
    "Service/wsk-svc",
    "Deployment/wsk-deploy",
    "Service/helloworld",
    "Deployment/helloworld-v1",
    "Deployment/helloworld-v2",
}
FOREIGN = """
apiVersion: v1
kind: Service
metadata: {name: foreign, namespace: shop}
spec: {ports: [{port: 80, protocol: TCP}]}
---
apiVersion: v1
kind: Service
metadata:
  name: other-group
  namespace: shop
  labels: {app.kubernetes.io/managed-by: asm.lanes, app.kubernetes.io/part-of: other}
spec: {ports: [{port: 80, protocol: TCP}]}
"""


def errors(result: Result) -> list[str]:
    """The errors a user sees."""
    return [line for line in result.output.splitlines() if line.startswith("[ERROR]")]


def objects(servers: Servers) -> set[str]:
    """The Services and Deployments in the application's namespace."""
    return servers.in_cluster.names("Service", "Deployment", namespace="shop")


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_life_cycle(servers: Servers) -> None:
    shop = {"asm_lanes_namespace": "shop", "sample_app_wait_timeout": 20}

    missing = servers.play(ROLE, **shop)
    assert missing.counts["failed"] == 1
    assert len(errors(missing)) == 1
    assert "namespace shop does not exist" in errors(missing)[0]
    assert "sample_app_manage_namespace" in missing.output
    assert "Namespace/shop" not in servers.in_cluster.names("Namespace")

    shop["sample_app_manage_namespace"] = True
    writes = servers.writes("cluster")
    checked = servers.play(f"{ROLE}\n{SHOW}", "--check", **shop)
    assert checked.code == 0, checked.output
    assert "Namespace shop" in checked.output
    assert "Deployment helloworld-v2" in checked.output
    assert servers.writes("cluster") == writes

    servers.roll_out("shop")
    twice = servers.play(f"{ROLE}\n{ROLE}\n{SHOW}", "--diff", **shop)
    assert twice.code == 0, twice.output
    assert twice.counts["changed"] == 1
    assert '"written": []' in twice.output
    assert objects(servers) == GUIDE
    namespace = servers.in_cluster.get("Namespace", "shop")
    assert namespace
    assert namespace["metadata"]["labels"]["istio-injection"] == "enabled"

    servers.in_cluster.apply(*yaml.safe_load_all(FOREIGN))
    writes = servers.writes("cluster")
    images = {"registry-cn-hangzhou.ack.aliyuncs.com/ack-demo/examples-helloworld-v2:1.0": "mirror/hello:2"}
    shown = servers.play(ROLE, "--check", "--diff", **shop, sample_app_images=images)
    assert shown.code == 0, shown.output
    assert shown.counts["changed"] == 1
    assert "mirror/hello:2" in shown.output
    assert "Deployment helloworld-v2" in shown.output
    assert "Deployment helloworld-v1" not in shown.output
    removal = servers.play(ABSENT, "--check", "--diff", **shop)
    assert removal.counts["changed"] == 1
    assert "Deployment helloworld-v1" in removal.output
    assert servers.writes("cluster") == writes

    gone = servers.play(f"{ABSENT}\n{ABSENT}", **shop)
    assert gone.code == 0, gone.output
    assert gone.counts["changed"] == 1
    assert objects(servers) == {"Service/foreign", "Service/other-group"}


@pytest.mark.parametrize(
    ("variables", "words"),
    [
        ({"asm_lanes_cluster_kubeconfig": "/nowhere/kubeconfig"}, "/nowhere/kubeconfig does not exist"),
        ({"sample_app_services": []}, "objects: there is none. They are made from sample_app_services"),
        (
            {"sample_app_wait_timeout": 0, "asm_lanes_namespace": "default"},
            "3 of 3 Deployments in namespace default",
        ),
    ],
)
def test_bad_input_is_one_clear_error(servers: Servers, variables: dict[str, object], words: str) -> None:
    result = servers.play(ROLE, **variables)
    assert result.code != 0
    assert len(errors(result)) == 1, result.output
    assert words in result.output
    assert "Traceback" not in result.output


def test_a_wrong_token_is_named_and_not_shown(servers: Servers, tmp_path: Path) -> None:
    path = tmp_path / "kubeconfig"
    config = yaml.safe_load(servers.kubeconfig("cluster").read_text())
    config["users"][0]["user"]["token"] = "s3cret-but-wrong"
    path.write_text(yaml.safe_dump(config))
    result = servers.play(ROLE, asm_lanes_cluster_kubeconfig=str(path))
    assert len(errors(result)) == 1
    assert f"does not accept the credentials in kubeconfig {path}" in result.output
    assert "s3cret" not in result.output


def test_waiting_can_be_left_for_later(servers: Servers) -> None:
    variables = {
        "sample_app_wait": False,
        "asm_lanes_namespace": "later",
        "sample_app_manage_namespace": True,
    }
    result = servers.play(ROLE, **variables)
    assert result.code == 0, result.output
    again = servers.play(ROLE, **variables)
    assert again.code == 0, again.output
    assert again.counts["changed"] == 0
    waiting = servers.play(ROLE, **{**variables, "sample_app_wait": True, "sample_app_wait_timeout": 0})
    assert "3 of 3 Deployments in namespace later are not ready" in waiting.output
