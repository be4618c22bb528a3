"""What is made of an instance: its version against what lanes need, edition, namespaces, gateways."""

from __future__ import annotations

import pytest
from ansible_collections.asm.lanes.plugins.module_utils._asm import mesh
from ansible_collections.asm.lanes.plugins.module_utils._asm.client import AsmClient
from ansible_collections.asm.lanes.plugins.module_utils._asm.credentials import Connection
from ansible_collections.asm.lanes.plugins.module_utils._asm.deadline import Deadline
from ansible_collections.asm.lanes.plugins.module_utils._asm.errors import AsmError, Kind
from ansible_collections.asm.lanes.plugins.module_utils._asm.retry import RetryPolicy
from unit.asm.wire import answers, expect, fails, playing

PERMISSIVE, NAMESPACE, FALLBACK, BAGGAGE = (
    "permissive_lanes",
    "gateway_rule_namespace",
    "service_level_fallback",
    "baggage_propagation",
)


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("v1.22.6.90-g0000000-aliyun", (1, 22, 6, 90)),
        ("v1.7.4.0-gfb34ba99-aliyun", (1, 7, 4, 0)),
        ("1.21", (1, 21)),
        ("v1", None),
        ("latest", None),
        ("", None),
    ],
)
def test_versions_are_read_up_to_the_first_word(text, numbers):
    assert mesh.parse_version(text) == numbers


@pytest.mark.parametrize(
    ("version", "able"),
    [
        ("v1.7.4.0", set()),
        ("v1.17.2.27", set()),
        ("v1.17.2.28", {NAMESPACE}),
        ("v1.18.2.110", {NAMESPACE}),
        ("v1.18.2.111", {NAMESPACE, PERMISSIVE}),
        ("v1.20.9.999", {NAMESPACE, PERMISSIVE}),
        ("v1.21.0.0", {NAMESPACE, PERMISSIVE, FALLBACK}),
        ("v1.21.6", {NAMESPACE, PERMISSIVE, FALLBACK}),
        ("v1.21.6.53", {NAMESPACE, PERMISSIVE, FALLBACK}),
        ("v1.21.6.54", {NAMESPACE, PERMISSIVE, FALLBACK, BAGGAGE}),
        ("v1.100.0.0", {NAMESPACE, PERMISSIVE, FALLBACK, BAGGAGE}),
        ("v2.0.0.0", {NAMESPACE, PERMISSIVE, FALLBACK, BAGGAGE}),
    ],
)
def test_each_threshold_counts_number_by_number(version, able):
    found = mesh.capabilities(mesh.parse_version(version), "ultimate")
    assert {name for name, one in found.items() if one["supported"]} == able
    for one in found.values():
        assert one["supported"] or (one["since"] in one["reason"] and version[1:] in one["reason"])
        assert (one["reason"] is None) == one["supported"]


def test_permissive_mode_needs_an_edition_whatever_the_version():
    found = mesh.capabilities((1, 22, 6, 90), "standard")
    assert {name: one["supported"] for name, one in found.items()} == {
        PERMISSIVE: False,
        NAMESPACE: True,
        FALLBACK: False,
        BAGGAGE: True,
    }
    assert found[PERMISSIVE]["reason"] == "needs the enterprise or ultimate edition, this is standard"


def test_what_cannot_be_told_is_neither_yes_nor_no():
    assert {one["supported"] for one in mesh.capabilities(None, "enterprise").values()} == {None}
    found = mesh.capabilities((1, 22, 6, 90), None)
    assert (found[PERMISSIVE]["supported"], found[BAGGAGE]["supported"]) == (None, True)
    assert mesh.capabilities((1, 1), None)[PERMISSIVE]["supported"] is False


@pytest.mark.parametrize(
    ("answer", "edition"),
    [
        ({"ClusterSpec": "ultimate", "ServiceMeshInfo": {"Profile": "Pro"}}, "ultimate"),
        ({"ClusterSpec": "Standard", "ServiceMeshInfo": {"Profile": "Default"}}, "standard"),
        ({"ServiceMeshInfo": {"Profile": "Pro"}}, "pro"),
        ({"ClusterSpec": "", "ServiceMeshInfo": {"Profile": "Default"}}, "standard"),
        ({}, None),
    ],
)
def test_the_edition_is_taken_from_where_it_is_told(answer, edition):
    assert mesh.edition_of(answer) == edition
    able = mesh.capabilities((1, 22, 6, 90), edition)[PERMISSIVE]["supported"]
    assert able == {"ultimate": True, "pro": True, "standard": False, None: None}[edition]


