# Copyright (c) 2026, asm.lanes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Reads pods and the access logs of their proxies through the Kubernetes API; nothing is written."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import ceil
from typing import Any

from .._kube.client import Api, KubeError
from .access_log import Entry, parse
from .trace import Pod

Object = dict[str, Any]

INJECTED = "sidecar.istio.io/status"
"""Annotation that Istio's injector writes on a pod with a sidecar (documented by Istio)."""
#: Lines of one log that are read at most, the last ones.
MOST_LINES = 20_000


@dataclass(frozen=True)
class Place:
    """Where to look. namespaces: of the services. container: of the proxy.

    gateway: labels of the gateway's pods.
    """

    namespaces: tuple[str, ...]
    gateway_namespace: str = "istio-system"
    gateway: Mapping[str, str] = field(default_factory=lambda: {"istio": "ingressgateway"})
    container: str = "istio-proxy"


@dataclass
class Cluster:
    """Pods and Services as they are, and the logs of the proxies.

    objects: the pods as the API has them, by ``namespace/name``. problems: why a log could not be read, or
    tells nothing. unread: pods whose log could not be read at all.
    """

    pods: tuple[Pod, ...] = ()
    services: tuple[Object, ...] = ()
    objects: dict[str, Object] = field(default_factory=dict)
    entries: list[Entry] = field(default_factory=list)
    problems: dict[str, str] = field(default_factory=dict)
    unread: set[str] = field(default_factory=set)


def read_pods(api: Api, place: Place) -> Cluster:
    """Raises KubeError."""
    services = [one for namespace in place.namespaces for one in api.list("v1", "Service", namespace)]
    objects = [one for namespace in place.namespaces for one in api.list("v1", "Pod", namespace)]
    selector = ",".join(f"{key}={value}" for key, value in sorted(place.gateway.items()))
    gateways = api.list("v1", "Pod", place.gateway_namespace, label_selector=selector)
    pods = [_pod(one, services, place, gateway=False) for one in objects if _alive(one)]
    pods += [_pod(one, (), place, gateway=True) for one in gateways if _alive(one)]
    return Cluster(tuple(pods), tuple(services), {_name(one): one for one in [*objects, *gateways]})


def read_logs(api: Api, place: Place, cluster: Cluster, seconds: float, headers: Sequence[str]) -> None:
    """Read what the proxies logged in the last seconds, in the place of what was read before."""
    cluster.entries, cluster.problems, cluster.unread = [], {}, set()
    for pod in cluster.pods:
        if not pod.proxied and not pod.gateway:
            continue
        try:
            text = _log(api, pod.name, place.container, seconds)
        except KubeError as error:
            cluster.problems[pod.name] = str(error)
            cluster.unread.add(pod.name)
            continue
        log = parse(pod.name, pod.gateway, text.splitlines(), headers)
        cluster.entries += log.entries
        if log.missing:
            cluster.problems[pod.name] = f"its access log has no field for {', '.join(log.missing)}"
        elif text and not log.entries:
            cluster.problems[pod.name] = "its log has no line of JSON with start_time: is the access log on?"


def _log(api: Api, pod: str, container: str, seconds: float) -> str:
    """Raises KubeError; a container that has logged nothing yet has an empty log."""
    namespace, _slash, name = pod.partition("/")
    query = {"container": container, "sinceSeconds": str(ceil(seconds)), "tailLines": str(MOST_LINES)}
    try:
        return api.text(f"/api/v1/namespaces/{namespace}/pods/{name}/log", query)
    except KubeError as error:
        if error.status == 404:  # the pod has ended since
            return ""
        raise


def _pod(obj: Object, services: Iterable[Object], place: Place, gateway: bool) -> Pod:
    metadata, spec = obj["metadata"], obj.get("spec") or {}
    labels = metadata.get("labels") or {}
    containers = [*(spec.get("containers") or ()), *(spec.get("initContainers") or ())]
    mine = [
        _name(service)
        for service in services
        if service["metadata"].get("namespace") == metadata.get("namespace")
        and (selector := (service.get("spec") or {}).get("selector"))
        and selector.items() <= labels.items()
    ]
    proxied = INJECTED in (metadata.get("annotations") or {}) or any(
        one.get("name") == place.container for one in containers
    )
    ip = (obj.get("status") or {}).get("podIP") or ""
    return Pod(_name(obj), ip, labels, tuple(sorted(mine)), proxied and not gateway, gateway)


def _alive(obj: Object) -> bool:
    return (obj.get("status") or {}).get("phase") not in ("Succeeded", "Failed")


def _name(obj: Object) -> str:
    return f"{obj['metadata'].get('namespace')}/{obj['metadata']['name']}"
