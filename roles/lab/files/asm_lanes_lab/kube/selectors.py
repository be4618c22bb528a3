"""Label and field selectors: parse once, match many.

Grammar as in k8s.io/apimachinery/pkg/labels: ``a=b, a==b, a!=b, a in (x,y), a notin (x), a, !a``.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from .errors import bad_request

Obj = dict[str, Any]
Predicate = Callable[[Obj], bool]

_SET = re.compile(r"^(?P<key>[^\s!=,()]+)\s+(?P<op>in|notin)\s*\((?P<values>[^()]*)\)$")
_EQUAL = re.compile(r"^(?P<key>[^\s!=,()]+)\s*(?P<op>==|!=|=)\s*(?P<value>[^\s!=,()]*)$")
_EXISTS = re.compile(r"^(?P<not>!?)\s*(?P<key>[^\s!=,()]+)$")
_COMMA = re.compile(r",(?![^(]*\))")

_COMMON = {"metadata.name", "metadata.namespace"}
FIELDS: dict[str, set[str]] = {
    "Pod": {
        "spec.nodeName",
        "spec.restartPolicy",
        "spec.schedulerName",
        "spec.serviceAccountName",
        "status.phase",
        "status.podIP",
        "status.nominatedNodeName",
        "spec.hostNetwork",
    },
    "Event": {
        "involvedObject.kind",
        "involvedObject.namespace",
        "involvedObject.name",
        "involvedObject.uid",
        "involvedObject.apiVersion",
        "involvedObject.resourceVersion",
        "involvedObject.fieldPath",
        "reason",
        "reportingComponent",
        "source",
        "type",
    },
    "Namespace": {"status.phase"},
    "Secret": {"type"},
    "Service": {"spec.clusterIP", "spec.type"},
    "ReplicaSet": {"status.replicas"},
    "Node": {"spec.unschedulable"},
}
"""Field selectors that a kind supports beside ``metadata.name`` and ``metadata.namespace``."""


def everything(_unused: Obj) -> bool:
    """The selector that selects all."""
    return True


def label_selector(text: str | None) -> Predicate:
    """The predicate of a label selector in a query; 400 if it cannot be parsed."""
    if not text or not text.strip():
        return everything
    tests = [_label_test(part.strip()) for part in _COMMA.split(text)]
    return lambda obj: all(test(_labels(obj)) for test in tests)


def field_selector(text: str | None, kind: str, extra: set[str] | None = None) -> Predicate:
    """The predicate of a field selector for *kind*; 400 if it or one of its fields is not understood."""
    if not text or not text.strip():
        return everything
    tests = [_field_test(part.strip(), kind, extra or set()) for part in text.split(",") if part.strip()]
    return lambda obj: all(test(obj) for test in tests)


def match_labels(selector: Obj | None, labels: dict[str, str]) -> bool:
    """Whether a ``LabelSelector`` (matchLabels, matchExpressions) selects *labels*; None selects nothing."""
    if selector is None:
        return False
    if any(labels.get(key) != value for key, value in (selector.get("matchLabels") or {}).items()):
        return False
    return all(_expression(rule, labels) for rule in selector.get("matchExpressions") or [])


def _expression(rule: Obj, labels: dict[str, str]) -> bool:
    value, values = labels.get(rule["key"]), rule.get("values") or []
    tests = {
        "In": value in values,
        "NotIn": value not in values,
        "Exists": value is not None,
        "DoesNotExist": value is None,
    }
    return tests.get(rule["operator"], False)


def _labels(obj: Obj) -> dict[str, str]:
    return obj.get("metadata", {}).get("labels") or {}


def _label_test(part: str) -> Callable[[dict[str, str]], bool]:
    if found := _SET.match(part):
        key, values = found["key"], {value.strip() for value in found["values"].split(",")}
        wanted = found["op"] == "in"
        # "notin" also selects objects without the label, as in Kubernetes.
        return lambda labels: (labels.get(key) in values) is wanted
    if found := _EQUAL.match(part):
        key, value, equal = found["key"], found["value"], found["op"] != "!="
        return lambda labels: (labels.get(key) == value) is equal
    if found := _EXISTS.match(part):
        key, wanted = found["key"], not found["not"]
        return lambda labels: (key in labels) is wanted
    raise bad_request(f"unable to parse requirement: {part!r} is not a valid label selector requirement")


def _field_test(part: str, kind: str, extra: set[str]) -> Predicate:
    found = _EQUAL.match(part)
    if not found:
        raise bad_request(f"invalid field selector: {part!r}; can't understand '{part}'")
    path, value, equal = found["key"], found["value"], found["op"] != "!="
    if path not in _COMMON | FIELDS.get(kind, set()) | extra:
        raise bad_request(f"field label not supported: {path}")
    return lambda obj: (_text(obj, path) == value) is equal


def _text(obj: Obj, path: str) -> str:
    value: Any = obj
    for name in path.split("."):
        value = value.get(name) if isinstance(value, dict) else None
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)
