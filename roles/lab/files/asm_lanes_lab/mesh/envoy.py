"""Small pieces of Envoy configuration (API v3, as JSON)."""

from __future__ import annotations

from typing import Any

Json = dict[str, Any]

TYPES = "type.googleapis.com/"
LISTENER = f"{TYPES}envoy.config.listener.v3.Listener"
CLUSTER = f"{TYPES}envoy.config.cluster.v3.Cluster"
ROUTES = f"{TYPES}envoy.config.route.v3.RouteConfiguration"
HCM = f"{TYPES}envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager"
TCP_PROXY = f"{TYPES}envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy"
ROUTER = f"{TYPES}envoy.extensions.filters.http.router.v3.Router"
LUA = f"{TYPES}envoy.extensions.filters.http.lua.v3.Lua"
LUA_PER_ROUTE = f"{TYPES}envoy.extensions.filters.http.lua.v3.LuaPerRoute"
STDOUT_LOG = f"{TYPES}envoy.extensions.access_loggers.stream.v3.StdoutAccessLog"
HTTP_OPTIONS = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions"
PREVIOUS_HOSTS = f"{TYPES}envoy.extensions.retry.host.previous_hosts.v3.PreviousHostsPredicate"


def address(ip: str, port: int) -> Json:
    """A TCP address."""
    return {"socket_address": {"address": ip, "port_value": port}}


def file_source(path: str) -> Json:
    """Configuration from a file, read again whenever another file is renamed onto it."""
    return {"path_config_source": {"path": path}, "resource_api_version": "V3"}


def load_assignment(cluster: str, endpoints: list[tuple[str, int]]) -> Json:
    """The endpoints of a cluster, all alike."""
    hosts = [{"endpoint": {"address": address(ip, port)}} for ip, port in endpoints]
    return {"cluster_name": cluster, "endpoints": [{"lb_endpoints": hosts}] if hosts else []}


def seconds(value: float) -> str:
    """A duration as protobuf's JSON has it."""
    return f"{value:.3f}s"
