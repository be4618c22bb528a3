"""Services with their subsets and endpoints: which pods answer for a host, a port and a subset."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from .findings import Finding
from .istio import ROOT_NAMESPACE, Destination, DestinationRule, LoadBalancing, Subset
from .snapshot import Snapshot
from .workloads import Pod, Service, ServicePort

_DEFAULT = LoadBalancing()


@dataclass(frozen=True)
class Cluster:
    """An Envoy cluster: the ready pods behind one Service port, or one subset of them."""

    name: str
    http2: bool
    balancing: LoadBalancing
    endpoints: tuple[tuple[str, int], ...]


@dataclass
class Services:
    """All Services of a snapshot, their clusters, and what is to be said about the DestinationRules."""

    by_host: dict[str, Service] = field(default_factory=dict)
    clusters: dict[str, Cluster] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)

    @classmethod
    def of(cls, snapshot: Snapshot) -> Services:
        """Work out the clusters of a snapshot."""
        services = cls({service.host: service for service in snapshot.services})
        rules = services._effective_rules(snapshot.destination_rules)
        pods: dict[str, list[Pod]] = {}
        for pod in snapshot.pods:
            if pod.ready:
                pods.setdefault(pod.ref.namespace, []).append(pod)
        for service in snapshot.services:
            services._add(service, rules.get(service.host, []), pods.get(service.ref.namespace, []))
        return services

    def cluster_name(self, destination: Destination, listener_port: int) -> str:
        """The name of the cluster for a destination, whether it exists or not.

        Without a port in the destination: the Service's only port, else that of the listener, as in Istio.
        """
        service = self.by_host.get(destination.host)
        port = destination.port
        if port is None:
            only = service.ports[0].number if service and len(service.ports) == 1 else None
            port = only or listener_port
        return cluster_name(port, destination.subset, destination.host)

    def problem(self, destination: Destination) -> str | None:
        """What is missing for a destination to exist (its pods may still be missing); None if nothing."""
        service = self.by_host.get(destination.host)
        if service is None:
            return f"no Service has the host {destination.host}"
        ports = [port.number for port in service.ports]
        if destination.port is not None and destination.port not in ports:
            return f"Service {service.ref.namespace}/{service.ref.name} has no port {destination.port}"
        if ports and cluster_name(ports[0], destination.subset, destination.host) not in self.clusters:
            return f"no DestinationRule gives {destination.host} a subset {destination.subset!r}"
        return None

    def _effective_rules(self, rules: Iterable[DestinationRule]) -> dict[str, list[DestinationRule]]:
        """The rules that count for each host.

        Istio takes those of the client's namespace, else of the service's, else of the root namespace. The
        lab's mesh leaves out the first place (no rule for the clients of one namespace alone) and says so.
        """
        own: dict[str, list[DestinationRule]] = {}
        root: dict[str, list[DestinationRule]] = {}
        for rule in rules:
            service = self.by_host.get(rule.host)
            if service is None:
                self._warn(rule, "spec.host", "UnknownHost", f"no Service has the host {rule.host}")
            elif rule.ref.namespace == service.ref.namespace:
                own.setdefault(rule.host, []).append(rule)
            elif rule.ref.namespace == ROOT_NAMESPACE:
                root.setdefault(rule.host, []).append(rule)
            else:
                self._warn(
                    rule,
                    "metadata.namespace",
                    "ForeignNamespace",
                    f"a rule for {rule.host} must be in the Service's namespace or in {ROOT_NAMESPACE}",
                    blocking=True,
                )
        for host in own.keys() & root.keys():
            for rule in root[host]:
                self._warn(
                    rule,
                    "spec.host",
                    "Shadowed",
                    f"{own[host][0].ref}, in the Service's own namespace, takes the place of this rule",
                    blocking=True,
                )
        return root | own

    def _add(self, service: Service, rules: list[DestinationRule], pods: list[Pod]) -> None:
        subsets = self._subsets(rules)
        overall = next((rule.balancing for rule in rules if rule.balancing), _DEFAULT)
        there = pods if service.claimed is None else service.claimed
        selected = [pod for pod in there if service.selector <= pod.labels]
        for port in service.ports:
            self._add_cluster(service, port, "", overall, selected)
            for subset in subsets:
                chosen = [pod for pod in selected if subset.labels <= pod.labels]
                self._add_cluster(service, port, subset.name, subset.balancing or overall, chosen)

    def _subsets(self, rules: list[DestinationRule]) -> list[Subset]:
        """All subsets of the rules for one host; of two with one name the older counts, as in Istio."""
        found: dict[str, Subset] = {}
        for rule in rules:
            for index, subset in enumerate(rule.subsets):
                first = found.setdefault(subset.name, subset)
                if first != subset:
                    self._warn(
                        rule,
                        f"spec.subsets[{index}].name",
                        "SubsetConflict",
                        f"an older rule for {rule.host} has another subset {subset.name!r}, which counts",
                        blocking=True,
                    )
        return list(found.values())

    def _add_cluster(
        self, service: Service, port: ServicePort, subset: str, balancing: LoadBalancing, pods: list[Pod]
    ) -> None:
        name = cluster_name(port.number, subset, service.host)
        targets = ((pod.ip, pod.target(port)) for pod in pods)
        endpoints = tuple((ip, target) for ip, target in targets if target is not None)
        self.clusters[name] = Cluster(name, port.protocol == "http2", balancing, endpoints)

    def _warn(
        self, rule: DestinationRule, where: str, reason: str, message: str, *, blocking: bool = False
    ) -> None:
        self.findings.append(Finding(rule.ref, where, reason, message, blocking))


def cluster_name(port: int, subset: str, host: str) -> str:
    """Istio's name for an outbound cluster."""
    return f"outbound|{port}|{subset}|{host}"
