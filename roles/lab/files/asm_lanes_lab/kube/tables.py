"""Tables as ``kubectl get`` shows them (``meta.k8s.io/v1 Table``)."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timezone
from typing import Any

from .resources import Column, Resource

Obj = dict[str, Any]
Cells = Callable[[Obj], list[Any]]

_FILTER = re.compile(r"""^\?\(@\.(?P<key>[\w.]+)\s*==\s*["'](?P<value>[^"']*)["']\)$""")


def table(resource: Resource, objects: list[Obj], metadata: Obj, include: str = "Metadata") -> Obj:
    """A Table of *objects*; *include* says how much of each object a row carries (None, Metadata, Object)."""
    columns, cells = _layout(resource)
    rows = []
    for obj in objects:
        row: Obj = {"cells": cells(obj)}
        if include == "Object":
            row["object"] = obj
        elif include != "None":
            partial = {
                "kind": "PartialObjectMetadata",
                "apiVersion": "meta.k8s.io/v1",
                "metadata": obj["metadata"],
            }
            row["object"] = partial
        rows.append(row)
    definitions = [
        {
            "name": column.name,
            "type": "string" if column.type == "date" else column.type,
            "format": "name" if column.name == "Name" else "",
            "description": column.description,
            "priority": column.priority,
        }
        for column in columns
    ]
    return {
        "kind": "Table",
        "apiVersion": "meta.k8s.io/v1",
        "metadata": metadata,
        "columnDefinitions": definitions,
        "rows": rows,
    }


def age(timestamp: str | None, now: datetime | None = None) -> str:
    """How long ago, as kubectl prints it: 5s, 3m20s, 5h, 12d."""
    if not timestamp:
        return "<unknown>"
    then = datetime.strptime(timestamp[:19], "%Y-%m-%dT%H:%M:%S").replace(tzinfo=timezone.utc)
    seconds = max(0, int(((now or datetime.now(timezone.utc)) - then).total_seconds()))
    minutes, hours, days = seconds // 60, seconds // 3600, seconds // 86400
    if seconds < 120:
        return f"{seconds}s"
    if minutes < 10:
        return f"{minutes}m{seconds % 60}s" if seconds % 60 else f"{minutes}m"
    if hours < 3:
        return f"{minutes}m"
    return f"{hours}h" if days < 2 else f"{days}d"


def json_path(obj: Any, path: str) -> Any:
    """The value at a simple JSON path (fields, indexes, one filter by equality); None if there is none."""
    values = [obj]
    for step in re.findall(r"\.?([\w\-]+(?:\\\.[\w\-/]+)*)|\[([^\]]+)\]", path):
        name, bracket = step[0].replace("\\.", "."), step[1]
        values = [found for value in values for found in _step(value, name, bracket)]
    values = [value for value in values if value is not None]
    return values[0] if len(values) == 1 else (values or None)


def _step(value: Any, name: str, bracket: str) -> list[Any]:
    if name:
        return [value.get(name)] if isinstance(value, dict) else []
    if bracket.strip("'\"") != bracket:
        return [value.get(bracket.strip("'\""))] if isinstance(value, dict) else []
    if not isinstance(value, list):
        return []
    if bracket == "*":
        return value
    if found := _FILTER.match(bracket):
        return [item for item in value if str(json_path(item, "." + found["key"])) == found["value"]]
    return value[int(bracket) : int(bracket) + 1] if bracket.isdigit() else []


def _layout(resource: Resource) -> tuple[list[Column], Cells]:
    if resource.custom:
        return _custom(resource)
    names, cells = _BUILTIN.get(resource.kind, (["Name", "Age"], lambda obj: []))
    layout = [Column(name.rstrip("*"), "string", "", 1 if name.endswith("*") else 0) for name in names]

    def row(obj: Obj) -> list[Any]:
        metadata, between = obj["metadata"], iter(cells(obj))
        known = {"Name": metadata["name"], "Age": age(metadata.get("creationTimestamp"))}
        return [known[column.name] if column.name in known else next(between) for column in layout]

    return layout, row


def _custom(resource: Resource) -> tuple[list[Column], Cells]:
    declared = list(resource.columns) or [Column("Age", "date", ".metadata.creationTimestamp")]

    def row(obj: Obj) -> list[Any]:
        cells: list[Any] = [obj["metadata"]["name"]]
        for column in declared:
            value = json_path(obj, column.path)
            cells.append(age(value) if column.type == "date" and isinstance(value, str) else value)
        return cells

    return [Column("Name", "string", ".metadata.name"), *declared], row


def _get(obj: Obj, path: str, default: Any = None) -> Any:
    value = json_path(obj, path)
    return default if value is None else value


def _pod(obj: Obj) -> list[Any]:
    statuses = _get(obj, ".status", {}).get("containerStatuses") or []
    ready = sum(bool(status.get("ready")) for status in statuses)
    total = len(_get(obj, ".spec", {}).get("containers") or [])
    restarts = sum(status.get("restartCount", 0) for status in statuses)
    state = _get(obj, ".status.reason") or _get(obj, ".status.phase", "Unknown")
    for status in statuses:
        waiting = (
            (status.get("state") or {}).get("waiting") or (status.get("state") or {}).get("terminated") or {}
        )
        state = waiting.get("reason") or state
    if obj["metadata"].get("deletionTimestamp"):
        state = "Terminating"
    return [
        f"{ready}/{total}",
        state,
        restarts,
        _get(obj, ".status.podIP", "<none>"),
        _get(obj, ".spec.nodeName", "<none>"),
    ]


def _service(obj: Obj) -> list[Any]:
    spec = obj["spec"]
    ports = []
    for port in spec.get("ports") or []:
        number = f"{port['port']}:{port['nodePort']}" if port.get("nodePort") else str(port["port"])
        ports.append(f"{number}/{port.get('protocol', 'TCP')}")
    ingress = _get(obj, ".status.loadBalancer", {}).get("ingress") or []
    outside = ",".join(row.get("ip") or row.get("hostname") or "" for row in ingress)
    if not outside:
        outside = "<pending>" if spec["type"] == "LoadBalancer" else "<none>"
    selector = ",".join(f"{key}={value}" for key, value in sorted((spec.get("selector") or {}).items()))
    return [
        spec["type"],
        spec.get("clusterIP", "<none>"),
        outside,
        ",".join(ports) or "<none>",
        selector or "<none>",
    ]


def _deployment(obj: Obj) -> list[Any]:
    status = obj.get("status") or {}
    containers = _get(obj, ".spec.template.spec", {}).get("containers") or []
    return [
        f"{status.get('readyReplicas', 0)}/{obj['spec'].get('replicas', 0)}",
        status.get("updatedReplicas", 0),
        status.get("availableReplicas", 0),
        ",".join(container["name"] for container in containers),
        ",".join(container.get("image", "") for container in containers),
    ]


def _replica_set(obj: Obj) -> list[Any]:
    status = obj.get("status") or {}
    return [obj["spec"].get("replicas", 0), status.get("replicas", 0), status.get("readyReplicas", 0)]


def _event(obj: Obj) -> list[Any]:
    about = obj.get("involvedObject") or {}
    seen = obj.get("lastTimestamp") or obj.get("eventTime") or obj["metadata"].get("creationTimestamp")
    subject = f"{about.get('kind', '').lower()}/{about.get('name', '')}"
    return [age(seen), obj.get("type", ""), obj.get("reason", ""), subject, obj.get("message", "")]


_BUILTIN: dict[str, tuple[list[str], Cells]] = {
    "Pod": (["Name", "Ready", "Status", "Restarts", "Age", "IP*", "Node*"], _pod),
    "Service": (["Name", "Type", "Cluster-IP", "External-IP", "Port(s)", "Age", "Selector*"], _service),
    "Deployment": (
        ["Name", "Ready", "Up-to-date", "Available", "Age", "Containers*", "Images*"],
        _deployment,
    ),
    "ReplicaSet": (["Name", "Desired", "Current", "Ready", "Age"], _replica_set),
    "Event": (["Last Seen", "Type", "Reason", "Object", "Message", "Name*"], _event),
    "Namespace": (["Name", "Status", "Age"], lambda obj: [_get(obj, ".status.phase", "")]),
    "ConfigMap": (
        ["Name", "Data", "Age"],
        lambda obj: [len({**(obj.get("data") or {}), **(obj.get("binaryData") or {})})],
    ),
    "Secret": (
        ["Name", "Type", "Data", "Age"],
        lambda obj: [obj.get("type", ""), len(obj.get("data") or {})],
    ),
    "CustomResourceDefinition": (
        ["Name", "Created At"],
        lambda obj: [obj["metadata"].get("creationTimestamp")],
    ),
    "Lease": (["Name", "Holder", "Age"], lambda obj: [_get(obj, ".spec.holderIdentity", "")]),
}
"""Columns (``*``: only with -o wide), and the cells of all but Name and Age."""
