# Copyright (c) 2026, asm.lanes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The address of an ASM gateway's load balancer, from the cluster.

*Inferred*: the Service of an ASM gateway carries the labels of its pods. A cloud gives it an address when it
has made the load balancer, which takes a minute or two.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

from ansible.module_utils.basic import missing_required_lib

from .. import _elsewhere

#: Seconds between two looks.
PAUSE = 2.0

Object = Mapping[str, Any]


def gateway_address(params: Mapping[str, Any]) -> dict[str, str]:
    """Look an address up, and wait for one where a load balancer is still to get it.

    Args:
        params: ``kubeconfig``, ``context``, ``namespace``, ``selector`` (labels of the gateway's pods) and
            ``timeout`` (seconds).

    Returns:
        ``address``: an IP address or a host name; or ``msg``: why there is none.
    """
    # Here, since the Python client takes time that who knows the address need not spend.
    from .client import IMPORT_ERROR, connect
    from .errors import KubeError
    from .objects import selector

    if IMPORT_ERROR is not None:
        return {"msg": missing_required_lib("kubernetes")}
    labels = selector(params["selector"])
    deadline, told = time.monotonic() + params["timeout"], False
    try:
        api = connect(params["kubeconfig"], params["context"])
        while True:
            services = api.list("v1", "Service", params["namespace"], label_selector=labels)
            found = addresses(services)
            if found:
                return {"address": found[0]}
            if "LoadBalancer" not in types(services) or time.monotonic() >= deadline:
                where = f"in {params['namespace']} with the labels {labels}"
                return {"msg": missing(services, params["namespace"], where, params["timeout"])}
            if not told:
                names = ", ".join(service["metadata"]["name"] for service in services)
                _elsewhere.say(
                    f"waiting up to {params['timeout']:g} s for an address of the load balancer of Service "
                    f"{params['namespace']}/{names}"
                )
                told = True
            time.sleep(min(PAUSE, max(deadline - time.monotonic(), 0.0)))
    except KubeError as error:
        return {"msg": error.message}


def addresses(services: Sequence[Object]) -> list[str]:
    """Addresses of the load balancers: IP addresses before host names."""
    ingress = [
        entry
        for service in services
        for entry in ((service.get("status") or {}).get("loadBalancer") or {}).get("ingress") or ()
    ]
    return [entry[key] for key in ("ip", "hostname") for entry in ingress if entry.get(key)]


def types(services: Sequence[Object]) -> list[str]:
    """The types of Services."""
    return [service["spec"].get("type", "ClusterIP") for service in services]


def missing(services: Sequence[Object], namespace: str, where: str, timeout: float) -> str:
    """Why there is no address, and what to do."""
    names = ", ".join(service["metadata"]["name"] for service in services)
    kinds = types(services)
    waited = f" after {timeout:g} s" if "LoadBalancer" in kinds else ""
    seen = (
        f"Service {namespace}/{names} ({', '.join(kinds)}) has no address of a load balancer{waited}"
        if services
        else f"the cluster has no Service {where}"
    )
    return (
        f"The gateway is not known: {seen}. Set asm_lanes_gateway_address (a node's, where the gateway has "
        "node ports), asm_lanes_gateway_url or lane_proof_url."
    )
