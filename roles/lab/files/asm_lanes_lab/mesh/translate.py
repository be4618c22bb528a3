"""The pure step: a snapshot of the mesh's objects -> configuration for every proxy."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from .asm import HeaderPropagation
from .envoy import LUA_PER_ROUTE, ROUTES, Json
from .findings import Finding
from .istio import MESH, ROOT_NAMESPACE
from .listeners import (
    ADMIN_PORT,
    LUA_FILTER,
    OUTBOUND_PORT,
    app_cluster,
    bootstrap,
    http_listener,
    service_cluster,
    tcp_listener,
)
from .options import Options
from .services import Services
from .snapshot import Snapshot
from .virtualhosts import BoundServer, MeshRules, SidecarHosts, gateway_hosts
from .workloads import Pod, app_address, in_network


@dataclass(frozen=True)
class ProxyConfig:
    """Everything one Envoy needs, as JSON. routes: by name of the route configuration."""

    name: str
    bootstrap: Json
    listeners: list[Json]
    clusters: list[Json]
    routes: dict[str, Json]


@dataclass(frozen=True)
class Translation:
    """The result: proxies, and what is to be said about the objects."""

    proxies: list[ProxyConfig]
    findings: list[Finding]


def translate(snapshot: Snapshot, options: Options) -> Translation:
    """Configure every sidecar and every gateway pod of a snapshot."""
    services = Services.of(snapshot)
    rules = MeshRules.of(snapshot.virtual_services)
    outbound = SidecarHosts(services, rules)
    open_servers, gateway_findings = _open_servers(snapshot)
    shared = [service_cluster(cluster) for cluster in services.clusters.values()]
    proxies = []
    for pod in snapshot.pods:
        if pod.gateway and pod.admin:
            servers = open_servers.get(pod.gateway, {})
            proxies.append(_gateway_proxy(pod, servers, snapshot, services, shared, options))
        elif pod.sidecar and in_network(pod.ip, options.pod_network):
            proxies.append(_sidecar_proxy(pod, snapshot, outbound, shared, options))
    findings = gateway_findings + services.findings + rules.findings
    findings += (
        _propagation_findings(snapshot) + _service_findings(snapshot) + _pod_findings(snapshot, options)
    )
    findings += _reference_findings(snapshot, services)
    return Translation(proxies, findings)


# --- gateways -----------------------------------------------------------------------------

_Servers = dict[int, list[BoundServer]]


def _open_servers(snapshot: Snapshot) -> tuple[dict[str, _Servers], list[Finding]]:
    """For each gateway workload its open ports with the servers on them; and what is unreachable."""
    opened: dict[str, _Servers] = {workload.ref.name: {} for workload in snapshot.gateway_workloads}
    findings = []
    for gateway in snapshot.gateways:
        selected = [item for item in snapshot.gateway_workloads if gateway.selector <= item.labels]
        if not selected:
            wanted = ", ".join(f"{key}={value}" for key, value in sorted(gateway.selector))
            message = f"no IstioGateway's pods carry the labels {wanted}"
            findings.append(Finding(gateway.ref, "spec.selector", "NoGateway", message, blocking=False))
        for server in gateway.servers:
            for workload in selected:
                if server.port in dict(workload.ports).values():
                    port = opened[workload.ref.name].setdefault(server.port, [])
                    port.append(BoundServer(gateway.name, server))
                else:
                    field = f"spec.servers[{server.index}].port.number"
                    message = f"{workload.ref} does not open port {server.port}: add it to its spec.ports"
                    findings.append(Finding(gateway.ref, field, "PortNotOpen", message))
    return opened, findings


def _gateway_proxy(
    pod: Pod, servers: _Servers, snapshot: Snapshot, services: Services, shared: list[Json], options: Options
) -> ProxyConfig:
    folder = options.xds_dir / pod.proxy_name
    admin_ip, _unused, admin_port = pod.admin.rpartition(":")
    listeners, routes = [], {}
    for port in sorted(servers):
        name = f"http.{port}"
        listeners.append(
            http_listener(f"gateway-{port}", options.gateway_address, port, name, "gateway", options, folder)
        )
        hosts = gateway_hosts(port, servers[port], snapshot.virtual_services, services)
        # The port is the listener's business: clients write it into the host or not.
        routes[name] = _route_configuration(name, hosts) | {"ignore_port_in_host_matching": True}
    return ProxyConfig(
        pod.proxy_name,
        bootstrap(pod.proxy_name, admin_ip, int(admin_port), folder),
        listeners,
        shared,
        routes,
    )


# --- sidecars -----------------------------------------------------------------------------


def _sidecar_proxy(
    pod: Pod, snapshot: Snapshot, outbound: SidecarHosts, shared: list[Json], options: Options
) -> ProxyConfig:
    folder = options.xds_dir / pod.proxy_name
    app_ip = app_address(pod.ip, options.pod_network, options.app_network)
    propagation = propagation_of(pod, snapshot.propagations)
    listeners = [
        http_listener("outbound", pod.ip, OUTBOUND_PORT, "outbound", "outbound", options, folder),
    ]
    calls = _route_configuration("outbound", outbound.of(pod))
    routes = {"outbound": calls | route_fields(pod, "outbound", propagation)}
    clusters = []
    for port, protocol in inbound_ports(pod, snapshot).items():
        name, cluster = f"inbound-{port}", f"inbound|{port}||"
        clusters.append(app_cluster(cluster, app_ip, port, http2=protocol == "http2"))
        if protocol == "tcp":
            listeners.append(tcp_listener(name, pod.ip, port, cluster, options))
            continue
        listeners.append(http_listener(name, pod.ip, port, name, "inbound", options, folder))
        to_app = {"name": "default", "match": {"prefix": "/"}, "route": {"cluster": cluster, "timeout": "0s"}}
        configuration = _route_configuration(name, [{"name": name, "domains": ["*"], "routes": [to_app]}])
        routes[name] = configuration | route_fields(pod, "inbound", propagation)
    return ProxyConfig(
        pod.proxy_name,
        bootstrap(pod.proxy_name, pod.ip, ADMIN_PORT, folder),
        listeners,
        clusters + shared,
        routes,
    )


def inbound_ports(pod: Pod, snapshot: Snapshot) -> dict[int, str]:
    """The pod's ports with their protocols: those it declares and those that Services point to.

    The Services decide the protocol, as in Istio; a port of no Service is plain TCP. Of two Services that
    disagree the one that knows HTTP wins.
    """
    found = dict.fromkeys((number for _unused, number in pod.ports), "tcp")
    for service in snapshot.services:
        if service.ref.namespace == pod.ref.namespace and service.selector <= pod.labels:
            for port in service.ports:
                target = pod.target(port)
                if target is not None and found.get(target, "tcp") == "tcp":
                    found[target] = port.protocol
    return dict(sorted(found.items()))


def propagation_of(pod: Pod, propagations: Iterable[HeaderPropagation]) -> Json | None:
    """What baggage.lua has to do at a pod's sidecar: its context but for the direction; None for nothing."""
    chosen = [
        item
        for item in propagations
        if item.ref.namespace == pod.ref.namespace and item.selector <= pod.labels
    ]
    if not chosen:
        return None
    return {
        "headers": sorted({name for item in chosen for name in item.headers}),
        "prefixes": sorted({name for item in chosen for name in item.prefixes}),
    }


