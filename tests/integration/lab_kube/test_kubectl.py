"""kubectl, as people use it."""

from __future__ import annotations

import json
from pathlib import Path

import yaml
from integration.lab_kube.harness import Lab, config_map, deployment, widget


def manifests(*objects: object) -> str:
    return yaml.safe_dump_all(objects)


def test_apply_twice_client_side_and_server_side(lab: Lab) -> None:
    text = manifests(deployment(), config_map("c", a="1"), widget())
    assert lab.kubectl("apply", "-f-", stdin=text).count("created") == 3
    writes = lab.server.stats["writes"]
    assert lab.kubectl("apply", "-f-", stdin=text).count("unchanged") == 3
    assert lab.server.stats["writes"] == writes
    assert lab.kubectl("diff", "-f-", stdin=text) == ""
    changed = text.replace("img:1", "img:2")
    difference = lab.kubectl("diff", "-f-", stdin=changed, code=1)
    assert "image: img:2" in difference
    assert lab.server.stats["writes"] == writes
    assert lab.kubectl("apply", "--server-side", "-f-", stdin=text).count("serverside-applied") == 3
    writes = lab.server.stats["writes"]
    lab.kubectl("apply", "--server-side", "-f-", stdin=text)
    assert lab.server.stats["writes"] == writes


def test_a_changed_custom_resource_is_applied_again(lab: Lab) -> None:
    """Once refused with 415: OpenAPI promised a strategic merge, which custom resources do not have."""
    lab.kubectl("apply", "-f-", stdin=manifests(widget()))
    changed = widget()
    changed["metadata"]["labels"] = {"changed": "yes"}
    assert "configured" in lab.kubectl("apply", "-f-", stdin=manifests(changed))


def test_conflicts_between_kubectl_and_others(lab: Lab) -> None:
    lab.kubectl(
        "apply", "--server-side", "--field-manager=one", "-f-", stdin=manifests(deployment(replicas=1))
    )
    text = manifests(deployment(replicas=2))
    out = lab.kubectl("apply", "--server-side", "-f-", stdin=text, code=1)
    assert 'conflict with "one": .spec.replicas' in out
    lab.kubectl("apply", "--server-side", "--force-conflicts", "-f-", stdin=text)
    assert lab.kubectl("get", "deploy", "web", "-ojsonpath={.spec.replicas}") == "2"


def test_tables(lab: Lab) -> None:
    ports = [{"port": 80, "name": "http"}, {"port": 443, "name": "tls"}]
    service = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "s"}, "spec": {"ports": ports}}
    lab.kubectl("apply", "-f-", stdin=manifests(deployment(), service, widget(size=7)))
    header, row = lab.kubectl("get", "deploy").splitlines()
    assert header.split() == ["NAME", "READY", "UP-TO-DATE", "AVAILABLE", "AGE"]
    assert row.split()[:4] == ["web", "0/1", "0", "0"]
    assert "80/TCP,443/TCP" in lab.kubectl("get", "svc")
    assert lab.kubectl("get", "wd").split()[:5] == ["NAME", "SIZE", "READY", "w", "7"]
    assert "IMAGES" in lab.kubectl("get", "all", "-owide")
    assert lab.kubectl("get", "wd", "-o", "name") == "widget.example.com/w\n"


def test_events(lab: Lab) -> None:
    event = {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": "web.1", "namespace": "default"},
        "involvedObject": {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "name": "web",
            "namespace": "default",
        },
        "reason": "Failed",
        "message": "no such image",
        "type": "Warning",
        "lastTimestamp": "2026-01-01T00:00:00Z",
    }
    lab.kubectl("create", "-f-", stdin=manifests(deployment(), event))
    header, row = lab.kubectl("get", "events").splitlines()
    assert header.split() == ["LAST", "SEEN", "TYPE", "REASON", "OBJECT", "MESSAGE"]
    assert row.split()[1:] == ["Warning", "Failed", "deployment/web", "no", "such", "image"]
    assert "no such image" in lab.kubectl("events", "--for", "deployment/web")


