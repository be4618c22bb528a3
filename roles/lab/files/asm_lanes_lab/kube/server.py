"""The server: its life, its certificates, what it serves from the start."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from aiohttp import web

from ..kubeconfig import kubeconfig
from . import crds as definitions
from .api import Api
from .call import Call
from .frontend import Frontend, PodLog
from .lifecycle import Janitor
from .pki import Authority
from .resources import CRDS, NAMESPACES, Registry
from .store import Event, Store

Obj = dict[str, Any]

SYSTEM_NAMESPACES = ("default", "kube-system", "kube-public", "kube-node-lease", "istio-system")
"""Namespaces that are there from the start and after every reset."""
MAX_BODY = 16 * 1024 * 1024
"""Bytes that a request may have."""


class KubeApiServer:
    """One Kubernetes API endpoint.

    *name*: for messages and the kubeconfig. *crds*: CustomResourceDefinition objects, served from the start
    and kept by ``reset``. *tokens*: bearer token -> user name. *data_dir*: where the CA is kept (``ca.crt``,
    ``ca.key``), so that several servers and restarts share it; without it every server makes its own.
    """

    def __init__(
        self,
        name: str,
        crds: Iterable[Obj] = (),
        tokens: dict[str, str] | None = None,
        data_dir: Path | None = None,
    ) -> None:
        self.name = name
        self.host, self.port = "", 0
        self.tokens = dict(tokens or {})
        self.store = Store()
        self.registry = Registry()
        self.api = Api(self.store, self.registry)
        self._crds = list(crds)
        self._authority = Authority.at(data_dir) if data_dir else Authority.create()
        self._frontend = Frontend(name, self.api, self.tokens)
        self._runner: web.AppRunner | None = None
        self._janitor: asyncio.Task[None] | None = None
        self.store.listen(self._follow_crds)
        self._seed()

    # --- life -----------------------------------------------------------------------------------------------

    @property
    def ca_pem(self) -> str:
        """The certificate of the CA that signed the server's certificate."""
        return self._authority.pem

    @property
    def url(self) -> str:
        """``https://host:port``."""
        return f"https://{self.host}:{self.port}"

    @property
    def stats(self) -> Obj:
        """Requests by verb, their sum, and writes that changed the store, since the start."""
        return self._frontend.stats

    @property
    def pod_log(self) -> PodLog | None:
        """Tells where a pod's log is: (namespace, pod, container or None) -> file or None. To be set."""
        return self._frontend.pod_log

    @pod_log.setter
    def pod_log(self, find: PodLog | None) -> None:
        self._frontend.pod_log = find

    def kubeconfig(self, token: str) -> Obj:
        """A kubeconfig for this server and one token."""
        user = self.tokens.get(token, "user")
        return kubeconfig(self.name, self.url, self.ca_pem, user, {"token": token})

    async def start(self, host: str, port: int) -> None:
        """Serve on *host*:*port* (0: a free one, see ``port``).

        Raises ``OSError`` naming server, address and what to do when the port is taken.
        """
        app = web.Application(client_max_size=MAX_BODY)
        app.router.add_route("*", "/{path:.*}", self._frontend.handle)
        # A watcher that hangs up ends its handler, not only at the next event.
        self._runner = web.AppRunner(app, access_log=None, handler_cancellation=True, shutdown_timeout=1.0)
        await self._runner.setup()
        context = self._authority.server_context(host, "localhost", "kubernetes", "kubernetes.default.svc")
        site = web.TCPSite(self._runner, host, port, ssl_context=context)
        try:
            await site.start()
        except OSError as error:
            await self._runner.cleanup()
            self._runner = None
            message = (
                f"the Kubernetes API '{self.name}' cannot listen on {host}:{port}: {error.strerror}; "
                f"stop what uses that port, or set {self.name}_api_port to another one (0: any free one)"
            )
            raise OSError(error.errno, message) from error
        self.host, self.port = host, self._runner.addresses[0][1]
        self._janitor = asyncio.create_task(Janitor(self.api).run(), name=f"kube-{self.name}-janitor")

    async def stop(self) -> None:
        """End all streams and close the port."""
        self._frontend.end_streams()
        if self._janitor:
            self._janitor.cancel()
            await asyncio.gather(self._janitor, return_exceptions=True)
            self._janitor = None
        if self._runner:
            await self._runner.cleanup()
            self._runner = None

    def reset(self) -> None:
        """Forget all but the built-in namespaces and the CRDs given at the start. Watchers see deletions."""
        for table, rows in self.store.tables():
            if table != CRDS:
                for key in rows:
                    self.store.remove(table, key)
        wanted = {crd["metadata"]["name"] for crd in self._crds}
        for key, _unused in self.store.rows(CRDS):
            if key[1] not in wanted:
                self.store.remove(CRDS, key)
        self._seed()

    def _seed(self) -> None:
        namespaces = self.registry.of_table(NAMESPACES)
        kinds = self.registry.of_table(CRDS)
        assert namespaces and kinds
        for name in SYSTEM_NAMESPACES:
            self.api.create(Call(namespaces, manager="lab"), {"metadata": {"name": name}})
        for crd in self._crds:
            if self.store.get(CRDS, ("", crd["metadata"]["name"])) is None:
                self.api.create(Call(kinds, manager="lab"), crd)

    def _follow_crds(self, event: Event) -> None:
        if event.table == CRDS:
            served = definitions.resources(event.new) if event.new else []
            self.registry.set_custom(event.obj["metadata"]["name"], served)
