"""Rules for names, label keys and label values, in the words of k8s.io/apimachinery/pkg/util/validation."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from .errors import Cause, invalid, required

_LABEL = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?"
_SUBDOMAIN = rf"{_LABEL}(\.{_LABEL})*"
_LABEL_1035 = r"[a-z]([-a-z0-9]*[a-z0-9])?"
_QUALIFIED = r"([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]"
_VALUE = rf"({_QUALIFIED})?"

_SUBDOMAIN_WORDS = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must "
    "start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is "
    f"'{_SUBDOMAIN}')"
)
_LABEL_WORDS = (
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start "
    "and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is "
    f"'{_LABEL}')"
)
_LABEL_1035_WORDS = (
    "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic "
    "character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for "
    f"validation is '{_LABEL_1035}')"
)
_QUALIFIED_WORDS = (
    "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an "
    "alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is "
    f"'{_QUALIFIED}')"
)
_VALUE_WORDS = (
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must "
    "start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used "
    f"for validation is '{_VALUE}')"
)

Check = Callable[[str], list[str]]


def _check(text: str, pattern: str, words: str, limit: int) -> list[str]:
    problems = [] if len(text) <= limit else [f"must be no more than {limit} characters"]
    return problems if re.fullmatch(pattern, text) else [*problems, words]


def subdomain(text: str) -> list[str]:
    """What is wrong with *text* as an RFC 1123 subdomain (most names)."""
    return _check(text, _SUBDOMAIN, _SUBDOMAIN_WORDS, 253)


def label(text: str) -> list[str]:
    """What is wrong with *text* as an RFC 1123 label (namespaces, containers)."""
    return _check(text, _LABEL, _LABEL_WORDS, 63)


def label_1035(text: str) -> list[str]:
    """What is wrong with *text* as an RFC 1035 label (Services)."""
    return _check(text, _LABEL_1035, _LABEL_1035_WORDS, 63)


def path_segment(text: str) -> list[str]:
    """What is wrong with *text* as a part of a URL (Roles and the like)."""
    if text in (".", ".."):
        return [f"may not be '{text}'"]
    return [f"may not contain '{sign}'" for sign in "/%" if sign in text]


def label_value(text: str) -> list[str]:
    """What is wrong with *text* as a label value."""
    return _check(text, _VALUE, _VALUE_WORDS, 63)


def qualified_name(text: str) -> list[str]:
    """What is wrong with *text* as a label or annotation key, ``[prefix/]name``."""
    prefix, slash, name = text.rpartition("/")
    problems = []
    if slash:
        problems += (
            ["prefix part must be non-empty"]
            if not prefix
            else [f"prefix part {p}" for p in subdomain(prefix)]
        )
    if not name:
        problems.append("name part must be non-empty")
    elif len(name) > 63:
        problems.append("name part must be no more than 63 characters")
    if not re.fullmatch(_QUALIFIED, name):
        problems.append(_QUALIFIED_WORDS)
    return problems


_BY_KIND: dict[str, Check] = {"Namespace": label, "Service": label_1035}


def metadata_causes(kind: str, metadata: dict[str, Any]) -> list[Cause]:
    """Everything wrong with the name, labels, annotations and owner references of an object."""
    name = metadata.get("name")
    causes: list[Cause] = []
    if not name:
        causes.append(required("metadata.name", "name or generateName is required"))
    else:
        check = _BY_KIND.get(kind, subdomain)
        causes += [invalid("metadata.name", name, problem) for problem in check(str(name))]
    causes += label_causes("metadata.labels", metadata.get("labels"))
    for key in metadata.get("annotations") or {}:
        causes += [invalid("metadata.annotations", key, problem) for problem in qualified_name(key.lower())]
    for finalizer in metadata.get("finalizers") or []:
        causes += [
            invalid("metadata.finalizers", finalizer, problem) for problem in qualified_name(finalizer)
        ]
    for index, owner in enumerate(metadata.get("ownerReferences") or []):
        path = f"metadata.ownerReferences[{index}]"
        for field in ("apiVersion", "kind", "name", "uid"):
            if not owner.get(field):
                causes.append(invalid(f"{path}.{field}", owner.get(field, ""), "must not be empty"))
    return causes


def label_causes(path: str, labels: dict[str, Any] | None) -> list[Cause]:
    """Everything wrong with a map of labels at *path*."""
    causes: list[Cause] = []
    for key, value in (labels or {}).items():
        causes += [invalid(path, key, problem) for problem in qualified_name(key)]
        causes += [invalid(path, value, problem) for problem in label_value(str(value))]
    return causes
