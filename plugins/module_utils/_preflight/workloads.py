# Copyright (c) 2026, asm.lanes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Checks of the cluster: the right server, the namespace with injection, names already taken."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from .finding import FAILED, OK, SKIPPED, WARNING, Finding, Reading
from .wanted import is_ours, labels_of, name_of

if TYPE_CHECKING:
    from .wanted import Facts, Wanted

INJECTION_LABEL = "istio-injection"
REVISION_LABEL = "istio.io/rev"


def without_control_plane(facts: Facts) -> Facts:
    """Return the facts without what was read from the control plane in place of the cluster.

    The control plane, too, is a Kubernetes API and may know Deployments; but ASM names its addresses
    (documented: Endpoints of DescribeServiceMeshDetail).
    """
    endpoints = ((facts.mesh.value or {}).get("Endpoints") or {}).values()
    server = facts.cluster_server.value
    if server is None or _address(server) not in {_address(str(endpoint)) for endpoint in endpoints}:
        return facts
    wrong: Reading[str] = Reading(
        problem=f"{server} is the control plane of the ASM instance, not the cluster",
        remedy="Set asm_lanes_cluster_kubeconfig to the kubeconfig of the ACK cluster; "
        "this one belongs in asm_lanes_mesh_kubeconfig",
    )
    blocked: Reading[Any] = wrong.blocking("the cluster could not be read")
    return dataclasses.replace(
        facts, cluster_server=wrong, namespace=blocked, services=blocked, deployments=blocked
    )


def cluster_server(facts: Facts, _wanted: Wanted) -> Finding:
    needed = "kubeconfig of the cluster that runs the application"
    unread = facts.cluster_server.unread("cluster_kubeconfig", needed)
    return unread or Finding("cluster_kubeconfig", OK, str(facts.cluster_server.value), needed)


def namespace(facts: Facts, wanted: Wanted) -> Finding:
    needed = f"namespace {wanted.namespace} in the cluster"
    labels, unread = _namespace_labels(facts, wanted, "namespace", needed)
    if unread:
        return unread
    if labels is not None:
        return Finding("namespace", OK, "there", needed)
    if wanted.manage_namespace:
        return Finding("namespace", OK, "missing; it is going to be created", needed)
    remedy = (
        "Create it, correct asm_lanes_namespace, or set sample_app_manage_namespace: true to have it created"
    )
    return Finding("namespace", FAILED, "there is none of this name", needed, remedy)


def injection(facts: Facts, wanted: Wanted) -> Finding:
    check, needed = "injection", f"sidecar injection in namespace {wanted.namespace}"
    labels, unread = _namespace_labels(facts, wanted, check, needed)
    if unread:
        return Finding(check, SKIPPED, "not checked: the namespace could not be read", needed)
    if labels is None:
        if wanted.manage_namespace:
            return Finding(check, OK, "the namespace is going to be created with it", needed)
        return Finding(check, SKIPPED, "not checked: there is no such namespace", needed)
    for label in (INJECTION_LABEL, REVISION_LABEL):
        if labels.get(label) not in (None, "", "disabled"):
            return Finding(check, OK, f"{label}={labels[label]}", needed)
    found = f"{INJECTION_LABEL}={labels[INJECTION_LABEL]}" if INJECTION_LABEL in labels else "no label for it"
    if wanted.manage_namespace:
        return Finding(check, OK, f"{found}; it is going to be enabled", needed)
    if found == "no label for it" and _injects_by_default(facts):
        return Finding(check, OK, "the mesh injects into all namespaces", needed)
    remedy = (
        f"Label the namespace {INJECTION_LABEL}=enabled and restart its pods, "
        "or set sample_app_manage_namespace: true to have it labelled"
    )
    return Finding(check, FAILED, found, needed, remedy)


def foreign_objects(facts: Facts, wanted: Wanted) -> Finding:
    """Objects with our names that somebody else made: the play would change them."""
    check, needed = "foreign_objects", "names that nobody else uses"
    taken, unread = [], []
    routes = {wanted.virtual_service}
    for kind, reading, names, where in (
        ("Service", facts.services, {one.partition("/")[2] for one in wanted.services}, wanted.namespace),
        ("Deployment", facts.deployments, set(wanted.deployments), wanted.namespace),
        ("Gateway", facts.gateways.blocking("Gateways"), {wanted.rule_name}, wanted.routing_namespace),
        ("VirtualService", facts.virtual_services.blocking("routes"), routes, wanted.routing_namespace),
    ):
        missing = reading.unread(check, needed)
        if missing:
            unread.append(missing)
            continue
        taken += [
            f"{kind} {name_of(one)}"
            for one in reading.value or []
            if one["metadata"].get("namespace") == where
            and one["metadata"]["name"] in names
            and not is_ours(one)
        ]
    if taken:
        remedy = "The play would change them. Choose other names, or leave out the step that makes them"
        return Finding(check, WARNING, ", ".join(taken), needed, remedy)
    # A problem with reading counts more than a reading that was not tried.
    worst = min(unread, key=lambda one: one.status != FAILED, default=None)
    return worst or Finding(check, OK, "none", needed)


def session_affinity(facts: Facts, wanted: Wanted) -> Finding:
    check, needed = "session_affinity", "for information"
    unread = facts.services.blocking("Services could not be read").unread(check, needed)
    if unread:
        return unread
    sticky = [
        name_of(one)
        for one in facts.services.value or []
        if name_of(one) in wanted.services and (one.get("spec") or {}).get("sessionAffinity") == "ClientIP"
    ]
    if not sticky:
        return Finding(check, OK, "no service has sessionAffinity ClientIP", needed)
    note = (
        "The mesh's proxies ignore it. Harmless with the websocket transport; socket.io's polling over "
        "several replicas needs consistent hashing in a DestinationRule"
    )
    return Finding(check, OK, f"ClientIP: {', '.join(sticky)}", needed, note)


def _namespace_labels(
    facts: Facts, wanted: Wanted, check: str, needed: str
) -> tuple[dict[str, str] | None, Finding | None]:
    """The namespace's labels (None: no such namespace), from the cluster, else as ASM sees them."""
    unread = facts.namespace.unread(check, needed)
    if not unread:
        found = facts.namespace.value
        return (None if found is None else labels_of(found)), None
    if facts.guest_labels.unread(check, needed):
        return None, unread
    return (facts.guest_labels.value or {}).get(wanted.namespace), None


def _address(url: str) -> str:
    """``host:port`` of a URL, or of what may lack a scheme."""
    return urlsplit(url if "//" in url else f"//{url}").netloc


def _injects_by_default(facts: Facts) -> bool:
    """EnableNamespacesByDefault of the instance (documented field of DescribeServiceMeshDetail)."""
    config = ((facts.mesh.value or {}).get("Spec") or {}).get("MeshConfig") or {}
    return bool((config.get("SidecarInjector") or {}).get("EnableNamespacesByDefault"))
