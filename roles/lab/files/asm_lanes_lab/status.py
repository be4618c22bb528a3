"""What the daemon tells of itself, in a file that the command line reads."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from .files import write_json
from .kubelet.agent import ProcessInfo
from .objects import Obj, deleting, is_ready
from .seed import GATEWAY, GATEWAY_NAMESPACE
from .settings import Settings
from .supervisor import Part

if TYPE_CHECKING:
    from .client import Cluster

#: Seconds between two looks for something new to tell.
INTERVAL = 0.05


class Report:
    """The lab's state, gathered from its parts; written when it has changed."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.parts: Callable[[], Iterable[Part]] = lambda: ()
        self.processes: Callable[[], Iterable[ProcessInfo]] = lambda: ()
        self.ready = False
        self.resets = 0
        self.error = ""
        self._began = time.monotonic()
        self._steps: list[dict[str, Any]] = []
        self._written: dict[str, Any] = {}

    def step(self, name: str, detail: str) -> None:
        """Something that has come up, for those who watch the lab start."""
        seconds = round(time.monotonic() - self._began, 2)
        self._steps.append({"name": name, "detail": detail, "seconds": seconds})
        self.write()

    def forget(self, name: str) -> None:
        """Take a step back."""
        self._steps = [item for item in self._steps if item["name"] != name]

    def write(self) -> None:
        """Write the state, if it is another than the last one written."""
        data = {
            "pid": os.getpid(),
            "ready": self.ready,
            "resets": self.resets,
            "error": self.error,
            "steps": list(self._steps),
            "parts": [part.as_dict() for part in self.parts()],
            "processes": [
                {"pod": item.pod, "container": item.container, "pid": item.pid, "log": str(item.log or "")}
                for item in self.processes()
            ],
        }
        if data != self._written:
            write_json(self.settings.files.status, data)
            self._written = data


class Watcher:
    """Sees whether the gateway is ready, and keeps the report up to date."""

    def __init__(self, cluster: Cluster, report: Report) -> None:
        self._report = report
        self._pods = cluster.informer("v1", "Pod", GATEWAY_NAMESPACE, f"istio={GATEWAY}")

    async def run(self) -> None:
        """Work until cancelled."""
        await self._pods.start()
        try:
            while True:
                self._look()
                await asyncio.sleep(INTERVAL)
        finally:
            await self._pods.stop()

    def _look(self) -> None:
        report = self._report
        ready = any(_serves(pod) for pod in self._pods.items.values())
        if ready and not report.ready:
            at = report.settings.gateway_address
            urls = [f"http://{at}:{port}" for port in report.settings.gateway_ports]
            report.forget("gateway")
            report.ready = True
            report.step("gateway", " ".join(urls))
        report.ready = ready
        report.write()


def _serves(pod: Obj) -> bool:
    return is_ready(pod) and not deleting(pod)
