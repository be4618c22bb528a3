"""The protocol itself: authentication, errors, watches, paging, subresources, deletion."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from asm_lanes_lab.kube import KubeApiServer
from integration.lab_kube.harness import TOKEN, WIDGET_CRD, Lab, config_map, deployment, widget
from lab_fixture import until

CORE = "/api/v1/namespaces/default"
APPS = "/apis/apps/v1/namespaces/default/deployments"
WIDGETS = "/apis/example.com/v1/namespaces/default/widgets"
MERGE = "application/merge-patch+json"
STRATEGIC = "application/strategic-merge-patch+json"
APPLY = "application/apply-patch+yaml"


class Http:
    """A plain HTTPS client with the token."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        self.session = session
        self.warnings: list[str] = []

    async def __call__(
        self,
        method: str,
        path: str,
        body: Any = None,
        code: int = 200,
        kind: str = "application/json",
        **query: str,
    ) -> Any:
        """The decoded answer; fails unless its status is *code*."""
        data = body if isinstance(body, bytes) else None if body is None else json.dumps(body).encode()
        headers = {"Content-Type": kind}
        async with self.session.request(method, path, data=data, headers=headers, params=query) as response:
            text = await response.text()
            self.warnings = response.headers.getall("Warning", [])
            assert response.status == code, f"{method} {path}: {response.status} {text}"
            return json.loads(text) if response.content_type == "application/json" else text

    async def watch(self, path: str, count: int, **query: str) -> list[Any]:
        """The first *count* events of a watch."""
        async with self.session.get(path, params={"watch": "true", **query}) as response:
            lines = [await asyncio.wait_for(response.content.readline(), 5) for _unused in range(count)]
            return [json.loads(line) for line in lines if line]


@pytest.fixture
async def http(lab: Lab) -> AsyncIterator[Http]:
    context = ssl.create_default_context(cadata=lab.server.ca_pem)
    headers = {"Authorization": f"Bearer {TOKEN}", "User-Agent": "tester/1.0"}
    connector = aiohttp.TCPConnector(ssl=context)
    async with aiohttp.ClientSession(lab.server.url, headers=headers, connector=connector) as session:
        yield Http(session)


# --- who may come in, and where to ---


async def test_only_known_tokens_come_in(lab: Lab, http: Http) -> None:
    for header in ("", "Bearer wrong", f"Basic {TOKEN}", "Bearer "):
        async with http.session.get("/api", headers={"Authorization": header}) as response:
            assert response.status == 401
            status = await response.json()
            assert (status["reason"], status["message"]) == ("Unauthorized", "Unauthorized")
    for path in ("/healthz", "/readyz", "/livez"):
        async with http.session.get(path, headers={"Authorization": ""}) as response:
            assert (response.status, await response.text()) == (200, "ok")


async def test_the_certificate_is_signed_by_the_lab_only(lab: Lab) -> None:
    async with aiohttp.ClientSession() as session:
        with pytest.raises(aiohttp.ClientConnectorCertificateError):
            await session.get(f"{lab.server.url}/healthz")


async def test_a_taken_port_says_which_setting_to_change(lab: Lab) -> None:
    other = KubeApiServer("mesh", [], {})
    with pytest.raises(OSError, match=rf"'mesh' cannot listen on 127.0.0.1:{lab.server.port}.*mesh_api_port"):
        await other.start("127.0.0.1", lab.server.port)


async def test_servers_with_one_directory_share_a_private_authority(tmp_path: Path) -> None:
    first, second = KubeApiServer("a", data_dir=tmp_path), KubeApiServer("b", data_dir=tmp_path)
    assert first.ca_pem == second.ca_pem == (tmp_path / "ca.crt").read_text()
    assert (tmp_path / "ca.key").stat().st_mode & 0o777 == 0o600


