# Copyright (c) 2026, asm.lanes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Checks of the ASM control plane: the right server, the gateway with its port, the routes already there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .finding import FAILED, OK, SKIPPED, WARNING, Finding
from .wanted import is_generated, is_ours, name_of

if TYPE_CHECKING:
    from .finding import Reading
    from .wanted import Facts, Object, Wanted


def mesh_server(facts: Facts, _wanted: Wanted) -> Finding:
    needed = "kubeconfig of the ASM control plane"
    unread = facts.mesh_server.unread("mesh_kubeconfig", needed)
    return unread or Finding("mesh_kubeconfig", OK, str(facts.mesh_server.value), needed)


def istio_api(facts: Facts, wanted: Wanted) -> Finding:
    needed = wanted.api_version
    unread = facts.istio_versions.unread("istio_api", needed)
    if unread:
        return unread
    served = facts.istio_versions.value or []
    if wanted.api_version in served:
        return Finding("istio_api", OK, ", ".join(served), needed)
    remedy = f"Set gateway_routing_api_version to one of: {', '.join(served)}"
    return Finding("istio_api", FAILED, ", ".join(served), needed, remedy)


def ingress_gateway(facts: Facts, wanted: Wanted) -> Finding:
    needed = f"IstioGateway {wanted.gateway_namespace}/{wanted.gateway_name}"
    unread = facts.gateway.unread("gateway", needed)
    if unread:
        return unread
    if facts.gateway.value is None:
        remedy = "Create the ingress gateway in the ASM console, or name yours in asm_lanes_gateway_name"
        return Finding("gateway", FAILED, "there is none of this name", needed, remedy)
    return Finding("gateway", OK, name_of(facts.gateway.value), needed)


def gateway_port(facts: Facts, wanted: Wanted) -> Finding:
    needed = f"port {wanted.gateway_port} on the ingress gateway"
    reading = facts.gateway.blocking("the ingress gateway could not be read")
    unread = reading.unread("gateway_port", needed)
    if unread:
        return unread
    if reading.value is None:
        return Finding("gateway_port", SKIPPED, "not checked: there is no ingress gateway", needed)
    ports = sorted(int(port["port"]) for port in (reading.value.get("spec") or {}).get("ports") or [])
    found = f"ports {', '.join(str(port) for port in ports) or 'none'}"
    if wanted.gateway_port in ports:
        return Finding("gateway_port", OK, found, needed)
    if wanted.manage_gateway_port:
        return Finding("gateway_port", OK, f"{found}; it is going to be added", needed)
    remedy = (
        "Set gateway_routing_manage_gateway_port: true to have it added, add it to the IstioGateway "
        "yourself, or choose one of its ports with asm_lanes_gateway_port"
    )
    return Finding("gateway_port", FAILED, found, needed, remedy)


def rule_namespace(facts: Facts, wanted: Wanted) -> Finding:
    """The Gateway, the VirtualService's reference and the lane group must mean one and the same rule."""
    check, needed = "gateway_rule_namespace", f"gateway rule {wanted.rule} everywhere"
    remedy = "Set asm_lanes_gateway_rule_namespace to the one namespace, and remove what is left in the other"
    if wanted.routing_namespace != wanted.rule_namespace:
        found = (
            f"the Gateway is going to be made in {wanted.routing_namespace}, "
            f"the lane group refers to {wanted.rule_namespace}"
        )
        return Finding(check, FAILED, found, needed, remedy)
    unread = facts.gateways.unread(check, needed) or facts.virtual_services.unread(check, needed)
    if unread:
        return unread
    gateways = [
        name_of(one) for one in facts.gateways.value or [] if one["metadata"]["name"] == wanted.rule_name
    ]
    elsewhere = [name for name in gateways if name != wanted.rule]
    wrong = [
        f"VirtualService {name_of(route)} refers to {ref}"
        for route in facts.virtual_services.value or []
        if route["metadata"]["name"] == wanted.virtual_service
        for ref in _gateway_refs(route)
        if ref.endswith(f"/{wanted.rule_name}") and ref != wanted.rule
    ]
    if wrong:
        return Finding(check, FAILED, "; ".join(wrong), needed, remedy)
    if elsewhere:
        return Finding(check, WARNING, f"also a Gateway {', '.join(elsewhere)}", needed, remedy)
    found = wanted.rule if gateways else "no gateway rule of this name yet"
    return Finding(check, OK, found, needed)


