"""The default control plane: the lab's own API servers and deployment controllers, in this process."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from .controllers.deployments import DeploymentController
from .controllers.replicasets import ReplicaSetController
from .files import write_secret_yaml
from .kube import KubeApiServer
from .plane import ADMIN, Announce, PodLog
from .supervisor import Part, PartError

if TYPE_CHECKING:
    from .client import Cluster
    from .kubelet.agent import ProcessInfo
    from .settings import Settings


class EmulatedPlane:
    """See ``kube/README.md`` for what it does and what not."""

    def __init__(self, settings: Settings, crds: Mapping[str, list[dict[str, Any]]]) -> None:
        """*crds* of ``cluster`` and ``mesh``."""
        self._settings = settings
        self._tokens = {name: secrets.token_urlsafe(24) for name in ("cluster", "mesh")}
        self._servers = {
            name: KubeApiServer(name, crds.get(name, []), {token: ADMIN}, settings.state_dir)
            for name, token in self._tokens.items()
        }

    async def start(self, announce: Announce) -> None:
        """Serve both."""
        for name, server in self._servers.items():
            await server.start(self._settings.api_address, getattr(self._settings, f"{name}_api_port"))
            file = getattr(self._settings.files, f"{name}_kubeconfig")
            write_secret_yaml(file, server.kubeconfig(self._tokens[name]))
            announce(name, server.url, server.port)

    async def stop(self) -> None:
        """Close both ports."""
        for server in reversed(self._servers.values()):
            await server.stop()

    async def reset(self) -> None:
        """Forget all objects."""
        for server in self._servers.values():
            server.reset()

    async def failed(self) -> PartError:
        """Never: the servers are a part of this process."""
        await asyncio.Event().wait()
        raise AssertionError

    def parts(self, cluster: Cluster) -> list[Part]:
        """Deployments and ReplicaSets."""
        return [
            Part("deployments", lambda: DeploymentController(cluster)),
            Part("replicasets", lambda: ReplicaSetController(cluster)),
        ]

    def own_parts(self) -> list[Part]:
        """None."""
        return []

    def processes(self) -> Iterator[ProcessInfo]:
        """None of its own."""
        return iter(())

    def serve_logs(self, find: PodLog) -> None:
        """``kubectl logs``."""
        self._servers["cluster"].pod_log = find