async def test_discovery_and_version(http: Http) -> None:
    assert (await http("GET", "/version"))["gitVersion"].startswith("v1.")
    groups = {group["name"]: group for group in (await http("GET", "/apis"))["groups"]}
    assert [row["version"] for row in groups["example.com"]["versions"]] == ["v1", "v1beta1"]
    rows = (await http("GET", "/apis/example.com/v1"))["resources"]
    assert [row["name"] for row in rows] == ["widgets", "widgets/status", "widgets/scale"]
    assert [row["name"] for row in (await http("GET", "/apis/example.com/v1beta1"))["resources"]] == [
        "widgets"
    ]
    await http("GET", "/apis/nothing.io/v1", code=404)
    await http("GET", "/apis/apps/v1/namespaces/default/statefulsets", code=404)
    await http("PUT", "/api/v1/namespaces", {}, code=405)


async def test_who_am_i_and_may_i(http: Http) -> None:
    review = {"spec": {"resourceAttributes": {"verb": "create", "resource": "pods"}}}
    path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
    assert (await http("POST", path, review, 201))["status"]["allowed"] is True
    path = "/apis/authentication.k8s.io/v1/selfsubjectreviews"
    assert (await http("POST", path, {}, 201))["status"]["userInfo"]["username"] == "system:admin"


async def test_statistics_count_requests_and_writes(http: Http) -> None:
    before = await http("GET", "/lab/stats")
    await http("POST", f"{CORE}/configmaps", config_map("a"), 201)
    await http("GET", f"{CORE}/configmaps/a")
    await http("PATCH", f"{CORE}/configmaps/a", {"data": {"x": "1"}}, kind=MERGE)
    after = await http("GET", "/lab/stats")
    assert after["writes"] - before["writes"] == 2
    await http("PATCH", f"{CORE}/configmaps/a", {"data": {"x": "1"}}, kind=MERGE)
    assert (await http("GET", "/lab/stats"))["writes"] == after["writes"], "a patch that changes nothing"
    for verb in ("create", "patch"):
        assert after["requests"][verb] - before["requests"].get(verb, 0) == 1
    assert after["total"] == sum(after["requests"].values())


@pytest.mark.parametrize(
    ("method", "path", "words"),
    [
        ("POST", f"{CORE}/pods/p/exec", "run commands in pods"),
        ("POST", f"{CORE}/pods/p/attach", "attach to pods"),
        ("POST", f"{CORE}/pods/p/portforward", "forward ports"),
        ("POST", f"{CORE}/pods/p/eviction", "evict pods"),
        ("POST", f"{CORE}/serviceaccounts/default/token", "issue service account tokens"),
        ("GET", "/openapi/v2", "serve OpenAPI v2"),
    ],
)
async def test_what_the_lab_does_not_do_it_says(http: Http, method: str, path: str, words: str) -> None:
    status = await http(method, path, {}, 501)
    assert status["kind"] == "Status"
    assert status["message"].startswith(f"the lab's Kubernetes API does not {words}")


async def test_bodies_that_cannot_be_read(http: Http) -> None:
    status = await http("POST", f"{CORE}/configmaps", b"k8s\0", 415, "application/vnd.kubernetes.protobuf")
    assert "accepted media types include: application/json, application/yaml" in status["message"]
    assert "the lab does not read protobuf" in status["message"]
    assert "cannot be parsed" in (await http("POST", f"{CORE}/configmaps", b"{", 400))["message"]
    await http("POST", f"{CORE}/configmaps", b"", 400)
    await http("POST", f"{CORE}/configmaps", [1], 400)
    yaml_body = b"metadata: {name: from-yaml}\ndata: {a: b}"
    assert (await http("POST", f"{CORE}/configmaps", yaml_body, 201, "application/yaml"))[
        "kind"
    ] == "ConfigMap"
    await http("PATCH", f"{CORE}/configmaps/from-yaml", {}, 415, "application/json")
    await http("POST", WIDGETS, widget(), 201)
    status = await http("PATCH", f"{WIDGETS}/w", {}, 415, STRATEGIC)
    assert STRATEGIC not in status["message"]


# --- creating and changing ---