def route_fields(pod: Pod, direction: str, propagation: Json | None) -> Json:
    """Fields of a sidecar's route configurations in one direction: what baggage.lua is to do, and faults.

    Faulty headers are taken off by the router, after the Lua filter has read and written them.
    """
    fields: Json = {}
    if propagation is not None:
        lua = {"@type": LUA_PER_ROUTE, "filter_context": {"direction": direction, **propagation}}
        fields["typed_per_filter_config"] = {LUA_FILTER: lua}
    names = sorted(name for side, name in pod.drops if side == direction)
    return fields | ({"request_headers_to_remove": names} if names else {})


def _route_configuration(name: str, hosts: list[Json]) -> Json:
    return {"@type": ROUTES, "name": name, "virtual_hosts": hosts}


# --- remarks ------------------------------------------------------------------------------


def _propagation_findings(snapshot: Snapshot) -> list[Finding]:
    message = "the lab's gateways do not translate baggage; sidecars in the other namespaces do"
    return [
        Finding(item.ref, "metadata.namespace", "NotAtGateways", message)
        for item in snapshot.propagations
        if item.ref.namespace == ROOT_NAMESPACE
    ]


def _pod_findings(snapshot: Snapshot, options: Options) -> list[Finding]:
    return [
        Finding(
            pod.ref,
            "status.podIP",
            "ForeignAddress",
            f"{pod.ip} is not in the lab's pod network {options.pod_network}, so the pod gets no sidecar",
        )
        for pod in snapshot.pods
        if pod.sidecar and not in_network(pod.ip, options.pod_network)
    ]


def _service_findings(snapshot: Snapshot) -> list[Finding]:
    return [
        Finding(
            service.ref,
            f"spec.ports[{index}].name",
            "TcpPort",
            f"port {port.number} is TCP by its name {port.name!r}: sidecars let it in, but call only "
            "HTTP ports (name it http or http-...)",
            blocking=False,
        )
        for service in snapshot.services
        for index, port in enumerate(service.ports)
        if port.protocol == "tcp"
    ]


def _reference_findings(snapshot: Snapshot, services: Services) -> list[Finding]:
    """VirtualServices that name a Gateway or a destination that is not there: accepted, but of no use yet."""
    gateways = {gateway.name for gateway in snapshot.gateways} | {MESH}
    findings = []
    for rule in snapshot.virtual_services:
        for index, name in enumerate(rule.gateways):
            if name not in gateways:
                message = f"there is no Gateway {name}"
                field = f"spec.gateways[{index}]"
                findings.append(Finding(rule.ref, field, "UnknownGateway", message, blocking=False))
        for number, route in enumerate(rule.http):
            for position, share in enumerate(route.shares):
                problem = services.problem(share.destination)
                if problem:
                    field = f"spec.http[{number}].route[{position}].destination"
                    message = f"{problem}: requests get 503"
                    findings.append(Finding(rule.ref, field, "UnknownDestination", message, blocking=False))
    return findings
