# Copyright (c) 2026, asm.lanes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The objects that lead a port of an ASM gateway to a service: gateway rule, route, and the port itself.

*Documented*: an ASM gateway is an ``IstioGateway`` of ``istio.alibabacloud.com/v1beta1`` on the mesh control
plane, its ports are ``spec.ports`` with ``name``, ``port``, ``targetPort`` and ``protocol``. *Inferred*: that
a port is opened by adding an entry there.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .._kube.client import Api
from .._kube.errors import KubeError
from .._kube.objects import MANAGER, PATCHED, UNCHANGED, Step, own_labels
from .mesh import GATEWAY_API, GATEWAY_KIND

PORTS = range(1, 65536)

Object = dict[str, Any]


def bad_ports(options: Mapping[str, Any]) -> list[str]:
    """A sentence for each option that is no port."""
    return [
        f"{name} {options[name]}: a port is a number from {PORTS[0]} to {PORTS[-1]}."
        for name in ("port", "service_port")
        if options[name] not in PORTS
    ]


def routing_objects(options: Mapping[str, Any]) -> list[Object]:
    """The gateway rule (Istio Gateway) and its one route (VirtualService), as manifests.

    The destination is a fully qualified name, so that the namespace of the route does not matter.

    Args:
        options: of the module.
    """
    api_version, namespace, hosts = options["api_version"], options["namespace"], options["hosts"]
    labels = {**(options["labels"] or {}), **own_labels(options["part_of"])}
    port = {"name": options["port_name"], "number": options["port"], "protocol": options["protocol"]}
    host = f"{options['service']}.{options['service_namespace']}.svc.{options['cluster_domain']}"
    destination = {"host": host, "port": {"number": options["service_port"]}}

    def made(kind: str, name: str, spec: Object) -> Object:
        metadata = {"name": name, "namespace": namespace, "labels": labels}
        return {"apiVersion": api_version, "kind": kind, "metadata": metadata, "spec": spec}

    selector = options["selector"] or {"istio": options["gateway_name"]}
    rule = {"selector": selector, "servers": [{"hosts": hosts, "port": port}]}
    route = {
        "gateways": [f"{namespace}/{options['rule_name']}"],
        "hosts": hosts,
        "http": [{"route": [{"destination": destination}]}],
    }
    return [
        made("Gateway", options["rule_name"], rule),
        made("VirtualService", options["virtual_service_name"], route),
    ]


class PortStep(Step):
    """Has an ASM gateway listen on a port; ``wanted`` states all ports that it listens on afterwards."""

    def send(self, api: Api, *, force: bool, dry_run: bool) -> tuple[Object, bool]:
        """See `Step.send`; nothing is taken over by *force*."""
        found: Object = self.found or {}
        # A merge patch replaces the whole list, so those that are there are sent along; the version of the
        # gateway goes with them, and the server refuses when it is no longer the one that was read.
        return api.patch(found, {"spec": self.wanted["spec"]}, MANAGER, dry_run=dry_run), False


def port_step(api: Api, namespace: str, name: str, port: int) -> PortStep:
    """What is to be done that an ASM gateway listens on *port* (TCP); its other ports stay.

    Raises:
        KubeError: the server cannot be read, or there is no such gateway.
    """
    gateway = api.get(GATEWAY_API, GATEWAY_KIND, name, namespace)
    if gateway is None:
        raise KubeError(
            f"There is no IstioGateway {name} in namespace {namespace} of {api.server} (kubeconfig "
            f"{api.kubeconfig}). Create the ASM gateway, or name the one that is there.",
            failure="not_found",
        )
    before: list[Object] = gateway.get("spec", {}).get("ports") or []
    after = with_port(before, port)
    names = {"name": name, "namespace": namespace}
    wanted = {"apiVersion": GATEWAY_API, "kind": GATEWAY_KIND, "metadata": names, "spec": {"ports": after}}
    return PortStep(wanted, gateway, UNCHANGED if after == before else PATCHED, gateway)


def with_port(ports: list[Object], port: int) -> list[Object]:
    """The ports with *port* among them."""
    if any(entry.get("port") == port for entry in ports):
        return ports
    return [*ports, {"name": f"http-{port}", "port": port, "targetPort": port, "protocol": "TCP"}]