def test_describe_explain_scale_restart_label_patch(lab: Lab) -> None:
    lab.kubectl("apply", "-f-", stdin=manifests(deployment(), widget()))
    assert "Image:         img:1" in lab.kubectl("describe", "deploy", "web")
    assert "Number of desired pods." in lab.kubectl("explain", "deployment.spec.replicas")
    assert "How big it is." in lab.kubectl("explain", "widget.spec.size")
    assert "scaled" in lab.kubectl("scale", "deploy/web", "--replicas=3")
    assert "restarted" in lab.kubectl("rollout", "restart", "deploy/web")
    lab.kubectl("set", "image", "deploy/web", "app=img:9")
    lab.kubectl("label", "deploy/web", "a=b")
    lab.kubectl("patch", "wd", "w", "--type=merge", "-p", '{"spec":{"size":5}}')
    obj = json.loads(lab.kubectl("get", "deploy", "web", "-ojson"))
    assert obj["spec"]["replicas"] == 3
    assert obj["metadata"]["labels"] == {"app": "web", "a": "b"}
    template = obj["spec"]["template"]
    assert template["spec"]["containers"][0]["image"] == "img:9"
    assert "kubectl.kubernetes.io/restartedAt" in template["metadata"]["annotations"]
    assert lab.kubectl("get", "deploy", "-lapp=web,a!=c", "-oname") == "deployment.apps/web\n"


def test_wait_and_rollout_status_see_changes_as_they_come(lab: Lab, tmp_path: Path) -> None:
    lab.kubectl("apply", "-f-", stdin=manifests(deployment()))
    condition = {"type": "Available", "status": "True", "reason": "R", "message": "m"}
    status = {
        "observedGeneration": 1,
        "replicas": 1,
        "updatedReplicas": 1,
        "readyReplicas": 1,
        "availableReplicas": 1,
        "conditions": [condition],
    }
    patch = json.dumps({"status": status})
    lab.kubectl("patch", "deploy", "web", "--subresource=status", "--type=merge", "-p", patch)
    assert "condition met" in lab.kubectl("wait", "deploy/web", "--for=condition=Available", "--timeout=5s")
    assert "successfully rolled out" in lab.kubectl("rollout", "status", "deploy/web", "--timeout=5s")
    assert "timed out" in lab.kubectl("wait", "deploy/web", "--for=condition=Other", "--timeout=0.2s", code=1)
    assert "deleted" in lab.kubectl("delete", "deploy/web", "--wait", "--timeout=5s")
    assert "NotFound" in lab.kubectl("get", "deploy", "web", code=1)


def test_namespaces_are_deleted_and_waited_for(lab: Lab) -> None:
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "team"}}
    lab.kubectl("create", "-f-", stdin=manifests(namespace))
    lab.kubectl(
        "apply", "-f-", stdin=manifests({**config_map("c"), "metadata": {"name": "c", "namespace": "team"}})
    )
    lab.kubectl("delete", "ns", "team", "--timeout=10s")
    assert "NotFound" in lab.kubectl("get", "ns", "team", code=1)


def test_errors_as_people_see_them(lab: Lab) -> None:
    out = lab.kubectl("apply", "-f-", stdin=manifests(deployment(replicaz=1)), code=1)
    assert 'unknown field "spec.replicaz"' in out
    out = lab.kubectl("apply", "-f-", stdin=manifests(widget(size=-1)), code=1)
    assert 'The Widget "w" is invalid: \n* spec.size: Invalid value: -1' in out
    out = lab.kubectl("--token=wrong", "get", "pods", code=1)
    assert "must be logged in" in out or "Unauthorized" in out
    out = lab.kubectl("create", "ns", "team", code=1)
    assert "the lab does not read protobuf; use files: kubectl create -f" in out
