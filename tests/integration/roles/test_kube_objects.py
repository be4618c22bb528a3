"""kube_objects and gateway_routing as modules, against the lab's Kubernetes API; read back past them."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from ansible_collections.asm.lanes.plugins.module_utils._kube.client import KubeError, connect
from asm_lanes_lab.plane import REAL
from planes import Http

from .conftest import Servers
from .test_rollout_status import run

OWN = {"part-of": "shop"}


def service(name: str, port: int = 80, namespace: str = "shop", **spec: Any) -> dict[str, Any]:
    ports = [{"name": "http", "port": port, "protocol": "TCP"}]
    metadata = {"name": name, "namespace": namespace, "labels": OWN}
    return {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": {"ports": ports, **spec}}


def objects(servers: Servers, *wanted: dict[str, Any], **options: Any) -> dict[str, Any]:
    kubeconfig = str(servers.kubeconfig("cluster"))
    return run("kube_objects", kubeconfig=kubeconfig, objects=list(wanted), labels=OWN, **options)


@pytest.fixture
def shop(servers: Servers) -> Iterator[Servers]:
    """An empty namespace shop."""
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}}
    servers.in_cluster.apply(namespace)
    yield servers
    servers.in_cluster.delete(namespace)


def services(shop: Servers) -> set[str]:
    """The Services in the namespace shop."""
    return shop.in_cluster.names("Service", namespace="shop")


def changes(result: dict[str, Any]) -> dict[str, str]:
    return {item["name"]: item["change"] for item in result["objects"]}


def test_created_once_then_one_list_and_no_write(shop: Servers) -> None:
    wanted = [service(name) for name in ("a", "b", "c")]
    first = objects(shop, *wanted)
    assert changes(first) == dict.fromkeys("abc", "created")
    assert first["written"] == ["Service a", "Service b", "Service c"]
    total, written = shop.requests("cluster")
    second = objects(shop, *wanted)
    assert (second["changed"], second["written"]) == (False, [])
    assert shop.requests("cluster") == (total + 1, written)  # the list of Services


def test_what_others_have_set_stays_and_what_was_stated_before_goes(shop: Servers) -> None:
    objects(shop, service("a", selector={"app": "a", "old": "yes"}))
    shop.in_cluster.patch("Service", "a", "shop", {"metadata": {"annotations": {"theirs": "stays"}}})
    result = objects(shop, service("a", selector={"app": "a"}), _ansible_diff=True)
    assert changes(result) == {"a": "patched"}
    assert result["diff"][0]["before"]["spec"]["selector"] == {"app": "a", "old": "yes"}
    assert result["diff"][0]["after"]["spec"]["selector"] == {"app": "a"}
    found = shop.in_cluster.get("Service", "a", "shop")
    assert found
    assert found["spec"]["selector"] == {"app": "a"}
    assert found["metadata"]["annotations"]["theirs"] == "stays"


def test_an_object_without_our_labels_is_found_by_name(shop: Servers) -> None:
    stranger = {**service("a"), "metadata": {"name": "a", "namespace": "shop"}}
    shop.in_cluster.apply(stranger)
    checked = objects(shop, service("a"), service("b"), _ansible_check_mode=True, _ansible_diff=True)
    assert changes(checked) == {"a": "patched", "b": "created"}
    assert [part["before"].get("metadata", {}).get("name") for part in checked["diff"]] == ["a", None]
    assert services(shop) == {"Service/a"}
    assert changes(objects(shop, service("a"), service("b"))) == {"a": "patched", "b": "created"}


def test_what_is_expected_to_be_new_is_not_looked_for(shop: Servers) -> None:
    wanted = [service(name) for name in ("a", "b")]
    total, written = shop.requests("cluster")
    assert changes(objects(shop, *wanted, expect_new=True)) == {"a": "created", "b": "created"}
    assert shop.requests("cluster") == (total + 4, written + 2)  # two dry runs, two writes


def test_what_is_there_against_expectation_is_met_by_the_dry_run(shop: Servers) -> None:
    stranger = {**service("c"), "metadata": {"name": "c", "namespace": "shop"}}
    shop.in_cluster.apply(stranger)
    objects(shop, service("a"), service("b"))
    writes = shop.writes("cluster")
    wanted = [service("a"), service("b", selector={"app": "b"}), service("c"), service("d")]
    expected = {"a": "unchanged", "b": "patched", "c": "patched", "d": "created"}
    checked = objects(shop, *wanted, expect_new=True, _ansible_check_mode=True, _ansible_diff=True)
    assert changes(checked) == expected
    assert [part["before"].get("metadata", {}).get("name") for part in checked["diff"]] == ["b", "c", None]
    assert shop.writes("cluster") == writes
    assert changes(objects(shop, *wanted, expect_new=True)) == expected
    assert shop.writes("cluster") == writes + 3
    assert changes(objects(shop, *wanted)) == dict.fromkeys("abcd", "unchanged")


def test_a_namespace_that_is_there_against_expectation_does_not_keep_a_bad_object_from_being_tried(
    shop: Servers,
) -> None:
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}}
    bad = service("a", port=70000)
    refused = objects(shop, namespace, bad, expect_new=True)
    assert refused["failed"]
    assert "Service a in namespace shop" in refused["msg"]
    assert "Nothing was written." in refused["msg"]


def test_only_a_kind_that_is_not_served_costs_discovery(
    shop: Servers, monkeypatch: pytest.MonkeyPatch
) -> None:
    api, asked = connect(shop.kubeconfig("cluster")), []
    monkeypatch.setattr(
        api, "request", lambda *what, real=api.request, **more: asked.append(what) or real(*what, **more)
    )
    assert api.get("v1", "Service", "nobody", "shop") is None
    assert asked == [("get", "/api/v1/namespaces/shop/services/nobody")]
    with pytest.raises(KubeError, match="does not serve VirtualService"):
        api.get("networking.istio.io/v1", "VirtualService", "nobody", "shop")
    assert asked[2:] == [("get", "/apis/networking.istio.io/v1")]


def deployment(replicas: int | None = 1, image: str = "i:1") -> dict[str, Any]:
    labels = {"app": "a"}
    pod = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "c", "image": image}]}}
    spec = {"selector": {"matchLabels": labels}, "template": pod}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "a", "namespace": "shop", "labels": OWN},
        "spec": spec if replicas is None else {**spec, "replicas": replicas},
    }


def seen(servers: Servers, kind: str = "Deployment") -> dict[str, Any]:
    found = servers.in_cluster.get(kind, "a", "shop")
    assert found
    return found


def test_a_conflict_names_field_and_manager_and_can_be_won(shop: Servers) -> None:
    objects(shop, deployment(), wait=False)
    shop.kubectl("cluster", "scale", "deployment", "a", "-n", "shop", "--replicas=3")
    advice = {"conflict": "This is the advice."}
    for check_mode in (True, False):
        refused = objects(
            shop, service("b"), deployment(), wait=False, advice=advice, _ansible_check_mode=check_mode
        )
        assert (refused["failed"], refused["failure"]) == (True, "conflict")
        assert "Deployment a in namespace shop: .spec.replicas was set to something else" in refused["msg"]
        assert 'by the field manager "kubectl"' in refused["msg"]
        assert "Nothing was written. This is the advice." in refused["msg"]
    assert services(shop) == set()
    assert seen(shop)["spec"]["replicas"] == 3

    pretended = objects(shop, deployment(), wait=False, force_conflicts=True, _ansible_check_mode=True)
    assert changes(pretended) == {"a": "patched"}
    assert seen(shop)["spec"]["replicas"] == 3
    won = objects(shop, deployment(), wait=False, force_conflicts=True)
    assert changes(won) == {"a": "patched"}
    assert seen(shop)["spec"]["replicas"] == 1
    assert changes(objects(shop, deployment(), wait=False)) == {"a": "unchanged"}


def test_what_is_not_stated_is_left_to_others(shop: Servers) -> None:
    objects(shop, deployment(replicas=None), wait=False)
    shop.kubectl("cluster", "scale", "deployment", "a", "-n", "shop", "--replicas=3")
    shop.kubectl("cluster", "set", "env", "deployment/a", "-n", "shop", "THEIRS=stays")
    assert changes(objects(shop, deployment(replicas=None), wait=False)) == {"a": "unchanged"}
    assert changes(objects(shop, deployment(replicas=None, image="i:2"), wait=False)) == {"a": "patched"}
    spec = seen(shop)["spec"]
    container = spec["template"]["spec"]["containers"][0]
    assert (spec["replicas"], container["image"]) == (3, "i:2")
    assert container["env"] == [{"name": "THEIRS", "value": "stays"}]


def test_what_two_state_alike_is_nobodys_alone(shop: Servers) -> None:
    """An object that kubectl made as we would: nothing to do, and theirs stays theirs."""
    shop.kubectl("cluster", "apply", "-f", "-", stdin=yaml.safe_dump(service("a", selector={"app": "a"})))
    writes = shop.writes("cluster")
    assert changes(objects(shop, service("a", selector={"app": "a"}))) == {"a": "unchanged"}
    assert shop.writes("cluster") == writes
    refused = objects(shop, service("a", selector={"app": "b"}))
    assert refused["failure"] == "conflict"
    assert (
        '.spec.selector was set to something else by the field manager "kubectl-client-side-apply"'
        in (refused["msg"])
    )
    assert seen(shop, "Service")["spec"]["selector"] == {"app": "a"}


def test_the_fields_are_ours_by_an_apply(shop: Servers) -> None:
    objects(shop, service("a"))
    rows = seen(shop, "Service")["metadata"]["managedFields"]
    assert [(row["manager"], row["operation"]) for row in rows] == [("asm.lanes", "Apply")]


def test_another_word_for_the_same_value_is_no_change(shop: Servers) -> None:
    """Stored as "1": the server is asked, and has nothing to change."""
    wanted = deployment()
    wanted["spec"]["template"]["spec"]["containers"][0]["resources"] = {"requests": {"cpu": "1000m"}}
    objects(shop, wanted, wait=False)
    writes = shop.writes("cluster")
    assert changes(objects(shop, wanted, wait=False)) == {"a": "unchanged"}
    assert shop.writes("cluster") == writes


def test_nothing_is_written_when_the_server_would_refuse_the_last(shop: Servers) -> None:
    result = objects(shop, service("a"), service("b", port=70000))
    assert result["failed"]
    assert "Service b in namespace shop" in result["msg"]
    assert "Nothing was written." in result["msg"]
    assert services(shop) == set()


def test_a_field_that_the_server_does_not_know_is_refused(shop: Servers) -> None:
    result = objects(shop, service("a", sessionAfinity="ClientIP"))
    assert result["failed"]
    assert "sessionAfinity" in result["msg"]
    assert services(shop) == set()


def test_check_mode_tells_the_same_and_writes_nothing(shop: Servers) -> None:
    writes = shop.writes("cluster")
    pretended = objects(shop, service("a"), _ansible_check_mode=True)
    assert shop.writes("cluster") == writes
    real = objects(shop, service("a"))
    keys = ("changed", "objects", "written")
    assert [pretended[key] for key in keys] == [real[key] for key in keys]


POLICY = """
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata: {name: no-port-81}
spec:
  matchConstraints:
    resourceRules: [{apiGroups: [""], apiVersions: [v1], resources: [services], operations: [CREATE, UPDATE]}]
  validations: [{expression: "object.spec.ports.all(p, p.port != 81)", message: nobody serves on 81 here}]
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata: {name: no-port-81}
spec: {policyName: no-port-81, validationActions: [Deny]}
"""


def test_what_admission_would_refuse_fails_in_check_mode(shop: Servers) -> None:
    if shop.kind != REAL:
        pytest.skip("the emulated API has no admission policies")
    http = Http(shop.kubeconfig("cluster"))
    for policy in yaml.safe_load_all(POLICY):
        kind = (
            "validatingadmissionpolicybindings"
            if "policyName" in policy["spec"]
            else "validatingadmissionpolicies"
        )
        made = http("POST", f"/apis/{policy['apiVersion']}/{kind}", policy)
        assert made.code == 201, made.body
    wanted, path = service("a", port=81), "/api/v1/namespaces/shop/services"
    deadline = time.monotonic() + 60
    while http("POST", path, wanted, query={"dryRun": "All"}).code == 201:
        assert time.monotonic() < deadline, "the policy is not in force"
        time.sleep(0.1)
    http.close()
    refused = objects(shop, service("b"), wanted, _ansible_check_mode=True)
    assert refused["failed"]
    assert "Service a in namespace shop" in refused["msg"]
    assert "nobody serves on 81 here" in refused["msg"]
    assert services(shop) == set()


def test_absent_removes_what_carries_the_labels_and_nothing_else(shop: Servers) -> None:
    objects(shop, service("a"), service("forgotten"))
    other = {**service("other"), "metadata": {"name": "other", "namespace": "shop"}}
    shop.in_cluster.apply(other)
    gone = objects(shop, service("a"), state="absent")
    assert changes(gone) == {"a": "deleted", "forgotten": "deleted"}
    assert services(shop) == {"Service/other"}
    again = objects(shop, service("a"), state="absent")
    assert (again["changed"], again["objects"]) == (False, [])


def test_an_object_that_stays_is_told_with_what_to_look_for(shop: Servers) -> None:
    held = service("a")
    held["metadata"]["finalizers"] = ["example.com/hold"]
    shop.in_cluster.apply(held)
    result = objects(shop, service("a"), state="absent", timeout=0.2)
    assert (result["failed"], result["failure"]) == (True, "timeout")
    assert "finalizers" in result["msg"]
    shop.in_cluster.patch("Service", "a", "shop", {"metadata": {"finalizers": None}})


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        ({"kind": "Service", "metadata": {"name": "a"}}, "objects[0]: apiVersion is missing"),
        ({"apiVersion": "v1", "kind": "Service", "metadata": "a"}, "objects[0]: metadata.name is missing"),
        (service("a", namespace="nowhere"), "namespace nowhere does not exist"),
        ({**service("a"), "apiVersion": "v7"}, "does not serve Service of v7"),
    ],
)
def test_bad_input_is_one_clear_error(servers: Servers, wanted: dict[str, Any], words: str) -> None:
    result = objects(servers, wanted, advice={"namespace": "This is the advice."})
    assert result["failed"]
    assert words in result["msg"]
    assert ("This is the advice." in result["msg"]) == (result["failure"] == "namespace")


def test_credentials_that_are_refused_are_named(servers: Servers, tmp_path: Any) -> None:
    config = yaml.safe_load(servers.kubeconfig("cluster").read_text())
    config["users"][0]["user"]["token"] = "s3cret-but-wrong"
    path = tmp_path / "kubeconfig"
    path.write_text(yaml.safe_dump(config))
    result = run("kube_objects", kubeconfig=str(path), objects=[service("a", namespace="default")])
    assert (result["failed"], result["failure"]) == (True, "unauthorized")
    assert "s3cret" not in json.dumps(result)


@pytest.mark.parametrize("port", [0, 70000])
@pytest.mark.parametrize("option", ["port", "service_port"])
def test_a_port_is_a_number_up_to_65535(servers: Servers, option: str, port: int) -> None:
    result = run("gateway_routing", kubeconfig=str(servers.kubeconfig("mesh")), **{option: port})
    assert (result["failed"], result["failure"]) == (True, "port")
    assert f"{option} {port}: a port is a number from 1 to 65535" in result["msg"]