async def test_what_the_server_fills_in(http: Http) -> None:
    made = await http("POST", APPS, deployment(), 201)
    metadata, spec = made["metadata"], made["spec"]
    assert metadata["uid"] and metadata["creationTimestamp"].endswith("Z") and metadata["generation"] == 1
    assert spec["replicas"] == 1 and spec["strategy"]["rollingUpdate"] == {
        "maxUnavailable": "25%",
        "maxSurge": "25%",
    }
    pod = spec["template"]["spec"]
    assert (pod["restartPolicy"], pod["dnsPolicy"], pod["terminationGracePeriodSeconds"]) == (
        "Always",
        "ClusterFirst",
        30,
    )
    (container,) = pod["containers"]
    assert container["imagePullPolicy"] == "IfNotPresent"
    assert container["ports"] == [{"containerPort": 5000, "protocol": "TCP"}]
    secret = {"metadata": {"name": "s"}, "stringData": {"a": "b"}}
    assert (await http("POST", f"{CORE}/secrets", secret, 201))["data"] == {"a": "Yg=="}
    namespace = await http("POST", "/api/v1/namespaces", {"metadata": {"name": "team"}}, 201)
    assert namespace["metadata"]["labels"] == {"kubernetes.io/metadata.name": "team"}
    assert namespace["status"] == {"phase": "Active"}


async def test_services_get_addresses_of_their_own_and_keep_them(http: Http) -> None:
    def service(name: str, **spec: Any) -> dict[str, Any]:
        return {"metadata": {"name": name}, "spec": {"ports": [{"port": 80}], **spec}}

    first = await http("POST", f"{CORE}/services", service("a"), 201)
    second = await http("POST", f"{CORE}/services", service("b", type="LoadBalancer"), 201)
    headless = await http("POST", f"{CORE}/services", service("c", clusterIP="None"), 201)
    assert first["spec"]["ports"] == [{"port": 80, "protocol": "TCP", "targetPort": 80}]
    assert first["spec"]["clusterIP"] != second["spec"]["clusterIP"]
    assert headless["spec"]["clusterIP"] == "None"
    assert 30000 <= second["spec"]["ports"][0]["nodePort"] < 32768
    replaced = await http("PUT", f"{CORE}/services/a", service("a", selector={"x": "y"}))
    assert replaced["spec"]["clusterIP"] == first["spec"]["clusterIP"]
    status = await http("PUT", f"{CORE}/services/a", service("a", clusterIP="10.96.9.9"), 422)
    assert 'spec.clusterIPs[0]: Invalid value: ["10.96.9.9"]: may not change once set' in status["message"]


@pytest.mark.parametrize(
    ("path", "obj", "words"),
    [
        (
            f"{CORE}/configmaps",
            {"metadata": {"name": "No_Good"}},
            "a lowercase RFC 1123 subdomain must consist of",
        ),
        (
            f"{CORE}/configmaps",
            {"metadata": {}},
            "metadata.name: Required value: name or generateName is required",
        ),
        (
            f"{CORE}/services",
            {"metadata": {"name": "1a"}, "spec": {"ports": [{"port": 1}]}},
            "a DNS-1035 label must",
        ),
        (f"{CORE}/services", {"metadata": {"name": "a"}, "spec": {}}, "spec.ports: Required value"),
        (
            f"{CORE}/services",
            {"metadata": {"name": "a"}, "spec": {"ports": [{"port": 0}]}},
            "between 1 and 65535",
        ),
        ("/api/v1/namespaces", {"metadata": {"name": "a.b"}}, "a lowercase RFC 1123 label must consist of"),
        (
            f"{CORE}/configmaps",
            {"metadata": {"name": "a", "labels": {"l": "v2,v1"}}},
            "a valid label must be",
        ),
        (APPS, {**deployment(), "spec": {}}, "spec.selector: Required value"),
        (WIDGETS, widget(size=-1), "spec.size: Invalid value: -1"),
        (
            WIDGETS,
            widget(mode="slow"),
            'spec.mode: Unsupported value: "slow": supported values: "fast", "safe"',
        ),
    ],
)
async def test_invalid_objects(http: Http, path: str, obj: dict[str, Any], words: str) -> None:
    status = await http("POST", path, obj, 422)
    assert status["reason"] == "Invalid"
    assert words in status["message"]
    assert status["details"]["causes"][0]["field"]


