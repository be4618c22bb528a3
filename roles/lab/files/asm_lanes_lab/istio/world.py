"""From the lab's pods to what istiod and the proxies are told of them. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ..mesh.envoy import Json
from ..mesh.options import Options
from ..mesh.snapshot import Snapshot
from ..mesh.translate import inbound_ports, propagation_of, route_fields
from ..mesh.workloads import Pod, app_address, in_network
from . import objects
from .proxies import Proxy, bootstrap


@dataclass(frozen=True)
class World:
    """files: objects for istiod alone, by file name. entries: endpoints. bootstraps: by name of the proxy."""

    files: dict[str, list[Json]]
    entries: list[Json]
    bootstraps: dict[str, Json]


def world_of(snapshot: Snapshot, options: Options, istiod: tuple[str, int]) -> World:
    """What a snapshot means; *istiod* is where it serves proxies."""
    proxies = list(_proxies(snapshot, options))
    files = {"lab.yaml": [objects.no_sidecar(), objects.plain_text(), objects.mesh_filter(options)]}
    for proxy in proxies:
        if proxy.app:
            files[f"{proxy.pod.proxy_name}.yaml"] = _of_sidecar(proxy.pod, snapshot)
    return World(
        files,
        [objects.workload_entry(pod) for pod in _endpoints(snapshot)],
        {proxy.pod.proxy_name: bootstrap(proxy, istiod) for proxy in proxies},
    )


def _proxies(snapshot: Snapshot, options: Options) -> Iterator[Proxy]:
    for pod in snapshot.pods:
        if pod.gateway and pod.admin:
            yield Proxy(pod)
        elif pod.sidecar and in_network(pod.ip, options.pod_network):
            yield Proxy(pod, app_address(pod.ip, options.pod_network, options.app_network))


def _of_sidecar(pod: Pod, snapshot: Snapshot) -> list[Json]:
    propagation = propagation_of(pod, snapshot.propagations)
    fields = {side: route_fields(pod, side, propagation) for side in ("inbound", "outbound")}
    return [
        objects.sidecar(pod, inbound_ports(pod, snapshot)),
        objects.proxy_filter(pod, fields, snapshot.services),
    ]


def _endpoints(snapshot: Snapshot) -> Iterator[Pod]:
    """Ready pods; for a Service with the fault ``stale-endpoints`` those that it is said to have instead."""
    faulty = [service for service in snapshot.services if service.claimed is not None]
    for pod in snapshot.pods:
        stale = any(s.ref.namespace == pod.ref.namespace and s.selector <= pod.labels for s in faulty)
        if pod.ready and not pod.gateway and not stale:
            yield pod
    for service in faulty:
        yield from service.claimed or ()
