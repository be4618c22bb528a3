# Copyright (c) 2026, asm.lanes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The module ``gateway_port``: let an ASM gateway listen on a port, and leave its other ports alone.

*Documented*: an ASM gateway is an ``IstioGateway`` of ``istio.alibabacloud.com/v1beta1`` on the mesh control
plane, its ports are ``spec.ports`` with ``name``, ``port``, ``targetPort`` and ``protocol``. *Inferred*: that
a port is opened by adding an entry there.
"""

from __future__ import annotations

from typing import Any

from .._kube.client import Api
from .._kube.errors import KubeError

API_VERSION = "istio.alibabacloud.com/v1beta1"
KIND = "IstioGateway"
MANAGER = "asm.lanes"

Object = dict[str, Any]


def ensure(
    api: Api, namespace: str, name: str, port: int, check_mode: bool
) -> tuple[list[Object], list[Object]]:
    """Make the gateway listen on *port* (TCP).

    Returns:
        Its ports before and after; equal when nothing was to do.

    Raises:
        KubeError: the server cannot be read, there is no such gateway, or somebody has changed it meanwhile.
    """
    gateway = api.get(API_VERSION, KIND, name, namespace)
    if gateway is None:
        raise KubeError(
            f"There is no IstioGateway {name} in namespace {namespace} of {api.server} (kubeconfig "
            f"{api.kubeconfig}). Create the ASM gateway, or name the one that is there.",
            failure="not_found",
        )
    before: list[Object] = gateway.get("spec", {}).get("ports") or []
    after = with_port(before, port)
    if after != before:
        # A merge patch replaces the whole list, so those that are there are sent along; the version of the
        # gateway goes with them, and the server refuses when it is no longer the one that was read.
        api.patch(gateway, {"spec": {"ports": after}}, MANAGER, dry_run=check_mode)
    return before, after


def with_port(ports: list[Object], port: int) -> list[Object]:
    """The ports with *port* among them."""
    if any(entry.get("port") == port for entry in ports):
        return ports
    return [*ports, {"name": f"http-{port}", "port": port, "targetPort": port, "protocol": "TCP"}]
