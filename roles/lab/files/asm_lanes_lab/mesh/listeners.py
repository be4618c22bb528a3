"""Listeners, clusters and bootstrap of one proxy.

Whatever changes often is kept out of listeners, because a changed listener drains its sockets: routes come
by RDS, and with them what the Lua filter has to do.
"""

from __future__ import annotations

from pathlib import Path

from .envoy import (
    CLUSTER,
    HCM,
    HTTP_OPTIONS,
    LISTENER,
    LUA,
    ROUTER,
    STDOUT_LOG,
    TCP_PROXY,
    TYPES,
    Json,
    address,
    file_source,
    load_assignment,
)
from .options import Options
from .services import Cluster

OUTBOUND_PORT = 15001
"""Where a sidecar listens for its app's requests, as an HTTP proxy."""

ADMIN_PORT = 15000
"""Where a sidecar's admin interface listens."""

LUA_FILTER = "envoy.filters.http.lua"
METADATA = "asm.lanes"
"""Namespace of the dynamic metadata in which baggage.lua notes what it did."""

BAGGAGE_LUA = Path(__file__).with_name("baggage.lua").read_text(encoding="utf-8")


def http_listener(
    name: str, ip: str, port: int, routes: str, direction: str, options: Options, folder: Path
) -> Json:
    """A listener for HTTP whose routes are in `rds/<routes>.json`.

    direction: inbound, outbound or gateway.
    """
    filters: list[Json] = [
        {"name": "envoy.filters.http.router", "typed_config": {"@type": ROUTER}},
    ]
    if direction != "gateway":
        lua = {"@type": LUA, "default_source_code": {"inline_string": BAGGAGE_LUA}}
        filters.insert(0, {"name": LUA_FILTER, "typed_config": lua})
    manager = {
        "@type": HCM,
        "stat_prefix": name,
        "rds": {
            "route_config_name": routes,
            "config_source": file_source(str(folder / "rds" / f"{routes}.json")),
        },
        "http_filters": filters,
        "upgrade_configs": [{"upgrade_type": "websocket"}],
        "access_log": [access_log(direction, options)],
        # A WebSocket's line is written when it opens, not only when it closes.
        "access_log_options": {"flush_log_on_tunnel_successfully_established": True},
        "use_remote_address": direction == "gateway",
        "normalize_path": True,
        "stream_idle_timeout": "0s",  # as Istio: an idle WebSocket stays open
        "server_header_transformation": "PASS_THROUGH",
    }
    return _listener(name, ip, port, "envoy.filters.network.http_connection_manager", manager)


def tcp_listener(name: str, ip: str, port: int, cluster: str, options: Options) -> Json:
    """A listener that passes bytes on to a cluster."""
    proxy = {
        "@type": TCP_PROXY,
        "stat_prefix": name,
        "cluster": cluster,
        "access_log": [access_log("inbound", options)],
    }
    return _listener(name, ip, port, "envoy.filters.network.tcp_proxy", proxy)


def _listener(name: str, ip: str, port: int, filter_name: str, config: Json) -> Json:
    return {
        "@type": LISTENER,
        "name": name,
        "address": address(ip, port),
        "filter_chains": [{"filters": [{"name": filter_name, "typed_config": config}]}],
    }


def access_log(direction: str, options: Options) -> Json:
    """Fields under the names that ASM gives them by default, headers under their own (both documented)."""
    fields: Json = {
        "start_time": "%START_TIME%",
        "duration": "%DURATION%",
        "request_id": "%REQ(X-REQUEST-ID)%",
        "method": "%REQ(:METHOD)%",
        "path": "%REQ(X-ENVOY-ORIGINAL-PATH?:PATH)%",
        "authority_for": "%REQ(:AUTHORITY)%",
        "route_name": "%ROUTE_NAME%",
        "upstream_cluster": "%UPSTREAM_CLUSTER_RAW%",
        "upstream_host": "%UPSTREAM_HOST%",
        "response_code": "%RESPONSE_CODE%",
        "response_flags": "%RESPONSE_FLAGS%",
        # The lab's own.
        "direction": direction,
        "event": "%ACCESS_LOG_TYPE%",
        "baggage_to_header": f"%DYNAMIC_METADATA({METADATA}:baggage_to_header)%",
        "header_to_baggage": f"%DYNAMIC_METADATA({METADATA}:header_to_baggage)%",
    }
    fields |= {name.lower(): f"%REQ({name})%" for name in options.logged_headers}
    return {
        "name": "envoy.access_loggers.stdout",
        "typed_config": {"@type": STDOUT_LOG, "log_format": {"json_format": fields}},
    }


def app_cluster(name: str, ip: str, port: int, *, http2: bool) -> Json:
    """The cluster of the app behind a sidecar."""
    result = {
        "@type": CLUSTER,
        "name": name,
        "type": "STATIC",
        "connect_timeout": "1s",
        "load_assignment": load_assignment(name, [(ip, port)]),
    }
    return result | _protocol(http2=http2)


def service_cluster(cluster: Cluster) -> Json:
    """The cluster of a Service port or subset, endpoints included.

    Endpoints have no files of their own (EDS), because Envoy spends an inotify instance on every file it
    watches, and Linux grants a user 128 by default. Open WebSockets outlive a change of their cluster.
    """
    result: Json = {
        "@type": CLUSTER,
        "name": cluster.name,
        "type": "STATIC",
        "load_assignment": load_assignment(cluster.name, list(cluster.endpoints)),
        "connect_timeout": "1s",
        "lb_policy": cluster.balancing.policy,
    }
    if cluster.balancing.ring_size:
        result["ring_hash_lb_config"] = {"minimum_ring_size": cluster.balancing.ring_size}
    return result | _protocol(http2=cluster.http2)


def _protocol(*, http2: bool) -> Json:
    if not http2:
        return {}
    options = {"@type": f"{TYPES}{HTTP_OPTIONS}", "explicit_http_config": {"http2_protocol_options": {}}}
    return {"typed_extension_protocol_options": {HTTP_OPTIONS: options}}


def bootstrap(proxy: str, admin_ip: str, admin_port: int, folder: Path) -> Json:
    """What Envoy is started with: who it is and where the rest of its configuration lies."""
    return {
        "node": {"id": proxy, "cluster": "asm-lanes-lab"},
        "admin": {"address": address(admin_ip, admin_port)},
        "dynamic_resources": {
            "lds_config": file_source(str(folder / "lds.json")),
            "cds_config": file_source(str(folder / "cds.json")),
        },
    }
