# Copyright (c) 2026, asm.lanes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Reads the ASM instance, the cluster and the control plane, at the same time; nothing is written.

What cannot be read becomes a problem of that reading, and what depends on it is marked as blocked.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from .. import _elsewhere
from .._kube.client import Api, KubeError, connect
from .asm_reads import read_asm
from .finding import Reading
from .wanted import Facts

if TYPE_CHECKING:
    from collections.abc import Callable

    from .._asm.credentials import Connection
    from .wanted import Wanted

ISTIO = "networking.istio.io"
ISTIO_VERSIONS = (f"{ISTIO}/v1", f"{ISTIO}/v1beta1")
ASM_GATEWAY_API = "istio.alibabacloud.com/v1beta1"
Value = TypeVar("Value")


@dataclass(frozen=True)
class Sources:
    """Where to read.

    kubeconfigs: paths. timeout: seconds for all ASM calls; request_timeout: seconds for one answer.
    """

    connection: Connection
    cluster_kubeconfig: str
    mesh_kubeconfig: str
    timeout: float
    request_timeout: float


def read(sources: Sources, wanted: Wanted, on_secrets: Callable[[list[str]], None]) -> Facts:
    """Read all that the checks need.

    on_secrets: told the secrets in use, wherever they came from. Raises LibraryMissingError of `_asm.client`.
    """
    with ThreadPoolExecutor(2) as pool:
        parts = [
            pool.submit(_read_cluster, sources, wanted),
            pool.submit(_read_mesh, sources, wanted),
        ]
        found, secrets = _elsewhere.call("sdk", read_asm, sources.connection, sources.timeout, wanted)
        on_secrets(secrets)
        for part in parts:
            found.update(part.result())
    return Facts(**found)


def _read_cluster(sources: Sources, wanted: Wanted) -> dict[str, Reading[Any]]:
    server, api, deployments = _server(
        sources.cluster_kubeconfig,
        sources.request_timeout,
        lambda api: api.list("apps/v1", "Deployment", wanted.namespace),
        "it does not know Deployments, so it is not the cluster that runs the application",
        "Set asm_lanes_cluster_kubeconfig to the kubeconfig of the ACK cluster; "
        "the one of the ASM control plane belongs in asm_lanes_mesh_kubeconfig",
    )
    if api is None:
        blocked: Reading[Any] = Reading(blocked="the cluster could not be read")
        return {"cluster_server": server, "namespace": blocked, "services": blocked, "deployments": blocked}
    return {
        "cluster_server": server,
        "namespace": _kube(lambda: api.get("v1", "Namespace", wanted.namespace)),
        "services": _kube(lambda: api.list("v1", "Service", wanted.namespace)),
        "deployments": deployments,
    }


def _read_mesh(sources: Sources, wanted: Wanted) -> dict[str, Reading[Any]]:
    server, api, gateway = _server(
        sources.mesh_kubeconfig,
        sources.request_timeout,
        lambda api: api.get(ASM_GATEWAY_API, "IstioGateway", wanted.gateway_name, wanted.gateway_namespace),
        "it does not know IstioGateways, so it is not the control plane of an ASM instance",
        "Set asm_lanes_mesh_kubeconfig to the kubeconfig of the ASM instance (ASM console, or "
        "DescribeServiceMeshKubeconfig); the one of the ACK cluster belongs in asm_lanes_cluster_kubeconfig",
    )
    names = ("istio_versions", "gateway", "gateways", "virtual_services")
    if api is None:
        blocked: Reading[Any] = Reading(blocked="the control plane could not be read")
        return {"mesh_server": server, **dict.fromkeys(names, blocked)}
    versions = _kube(lambda: [one for one in ISTIO_VERSIONS if api.serves(one, "VirtualService")])
    if not versions.value:
        blocked = Reading(blocked="the control plane does not serve Istio's VirtualService")
        return {
            "mesh_server": server,
            "istio_versions": versions,
            "gateway": gateway,
            "gateways": blocked,
            "virtual_services": blocked,
        }
    served = versions.value[0]
    return {
        "mesh_server": server,
        "istio_versions": versions,
        "gateway": gateway,
        "gateways": _kube(lambda: api.list(served, "Gateway")),
        "virtual_services": _kube(lambda: api.list(served, "VirtualService")),
    }


def _server(
    kubeconfig: str, timeout: float, first: Callable[[Api], Value], otherwise: str, remedy: str
) -> tuple[Reading[str], Api | None, Reading[Value]]:
    """Connect and read *first*, of a kind that only the server that is meant knows."""
    nothing: Reading[Value] = Reading(blocked="the server could not be read")
    try:
        api = connect(kubeconfig, timeout=timeout)
        value = Reading(first(api))
    except KubeError as error:
        if error.failure == "kind":
            problem = f"{api.server} is another server: {otherwise}"
            return Reading(problem=problem, remedy=remedy), None, nothing
        if error.failure in ("forbidden", "namespace"):  # this reading only; the server is the right one
            return Reading(api.server), api, _kube_problem(error)
        return _kube_problem(error), None, nothing
    return Reading(api.server), api, value


def _kube(call: Callable[[], Value]) -> Reading[Value]:
    try:
        return Reading(call())
    except KubeError as error:
        return _kube_problem(error)


def _kube_problem(error: KubeError) -> Reading[Any]:
    # KubeError says what is wrong in its first sentence, and what to do in the others.
    what, _stop, remedy = error.message.partition(". ")
    return Reading(problem=what, remedy=remedy or "See the server's log")
