"""A container's environment, and what of a container the lab does not do."""

from __future__ import annotations

import os
import re
from pathlib import Path

from ..objects import Obj

#: The folder that holds the package ``asm_lanes_lab``.
PACKAGE_ROOT = Path(__file__).parents[2]

#: What a child inherits of the lab's own environment: the rest may hold proxies and secrets.
_INHERITED = ("PATH", "LANG", "LC_ALL", "TZ", "TMPDIR")
_KEYED = re.compile(r"metadata\.(labels|annotations)\['([^']+)'\]")
_IGNORED = ("command", "args", "workingDir", "livenessProbe", "startupProbe", "lifecycle")


class ConfigError(Exception):
    """An entry of a container's ``env`` that the lab cannot fill; the message names it."""


def base() -> dict[str, str]:
    """What every child process gets."""
    inherited = {name: os.environ[name] for name in _INHERITED if name in os.environ}
    # The stand-ins speak plain HTTP; the machine's CA certificates would cost each a tenth of a second.
    return inherited | {
        "PYTHONPATH": str(PACKAGE_ROOT),
        "PYTHONUNBUFFERED": "1",
        "SSL_CERT_FILE": os.devnull,
        "SSL_CERT_DIR": os.devnull,
    }


def identity(pod: Obj, container: Obj) -> dict[str, str]:
    """Who the app is: from the pod's labels ``app`` and ``version`` and its name."""
    labels = pod["metadata"].get("labels") or {}
    return {
        "SERVICE": labels.get("app") or container["name"],
        "VERSION": labels.get("version") or "v1",
        "POD_NAME": pod["metadata"]["name"],
        "POD_NAMESPACE": pod["metadata"]["namespace"],
    }


def declared(pod: Obj, container: Obj, pod_ip: str) -> dict[str, str]:
    """The container's own ``env``: values and field references. Raises ConfigError for other sources."""
    if container.get("envFrom"):
        raise ConfigError(f"container {container['name']}: the lab does not do envFrom; give env with values")
    return {item["name"]: _value(pod, container, item, pod_ip) for item in container.get("env") or []}


def _value(pod: Obj, container: Obj, item: Obj, pod_ip: str) -> str:
    source = item.get("valueFrom")
    if not source:
        return str(item.get("value") or "")
    path = str((source.get("fieldRef") or {}).get("fieldPath") or "")
    value = _field(pod, path, pod_ip)
    if value is None:
        what = f"fieldRef {path}" if path else " and ".join(source)
        raise ConfigError(
            f"container {container['name']}, env {item['name']}: the lab does not do valueFrom {what};"
            " it does value and fieldRef of metadata.{name,namespace,uid,labels['…'],annotations['…']},"
            " spec.nodeName and status.{podIP,hostIP}"
        )
    return value


def _field(pod: Obj, path: str, pod_ip: str) -> str | None:
    meta = pod["metadata"]
    keyed = _KEYED.fullmatch(path)
    if keyed:
        return str((meta.get(keyed[1]) or {}).get(keyed[2], ""))
    plain = {
        "metadata.name": meta["name"],
        "metadata.namespace": meta["namespace"],
        "metadata.uid": meta["uid"],
        "spec.nodeName": pod["spec"].get("nodeName") or "",
        "status.podIP": pod_ip,
        "status.hostIP": "127.0.0.1",
    }
    return plain.get(path)


def not_done(pod: Obj) -> list[str]:
    """Fields of a pod that a real kubelet would honour and the lab passes over, such as ``web: command``."""
    spec = pod["spec"]
    found = [field for field in ("initContainers",) if spec.get(field)]
    for container in spec["containers"]:
        found += [f"{container['name']}: {field}" for field in _IGNORED if container.get(field)]
        if {"exec", "grpc"} & set(container.get("readinessProbe") or {}):
            found.append(f"{container['name']}: readinessProbe other than httpGet and tcpSocket")
    return found
