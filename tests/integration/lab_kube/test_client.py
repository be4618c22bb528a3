"""The controllers' client and its informer, against the server that they run on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from asm_lanes_lab.client import Cluster, ClusterError
from asm_lanes_lab.kube import KubeApiServer
from integration.lab_kube.harness import TOKEN, WIDGET_CRD, Lab, config_map, deployment, widget
from lab_fixture import until


@pytest.fixture
async def cluster(lab: Lab) -> AsyncIterator[Cluster]:
    cluster = await Cluster.connect(lab.kubeconfig, "cluster")
    yield cluster
    await cluster.close()


async def test_the_whole_life_of_an_object(cluster: Cluster) -> None:
    assert await cluster.get("apps/v1", "Deployment", "web", "default") is None
    made = await cluster.create(deployment())
    assert made["metadata"]["generation"] == 1
    patched = await cluster.patch("apps/v1", "Deployment", "web", {"spec": {"replicas": 3}}, "default")
    assert (patched["metadata"]["generation"], patched["spec"]["replicas"]) == (2, 3)
    with pytest.raises(ClusterError) as caught:
        await cluster.replace(made)
    assert (caught.value.status, caught.value.reason) == (409, "Conflict")
    replaced = await cluster.replace({**patched, "spec": {**patched["spec"], "replicas": 2}})
    assert replaced["spec"]["replicas"] == 2
    done = await cluster.patch_status(deployment(), {"readyReplicas": 2})
    assert done["status"] == {"readyReplicas": 2}
    assert done["metadata"]["generation"] == 3, "a status is no new generation"
    assert [obj["metadata"]["name"] for obj in await cluster.list("apps/v1", "Deployment")] == ["web"]
    assert await cluster.list("apps/v1", "Deployment", "default", "app=other") == []
    assert await cluster.delete("apps/v1", "Deployment", "web", "default") is True
    assert await cluster.delete("apps/v1", "Deployment", "web", "default") is False


async def test_apply_creates_and_repeats_without_a_write(lab: Lab, cluster: Cluster) -> None:
    first = await cluster.apply(deployment(), "lab-controller")
    writes = lab.server.stats["writes"]
    assert await cluster.apply(deployment(), "lab-controller") == first
    assert lab.server.stats["writes"] == writes


async def test_items_of_lists_say_what_they_are(cluster: Cluster) -> None:
    await cluster.create(widget())
    (item,) = await cluster.list("example.com/v1", "Widget", "default")
    assert (item["apiVersion"], item["kind"]) == ("example.com/v1", "Widget")


async def test_errors_name_the_cluster_and_the_object(cluster: Cluster) -> None:
    await cluster.create(widget())
    with pytest.raises(ClusterError, match=r'409 AlreadyExists: widgets.example.com "w" already exists'):
        await cluster.create(widget())
    with pytest.raises(ClusterError, match=r"cluster does not serve Gadget of example\.com/v1"):
        await cluster.get("example.com/v1", "Gadget", "g", "default")
    with pytest.raises(ClusterError, match=r"metadata\.namespace is missing"):
        await cluster.get("example.com/v1", "Widget", "w")


async def test_an_informer_follows_everything(cluster: Cluster) -> None:
    await cluster.create(config_map("before", a="1"))
    informer = cluster.informer("v1", "ConfigMap", "default")
    changes: list[int] = []
    informer.on_change(lambda: changes.append(len(informer.items)))
    await informer.start()
    assert set(informer.items) == {("default", "before")}
    await cluster.create(config_map("later", a="1"))
    await cluster.patch("v1", "ConfigMap", "later", {"data": {"a": "2"}}, "default")
    await cluster.delete("v1", "ConfigMap", "before", "default")

    async def arrived() -> bool:
        later: dict[str, Any] = informer.items.get(("default", "later"), {})
        return later.get("data") == {"a": "2"} and ("default", "before") not in informer.items

    await until(arrived, "the informer sees creation, change and deletion")
    assert changes == [1, 2, 2, 1]
    await informer.stop()


async def test_an_informer_with_a_selector_sees_objects_come_and_go(cluster: Cluster) -> None:
    informer = cluster.informer("apps/v1", "Deployment", None, "lane=v1")
    await informer.start()
    await cluster.create(deployment())

    async def selected() -> bool:
        return bool(informer.items)

    async def not_selected() -> bool:
        return not informer.items

    for lane, seen in (("v1", selected), ("v2", not_selected)):
        patch = {"metadata": {"labels": {"lane": lane}}}
        await cluster.patch("apps/v1", "Deployment", "web", patch, "default")
        await until(seen, seen.__name__)
    await informer.stop()


async def test_an_informer_survives_a_restart_of_the_server(tmp_path: Path) -> None:
    """The new server has forgotten everything, and its versions are not those of the old one."""
    old = KubeApiServer("old", [WIDGET_CRD], {TOKEN: "admin"}, tmp_path)
    await old.start("127.0.0.1", 0)
    (tmp_path / "kubeconfig").write_text(yaml.safe_dump(old.kubeconfig(TOKEN)))
    cluster = await Cluster.connect(tmp_path / "kubeconfig", "old")
    await cluster.create(widget("lost"))
    informer = cluster.informer("example.com/v1", "Widget")
    await informer.start()
    assert ("default", "lost") in informer.items
    await old.stop()
    with pytest.raises(ClusterError) as caught:
        await cluster.list("example.com/v1", "Widget")
    assert caught.value.status == 0
    new = KubeApiServer("new", [WIDGET_CRD], {TOKEN: "admin"}, tmp_path)
    await new.start("127.0.0.1", old.port)
    await cluster.create(widget("found"))

    async def caught_up() -> bool:
        return set(informer.items) == {("default", "found")}

    await until(caught_up, "the informer lists again after the restart")
    await informer.stop()
    await cluster.close()
    await new.stop()


async def test_an_informer_waits_for_a_server_that_is_not_there_yet(
    tmp_path: Path, unused_tcp_port: int
) -> None:
    server = KubeApiServer("late", [], {TOKEN: "admin"}, tmp_path)
    server.host, server.port = "127.0.0.1", unused_tcp_port
    (tmp_path / "kubeconfig").write_text(yaml.safe_dump(server.kubeconfig(TOKEN)))
    cluster = await Cluster.connect(tmp_path / "kubeconfig", "late")
    informer = cluster.informer("v1", "Namespace")
    start = asyncio.create_task(informer.start())
    await asyncio.sleep(0.1)
    assert not start.done()
    await server.start("127.0.0.1", unused_tcp_port)
    await asyncio.wait_for(start, 10)
    assert (None, "default") in informer.items
    await informer.stop()
    await cluster.close()
    await server.stop()


async def test_an_informer_sees_a_reset(lab: Lab, cluster: Cluster) -> None:
    await cluster.create(widget())
    informer = cluster.informer("example.com/v1", "Widget")
    await informer.start()
    lab.call(lab.server.reset)

    async def empty() -> bool:
        return not informer.items

    await until(empty, "reset deletes for watchers too")
    await informer.stop()
