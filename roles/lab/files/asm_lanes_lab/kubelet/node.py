"""What every pod of the node shares, and how the node runs a pod's parts."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import aiohttp

from .. import images
from ..events import EventRecorder
from ..images import ImageRow
from ..objects import Obj
from ..settings import Settings
from . import environment, probe
from .container import Launch
from .network import AddressPool

if TYPE_CHECKING:
    from ..client import Cluster

#: Annotation of a pod with a sidecar, as Istio's injector writes it.
INJECTED = "sidecar.istio.io/status"
#: Label or annotation of a pod that overrides its namespace.
INJECT = "sidecar.istio.io/inject"
#: Label of a namespace whose pods get a sidecar.
INJECTION = "istio-injection"
#: Annotation: where the Envoy of a pod on the host network answers its administrator.
ADMIN = "lab.asm.lanes/admin"
SIDECAR = "istio-proxy"
ADMIN_PORT = 15000
OUTBOUND_PORT = 15001


@dataclass(frozen=True)
class Addresses:
    """Where a pod is found: its IP, where its apps listen, where its Envoy's administrator page is."""

    pod: str
    app: str
    admin: str
    #: What goes back to the pool in the end.
    taken: str


class Node:
    """The lab's only node."""

    def __init__(self, cluster: Cluster, settings: Settings, session: aiohttp.ClientSession) -> None:
        self.cluster = cluster
        self.events = EventRecorder(cluster, "kubelet")
        self._settings = settings
        self._session = session
        self._pool = AddressPool(settings)
        self._images = images.table(settings.images)

    def addresses(self, pod: Obj, sidecar: bool) -> Addresses:
        """Addresses for a pod; one on the host network has the gateway's. Raises NoAddressError."""
        taken = self._pool.take()
        address = self._settings.gateway_address if pod["spec"].get("hostNetwork") else taken
        app = self._pool.behind(taken) if sidecar else address
        return Addresses(address, app, f"{taken}:{ADMIN_PORT}", taken)

    def release(self, addresses: Addresses) -> None:
        """Give the addresses back."""
        self._pool.give_back(addresses.taken)

    async def wants_sidecar(self, pod: Obj) -> bool:
        """Whether Istio's injector would add a sidecar: the pod's own word, else its namespace's."""
        if pod["spec"].get("hostNetwork") or any(self._is_proxy(item) for item in pod["spec"]["containers"]):
            return False
        meta = pod["metadata"]
        own = (meta.get("labels") or {}).get(INJECT) or (meta.get("annotations") or {}).get(INJECT)
        if own:
            return str(own).lower() == "true"
        namespace = await self.cluster.get("v1", "Namespace", meta["namespace"])
        labels = namespace["metadata"].get("labels") or {} if namespace else {}
        return labels.get(INJECTION) == "enabled"

    def _is_proxy(self, container: Obj) -> bool:
        row = images.find(self._images, container["image"])
        return row is not None and row.app == "proxy"

    def image(self, container: Obj) -> ImageRow | None:
        """The row of the images table for a container."""
        return images.find(self._images, container["image"])

    def no_image(self, container: Obj) -> str:
        """What to tell the user about a container without a row."""
        return (
            f'the lab has no stand-in for image "{container["image"]}": no row fits, neither in the setting'
            f" images of the lab nor in {images.IMAGES_FILE}; add a row, or use an image that has one"
        )

    def launch(self, pod: Obj, container: Obj, row: ImageRow, at: Addresses, sidecar: bool) -> Launch:
        """How to run a container of the pod. Raises ConfigError."""
        if row.app == "proxy":
            return self.proxy(pod, container["name"], container["image"], at)
        port = next((item["containerPort"] for item in container.get("ports") or []), row.port)
        proxy = f"http://{at.pod}:{OUTBOUND_PORT}"
        env = {
            **environment.base(),
            **environment.identity(pod, container),
            "POD_IP": at.pod,
            "HOST": at.app,
            "PORT": str(port),
            **({"HTTP_PROXY": proxy, "http_proxy": proxy} if sidecar else {}),
            **row.env,
            **environment.declared(pod, container, at.pod),
        }
        return Launch(
            container["name"],
            container["image"],
            [sys.executable, "-m", f"asm_lanes_lab.apps.{row.app}"],
            env,
            self._log(pod, "app" if len(pod["spec"]["containers"]) == 1 else container["name"]),
            probe.of_container(self._session, container, at.app, port),
        )

    def proxy(self, pod: Obj, name: str, image: str, at: Addresses) -> Launch:
        """How to run Envoy for the pod, with the configuration that the mesh writes."""
        meta = pod["metadata"]
        bootstrap = self._settings.files.xds / f"{meta['namespace']}.{meta['name']}" / "bootstrap.json"
        argv: Sequence[str] = (
            self._settings.envoy_path,
            *("-c", str(bootstrap)),
            *("--concurrency", "1"),
            *("--file-flush-interval-msec", "100"),  # access logs while they are of interest
            *("--log-level", "warning"),
            *("--drain-time-s", "1"),
            "--disable-hot-restart",
        )
        ready = probe.Probe(probe.http(self._session, f"http://{at.admin}/ready"))
        return Launch(name, image, argv, environment.base(), self._log(pod, "envoy"), ready, needs=bootstrap)

    def _log(self, pod: Obj, name: str) -> Path:
        meta = pod["metadata"]
        return self._settings.files.pods / f"{meta['namespace']}_{meta['name']}" / f"{name}.log"