async def test_a_deployment_s_selector_must_match_and_never_changes(http: Http) -> None:
    wrong = deployment()
    wrong["spec"]["template"]["metadata"]["labels"] = {"app": "other"}
    assert "`selector` does not match template `labels`" in (await http("POST", APPS, wrong, 422))["message"]
    made = await http("POST", APPS, deployment(), 201)
    made["spec"]["selector"]["matchLabels"] = made["spec"]["template"]["metadata"]["labels"] = {"app": "x"}
    status = await http("PUT", f"{APPS}/web", made, 422)
    assert status["message"].startswith('Deployment.apps "web" is invalid: spec.selector: Invalid value')
    assert status["message"].endswith("field is immutable")


async def test_unknown_fields_warn_are_refused_or_ignored(http: Http) -> None:
    typo = deployment(replicaz=2)
    strict = await http("POST", APPS, typo, 400, fieldValidation="Strict")
    assert strict["message"] == (
        'Deployment in version "v1" cannot be handled as a Deployment: strict decoding error: '
        'unknown field "spec.replicaz"'
    )
    made = await http("POST", APPS, typo, 201)
    assert http.warnings == ['299 - "unknown field \\"spec.replicaz\\""']
    assert "replicaz" not in made["spec"]
    await http("POST", WIDGETS, widget(colour="red"), 201, fieldValidation="Ignore")
    assert http.warnings == []
    status = await http("POST", APPS, deployment("other", replicas="2"), 400)
    assert (
        "json: cannot unmarshal string into Go struct field spec.replicas of type int32" in status["message"]
    )


async def test_the_answers_for_what_is_and_is_not_there(http: Http) -> None:
    assert (await http("GET", f"{APPS}/web", code=404))["message"] == 'deployments.apps "web" not found'
    await http("POST", APPS, deployment(), 201)
    status = await http("POST", APPS, deployment(), 409)
    assert (status["reason"], status["message"]) == ("AlreadyExists", 'deployments.apps "web" already exists')
    status = await http("POST", "/api/v1/namespaces/nowhere/configmaps", {"metadata": {"name": "a"}}, 404)
    assert status["message"] == 'namespaces "nowhere" not found'
    other = {"metadata": {"name": "a", "namespace": "other"}}
    assert "does not match the namespace" in (await http("POST", f"{CORE}/configmaps", other, 400))["message"]


async def test_optimistic_locking(http: Http) -> None:
    old = await http("POST", f"{CORE}/configmaps", config_map("a"), 201)
    await http("PUT", f"{CORE}/configmaps/a", {**old, "data": {"x": "1"}})
    status = await http("PUT", f"{CORE}/configmaps/a", {**old, "data": {"x": "2"}}, 409)
    assert status["message"].startswith(
        'Operation cannot be fulfilled on configmaps "a": the object has been modified'
    )
    patch = {"metadata": {"resourceVersion": old["metadata"]["resourceVersion"]}, "data": {"x": "3"}}
    await http("PATCH", f"{CORE}/configmaps/a", patch, 409, MERGE)
    blind = await http("PUT", f"{CORE}/configmaps/a", config_map("a", x="4"))
    assert blind["data"] == {"x": "4"}, "without a version, built-in kinds are replaced"
    await http("POST", WIDGETS, widget(), 201)
    assert "must be specified for an update" in (await http("PUT", f"{WIDGETS}/w", widget(), 422))["message"]
    await http("DELETE", f"{CORE}/configmaps/a", {"preconditions": {"uid": "other"}}, 409)


async def test_dry_runs_change_nothing(http: Http) -> None:
    before = await http("GET", "/lab/stats")
    made = await http("POST", APPS, deployment(), 201, dryRun="All")
    assert made["spec"]["replicas"] == 1 and made["metadata"]["uid"]
    await http("GET", f"{APPS}/web", code=404)
    assert (await http("GET", "/lab/stats"))["writes"] == before["writes"]
    await http("POST", APPS, deployment(), 201)
    await http("PATCH", f"{APPS}/web", {"spec": {"replicas": 9}}, kind=MERGE, dryRun="All")
    await http("DELETE", f"{APPS}/web", dryRun="All")
    assert (await http("GET", f"{APPS}/web"))["spec"]["replicas"] == 1
    assert (await http("GET", "/lab/stats"))["writes"] == before["writes"] + 1
    await http("POST", APPS, deployment(), 400, dryRun="Some")


