"""IstioGateway (mesh) -> Deployment and LoadBalancer Service (cluster), as ASM does it.

Documented: that an IstioGateway in istio-system is a gateway, and its fields `ports`, `replicaCount`,
`serviceType`, `podLabels`, `serviceAnnotations`. Inferred: the name `istio-<name>` and the labels of what it
becomes.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from ..mesh.asm import gateway_labels, gateway_workload
from ..mesh.findings import RefusedError
from ..mesh.istio import ROOT_NAMESPACE
from ..mesh.workloads import GATEWAY_LABEL
from ..objects import Obj, deleting
from .loop import reconcile_each, run_loop

if TYPE_CHECKING:
    from ..client import Cluster
    from ..settings import Settings

FIELD_MANAGER = "asm-lanes-lab-gateways"
IMAGE = "asm-lanes.lab/proxy:1"

log = logging.getLogger("asm_lanes_lab.gateways")


class GatewayController:
    """Keeps a Deployment and a Service for each IstioGateway, and deletes those that have none any more."""

    def __init__(self, cluster: Cluster, mesh: Cluster, settings: Settings) -> None:
        self._cluster = cluster
        self._address = settings.gateway_address
        self._wanted = mesh.informer("istio.alibabacloud.com/v1beta1", "IstioGateway", ROOT_NAMESPACE)
        self._present = {
            kind: cluster.informer(version, kind, ROOT_NAMESPACE, GATEWAY_LABEL)
            for kind, version in (("Deployment", "apps/v1"), ("Service", "v1"))
        }

    async def run(self) -> None:
        """Work until cancelled."""
        await run_loop([self._wanted, *self._present.values()], self._step, log)

    async def _step(self) -> float | None:
        wanted = [
            child
            for gateway in self._wanted.items.values()
            if not deleting(gateway)
            for child in children(gateway)
        ]
        names = {(obj["kind"], obj["metadata"]["name"]) for obj in wanted}
        for kind, informer in self._present.items():
            for obj in list(informer.items.values()):
                if (kind, obj["metadata"]["name"]) not in names and not deleting(obj):
                    await self._cluster.delete(
                        obj["apiVersion"], kind, obj["metadata"]["name"], ROOT_NAMESPACE
                    )
        return await reconcile_each(wanted, self._reconcile, log)

    async def _reconcile(self, wanted: Obj) -> float | None:
        key = (ROOT_NAMESPACE, wanted["metadata"]["name"])
        present = self._present[wanted["kind"]].items.get(key)
        if present is None or not includes(present, wanted):
            present = await self._cluster.apply(wanted, FIELD_MANAGER)
        if wanted["spec"].get("type") == "LoadBalancer":
            await self._give_address(present)
        return None

    async def _give_address(self, service: Obj) -> None:
        status = {"loadBalancer": {"ingress": [{"ip": self._address}]}}
        if not includes(service.get("status") or {}, status):
            await self._cluster.patch_status(service, status)


def children(gateway: Obj) -> Iterator[Obj]:
    """The Deployment and the Service of an IstioGateway; nothing for one that the mesh refuses.

    The pods share the host's network, so the ports of the Service are those on which the gateway listens.
    They are not in the pod template: a new port must not restart the gateway, whose sockets are long-lived.
    """
    try:
        workload = gateway_workload(gateway)
    except RefusedError:
        return  # the mesh says so, in the object's status
    spec, name = gateway["spec"], workload.ref.name
    labels = {**gateway_labels(name), GATEWAY_LABEL: name}
    yield _child(
        "apps/v1",
        "Deployment",
        name,
        labels,
        {
            "replicas": spec.get("replicaCount", spec.get("minReplicas", 1)),
            "selector": {"matchLabels": gateway_labels(name)},
            "template": {
                "metadata": {"labels": dict(workload.labels) | labels},
                "spec": {"hostNetwork": True, "containers": [{"name": "istio-proxy", "image": IMAGE}]},
            },
        },
    )
    service = _child(
        "v1",
        "Service",
        name,
        labels,
        {
            "type": spec.get("serviceType", "LoadBalancer"),
            "selector": gateway_labels(name),
            "ports": [_service_port(port) for port in spec.get("ports") or []],
        },
    )
    service["metadata"]["annotations"] = spec.get("serviceAnnotations") or {}
    yield service


def _service_port(port: Obj) -> Obj:
    number = port["port"]
    return {
        "name": port["name"],
        "port": number,
        "targetPort": port.get("targetPort", number),
        "protocol": port.get("protocol", "TCP"),
    }


def _child(version: str, kind: str, gateway: str, labels: Obj, spec: Obj) -> Obj:
    return {
        "apiVersion": version,
        "kind": kind,
        "metadata": {"name": f"istio-{gateway}", "namespace": ROOT_NAMESPACE, "labels": labels},
        "spec": spec,
    }


def includes(present: Any, wanted: Any) -> bool:
    """Whether an object has all that is wanted of it; it may have more (defaults of the server)."""
    if isinstance(wanted, dict):
        return isinstance(present, dict) and all(
            key in present and includes(present[key], value) for key, value in wanted.items() if value != {}
        )
    if isinstance(wanted, list):
        return (
            isinstance(present, list)
            and len(present) == len(wanted)
            and all(includes(one, other) for one, other in zip(present, wanted, strict=True))
        )
    return bool(present == wanted)
