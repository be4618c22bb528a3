"""Routes of others, leftovers, pods, and the report."""

from __future__ import annotations

import pytest
from ansible_collections.asm.lanes.plugins.module_utils._asm.backend import Observed
from ansible_collections.asm.lanes.plugins.module_utils._asm.transforms import Objection
from ansible_collections.asm.lanes.plugins.module_utils._drift import kinds, report
from ansible_collections.asm.lanes.plugins.module_utils._drift.facts import Cluster, Facts, Mesh

from .objects import cluster_of, facts, guide, mesh_of, pod, virtual_service

GATEWAY = {"gateways": ["default/ws-gateway"], "http": [{"route": [{"destination": {"host": "wsk-svc"}}]}]}
OURS = {"app.kubernetes.io/managed-by": "asm.lanes"}


def with_routes(*routes):
    """The guide's mesh, with the guide's own route and others."""
    own = virtual_service("ws", hosts=["*"], **GATEWAY)
    own["metadata"]["labels"] = OURS
    mesh = mesh_of(guide())
    objects = {**mesh.objects, "VirtualService": [*mesh.of("VirtualService"), own, *routes]}
    return facts(guide(), Mesh(mesh.groups, objects))


@pytest.mark.parametrize(
    ("namespace", "spec"),
    [
        ("default", {"hosts": ["helloworld"]}),
        ("other", {"hosts": ["helloworld.default"], "gateways": ["mesh", "default/another"]}),
        ("other", {"hosts": ["x.example", "helloworld.default.svc.cluster.local"]}),
        ("default", {"hosts": ["*"], **GATEWAY}),
        ("default", {"hosts": ["shop.example"], **GATEWAY, "gateways": ["ws-gateway"]}),
    ],
)
def test_routes_that_take_the_lanes_traffic(namespace, spec):
    [finding] = report.check(guide(), with_routes(virtual_service("mine", namespace, **spec))).findings
    assert (finding.kind, finding.object) == (
        kinds.FOREIGN_VIRTUAL_SERVICE,
        f"VirtualService {namespace}/mine",
    )


DELEGATE = {"delegate": {"name": "trafficlabel-vs-ws-default-helloworld", "namespace": "istio-system"}}


@pytest.mark.parametrize(
    ("namespace", "spec"),
    [
        ("other", {"hosts": ["helloworld"]}),  # another service of that name
        ("default", {"hosts": ["*.default.svc.cluster.local"]}),  # the lanes' hosts are more specific
        ("default", {"hosts": ["helloworld"], "http": [DELEGATE]}),  # documented use
        ("default", {"hosts": ["*"], **GATEWAY, "gateways": ["default/another"]}),
        ("default", {"hosts": ["*"], **GATEWAY, "http": [{"match": [{"uri": {"prefix": "/admin"}}]}]}),
    ],
)
def test_routes_beside_the_lanes(namespace, spec):
    assert report.check(guide(), with_routes(virtual_service("mine", namespace, **spec))).findings == ()


def test_leftovers_of_a_group_that_is_gone():
    other = guide(name="former", services=["shop/a"], lanes=[], baseline=None)
    gone = mesh_of(guide(name="former"))
    mesh = Mesh(frozenset({"ws"}), gone.objects)
    found = report.check(other, Facts(None, "custom_resource", mesh)).findings
    assert found[0].kind == kinds.GROUP_MISSING
    levels = {one.object.split()[0]: one.level for one in found[1:]}
    assert levels == {"VirtualService": "warning", "DestinationRule": "info", "ASMHeaderPropagation": "info"}
    assert {one.kind.name for one in found[1:]} == {"generated_orphaned"}


def test_subsets_without_pods():
    group, all_pods = guide(), cluster_of(guide())
    service = group.services[0]
    labels = {"app": "helloworld", "version": "v2"}
    others = [one for one in all_pods.pods if one["metadata"]["labels"] != labels]
    leaving = pod(service, labels)
    leaving["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    for pods in (others, [*others, pod(service, labels, ready="False")], [*others, leaving]):
        [finding] = report.check(group, facts(group, cluster=Cluster(all_pods.services, pods))).findings
        assert finding.object == "lane v2 of lane group ws"
        assert finding.wanted == "a ready pod with app=helloworld, version=v2"
        assert finding.field == "services[default/helloworld]"
    by_hand = {"metadata": {"name": "helloworld", "namespace": "default"}, "spec": {}}
    services = [one for one in all_pods.services if one["metadata"]["name"] != "helloworld"]
    cluster = Cluster([*services, by_hand], others)
    found = report.check(group, facts(group, cluster=cluster)).findings
    assert "subset_without_pods" not in {one.kind.name for one in found}


def test_what_asm_says_has_the_severity_that_it_gives():
    said = Observed(
        guide(), {"v2": (Objection("bad"), Objection("odd", serious=False))}, "Error", (Objection("no"),)
    )
    drift = report.check(guide(), Facts(said, "openapi"))
    assert [(one.level, one.object, one.found) for one in drift.findings] == [
        ("error", "lane group ws", "no"),
        ("error", "lane v2 of lane group ws", "bad"),
        ("warning", "lane v2 of lane group ws", "odd"),
    ]
    assert [len(drift.at(level)) for level in ("never", "error", "warning")] == [0, 2, 3]
    assert report.message("ws", drift).startswith("lane group ws: 3 differences")
    assert report.as_dict(drift)["counts"] == {"error": 2, "warning": 1, "info": 0}


def test_of_several_labels_the_openapi_tells_one():
    lanes = [{"name": "base", "label_selector": {"a": "1", "b": "2"}, "services": ["default/wsk-svc"]}]
    wanted = guide(lanes=lanes)
    shown = guide(lanes=[{**lanes[0], "label_selector": {"a": "1"}}])
    through_openapi = report.check(wanted, Facts(Observed(shown), "openapi"))
    assert through_openapi.findings == ()
    assert (
        kinds.SELECTOR.name,
        "all of label_selector of lane base of lane group ws cannot be read back",
    ) in {(skip.kind.name, skip.reason) for skip in through_openapi.skips}
    [finding] = report.check(wanted, Facts(Observed(shown), "custom_resource")).findings
    assert finding.kind == kinds.SELECTOR


def test_ignored_kinds_are_counted_and_neither_told_nor_skipped():
    drift = report.check(
        guide(baseline="v1"), Facts(Observed(guide()), "openapi"), ["baseline", "generated_edited"]
    )
    assert (drift.findings, drift.ignored) == ((), 1)
    assert "generated_edited" not in {skip.kind.name for skip in drift.skips}
