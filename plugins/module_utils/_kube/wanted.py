# Copyright (c) 2026, asm.lanes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is wrong with a list of wanted objects, as far as no server is needed to see it. Pure.

A server looks at one object at a time: that two claim one name, or the same pods, only the list shows. Names
are looked at here, too, because an object in a namespace that is yet to come cannot be tried by a dry run.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

Object = dict[str, Any]

#: Kubernetes' rules for names (RFC 1123, and RFC 1035 for Services): kind -> pattern and words.
_SUBDOMAIN = (
    re.compile(r"(?=.{1,253}$)[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*"),
    "at most 253 lower case letters, digits, hyphens and dots, beginning and ending with a letter or digit",
)
_LABEL = (
    re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?"),
    "at most 63 lower case letters, digits and hyphens, beginning and ending with a letter or digit",
)
_SERVICE = (
    re.compile(r"[a-z]([-a-z0-9]{0,61}[a-z0-9])?"),
    "at most 63 lower case letters, digits and hyphens, beginning with a letter",
)
_RULES = {"Namespace": _LABEL, "Service": _SERVICE}


def problems(wanted: Sequence[Object]) -> list[str]:
    """Return a sentence for each problem; empty when there is none.

    Args:
        wanted: the objects, as manifests.
    """
    if not wanted:
        return ["objects: there is none"]
    found = list(_incomplete(wanted))
    return found or [*_misnamed(wanted), *_twice(wanted), *_same_pods(wanted)]


def _incomplete(wanted: Sequence[Object]) -> Iterator[str]:
    for number, item in enumerate(wanted):
        metadata = item.get("metadata")
        name = metadata.get("name") if isinstance(metadata, dict) else None
        fields = {"apiVersion": item.get("apiVersion"), "kind": item.get("kind"), "metadata.name": name}
        missing = [field for field, value in fields.items() if not isinstance(value, str) or not value]
        if missing:
            yield (
                f"objects[{number}]: {', '.join(missing)} is missing; every object needs apiVersion, kind "
                "and metadata.name, as in a manifest for kubectl"
            )


def _misnamed(wanted: Sequence[Object]) -> Iterator[str]:
    for item in wanted:
        kind, name = item["kind"], item["metadata"]["name"]
        namespace = item["metadata"].get("namespace")
        pattern, words = _RULES.get(kind, _SUBDOMAIN)
        if not pattern.fullmatch(name):
            yield f'{kind} "{name}": a name is {words}'
        if isinstance(namespace, str) and not _LABEL[0].fullmatch(namespace):
            yield f'{kind} "{name}": namespace "{namespace}": a name is {_LABEL[1]}'
        # Istio's schema lets any text through, and its traffic then ends in a 503.
        for host in _destinations(item.get("spec")) if kind == "VirtualService" else ():
            for part in host.split("."):
                if not _LABEL[0].fullmatch(part):
                    yield f'{kind} "{name}": destination host "{host}": "{part}": a name is {_LABEL[1]}'


def _destinations(part: Any) -> Iterator[str]:
    """The hosts that a VirtualService's routes lead to, of whatever protocol."""
    if isinstance(part, dict):
        target = part.get("destination")
        if isinstance(target, dict) and isinstance(target.get("host"), str):
            yield target["host"]
    inner = part.values() if isinstance(part, dict) else part if isinstance(part, list) else ()
    for value in inner:
        yield from _destinations(value)


def _twice(wanted: Sequence[Object]) -> Iterator[str]:
    names = Counter(
        (item["apiVersion"].rpartition("/")[0], item["kind"], *_place(item), item["metadata"]["name"])
        for item in wanted
    )
    for (_group, kind, *place, name), times in names.items():
        if times > 1:
            yield f'{kind} "{"/".join([*place, name])}" is given {times} times'


def _same_pods(wanted: Sequence[Object]) -> Iterator[str]:
    owners: dict[tuple[Any, ...], list[str]] = {}
    for item in wanted:
        labels = _at(item, "spec", "selector", "matchLabels")
        if item["kind"] == "Deployment" and isinstance(labels, dict):
            pods = tuple(sorted((str(key), str(value)) for key, value in labels.items()))
            owners.setdefault((*_place(item), pods), []).append(item["metadata"]["name"])
    for (*_where, pods), names in owners.items():
        if len(set(names)) > 1:
            labels = ", ".join(f"{key}: {value}" for key, value in pods)
            yield f"Deployments {', '.join(names)} select the same pods, {labels}: give each its own version"


def _at(value: Any, *keys: str) -> Any:
    """What is found down the keys; None where something on the way is no mapping."""
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value


def _place(item: Object) -> tuple[str, ...]:
    namespace = item["metadata"].get("namespace")
    return (str(namespace),) if namespace else ()