def catch_all(facts: Facts, wanted: Wanted) -> Finding:
    """Which of two catch-all routes on one gateway wins is undefined in Istio (documented there)."""
    check, needed = "catch_all_routes", "no other catch-all VirtualService on the gateway's port"
    unread = _routes(facts).unread(check, needed)
    if unread:
        return unread
    rules = {wanted.rule} | {
        name_of(one) for one in facts.gateways.value or [] if _listens_there(one, wanted)
    }
    found = [
        name_of(one)
        for one in facts.virtual_services.value or []
        if rules & set(_gateway_refs(one))
        and _catches_all(one)
        and not is_ours(one)
        and not is_generated(one)
    ]
    if not found:
        return Finding(check, OK, "none", needed)
    remedy = "Give it hosts or matches of its own, or take it off this gateway: which one wins is undefined"
    return Finding(check, WARNING, ", ".join(found), needed, remedy)


def mesh_routes(facts: Facts, wanted: Wanted) -> Finding:
    """Istio does not merge VirtualServices within the mesh: one of somebody else's takes a lane's traffic."""
    check, needed = "mesh_routes", "no other VirtualService for the lanes' services within the mesh"
    unread = _routes(facts).unread(check, needed)
    if unread:
        return unread
    found = [
        name_of(one)
        for one in facts.virtual_services.value or []
        if _bound_to_mesh(one) and not is_generated(one) and _routes_to(one, wanted.services)
    ]
    if not found:
        return Finding(check, OK, "none", needed)
    remedy = "Remove it: beside the one that ASM generates for the lanes, which of the two wins is undefined"
    return Finding(check, WARNING, ", ".join(found), needed, remedy)


def _routes(facts: Facts) -> Reading[list[Object]]:
    """VirtualServices for checks that follow `rule_namespace`, which tells of problems with reading."""
    gateways = facts.gateways.blocking("Gateways could not be read")
    if gateways.blocked:
        return gateways
    return facts.virtual_services.blocking("VirtualServices could not be read")


def _spec(obj: Object) -> dict[str, Any]:
    return obj.get("spec") or {}


def _gateway_refs(service: Object) -> list[str]:
    """The gateways of a VirtualService as ``namespace/name``; a bare name is in its own namespace."""
    own = (service.get("metadata") or {}).get("namespace")
    refs = [ref for ref in _spec(service).get("gateways") or [] if ref != "mesh"]
    return [ref if "/" in ref else f"{own}/{ref}" for ref in refs]


def _listens_there(gateway: Object, wanted: Wanted) -> bool:
    """Whether a Gateway opens the wanted port on the wanted ingress gateway."""
    numbers = [(server.get("port") or {}).get("number") for server in _spec(gateway).get("servers") or []]
    selector = _spec(gateway).get("selector") or {}
    return selector.get("istio") == wanted.gateway_name and wanted.gateway_port in numbers


def _catches_all(service: Object) -> bool:
    """Whether any request for any host matches a route."""
    return "*" in (_spec(service).get("hosts") or []) and any(
        not route.get("match") or any(_matches_all(match) for match in route["match"])
        for route in _spec(service).get("http") or []
    )


def _matches_all(match: dict[str, Any]) -> bool:
    conditions = {key: value for key, value in match.items() if key != "name"}
    return not conditions or conditions == {"uri": {"prefix": "/"}}


def _bound_to_mesh(service: Object) -> bool:
    gateways = _spec(service).get("gateways") or ["mesh"]
    return "mesh" in gateways


def _routes_to(service: Object, wanted: tuple[str, ...]) -> bool:
    """Whether one of the hosts is one of the services, in any of the ways to write a host."""
    own = (service.get("metadata") or {}).get("namespace")
    names = set()
    for text in wanted:
        namespace, _slash, name = text.partition("/")
        names |= {f"{name}.{namespace}.svc.cluster.local", f"{name}.{namespace}.svc", f"{name}.{namespace}"}
        names |= {name} if namespace == own else set()
    return bool(names & set(_spec(service).get("hosts") or []))