async def test_generated_names(http: Http) -> None:
    names = {
        (await http("POST", f"{CORE}/configmaps", {"metadata": {"generateName": "x-"}}, 201))["metadata"][
            "name"
        ]
        for _unused in range(3)
    }
    assert len(names) == 3
    assert all(name.startswith("x-") and len(name) == 7 for name in names)


async def test_status_is_a_world_of_its_own(http: Http) -> None:
    made = await http("POST", WIDGETS, {**widget(), "status": {"a": 1}}, 201)
    assert "status" not in made
    both = {"spec": {"size": 5}, "status": {"a": 2}}
    done = await http("PATCH", f"{WIDGETS}/w/status", both, kind=MERGE)
    assert (done["spec"]["size"], done["status"], done["metadata"]["generation"]) == (1, {"a": 2}, 1)
    done = await http("PATCH", f"{WIDGETS}/w", both | {"status": {"a": 3}}, kind=MERGE)
    assert (done["spec"]["size"], done["status"], done["metadata"]["generation"]) == (5, {"a": 2}, 2)
    managers = {(row["manager"], row.get("subresource")) for row in done["metadata"]["managedFields"]}
    assert managers == {("tester", None), ("tester", "status")}


async def test_scale(http: Http) -> None:
    await http("POST", APPS, deployment(), 201)
    await http("POST", WIDGETS, widget(), 201)
    for path in (f"{APPS}/web", f"{WIDGETS}/w"):
        scale = await http("GET", f"{path}/scale")
        assert (scale["kind"], scale["spec"]) == ("Scale", {"replicas": 1})
        done = await http("PUT", f"{path}/scale", {**scale, "spec": {"replicas": 4}})
        assert done["spec"] == {"replicas": 4}
        await http("PUT", f"{path}/scale", {**scale, "spec": {"replicas": 2}}, 409)
        await http("PATCH", f"{path}/scale", {"spec": {"replicas": -1}}, 422, MERGE)
    assert (await http("GET", f"{WIDGETS}/w"))["spec"]["size"] == 4
    assert (await http("GET", f"{APPS}/web/scale"))["status"]["selector"] == "app=web"


async def test_server_side_apply_between_two_managers(http: Http) -> None:
    await http("PATCH", f"{APPS}/web", deployment(replicas=1), 201, APPLY, fieldManager="one")
    status = await http("PATCH", f"{APPS}/web", deployment(replicas=2), 409, APPLY, fieldManager="two")
    assert status["message"] == 'Apply failed with 1 conflict: conflict with "one": .spec.replicas'
    assert status["details"]["causes"][0]["reason"] == "FieldManagerConflict"
    done = await http(
        "PATCH", f"{APPS}/web", deployment(replicas=2), 200, APPLY, fieldManager="two", force="true"
    )
    assert done["spec"]["replicas"] == 2
    for manager in ("one", "two"):
        done = await http("PATCH", f"{APPS}/web", deployment(), 200, APPLY, fieldManager=manager)
    assert done["spec"]["replicas"] == 1, "nobody wants a number any more: the default"
    status = await http("PATCH", f"{APPS}/web", deployment(replicaz=1), 500, APPLY, fieldManager="one")
    assert ".spec.replicaz: field not declared in schema" in status["message"]
    assert (
        "fieldManager: Required value"
        in (await http("PATCH", f"{APPS}/web", deployment(), 422, APPLY))["message"]
    )


async def test_applied_custom_resources_answer_at_the_version_asked_for(http: Http) -> None:
    """Otherwise kubernetes.core would see a difference for ever."""
    beta = {**widget(size=2), "apiVersion": "example.com/v1beta1"}
    path = WIDGETS.replace("v1/", "v1beta1/") + "/w"
    made = await http("PATCH", path, beta, 201, APPLY, fieldManager="one")
    again = await http("PATCH", path, beta, 200, APPLY, fieldManager="one")
    assert made["apiVersion"] == again["apiVersion"] == "example.com/v1beta1"
    assert made["metadata"]["resourceVersion"] == again["metadata"]["resourceVersion"]
    assert (await http("GET", f"{WIDGETS}/w"))["apiVersion"] == "example.com/v1"
    parts = [{"name": "a", "weight": 1}, {"name": "b"}]
    await http("PATCH", f"{WIDGETS}/w", widget(size=2, parts=parts), 200, APPLY, fieldManager="one")
    done = await http(
        "PATCH", f"{WIDGETS}/w", widget(size=2, parts=[{"name": "b"}]), 200, APPLY, fieldManager="one"
    )
    assert done["spec"]["parts"] == [{"name": "b"}], "keyed lists of custom resources"


