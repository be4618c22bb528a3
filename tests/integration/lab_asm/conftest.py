# Copyright (c) 2026, asm.lanes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The emulator on real Kubernetes APIs, called through the official SDK."""

from __future__ import annotations

import asyncio
import hashlib
import json
import uuid
from collections.abc import AsyncIterator, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import aiohttp
import pytest
import pytest_asyncio
import yaml
from alibabacloud_servicemesh20200111 import models
from alibabacloud_servicemesh20200111.client import Client
from alibabacloud_tea_openapi.models import Config
from asm_lanes_lab.asm import AsmApi, Credential
from asm_lanes_lab.asm.signature import ALGORITHM, SignedRequest, sign
from asm_lanes_lab.client import Cluster
from asm_lanes_lab.kube import KubeApiServer
from asm_lanes_lab.settings import Settings
from lab_fixture import LAB_FILES

CRDS = LAB_FILES / "asm_lanes_lab" / "crds"
LANES = "istio.alibabacloud.com/v1"
TOKEN = "a-token-of-the-tests"
NOW = datetime.now(timezone.utc)
ADMIN = Credential("key-admin", "secret-admin")
READONLY = Credential("key-readonly", "secret-readonly", permissions="readonly")
NOBODY = Credential("key-nobody", "secret-nobody", permissions="none")
STS = Credential("key-sts", "secret-sts", security_token="token-sts", expires=NOW + timedelta(hours=1))
EXPIRED = Credential(
    "key-expired", "secret-expired", security_token="token-old", expires=NOW - timedelta(hours=1)
)
CREDENTIALS = (ADMIN, READONLY, NOBODY, STS, EXPIRED)

# The emulator runs in this process and may need the loop's own threads while the SDK waits for it.
_THREADS = ThreadPoolExecutor(8)

Obj = dict[str, Any]


def service(name: str, namespace: str = "default") -> str:
    """A service as ServicesList wants it."""
    return f"lab/c-lab/{namespace}/{name}"


def services(*names: str) -> str:
    """A ServicesList of services in the namespace default."""
    return json.dumps([service(name) for name in names])


class Sdk:
    """The official client, as a user would set it up; calls run in a thread."""

    def __init__(self, api: AsmApi, credential: Credential = ADMIN, secret: str | None = None) -> None:
        self._client = Client(
            Config(
                access_key_id=credential.access_key_id,
                access_key_secret=secret or credential.access_key_secret,
                security_token=credential.security_token,
                endpoint=f"127.0.0.1:{api.port}",
                protocol="http",
                region_id="cn-hangzhou",
                read_timeout=3000,
            )
        )

    async def call(self, action: str, mesh: str | None = "lab-mesh", **parameters: Any) -> Obj:
        """Call an action by its name in the SDK; the reply's body as the API sent it."""
        request = getattr(models, "".join(part.title() for part in action.split("_")) + "Request")()
        for name, value in {"service_mesh_id": mesh, **parameters}.items():
            if value is not None:
                assert hasattr(request, name), f"{action} has no {name}"
                setattr(request, name, value)
        loop = asyncio.get_running_loop()
        response = await loop.run_in_executor(_THREADS, getattr(self._client, action), request)
        body: Obj = response.body.to_map()
        return body

    async def create_group(self, name: str = "ws", **parameters: Any) -> Obj:
        """A permissive group like the guide's, unless told otherwise."""
        given: Obj = {
            "group_name": name,
            "ingress_type": "ASM",
            "ingress_gateway_name": "ws-gateway",
            "ingress_gateway_namespace": "default",
            "is_permissive": True,
            "route_header": "version",
            "trace_header": "baggage",
            "services_list": services("wsk-svc", "helloworld"),
        }
        return await self.call("create_swim_lane_group", **{**given, **parameters})

    async def create_lane(self, lane: str, *names: str, group: str = "ws", label: str | None = None) -> Obj:
        """A lane of services in default, selected by the label version."""
        return await self.call(
            "create_swim_lane",
            group_name=group,
            swim_lane_name=lane,
            label_selector_key="version",
            label_selector_value=label or lane,
            services_list=services(*names),
        )

    async def create_guide(self) -> None:
        """The guide's group with its three lanes."""
        await self.create_group()
        await self.create_lane("base", "wsk-svc", "helloworld", label="v1")
        await self.create_lane("v1", "helloworld")
        await self.create_lane("v2", "helloworld")

    async def groups(self) -> list[Obj]:
        reply: list[Obj] = (await self.call("get_swim_lane_group_list"))["SwimLaneGroupList"]
        return reply

    async def lanes(self, group: str = "ws") -> list[Obj]:
        reply: list[Obj] = (await self.call("get_swim_lane_list", group_name=group))["SwimLaneList"]
        return reply


