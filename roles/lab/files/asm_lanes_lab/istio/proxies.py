"""Proxies whose configuration comes from istiod: how they are started, and who they say they are. No I/O."""

from __future__ import annotations

from dataclasses import dataclass

from ..mesh.envoy import HTTP_OPTIONS, TYPES, Json, address, load_assignment
from ..mesh.listeners import ADMIN_PORT
from ..mesh.workloads import Pod
from .programs import WORKLOAD_CLUSTER

#: Label under which istiod knows a single proxy; only the proxy says it, the pod does not have it.
PROXY_LABEL = "lab.asm.lanes/proxy"
ISTIO_VERSION = "1.31.0"

_XDS = "xds-grpc"


@dataclass(frozen=True)
class Proxy:
    """One Envoy. app: where the app behind a sidecar listens; empty for a gateway."""

    pod: Pod
    app: str = ""

    @property
    def admin(self) -> tuple[str, int]:
        """Address of its admin interface."""
        ip, _colon, port = self.pod.admin.rpartition(":")
        return (self.pod.ip, ADMIN_PORT) if self.app else (ip, int(port))


def bootstrap(proxy: Proxy, istiod: tuple[str, int]) -> Json:
    """What an Envoy is started with; all else comes from istiod at (address, port)."""
    ads: Json = {"ads": {}, "resource_api_version": "V3", "initial_fetch_timeout": "0s"}
    ip, port = proxy.admin
    return {
        "node": _node(proxy),
        "admin": {"address": address(ip, port)},
        "dynamic_resources": {
            "ads_config": {
                "api_type": "DELTA_GRPC",
                "transport_api_version": "V3",
                "grpc_services": [{"envoy_grpc": {"cluster_name": _XDS}}],
            },
            "lds_config": ads,
            "cds_config": ads,
        },
        "static_resources": {"clusters": [_istiod_cluster(istiod)]},
    }


def _istiod_cluster(at: tuple[str, int]) -> Json:
    http2 = {
        "@type": f"{TYPES}{HTTP_OPTIONS}",
        "explicit_http_config": {
            "http2_protocol_options": {"connection_keepalive": {"interval": "30s", "timeout": "10s"}}
        },
    }
    return {
        "name": _XDS,
        "type": "STATIC",
        "connect_timeout": "1s",
        "typed_extension_protocol_options": {HTTP_OPTIONS: http2},
        "load_assignment": load_assignment(_XDS, [at]),
    }


def _node(proxy: Proxy) -> Json:
    """As Istio's agent says it. The first of INSTANCE_IPS is where istiod takes the app to be."""
    pod = proxy.pod
    namespace, kind = pod.ref.namespace, "sidecar" if proxy.app else "router"
    domain = f"{namespace}.svc.cluster.local"
    return {
        "id": f"{kind}~{pod.ip}~{pod.ref.name}.{namespace}~{domain}",
        "cluster": f"{pod.ref.name}.{namespace}",
        "metadata": {
            "CLUSTER_ID": WORKLOAD_CLUSTER,
            "NAMESPACE": namespace,
            "NAME": pod.ref.name,
            "INSTANCE_IPS": proxy.app or pod.ip,
            "INTERCEPTION_MODE": "NONE",
            "ISTIO_VERSION": ISTIO_VERSION,
            "LABELS": {**dict(pod.labels), PROXY_LABEL: pod.ref.name},
            "STATIC_LABELS": {PROXY_LABEL: pod.ref.name},  # beside those of the pod, once istiod knows it
        },
    }
