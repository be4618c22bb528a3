"""What two API servers must agree on: answers without chance, time and documented limits of the lab."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator
from typing import Any

from planes import Answer

Obj = dict[str, Any]

#: Metadata that differ between any two servers.
_VOLATILE = ("uid", "resourceVersion", "creationTimestamp", "managedFields", "selfLink")
#: Admission plug-ins of a cluster that the lab does not imitate (kube/README.md): what they put into a pod.
_ADMITTED = ("serviceAccountName", "serviceAccount", "tolerations", "priority", "preemptionPolicy", "volumes")
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


def outcome(answer: Answer) -> Any:
    """An answer in the form in which two servers must give the same."""
    body = answer.body
    if not isinstance(body, dict):
        return {"code": answer.code, "text": bool(body)}
    if body.get("kind") == "Status":
        return {"code": answer.code, "status": _status(body)}
    if body.get("kind", "").endswith("List") and "items" in body:
        kind = body["kind"].removesuffix("List")
        items = [neutral(item, kind) for item in body["items"]]
        metadata = {"more": bool(body["metadata"].get("continue"))}
        return {"code": answer.code, "kind": body["kind"], "items": items, "metadata": metadata}
    return {"code": answer.code, "object": neutral(body), "warnings": len(answer.warnings)}


def _status(status: Obj) -> Obj:
    """What machines read: code, reason, fields of the causes. The message is for people, and not compared."""
    details = status.get("details") or {}
    causes = {(cause.get("field", ""), cause.get("reason", "")) for cause in details.get("causes") or []}
    kept = {key: details.get(key) for key in ("name", "group", "kind")}
    kept["causes"] = sorted(causes)
    return {"status": status.get("status"), "reason": status.get("reason"), "details": kept}


def neutral(obj: Obj, kind: str = "") -> Obj:
    """An object without what is chance or time; *kind*: of an item of a list, which does not tell."""
    made = copy.deepcopy(obj)
    metadata = made.get("metadata") or {}
    for name in _VOLATILE:
        metadata.pop(name, None)
    if "deletionTimestamp" in metadata:
        metadata["deletionTimestamp"] = "<set>"
    made.pop("code", None)
    kind = made.get("kind") or kind
    if kind == "Service":
        _allocated(made["spec"])
    if kind == "Pod":
        _admitted(made)
        for row in (made.get("status") or {}).get("conditions") or []:
            for name in [name for name, value in row.items() if value is None]:
                del row[name]  # a time that nobody has given is null in a cluster
    if kind == "Namespace":
        (made.get("status") or {}).pop("conditions", None)  # written in the background, while it ends
    return made


def _allocated(spec: Obj) -> None:
    if spec.get("clusterIP") not in (None, "None", "10.96.77.77"):
        spec["clusterIP"] = "<allocated>"
        spec["clusterIPs"] = ["<allocated>"]
    for port in spec.get("ports") or []:
        if "nodePort" in port:
            port["nodePort"] = "<allocated>"


def _admitted(pod: Obj) -> None:
    for name in _ADMITTED:
        pod["spec"].pop(name, None)
    for container in pod["spec"].get("containers") or []:
        container.pop("volumeMounts", None)
    (pod.get("status") or {}).pop("qosClass", None)


def differences(one: Any, other: Any, path: str = "") -> Iterator[str]:
    """Where two outcomes differ, one line each: the first server's value, then the other's."""
    if isinstance(one, dict) and isinstance(other, dict):
        for key in sorted(one.keys() | other.keys(), key=str):
            where = f"{path}.{key}" if path else str(key)
            if key not in one or key not in other:
                yield f"{where}: {_show(one, key)} != {_show(other, key)}"
            else:
                yield from differences(one[key], other[key], where)
    elif isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        for index, (left, right) in enumerate(zip(one, other, strict=True)):
            yield from differences(left, right, f"{path}[{index}]")
    elif _plain(one) != _plain(other):
        yield f"{path}: {one!r} != {other!r}"


def _show(obj: Obj, key: Any) -> str:
    return repr(obj[key]) if key in obj else "(none)"


def _plain(value: Any) -> Any:
    return _UUID.sub("<uid>", value) if isinstance(value, str) else value