async def raw_call(
    api: AsmApi,
    action: str,
    parameters: Mapping[str, str],
    *,
    in_query: bool = False,
    nonce: str | None = None,
    altered: Mapping[str, str] | None = None,
) -> tuple[int, Obj]:
    """A signed call without the SDK; status and body as they are. altered: headers changed after signing."""
    body = b"" if in_query else urlencode(parameters).encode()
    headers = {
        "host": f"127.0.0.1:{api.port}",
        "content-type": "application/x-www-form-urlencoded",
        "x-acs-action": action,
        "x-acs-version": "2020-01-11",
        "x-acs-date": f"{datetime.now(timezone.utc):%Y-%m-%dT%H:%M:%SZ}",
        "x-acs-signature-nonce": nonce or uuid.uuid4().hex,
        "x-acs-content-sha256": hashlib.sha256(body).hexdigest(),
    }
    query = dict(parameters) if in_query else {}
    signed = tuple(sorted(headers))
    signature = sign(SignedRequest("POST", "/", query, headers, body), signed, ADMIN.access_key_secret)
    headers["authorization"] = (
        f"{ALGORITHM} Credential={ADMIN.access_key_id},SignedHeaders={';'.join(signed)},Signature={signature}"
    )
    headers |= altered or {}
    url = f"http://127.0.0.1:{api.port}/"
    async with (
        aiohttp.ClientSession() as session,
        session.post(url, params=query, data=body, headers=headers) as reply,
    ):
        return reply.status, await reply.json()


@dataclass
class World:
    """Two Kubernetes APIs and what speaks with them."""

    cluster: Cluster
    mesh: Cluster
    cluster_server: KubeApiServer
    mesh_server: KubeApiServer
    settings: Settings
    apis: list[AsmApi] = field(default_factory=list)

    async def api(self, **settings: Any) -> AsmApi:
        """A running API on these clusters; stopped at the end of the test."""
        chosen = Settings.parse({**self.settings.as_dict(), **settings})
        api = AsmApi(chosen, self.mesh, self.cluster, CREDENTIALS, token=TOKEN)
        await api.start("127.0.0.1", 0)
        self.apis.append(api)
        return api


async def _server(name: str, crds: list[Obj], file: Path, authority: Path) -> tuple[KubeApiServer, Cluster]:
    server = KubeApiServer(name, crds=crds, tokens={TOKEN: "admin"}, data_dir=authority)
    await server.start("127.0.0.1", 0)
    file.write_text(yaml.safe_dump(server.kubeconfig(TOKEN)))
    return server, await Cluster.connect(file, name)


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the CA is kept; making one takes a while."""
    return tmp_path_factory.mktemp("authority")


@pytest.fixture(scope="session")
def crds() -> list[Obj]:
    """The custom resource definitions of the mesh."""
    texts = [file.read_text(encoding="utf-8") for file in sorted(CRDS.glob("*.yaml"))]
    return [document for text in texts for document in yaml.safe_load_all(text)]


@asynccontextmanager
async def _new_world(folder: Path, authority: Path, crds: list[Obj]) -> AsyncIterator[World]:
    settings = Settings.parse({}, state_dir=folder)
    cluster_server, cluster = await _server("cluster", [], settings.files.cluster_kubeconfig, authority)
    mesh_server, mesh = await _server("mesh", crds, settings.files.mesh_kubeconfig, authority)
    try:
        yield World(cluster, mesh, cluster_server, mesh_server, settings)
    finally:
        for connection in (cluster, mesh):
            await connection.close()
        for server in (cluster_server, mesh_server):
            await server.stop()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def shared_world(
    tmp_path_factory: pytest.TempPathFactory, authority: Path, crds: list[Obj]
) -> AsyncIterator[World]:
    """One pair of servers for all tests that only use lanes and groups."""
    async with _new_world(tmp_path_factory.mktemp("world"), authority, crds) as world:
        yield world


@pytest_asyncio.fixture(loop_scope="session")
async def world(shared_world: World) -> AsyncIterator[World]:
    """A world without lanes."""
    world = replace(shared_world, apis=[])
    yield world
    for api in world.apis:
        await api.stop()
    for kind in ("ASMSwimLane", "ASMSwimLaneGroup"):
        for resource in await world.mesh.list(LANES, kind):
            await world.mesh.delete(LANES, kind, resource["metadata"]["name"])


@pytest_asyncio.fixture(loop_scope="session")
async def own_world(tmp_path: Path, authority: Path, crds: list[Obj]) -> AsyncIterator[World]:
    """A pair of servers for one test alone."""
    async with _new_world(tmp_path, authority, crds) as world:
        yield world
        for api in world.apis:
            await api.stop()


@pytest_asyncio.fixture(loop_scope="session")
async def api(world: World) -> AsmApi:
    return await world.api()


@pytest_asyncio.fixture(loop_scope="session")
async def sdk(api: AsmApi) -> Sdk:
    return Sdk(api)


@pytest.fixture
def sdk_as(api: AsmApi) -> Callable[..., Sdk]:
    """A client with another credential."""
    return lambda credential, secret=None: Sdk(api, credential, secret)
