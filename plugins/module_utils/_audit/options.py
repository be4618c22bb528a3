# Copyright (c) 2026, asm.lanes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The options of an audit, besides those that say how clients talk. Apart from all that imports libraries."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

HANDSHAKE, CALL, BROADCAST, POLLING, HTTP = "handshake", "call", "broadcast", "polling", "http"
KINDS = (HANDSHAKE, CALL, BROADCAST, POLLING, HTTP)
"""Kinds of messages to follow."""

ARGUMENTS: dict[str, Any] = {
    "http_path": {"type": "str", "default": "/"},
    "lanes": {"type": "list", "elements": "str"},
    "messages": {
        "type": "list",
        "elements": "str",
        "choices": list(KINDS),
        "default": [HANDSHAKE, CALL, BROADCAST],
    },
    "tag_baggage": {"type": "bool", "default": True},
    "cluster_kubeconfig": {"type": "path", "required": True},
    "cluster_context": {"type": "str"},
    "mesh_kubeconfig": {"type": "path"},
    "mesh_context": {"type": "str"},
    "gateway_namespace": {"type": "str", "default": "istio-system"},
    "gateway_selector": {"type": "dict", "default": {"istio": "ingressgateway"}},
    "proxy_container": {"type": "str", "default": "istio-proxy"},
    "timeout": {"type": "float", "default": 10},
    "log_timeout": {"type": "float", "default": 5},
}


def check(params: Mapping[str, Any]) -> None:
    """Raise ValueError for values that ARGUMENTS cannot refuse."""
    for name in ("timeout", "log_timeout"):
        if params[name] <= 0:
            raise ValueError(f"{name}: {params[name]} is not allowed, must be more than 0")


def complete(stated: Mapping[str, Any]) -> dict[str, Any]:
    """Options by name, with the defaults of those that are not stated.

    Raises:
        ValueError: one is unknown, missing, or of the wrong kind.
    """
    result = ArgumentSpecValidator(ARGUMENTS).validate(dict(stated))
    if result.error_messages:
        raise ValueError(f"audit_options: {'; '.join(result.error_messages)}")
    params: dict[str, Any] = result.validated_parameters
    try:
        check(params)
    except ValueError as error:
        raise ValueError(f"audit_options: {error}") from None
    return params