async def test_strategic_merge_keeps_the_other_containers(http: Http) -> None:
    two = deployment()
    two["spec"]["template"]["spec"]["containers"].append({"name": "side", "image": "s:1"})
    await http("POST", APPS, two, 201)
    patch = {"spec": {"template": {"spec": {"containers": [{"name": "app", "image": "img:2"}]}}}}
    done = await http("PATCH", f"{APPS}/web", patch, kind=STRATEGIC)
    images = [row["image"] for row in done["spec"]["template"]["spec"]["containers"]]
    assert (images, done["metadata"]["generation"]) == (["img:2", "s:1"], 2)


# --- lists and watches ---


async def test_pages_and_selectors(http: Http) -> None:
    for number in range(5):
        obj = config_map(f"c{number}")
        obj["metadata"]["labels"] = {"parity": "odd" if number % 2 else "even"}
        await http("POST", f"{CORE}/configmaps", obj, 201)
    page = await http("GET", f"{CORE}/configmaps", limit="2")
    assert page["metadata"]["remainingItemCount"] == 3
    names = [row["metadata"]["name"] for row in page["items"]]
    while token := page["metadata"].get("continue"):
        page = await http("GET", f"{CORE}/configmaps", **{"limit": "2", "continue": token})
        names += [row["metadata"]["name"] for row in page["items"]]
    assert names == [f"c{number}" for number in range(5)]
    odd = await http(
        "GET", "/api/v1/configmaps", labelSelector="parity in (odd)", fieldSelector="metadata.name!=c1"
    )
    assert [row["metadata"]["name"] for row in odd["items"]] == ["c3"]
    await http("GET", "/api/v1/configmaps", code=400, fieldSelector="data.x=1")
    await http("GET", "/api/v1/configmaps", code=400, labelSelector="a b")
    await http("DELETE", f"{CORE}/configmaps", labelSelector="parity=odd")
    assert len((await http("GET", f"{CORE}/configmaps"))["items"]) == 3


async def test_a_watch_replays_from_a_version(http: Http) -> None:
    start = (await http("GET", f"{CORE}/configmaps"))["metadata"]["resourceVersion"]
    await http("POST", f"{CORE}/configmaps", config_map("a"), 201)
    await http("PATCH", f"{CORE}/configmaps/a", {"data": {"x": "1"}}, kind=MERGE)
    await http("DELETE", f"{CORE}/configmaps/a")
    events = await http.watch(f"{CORE}/configmaps", 3, resourceVersion=start)
    assert [event["type"] for event in events] == ["ADDED", "MODIFIED", "DELETED"]
    versions = [int(event["object"]["metadata"]["resourceVersion"]) for event in events]
    assert versions == sorted(set(versions))


async def test_a_watch_that_begins_now_shows_what_is_there(http: Http) -> None:
    await http("POST", WIDGETS, widget("a"), 201)
    await http("POST", WIDGETS, widget("b"), 201)
    (event,) = await http.watch(WIDGETS, 1, fieldSelector="metadata.name=b")
    assert (event["type"], event["object"]["metadata"]["name"]) == ("ADDED", "b")
    events = await http.watch(
        WIDGETS, 3, sendInitialEvents="true", allowWatchBookmarks="true", resourceVersionMatch="NotOlderThan"
    )
    assert [event["type"] for event in events] == ["ADDED", "ADDED", "BOOKMARK"]
    assert events[2]["object"]["metadata"]["annotations"] == {"k8s.io/initial-events-end": "true"}


async def test_a_watch_ends_after_its_timeout(http: Http) -> None:
    path = f"{WIDGETS}?watch=true&timeoutSeconds=1"
    async with http.session.get(path) as response:
        assert await asyncio.wait_for(response.read(), 5) == b""


