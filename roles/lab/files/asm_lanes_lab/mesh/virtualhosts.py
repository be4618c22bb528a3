"""Which routes hold for which host: at a gateway, and at a sidecar's outbound side."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from .envoy import Json
from .findings import Finding
from .istio import MESH, Labels, Server, VirtualService
from .routes import (
    Scope,
    is_catch_all,
    mesh_scope,
    not_found_route,
    service_route,
    unknown_host_route,
    virtual_service_routes,
)
from .services import Services, cluster_name
from .workloads import Pod, Service, ServicePort


@dataclass
class MeshRules:
    """The VirtualServices of the sidecars: for each caller one for each host.

    Unlike gateways, Istio does not merge VirtualServices for the mesh: of several with one host the oldest
    counts that has a route for the caller. A host without wildcard goes before one with, and a longer
    wildcard before a shorter.
    """

    exact: dict[str, list[VirtualService]] = field(default_factory=dict)
    wildcard: dict[str, list[VirtualService]] = field(default_factory=dict)
    source_labels: Labels = frozenset()
    """Every label of a caller that some match asks for."""
    findings: list[Finding] = field(default_factory=list)

    @classmethod
    def of(cls, rules: Iterable[VirtualService]) -> MeshRules:
        """Sort out the rules (oldest first) that are bound to `mesh`."""
        result = cls()
        for rule in rules:
            if MESH in rule.gateways:
                for index, host in enumerate(rule.hosts):
                    result._claim(rule, index, host)
                for route in rule.http:
                    result.source_labels = result.source_labels.union(
                        *(m.source_labels for m in route.matches)
                    )
        return result

    def _claim(self, rule: VirtualService, index: int, host: str) -> None:
        table = self.wildcard if host.startswith("*") else self.exact
        rules = table.setdefault(host, [])
        rules.append(rule)
        if rules[0] is not rule:
            message = f"the older {rules[0].ref} routes {host} in the mesh; Istio does not merge the two"
            self.findings.append(Finding(rule.ref, f"spec.hosts[{index}]", "HostConflict", message))

    def routes(self, host: str, scope: Scope, services: Services) -> list[Json]:
        """The routes for a host in the scope of a caller; none when no rule has any."""
        for rule in self._candidates(host):
            found = virtual_service_routes(rule, scope, services)
            if found:
                return found
        return []

    def _candidates(self, host: str) -> list[VirtualService]:
        """The rules for a host, those that go first in front."""
        fitting = [pattern for pattern in self.wildcard if host.endswith(pattern[1:])]
        widest = self.wildcard[max(fitting, key=len)] if fitting else []
        return [*self.exact.get(host, []), *widest]


@dataclass(frozen=True)
class Caller:
    """What rules can ask of the pod that sends a request."""

    namespace: str
    labels: Labels


class SidecarHosts:
    """The virtual hosts of the sidecars' outbound sides.

    Sidecars of one namespace share them (the very same list) unless a rule tells them apart by a label, which
    spares most of the work where there are many.
    """

    def __init__(self, services: Services, rules: MeshRules) -> None:
        self._services, self._rules = services, rules
        self._made: dict[tuple[str, Labels], list[Json]] = {}

    def of(self, pod: Pod) -> list[Json]:
        """The virtual hosts for one pod."""
        caller = Caller(pod.ref.namespace, pod.labels & self._rules.source_labels)
        key = (caller.namespace, caller.labels)
        if key not in self._made:
            self._made[key] = sidecar_hosts(caller, self._services, self._rules)
        return self._made[key]


def sidecar_hosts(caller: Caller, services: Services, rules: MeshRules) -> list[Json]:
    """The virtual hosts of a sidecar's outbound side; the last one answers for unknown hosts."""
    taken: set[str] = set()
    hosts: list[Json] = []

    def add(name: str, domains: list[str], routes: list[Json]) -> None:
        free = [domain for domain in domains if domain not in taken]
        taken.update(free)
        if free:
            if not routes or not is_catch_all(routes[-1]):
                routes = [*routes, not_found_route()]
            hosts.append({"name": name, "domains": free, "routes": routes})

    for service in services.by_host.values():
        for port in service.ports:
            if port.protocol != "tcp":
                name = f"{service.host}:{port.number}"
                routes = _service_routes(caller, service, port, rules, services)
                add(name, _domains(caller, service, port), routes)
    for host in (*rules.exact, *rules.wildcard):
        if host != "*" and host not in services.by_host:
            # A host that only a VirtualService knows is reachable on port 80, as in Istio.
            scope = mesh_scope(80, caller.namespace, caller.labels)
            routes = rules.routes(host, scope, services)
            if routes:
                add(host, [host, f"{host}:80"], routes)
    hosts.append({"name": "unknown-host", "domains": ["*"], "routes": [unknown_host_route()]})
    return hosts


