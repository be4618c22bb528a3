"""Rules of the built-in kinds beyond their schemas: what must hold at creation, what may not change later."""

from __future__ import annotations

from typing import Any

from . import crds, names
from .errors import Cause, forbidden_field, invalid, not_supported, required, show
from .objects import at
from .resources import Resource
from .selectors import match_labels
from .validation import missing_fields, violations

Obj = dict[str, Any]

_LENIENT = {
    "Event": ("metadata", "involvedObject", "status"),
    "EndpointSlice": ("status", "endpoints"),
}
_IMMUTABLE = "field is immutable"
_AFFINITIES = ["ClientIP", "None"]
_PROTOCOLS = ["SCTP", "TCP", "UDP"]
_RESTART_POLICIES = ["Always", "OnFailure", "Never"]
_SERVICE_TYPES = ["ClusterIP", "ExternalName", "LoadBalancer", "NodePort"]


def causes(resource: Resource, obj: Obj, old: Obj | None) -> list[Cause]:
    """Everything wrong with *obj*, which is new or replaces *old*."""
    found = names.metadata_causes(resource.kind, obj["metadata"])
    if resource.custom:
        return found + violations(resource.schema, obj) + _scalable(resource, obj)
    missing = missing_fields(resource.schema, obj, _LENIENT.get(resource.kind, ("status",)))
    check = _CHECKS.get(resource.kind)
    if check is _workload and {cause.field for cause in missing} <= {"spec.selector", "spec.template"}:
        missing = []  # it says so itself, and what follows from it
    # The checks below read the fields that are required, so they come only when these are there.
    return found + missing + (check(obj, old) if check and not missing else [])


def _scalable(resource: Resource, obj: Obj) -> list[Cause]:
    """What is wrong with the replicas of a custom resource that can be scaled."""
    path = resource.scale.spec_path if resource.scale else ""
    replicas = at(obj, path) if path else None
    if replicas is None:
        return []
    if isinstance(replicas, bool) or not isinstance(replicas, int):
        return [invalid(path, 0, f"{path} accessor error: {show(replicas)} is not of the type int64")]
    return [invalid(path, replicas, "should be a non-negative integer")] if replicas < 0 else []


def _workload(obj: Obj, old: Obj | None) -> list[Cause]:
    spec = obj["spec"] if obj.get("spec") else {}
    found = [required(f"spec.{name}") for name in ("selector", "template") if not spec.get(name)]
    if spec.get("template") and not spec.get("selector"):
        labels = (spec["template"].get("metadata") or {}).get("labels") or {}
        found.append(_unselected(labels))
    if found:
        return found
    selector, template = spec["selector"], spec["template"]
    labels = (template.get("metadata") or {}).get("labels") or {}
    found += names.label_causes("spec.template.labels", labels)
    found += names.label_causes("spec.selector.matchLabels", selector.get("matchLabels"))
    if not selector.get("matchLabels") and not selector.get("matchExpressions"):
        found.append(invalid("spec.selector", selector, "empty selector is invalid for deployment"))
    elif not match_labels(selector, labels):
        found.append(_unselected(labels))
    if spec.get("replicas", 1) < 0:
        found.append(invalid("spec.replicas", spec["replicas"], "must be greater than or equal to 0"))
    strategy = spec.get("strategy") or {}
    if strategy.get("type") == "Recreate" and strategy.get("rollingUpdate") is not None:
        path = "spec.strategy.rollingUpdate"
        found.append(forbidden_field(path, "may not be specified when strategy `type` is 'Recreate'"))
    found += _pod_spec("spec.template.spec", template.get("spec") or {})
    if old and old["spec"].get("selector") != selector:
        found.append(invalid("spec.selector", selector, _IMMUTABLE))
    return found


def _unselected(labels: Obj) -> Cause:
    return invalid("spec.template.metadata.labels", labels, "`selector` does not match template `labels`")


def _pod_spec(path: str, spec: Obj) -> list[Cause]:
    containers = spec.get("containers") or []
    found = [] if containers else [required(f"{path}.containers")]
    seen: set[str] = set()
    for index, container in enumerate(containers):
        where = f"{path}.containers[{index}]"
        name = container.get("name", "")
        found += [invalid(f"{where}.name", name, problem) for problem in names.label(name)]
        if name in seen:
            found.append(Cause("FieldValueDuplicate", f"{where}.name", f'Duplicate value: "{name}"'))
        seen.add(name)
        if not container.get("image"):
            found.append(required(f"{where}.image"))
        for number, port in enumerate(container.get("ports") or []):
            found += _port(f"{where}.ports[{number}].containerPort", port.get("containerPort"))
    return found


def _port(path: str, value: Any) -> list[Cause]:
    if isinstance(value, int) and 0 < value < 65536:
        return []
    if not value and path.endswith(".containerPort"):
        return [required(path)]
    return [invalid(path, value, "must be between 1 and 65535, inclusive")]


