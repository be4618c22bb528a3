"""Objects of Istio that the lab makes for istiod, instead of injection and a cluster network. No I/O."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ..mesh.envoy import HCM, LUA, Json
from ..mesh.istio import ROOT_NAMESPACE
from ..mesh.listeners import BAGGAGE_LUA, LUA_FILTER, OUTBOUND_PORT, access_log
from ..mesh.options import Options
from ..mesh.virtualhosts import service_names
from ..mesh.workloads import Pod, Service
from .proxies import PROXY_LABEL

API_VERSION = "networking.istio.io/v1"
FILTER_API_VERSION = "networking.istio.io/v1alpha3"
#: Labels of the WorkloadEntries that the lab keeps, so that it finds them again.
ENTRY_LABEL = "lab.asm.lanes/pod"

_HCM_FILTER = "envoy.filters.network.http_connection_manager"
_SIDES = {"SIDECAR_INBOUND": "inbound", "SIDECAR_OUTBOUND": "outbound", "GATEWAY": "gateway"}


def workload_entry(pod: Pod) -> Json:
    """A ready pod as an endpoint.

    Kubernetes refuses loopback addresses in EndpointSlices; Istio takes them in WorkloadEntries, and lets
    Services select those as they select pods.
    """
    ports = {name: number for name, number in pod.ports if name}
    return {
        "apiVersion": API_VERSION,
        "kind": "WorkloadEntry",
        "metadata": {
            "name": pod.ref.name,
            "namespace": pod.ref.namespace,
            "labels": {ENTRY_LABEL: pod.ref.name},
        },
        "spec": {
            "address": pod.ip,
            "labels": dict(sorted(pod.labels)),
            **({"ports": ports} if ports else {}),
        },
    }


def sidecar(pod: Pod, ports: Mapping[int, str]) -> Json:
    """What a sidecar listens to: the pod's *ports* with their protocols, and its app's calls."""
    inbound = [
        {
            "port": {"number": number, "protocol": protocol.upper(), "name": f"{protocol}-{number}"},
            "bind": pod.ip,
            "captureMode": "NONE",
            "defaultEndpoint": f"0.0.0.0:{number}",  # the first of the proxy's INSTANCE_IPS
        }
        for number, protocol in ports.items()
    ]
    outbound = {
        "port": {"number": OUTBOUND_PORT, "protocol": "HTTP_PROXY", "name": "outbound"},
        "bind": pod.ip,
        "captureMode": "NONE",
        "hosts": ["*/*"],
    }
    spec: Json = {**_selecting(pod), "egress": [outbound]}
    return _object(
        API_VERSION,
        "Sidecar",
        pod.ref.namespace,
        pod.ref.name,
        spec | ({"ingress": inbound} if inbound else {}),
    )


def no_sidecar() -> Json:
    """What holds for a sidecar that istiod does not know yet: it calls nobody.

    Without this it would get listeners on every address of the machine.
    """
    return _object(API_VERSION, "Sidecar", ROOT_NAMESPACE, "default", {"egress": [{"hosts": ["~/*"]}]})


def plain_text() -> Json:
    """No mTLS: nothing in the lab issues certificates."""
    spec = {"mtls": {"mode": "DISABLE"}}
    return _object("security.istio.io/v1", "PeerAuthentication", ROOT_NAMESPACE, "default", spec)


def proxy_filter(pod: Pod, per_side: Mapping[str, Json], services: Iterable[Service]) -> Json:
    """What is special to one sidecar.

    *per_side*: fields of its route configurations, by ``inbound`` and ``outbound``. *services*: all that it
    may call, which get names without a port.
    """
    patches = [
        _patch("ROUTE_CONFIGURATION", context, {}, "MERGE", per_side[side])
        for context, side in _SIDES.items()
        if per_side.get(side)
    ]
    patches += [patch for service in services for patch in _without_port(pod.ref.namespace, service)]
    spec = {**_selecting(pod), "configPatches": patches}
    return _object(FILTER_API_VERSION, "EnvoyFilter", pod.ref.namespace, pod.ref.name, spec)


def _without_port(caller: str, service: Service) -> list[Json]:
    """The names of a Service without its port, for callers in a namespace.

    For a listener of protocol HTTP_PROXY istiod lists ``name:port`` for all ports but 80, and lets Envoy
    take the port off the request's host before it compares (seen in Istio 1.31): nothing would fit. A Service
    with several ports gets the names for its first one.
    """
    port = service.ports[0].number if service.ports else 80
    if any(item.number == 80 for item in service.ports):
        return []
    vhost = {"name": str(OUTBOUND_PORT), "vhost": {"name": f"{service.host}:{port}"}}
    names = {"domains": service_names(caller, service)}
    return [_patch("VIRTUAL_HOST", "SIDECAR_OUTBOUND", {"routeConfiguration": vhost}, "MERGE", names)]


def mesh_filter(options: Options) -> Json:
    """What all proxies have: the access log that audits read, baggage.lua, the gateway's own address."""
    patches = [_manager_patch(context, side, options) for context, side in _SIDES.items()]
    lua = {"@type": LUA, "default_source_code": {"inline_string": BAGGAGE_LUA}}
    patches += [
        _patch(
            "HTTP_FILTER",
            context,
            {"listener": {"filterChain": {"filter": {"name": _HCM_FILTER}}}},
            "INSERT_FIRST",
            {"name": LUA_FILTER, "typed_config": lua},
        )
        for context, side in _SIDES.items()
        if side != "gateway"
    ]
    bound = {"address": {"socket_address": {"address": options.gateway_address}}}
    patches.append(_patch("LISTENER", "GATEWAY", {}, "MERGE", bound))
    return _object(FILTER_API_VERSION, "EnvoyFilter", ROOT_NAMESPACE, "lab", {"configPatches": patches})


def _manager_patch(context: str, side: str, options: Options) -> Json:
    manager = {
        "@type": HCM,
        "access_log": [access_log(side, options)],
        "access_log_options": {"flush_log_on_tunnel_successfully_established": True},
        "server_header_transformation": "PASS_THROUGH",
    }
    match = {"listener": {"filterChain": {"filter": {"name": _HCM_FILTER}}}}
    return _patch("NETWORK_FILTER", context, match, "MERGE", {"name": _HCM_FILTER, "typed_config": manager})


def _patch(applies_to: str, context: str, match: Json, operation: str, value: Json) -> Json:
    return {
        "applyTo": applies_to,
        "match": {"context": context, **match},
        "patch": {"operation": operation, "value": value},
    }


def _selecting(pod: Pod) -> Json:
    return {"workloadSelector": {"labels": {PROXY_LABEL: pod.ref.name}}}


def _object(api_version: str, kind: str, namespace: str, name: str, spec: Json) -> dict[str, Any]:
    metadata = {"name": name, "namespace": namespace}
    return {"apiVersion": api_version, "kind": kind, "metadata": metadata, "spec": spec}