async def test_a_forgotten_version_is_gone(lab: Lab, http: Http) -> None:
    (event,) = await http.watch(WIDGETS, 1, resourceVersion="1")
    assert event["type"] == "ERROR"
    assert (event["object"]["code"], event["object"]["reason"]) == (410, "Expired")


# --- deletion ---


async def gone(http: Http, path: str) -> bool:
    async with http.session.get(path) as response:
        return response.status == 404


async def test_finalizers_keep_objects(http: Http) -> None:
    obj = config_map("a")
    obj["metadata"]["finalizers"] = ["example.com/wait"]
    await http("POST", f"{CORE}/configmaps", obj, 201)
    marked = await http("DELETE", f"{CORE}/configmaps/a")
    assert marked["metadata"]["deletionTimestamp"]
    assert (await http("DELETE", f"{CORE}/configmaps/a"))["metadata"]["deletionTimestamp"]
    await http("PATCH", f"{CORE}/configmaps/a", {"metadata": {"finalizers": None}}, kind=MERGE)
    await http("GET", f"{CORE}/configmaps/a", code=404)
    status = await http("DELETE", f"{CORE}/configmaps/a", code=404)
    assert status["reason"] == "NotFound"


def owned_by(owner: dict[str, Any], name: str, **reference: Any) -> dict[str, Any]:
    obj: dict[str, Any] = config_map(name)
    row = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "name": owner["metadata"]["name"],
        "uid": owner["metadata"]["uid"],
    }
    obj["metadata"]["ownerReferences"] = [{**row, **reference}]
    return obj


async def test_owned_objects_go_with_their_owner(http: Http) -> None:
    path = f"{CORE}/configmaps"
    owner = await http("POST", path, config_map("owner"), 201)
    child = await http("POST", path, owned_by(owner, "child"), 201)
    await http("POST", path, owned_by(child, "grandchild"), 201)
    status = await http("DELETE", f"{path}/owner")
    assert (status["kind"], status["status"]) == ("Status", "Success")
    await until(lambda: gone(http, f"{path}/grandchild"), "owned objects are collected")
    assert await gone(http, f"{path}/child")


async def test_objects_of_an_owner_that_never_was_go_too(http: Http) -> None:
    nobody = {"metadata": {"name": "nobody", "uid": "no-such-uid"}}
    await http("POST", f"{CORE}/configmaps", owned_by(nobody, "orphan"), 201)
    await until(lambda: gone(http, f"{CORE}/configmaps/orphan"), "a dangling reference is collected")


async def test_orphaned_objects_stay(http: Http) -> None:
    path = f"{CORE}/configmaps"
    owner = await http("POST", path, config_map("owner"), 201)
    await http("POST", path, owned_by(owner, "child"), 201)
    await http("DELETE", f"{path}/owner", {"propagationPolicy": "Orphan"})
    await until(lambda: gone(http, f"{path}/owner"), "the owner goes")
    assert "ownerReferences" not in (await http("GET", f"{path}/child"))["metadata"]


async def test_foreground_deletion_waits_for_blocking_objects(http: Http) -> None:
    path = f"{CORE}/configmaps"
    owner = await http("POST", path, config_map("owner"), 201)
    child = owned_by(owner, "child", blockOwnerDeletion=True)
    child["metadata"]["finalizers"] = ["example.com/wait"]
    await http("POST", path, child, 201)
    await http("DELETE", f"{path}/owner", {"propagationPolicy": "Foreground"})

    async def child_marked() -> bool:
        return "deletionTimestamp" in (await http("GET", f"{path}/child"))["metadata"]

    await until(child_marked, "the child is to go first")
    assert (await http("GET", f"{path}/owner"))["metadata"]["finalizers"] == ["foregroundDeletion"]
    await http("PATCH", f"{path}/child", {"metadata": {"finalizers": None}}, kind=MERGE)
    await until(lambda: gone(http, f"{path}/owner"), "then the owner goes")


