"""What mesh_info tells of the lab's mesh, and how it fails."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from ansible_collections.asm.lanes.plugins.modules import mesh_info
from asm_lanes_lab.asm import Fault
from integration.mesh.conftest import NOBODY, SECRET, module, options, play
from lab_servers import TOKEN

GATEWAY = {
    "apiVersion": "istio.alibabacloud.com/v1beta1",
    "kind": "IstioGateway",
    "metadata": {"name": "ingressgateway", "namespace": "istio-system"},
    "spec": {
        "gatewayType": "ingress",
        "clusterIds": ["c-lab"],
        "serviceType": "LoadBalancer",
        "ports": [{"name": "ws-30080", "port": 30080, "targetPort": 30080, "protocol": "TCP"}],
    },
}


@pytest.fixture(scope="module", autouse=True)
def content(lab):
    for name, labels in {"default": {"istio-injection": "enabled"}, "plain": {}}.items():
        lab.in_cluster(apiVersion="v1", kind="Namespace", metadata={"name": name, "labels": labels})
    lab.in_mesh(**{**GATEWAY, "metadata": {"name": "another", "namespace": "istio-system"}})
    lab.in_mesh(**GATEWAY)


def test_everything_with_a_kubeconfig(lab, api):
    result = module("mesh_info", {**options(api), "mesh_kubeconfig": str(lab.mesh_kubeconfig)})
    mesh = result["mesh"]
    assert (result["changed"], result["notes"]) == (False, [])
    assert (mesh["id"], mesh["state"], mesh["edition"]) == ("lab-mesh", "running", "enterprise")
    assert mesh["version"] == {"text": "v1.22.6.90-g0000000-aliyun", "numbers": [1, 22, 6, 90]}
    assert all(one["supported"] for one in mesh["capabilities"].values())
    assert mesh["clusters"] == [
        {
            "id": "c-lab",
            "name": "lab",
            "region": "cn-hangzhou",
            "state": "running",
            "version": "1.32.0",
            "error": None,
            "injected_namespaces": ["default"],
        }
    ]
    assert [gateway["name"] for gateway in mesh["gateways"]] == ["another", "ingressgateway"]
    assert mesh["gateways"][1] == {
        "name": "ingressgateway",
        "namespace": "istio-system",
        "type": "ingress",
        "service_type": "LoadBalancer",
        "clusters": ["c-lab"],
        "ports": [{"name": "ws-30080", "port": 30080, "target_port": 30080, "protocol": "TCP"}],
    }
    assert [call["action"] for call in result["api_calls"]] == [
        "DescribeServiceMeshDetail",
        "DescribeClustersInServiceMesh",
        "DescribeGuestClusterNamespaces",
    ]
    assert all(call["request_id"] for call in result["api_calls"])


def test_check_mode_tells_the_same_and_gateways_need_a_kubeconfig(api):
    real, checked = (module("mesh_info", options(api), check_mode) for check_mode in (False, True))
    assert checked["mesh"] == real["mesh"]
    assert real["mesh"]["gateways"] is None
    assert real["notes"] == [mesh_info.NO_KUBECONFIG]
    assert api.stats.as_dict()["writes"] == 0


def test_an_old_standard_mesh(lab):
    api = lab.api(mesh_version="v1.17.2.27-gabc-aliyun", mesh_edition="standard", mesh_state="initial")
    mesh = module("mesh_info", options(api))["mesh"]
    assert (mesh["state"], mesh["edition"]) == ("initial", "standard")
    assert not any(one["supported"] for one in mesh["capabilities"].values())
    assert mesh["capabilities"]["baggage_propagation"] == {
        "supported": False,
        "since": "1.21.6.54",
        "reason": "needs 1.21.6.54, this is 1.17.2.27",
    }


def test_a_cluster_whose_namespaces_cannot_be_read(api):
    api.faults.set([Fault("expired_token", "DescribeGuestClusterNamespaces")])
    result = module("mesh_info", options(api))
    assert result["mesh"]["clusters"][0]["injected_namespaces"] is None
    assert "injected_namespaces of cluster c-lab are not known" in result["notes"][0]
    assert result["notes"][0] in str(result["warnings"])


@pytest.mark.parametrize(
    ("change", "kind", "words"),
    [
        ({"mesh_id": "m-0"}, "rejected", "Check mesh_id: no such ASM instance"),
        ({"access_key_id": NOBODY.access_key_id}, "rejected", "Grant the RAM action servicemesh:Describe"),
        ({"access_key_secret": "wrong-secret"}, "rejected", "Check access_key_secret"),
        ({"mesh_kubeconfig": "/no/where"}, "kubeconfig", "kubeconfig /no/where does not exist"),
        ({"mesh_kubeconfig": "CLUSTER"}, "kind", "Check that this is the kubeconfig of the right server"),
    ],
)
def test_failures_say_what_to_do(lab, api, change, kind, words):
    if change.get("mesh_kubeconfig") == "CLUSTER":
        change = {"mesh_kubeconfig": str(lab.settings.files.cluster_kubeconfig)}
    result = module("mesh_info", {**options(api), **change})
    assert result["failed"]
    assert result["failure"]["kind"] == kind
    assert words in result["msg"]
    assert SECRET not in json.dumps(result)


def test_no_secret_is_shown_at_the_highest_verbosity(lab, api, tmp_path):
    task = {"asm.lanes.mesh_info": {"mesh_kubeconfig": str(lab.mesh_kubeconfig)}}
    told = play(tmp_path, [task], api, "-vvvv", "--diff")
    assert "baggage_propagation" in told
    assert SECRET not in told
    assert TOKEN not in told


@pytest.mark.parametrize("name", ["mesh_info", "mesh_kubeconfig"])
def test_every_return_key_is_documented(lab, api, tmp_path, name):
    arguments = {
        "mesh_info": {"mesh_kubeconfig": str(lab.mesh_kubeconfig)},
        "mesh_kubeconfig": {"dest": str(tmp_path / "mesh")},
    }
    command = [Path(sys.executable).parent / "ansible-doc", "--json", f"asm.lanes.{name}"]
    page = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
    documented = {"contains": page[f"asm.lanes.{name}"]["return"]}
    result = module(name, {**options(api), **arguments[name]})
    ansibles_own = {"changed", "diff", "invocation", "warnings"}
    told = {key: value for key, value in result.items() if key not in ansibles_own}
    assert not list(undocumented(told, documented))


def undocumented(value, documentation, path=""):
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