def test_a_namespace_injects_by_its_label_or_else_by_its_revision():
    labels = {
        "on": {"istio-injection": "enabled"},
        "off": {"istio-injection": "disabled"},
        "off-wins": {"istio-injection": "disabled", "istio.io/rev": "1-22"},
        "revision": {"istio.io/rev": "1-22"},
        "ambient": {"istio.io/dataplane-mode": "ambient"},
        "bare": {},
        "none": None,
    }
    assert mesh.injected_namespaces({"NsList": list(labels), "NsLabels": labels}) == ["on", "revision"]
    assert mesh.injected_namespaces({}) == []


def test_a_gateway_with_the_least_that_it_may_have():
    found = mesh.gateway_from_object({"metadata": {"name": "g", "namespace": "istio-system"}})
    assert (found["name"], found["ports"], found["clusters"], found["type"]) == ("g", [], [], None)


DETAIL = {
    "ClusterSpec": "enterprise",
    "Endpoints": {"PublicApiServerEndpoint": "https://203.0.113.7:6443"},
    "ServiceMeshInfo": {
        "ErrorMessage": "",
        "Name": "demo",
        "Profile": "Pro",
        "RegionId": "cn-hangzhou",
        "ServiceMeshId": "m-1",
        "State": "running",
        "Version": "v1.18.2.111-gabcdef0-aliyun",
    },
}
CLUSTERS = [{"ClusterId": "c2", "Name": "two"}, {"ClusterId": "c1", "Name": "one", "State": "running"}]
DETAIL_CALL = expect("DescribeServiceMeshDetail", answers(ServiceMesh=DETAIL))
CLUSTERS_CALL = expect("DescribeClustersInServiceMesh", answers(Clusters=CLUSTERS))


def namespaces_call(cluster, reply):
    return expect("DescribeGuestClusterNamespaces", reply, GuestClusterID=cluster, ShowNsLabels="True")


def read(server):
    connection = Connection("AK", "5ecret", endpoint=server.endpoint, protocol="http")
    return mesh.read_mesh(AsmClient(connection, "m-1", Deadline(10), RetryPolicy(base=0.02)))


def test_a_mesh_is_read_with_one_call_and_one_for_each_list():
    labels = answers(NsList=["a", "b"], NsLabels={"b": {"istio-injection": "enabled"}, "a": {}})
    calls = [DETAIL_CALL, CLUSTERS_CALL, namespaces_call("c1", labels), namespaces_call("c2", answers())]
    with playing(*calls) as server:
        found, notes = read(server)
    assert notes == []
    assert {key: found[key] for key in ("id", "name", "region", "state", "error", "edition")} == {
        "id": "m-1",
        "name": "demo",
        "region": "cn-hangzhou",
        "state": "running",
        "error": None,
        "edition": "enterprise",
    }
    assert found["version"] == {"text": "v1.18.2.111-gabcdef0-aliyun", "numbers": [1, 18, 2, 111]}
    assert found["api_server"] == {"public": "https://203.0.113.7:6443", "private": None}
    assert [(c["id"], c["injected_namespaces"]) for c in found["clusters"]] == [("c1", ["b"]), ("c2", [])]


def test_a_cluster_out_of_reach_is_noted_and_the_rest_told():
    calls = [
        DETAIL_CALL,
        CLUSTERS_CALL,
        namespaces_call("c1", fails(403, "StatusForbidden", "not yours")),
        namespaces_call("c2", answers(NsLabels={"x": {"istio-injection": "enabled"}})),
    ]
    with playing(*calls) as server:
        found, notes = read(server)
    assert [c["injected_namespaces"] for c in found["clusters"]] == [None, ["x"]]
    (note,) = notes
    assert note.startswith("injected_namespaces of cluster c1 are not known. DescribeGuestClusterNamespaces")
    assert "not yours (request id REQ-3)" in note


def test_without_the_instance_there_is_nothing_to_tell():
    call = expect("DescribeServiceMeshDetail", fails(404, "ServiceMesh.NotFound"))
    with playing(call) as server, pytest.raises(AsmError, match="Check mesh_id") as caught:
        read(server)
    assert caught.value.kind == Kind.REJECTED