def _pod(obj: Obj, old: Obj | None) -> list[Cause]:
    found = _pod_spec("spec", obj.get("spec") or {})
    policy = obj["spec"]["restartPolicy"]
    if policy not in _RESTART_POLICIES:
        found.append(not_supported("spec.restartPolicy", policy, _RESTART_POLICIES))
    if old and _frozen_pod(old["spec"]) != _frozen_pod(obj["spec"]):
        detail = (
            "pod updates may not change fields other than `spec.containers[*].image`,"
            "`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions "
            "to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it "
            "was previously negative)"
        )
        found.append(forbidden_field("spec", detail))
    return found


def _frozen_pod(spec: Obj) -> Obj:
    """The part of a pod's spec that never changes; a pod may be bound to a node once."""
    frozen = {
        key: value
        for key, value in spec.items()
        if key not in ("activeDeadlineSeconds", "tolerations", "nodeName", "terminationGracePeriodSeconds")
    }
    for name in ("containers", "initContainers"):
        frozen[name] = [{**container, "image": ""} for container in spec.get(name) or []]
    return frozen


def _service(obj: Obj, old: Obj | None) -> list[Cause]:
    spec = obj["spec"]
    found = (
        [] if spec["type"] in _SERVICE_TYPES else [not_supported("spec.type", spec["type"], _SERVICE_TYPES)]
    )
    ports = spec.get("ports") or []
    headless, exposed = spec.get("clusterIP") == "None", spec["type"] in ("NodePort", "LoadBalancer")
    if headless and exposed:
        words = f"may not be set to 'None' for {spec['type']} services"
        found.append(invalid("spec.clusterIPs[0]", "None", words))
    if spec["sessionAffinity"] not in _AFFINITIES:
        found.append(not_supported("spec.sessionAffinity", spec["sessionAffinity"], _AFFINITIES))
    if not ports and spec["type"] != "ExternalName" and spec.get("clusterIP") != "None":
        found.append(required("spec.ports"))
    found += names.label_causes("spec.selector", spec.get("selector"))
    found += _service_ports(ports)
    balanced = ((obj.get("status") or {}).get("loadBalancer") or {}).get("ingress")
    if balanced and spec["type"] != "LoadBalancer":
        words = "may only be used when `spec.type` is 'LoadBalancer'"
        found.append(forbidden_field("status.loadBalancer.ingress", words))
    before = (old or {}).get("spec", {})
    lasting = before.get("clusterIP") and "ExternalName" not in (before["type"], spec["type"])
    if lasting and spec.get("clusterIP") != before.get("clusterIP"):
        found.append(invalid("spec.clusterIPs[0]", spec.get("clusterIPs"), "may not change once set"))
    return found


def _service_ports(ports: list[Obj]) -> list[Cause]:
    found: list[Cause] = []
    seen: set[str] = set()
    for index, port in enumerate(ports):
        where = f"spec.ports[{index}]"
        found += _port(f"{where}.port", port["port"])
        if isinstance(port.get("targetPort"), int):
            found += _port(f"{where}.targetPort", port["targetPort"])
        if port["protocol"] not in _PROTOCOLS:
            found.append(not_supported(f"{where}.protocol", port["protocol"], _PROTOCOLS))
        name = port.get("name", "")
        if len(ports) > 1 and not name:
            found.append(required(f"{where}.name"))
        if name and name in seen:
            found.append(Cause("FieldValueDuplicate", f"{where}.name", f'Duplicate value: "{name}"'))
        seen.add(name)
    return found


def _data(obj: Obj, old: Obj | None) -> list[Cause]:
    found = []
    for key in {**(obj.get("data") or {}), **(obj.get("binaryData") or {})}:
        if not key or len(key) > 253 or not all(sign.isalnum() or sign in "-_." for sign in key):
            words = "a valid config key must consist of alphanumeric characters, '-', '_' or '.'"
            found.append(invalid(f"data[{key}]", key, words))
    if old and old.get("immutable"):
        for name in ("data", "binaryData"):
            if old.get(name) != obj.get(name):
                found.append(
                    Cause(
                        "FieldValueForbidden", name, "Forbidden: field is immutable when `immutable` is set"
                    )
                )
    if old and obj.get("type") != old.get("type"):
        found.append(invalid("type", obj.get("type"), _IMMUTABLE))
    return found


def _crd(obj: Obj, old: Obj | None) -> list[Cause]:
    found = crds.causes(obj)
    if old and not found:
        for path in ("group", "scope"):
            if old["spec"][path] != obj["spec"][path]:
                found.append(invalid(f"spec.{path}", obj["spec"][path], _IMMUTABLE))
    return found


_CHECKS = {
    "Deployment": _workload,
    "ReplicaSet": _workload,
    "Pod": _pod,
    "Service": _service,
    "ConfigMap": _data,
    "Secret": _data,
    "CustomResourceDefinition": _crd,
}
