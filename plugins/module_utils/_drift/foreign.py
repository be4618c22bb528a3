# Copyright (c) 2026, asm.lanes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""VirtualServices of others that take traffic which the lanes should route. Pure.

Istio does not merge VirtualServices for one host within the mesh, and which of two catch-all routes at
a gateway wins is undefined (both documented by Istio). What ASM generates and what this collection
makes (label ``app.kubernetes.io/managed-by: asm.lanes``) is not foreign, nor is what delegates to a
generated VirtualService (documented by ASM).
"""

from __future__ import annotations

from collections.abc import Iterator

from .._lanes.entry import covers, ingress_virtual_services
from .._lanes.model import LaneGroup
from .._lanes.routing import GENERATED_NAMESPACE, virtual_services
from .._preflight.wanted import is_generated, is_ours
from . import kinds
from .facts import VIRTUAL_SERVICE, Mesh, Object, full_host, gateways_of, name_of, spec_of
from .generated import MESH, hosts_of
from .kinds import Finding
from .routes import catches_all


def check(group: LaneGroup, mesh: Mesh) -> list[Finding]:
    """The foreign VirtualServices, each with the hosts whose traffic it takes."""
    found = []
    for obj in mesh.of(VIRTUAL_SERVICE):
        if is_generated(obj) or is_ours(obj) or _delegates(group, obj):
            continue
        taken = [*_within_mesh(group, obj), *_at_gateway(group, mesh, obj)]
        if taken:
            subject = f"VirtualService {name_of(obj)}"
            found.append(Finding(kinds.FOREIGN_VIRTUAL_SERVICE, subject, "hosts", found=taken))
    return found


def _within_mesh(group: LaneGroup, obj: Object) -> list[str]:
    """Hosts of services with lanes; one with a wildcard takes nothing, as the lanes' own hosts are exact."""
    if MESH not in gateways_of(obj):
        return []
    namespace = obj["metadata"].get("namespace")
    laned = {host for one in virtual_services(group) for host in hosts_of(one)}
    written = [str(host) for host in spec_of(obj).get("hosts") or ()]
    return [host for host in written if laned & _meanings(host, str(namespace))]


def _meanings(host: str, namespace: str) -> set[str]:
    """The full names that a host may stand for: ``name``, ``name.namespace`` or ``name.namespace.svc``."""
    return {full_host(host, namespace), f"{host}.svc.cluster.local", f"{host}.cluster.local"}


def _at_gateway(group: LaneGroup, mesh: Mesh, obj: Object) -> list[str]:
    """Hosts that it takes all of, where lanes' rules, or the guide's route, have that host or a wider one."""
    rule = group.gateway_rule
    if rule is None:
        return []
    reference = f"{rule.namespace or GENERATED_NAMESPACE}/{rule.name}"
    if reference not in gateways_of(obj) or not catches_all(obj):
        return []
    ours = list(_entry_hosts(group, mesh, reference))
    return sorted(host for host in spec_of(obj).get("hosts") or () if any(covers(one, host) for one in ours))


def _entry_hosts(group: LaneGroup, mesh: Mesh, reference: str) -> Iterator[str]:
    for wanted in ingress_virtual_services(group):
        yield from wanted["spec"]["hosts"]
    for obj in mesh.of(VIRTUAL_SERVICE):
        if is_ours(obj) and reference in gateways_of(obj):
            yield from spec_of(obj).get("hosts") or ()


def _delegates(group: LaneGroup, obj: Object) -> bool:
    """Whether a route hands over to one of the generated VirtualServices."""
    generated = {name_of(one) for one in virtual_services(group)}
    own = obj["metadata"].get("namespace")
    delegates = [route.get("delegate") for route in spec_of(obj).get("http") or ()]
    return any(f"{d.get('namespace') or own}/{d.get('name')}" in generated for d in delegates if d)
