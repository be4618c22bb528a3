"""The synchronous DynamicClient, which kubernetes.core and the verifiers use."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest
from integration.lab_kube.harness import Lab, config_map, deployment, widget
from kubernetes import config
from kubernetes.client import AppsV1Api
from kubernetes.client.exceptions import ApiException
from kubernetes.dynamic import DynamicClient
from kubernetes.dynamic.exceptions import ConflictError, NotFoundError, UnprocessibleEntityError


def connect(lab: Lab) -> Any:
    return config.new_client_from_config(str(lab.kubeconfig))  # type: ignore[no-untyped-call]


@pytest.fixture
def client(lab: Lab) -> Iterator[Any]:
    api = connect(lab)
    cache = str(lab.directory / "discovery.json")
    yield DynamicClient(api, cache_file=cache)  # type: ignore[no-untyped-call]
    api.close()


def test_all_kinds_of_writes(client: Any) -> None:
    deployments = client.resources.get(api_version="apps/v1", kind="Deployment")
    deployments.create(body=deployment(), namespace="default")
    with pytest.raises(ConflictError):
        deployments.create(body=deployment(), namespace="default")
    image = {"spec": {"template": {"spec": {"containers": [{"name": "app", "image": "img:2"}]}}}}
    done = deployments.patch(body=image, name="web", namespace="default")
    assert done.spec.template.spec.containers[0].ports[0].containerPort == 5000
    done = deployments.patch(
        body=[{"op": "replace", "path": "/spec/replicas", "value": 4}],
        name="web",
        namespace="default",
        content_type="application/json-patch+json",
    )
    assert done.spec.replicas == 4
    done = deployments.server_side_apply(
        body=deployment(replicas=5), namespace="default", field_manager="me", force_conflicts=True
    )
    assert done.spec.replicas == 5
    with pytest.raises(UnprocessibleEntityError):
        deployments.patch(body={"spec": {"replicas": -1}}, name="web", namespace="default")
    deployments.delete(name="web", namespace="default")
    with pytest.raises(NotFoundError):
        deployments.get(name="web", namespace="default")


def test_watching(client: Any) -> None:
    widgets = client.resources.get(api_version="example.com/v1", kind="Widget")
    version = widgets.get(namespace="default").metadata.resourceVersion
    create = threading.Timer(0.1, lambda: widgets.create(body=widget(), namespace="default"))
    create.start()
    for event in widgets.watch(namespace="default", resource_version=version, timeout=5):
        assert (event["type"], event["object"].metadata.name) == ("ADDED", "w")
        break
    create.join()


def test_typed_models_can_read_everything(lab: Lab, client: Any) -> None:
    maps = client.resources.get(api_version="v1", kind="ConfigMap")
    maps.create(body=config_map("a", x="1"), namespace="default")
    api = connect(lab)
    apps: Any = AppsV1Api(api)
    made = apps.create_namespaced_deployment("default", deployment())
    assert made.metadata.creation_timestamp.tzinfo is not None
    assert apps.list_deployment_for_all_namespaces().items[0].spec.replicas == 1
    with pytest.raises(ApiException) as caught:
        apps.read_namespaced_deployment("nobody", "default")
    assert caught.value.status == 404
    api.close()