def _service_routes(
    caller: Caller, service: Service, port: ServicePort, rules: MeshRules, services: Services
) -> list[Json]:
    """The routes of the rules for a Service; those of a Service without rules when none is for the caller."""
    scope = mesh_scope(port.number, caller.namespace, caller.labels)
    found = rules.routes(service.host, scope, services)
    if found:
        return found
    cluster = services.clusters[cluster_name(port.number, "", service.host)]
    return [service_route(cluster.name, cluster.balancing)]


def _domains(caller: Caller, service: Service, port: ServicePort) -> list[str]:
    """All names by which the caller may reach the Service's port."""
    names = service_names(caller.namespace, service)
    with_port = [f"{item}:{port.number}" for item in names]
    return names + with_port if port.number == 80 else with_port


def service_names(caller: str, service: Service) -> list[str]:
    """The names of a Service for callers in a namespace; the bare name in its own namespace only."""
    name, namespace = service.ref.name, service.ref.namespace
    names = [f"{name}.{namespace}", f"{name}.{namespace}.svc", service.host]
    return [name, *names] if namespace == caller else names


@dataclass(frozen=True)
class BoundServer:
    """A server of a Gateway (`namespace/name`) that is open on a gateway pod."""

    gateway: str
    server: Server


def gateway_hosts(
    port: int, servers: Iterable[BoundServer], rules: Iterable[VirtualService], services: Services
) -> list[Json]:
    """The virtual hosts of one gateway port: rules for the same host are merged.

    In Istio's order: one server after the other, and for each its rules, the oldest first.
    """
    oldest_first = tuple(rules)
    merged: dict[str, list[Json]] = defaultdict(list)
    for bound in servers:
        scope = Scope(port, frozenset({bound.gateway}))
        for rule in oldest_first:
            domains = _exposed(rule, bound)
            if domains:
                routes = virtual_service_routes(rule, scope, services)
                for domain in domains:
                    merged[domain] += routes
    # As Istio: what takes every request goes behind the merged rest.
    return [
        {"name": f"{domain}:{port}", "domains": [domain], "routes": sorted(routes, key=is_catch_all)}
        for domain, routes in merged.items()
        if routes
    ]


def _exposed(rule: VirtualService, bound: BoundServer) -> set[str]:
    """The domains under which a rule is reachable through a server."""
    if bound.gateway not in rule.gateways:
        return set()
    return {
        domain for pattern in bound.server.hosts for domain in _shared_hosts(pattern, bound.gateway, rule)
    }


def _shared_hosts(pattern: str, gateway: str, rule: VirtualService) -> Iterable[str]:
    """The hosts that a server's `[namespace/]host` and a rule share; `.` is the Gateway's namespace."""
    namespace, _unused, host = pattern.rpartition("/")
    if namespace == ".":
        namespace = gateway.partition("/")[0]
    if namespace not in ("", "*", rule.ref.namespace):
        return ()
    return filter(None, (intersection(host, wanted) for wanted in rule.hosts))


def intersection(one: str, other: str) -> str | None:
    """The narrower of two hosts or wildcards when one contains the other."""
    if _contains(one, other):
        return other
    return one if _contains(other, one) else None


def _contains(wide: str, narrow: str) -> bool:
    return wide == narrow or (wide.startswith("*") and narrow.endswith(wide[1:]))