async def test_namespaces_empty_themselves_and_take_nothing_new(http: Http) -> None:
    await http("POST", "/api/v1/namespaces", {"metadata": {"name": "team"}}, 201)
    held = {"metadata": {"name": "held", "finalizers": ["example.com/wait"]}}
    await http("POST", "/api/v1/namespaces/team/configmaps", held, 201)
    marked = await http("DELETE", "/api/v1/namespaces/team")
    assert marked["status"]["phase"] == "Terminating"
    status = await http("POST", "/api/v1/namespaces/team/configmaps", {"metadata": {"name": "new"}}, 403)
    assert status["message"] == (
        'configmaps "new" is forbidden: unable to create new content in namespace team '
        "because it is being terminated"
    )
    await http(
        "PATCH", "/api/v1/namespaces/team/configmaps/held", {"metadata": {"finalizers": None}}, kind=MERGE
    )
    await until(lambda: gone(http, "/api/v1/namespaces/team"), "the namespace goes with its last object")


async def test_pods_on_a_node_wait_for_their_kubelet(http: Http) -> None:
    pod: dict[str, Any] = {
        "metadata": {"name": "p"},
        "spec": {"nodeName": "lab", "containers": [{"name": "a", "image": "i"}]},
    }
    made = await http("POST", f"{CORE}/pods", pod, 201)
    assert made["status"]["phase"] == "Pending"
    marked = await http("DELETE", f"{CORE}/pods/p")
    assert marked["metadata"]["deletionGracePeriodSeconds"] == 30
    await http("GET", f"{CORE}/pods/p")
    await http("DELETE", f"{CORE}/pods/p", {"gracePeriodSeconds": 0})
    await http("GET", f"{CORE}/pods/p", code=404)
    del pod["spec"]["nodeName"]
    await http("POST", f"{CORE}/pods", pod, 201)
    await http("DELETE", f"{CORE}/pods/p")
    await http("GET", f"{CORE}/pods/p", code=404)


# --- CRDs and logs ---


async def test_a_crd_at_run_time_comes_and_goes_with_its_objects(http: Http) -> None:
    crds = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
    crd = json.loads(json.dumps(WIDGET_CRD).replace("idget", "adget"))
    made = await http("POST", crds, crd, 201)
    conditions = {row["type"]: row["status"] for row in made["status"]["conditions"]}
    assert conditions == {"NamesAccepted": "True", "Established": "True"}
    path = "/apis/example.com/v1/namespaces/default/wadgets"
    await http("POST", path, {"kind": "Wadget", "metadata": {"name": "a"}, "spec": {"size": 1}}, 201)
    await http("DELETE", f"{crds}/wadgets.example.com")
    await until(lambda: gone(http, path), "the kind is no longer served")
    await http("POST", crds, {**crd, "metadata": {"name": "wrong.example.com"}}, 422)


async def test_logs_are_files(lab: Lab, http: Http, tmp_path: Path) -> None:
    file = tmp_path / "app.log"
    file.write_text("one\ntwo\nthree\n")
    asked: list[tuple[str, str, str | None]] = []

    def pod_log(namespace: str, name: str, container: str | None) -> Path | None:
        asked.append((namespace, name, container))
        return file if name == "p" else None

    lab.server.pod_log = pod_log
    for name in ("p", "q"):
        pod = {"metadata": {"name": name}, "spec": {"containers": [{"name": "app", "image": "i"}]}}
        await http("POST", f"{CORE}/pods", pod, 201)
    assert await http("GET", f"{CORE}/pods/p/log", container="app") == "one\ntwo\nthree\n"
    assert await http("GET", f"{CORE}/pods/p/log", tailLines="1") == "three\n"
    assert asked == [("default", "p", "app"), ("default", "p", None)]
    assert "has written no log yet" in (await http("GET", f"{CORE}/pods/q/log", code=400))["message"]
    await http("GET", f"{CORE}/pods/nobody/log", code=404)
    async with http.session.get(
        f"{CORE}/pods/p/log", params={"follow": "true", "tailLines": "0"}
    ) as response:
        with file.open("a") as output:
            output.write("four\n")
        assert await asyncio.wait_for(response.content.readline(), 5) == b"four\n"
        await http("DELETE", f"{CORE}/pods/p")
        assert await asyncio.wait_for(response.content.read(), 5) == b""
