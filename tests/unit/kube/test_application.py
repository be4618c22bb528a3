"""What the role sample_app makes of the user's variables, and its module of its options; no server."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.asm.lanes.plugins.module_utils._kube.application import application_objects
from ansible_collections.asm.lanes.plugins.module_utils._kube.wanted import problems
from ansible_collections.asm.lanes.plugins.modules import application

from . import role_options
from .role_options import evaluate

GUIDE_IMAGE = "registry-cn-hangzhou.ack.aliyuncs.com/ack-demo/examples-helloworld-v1:1.0"


def made_of(**variables: Any) -> list[dict[str, Any]]:
    """What the role would apply, in order."""
    return application_objects(role_options.options("sample_app", application, **variables))


def objects(**variables: Any) -> dict[str, Any]:
    """The same, by ``Kind name``."""
    return {f"{item['kind']} {item['metadata']['name']}": item for item in made_of(**variables)}


def test_without_variables_the_application_is_the_guides() -> None:
    made = objects()
    assert list(made) == [
        "Service wsk-svc",
        "Service helloworld",
        "Deployment wsk-deploy",
        "Deployment helloworld-v1",
        "Deployment helloworld-v2",
    ]
    own = {"app.kubernetes.io/managed-by": "asm.lanes", "app.kubernetes.io/part-of": "ws"}
    assert made["Service wsk-svc"] == {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "wsk-svc", "namespace": "default", "labels": own},
        "spec": {
            "selector": {"app": "wsk"},
            "sessionAffinity": "ClientIP",
            "ports": [{"name": "http-ws", "protocol": "TCP", "port": 5000, "targetPort": 5000}],
        },
    }
    assert "sessionAffinity" not in made["Service helloworld"]["spec"]
    assert made["Deployment wsk-deploy"]["spec"]["template"]["spec"]["containers"] == [
        {
            "name": "websocket-base",
            "image": "registry-cn-hangzhou.ack.aliyuncs.com/dev/asm-socketio-sample:669297ea",
            "ports": [{"containerPort": 5000, "protocol": "TCP", "name": "websocket"}],
        }
    ]
    assert made["Deployment helloworld-v2"]["metadata"]["labels"] == own | {
        "app": "helloworld",
        "version": "v2",
    }
    assert made["Deployment helloworld-v1"]["spec"] == {
        "replicas": 1,
        "selector": {"matchLabels": {"app": "helloworld", "version": "v1"}},
        "template": {
            "metadata": {"labels": {"app": "helloworld", "version": "v1"}},
            "spec": {
                "containers": [
                    {
                        "name": "helloworld",
                        "image": GUIDE_IMAGE,
                        "ports": [{"containerPort": 5000, "protocol": "TCP"}],
                    }
                ]
            },
        },
    }


def test_text_stays_text_and_numbers_stay_numbers() -> None:
    service = {
        "name": "a",
        "app": "on",
        "port": "80",
        "deployments": [
            {
                "name": "b",
                "version": "1.0",
                "replicas": "3",
                "image": "i: {x}",
                "env": {"B": 1, "A": True, "C": "'\"\\"},
                "labels": {"sidecar.istio.io/inject": "false"},
            }
        ],
    }
    made = objects(sample_app_services=[service], sample_app_namespace="123")
    assert made["Service a"]["spec"]["selector"] == {"app": "on"}
    assert made["Service a"]["spec"]["ports"] == [
        {"name": "http", "protocol": "TCP", "port": 80, "targetPort": 80}
    ]
    assert made["Service a"]["metadata"]["namespace"] == "123"
    spec = made["Deployment b"]["spec"]
    assert spec["replicas"] == 3
    assert spec["selector"]["matchLabels"] == {"app": "on", "version": "1.0"}
    assert spec["template"]["metadata"]["labels"] == {
        "sidecar.istio.io/inject": "false",
        "app": "on",
        "version": "1.0",
    }
    container = spec["template"]["spec"]["containers"][0]
    assert container["image"] == "i: {x}"
    assert container["env"] == [
        {"name": "A", "value": "True"},
        {"name": "B", "value": "1"},
        {"name": "C", "value": "'\"\\"},
    ]


def test_the_namespace_comes_first_and_only_on_request() -> None:
    made = objects(sample_app_manage_namespace=True, asm_lanes_namespace="shop")
    assert next(iter(made)) == "Namespace shop"
    assert made["Namespace shop"]["metadata"] == {"name": "shop", "labels": {"istio-injection": "enabled"}}


def test_an_image_can_be_replaced_by_name() -> None:
    made = objects(sample_app_images={GUIDE_IMAGE: "mirror/hello:1"})
    images = [
        item["spec"]["template"]["spec"]["containers"][0]["image"]
        for item in made.values()
        if item["kind"] == "Deployment"
    ]
    assert images[1] == "mirror/hello:1"
    assert GUIDE_IMAGE not in images
    assert len(set(images)) == 3


def test_own_labels_win_over_the_users() -> None:
    mine = {"team": "a", "app.kubernetes.io/managed-by": "somebody"}
    made = objects(sample_app_labels=mine, asm_lanes_group_name="g")
    for item in made.values():
        labels = item["metadata"]["labels"]
        assert labels["team"] == "a"
        assert labels["app.kubernetes.io/managed-by"] == "asm.lanes"
        assert labels["app.kubernetes.io/part-of"] == "g"


@pytest.mark.parametrize(
    ("services", "problem"),
    [
        ([], "there is none"),
        ([{"name": "A", "app": "a", "port": 1}], 'Service "A": a name is at most 63 lower case'),
        ([{"name": "a" * 64, "app": "a", "port": 1}], "a name is at most 63"),
        (
            [{"name": "a", "app": "a", "port": 1}, {"name": "a", "app": "b", "port": 1}],
            'Service "default/a" is given 2 times',
        ),
        (
            [
                {
                    "name": "a",
                    "app": "a",
                    "port": 1,
                    "deployments": [{"name": n, "version": "v1", "image": "i"} for n in "de"],
                }
            ],
            "Deployments d, e select the same pods, app: a, version: v1",
        ),
    ],
)
def test_what_cannot_work_is_found_before_anything_is_written(services: list[Any], problem: str) -> None:
    found = problems(made_of(sample_app_services=services))
    assert any(problem in one for one in found), found


def test_the_guides_application_has_no_problem() -> None:
    assert problems(made_of()) == []
    misplaced = problems(made_of(sample_app_namespace="Shop"))
    assert 'Service "wsk-svc": namespace "Shop": a name is' in misplaced[0]


@pytest.mark.parametrize(
    ("role", "variables", "path"),
    [
        ("sample_app", {"asm_lanes_cluster_kubeconfig": "/c"}, "/c"),
        ("gateway_routing", {"asm_lanes_cluster_kubeconfig": "/c", "asm_lanes_mesh_kubeconfig": "/m"}, "/m"),
        ("gateway_routing", {"asm_lanes_cluster_kubeconfig": "/c"}, "/c"),
        ("gateway_routing", {"asm_lanes_cluster_kubeconfig": "/c", "asm_lanes_mesh_kubeconfig": ""}, "/c"),
        ("sample_app", {}, "/from/environment"),
    ],
)
def test_each_role_takes_the_kubeconfig_of_its_server(
    role: str, variables: dict[str, str], path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("K8S_AUTH_KUBECONFIG", "/from/environment")
    assert evaluate(role, f"{role}_kubeconfig", **variables) == path


def test_the_last_resort_is_where_kubectl_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("K8S_AUTH_KUBECONFIG", raising=False)
    assert evaluate("sample_app", "sample_app_kubeconfig") == "~/.kube/config"


def ports_of(made: Any) -> list[dict[str, Any]]:
    """Every port that an object declares, wherever it stands."""
    if isinstance(made, list):
        return [port for item in made for port in ports_of(item)]
    if not isinstance(made, dict):
        return []
    own = [port for port in made.get("ports") or [] if isinstance(port, dict)]
    return own + [port for value in made.values() for port in ports_of(value)]


def test_every_port_states_its_protocol() -> None:
    """API servers up to 1.20 refuse server-side apply of a port without one, though it has a default."""
    service = {
        "name": "shop",
        "app": "shop",
        "port": 80,
        "deployments": [{"name": "d", "version": "v1", "image": "i"}],
    }
    given = [{}, {"sample_app_services": [service, {"name": "bare", "app": "bare", "port": 81}]}]
    for variables in given:
        ports = [port for made in objects(**variables).values() for port in ports_of(made)]
        assert len(ports) >= 3
        assert {port.get("protocol") for port in ports} == {"TCP"}
