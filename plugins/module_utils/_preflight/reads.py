# Copyright (c) 2026, asm.lanes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Reads the ASM instance, the cluster and the control plane, at the same time; nothing is written.

What cannot be read becomes a problem of that reading, and what depends on it is marked as blocked.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from .. import _elsewhere
from .._asm.mesh import GATEWAY_API, GATEWAY_KIND
from .._at_once import at_once
from .._kube.client import Api, KubeError, connect
from .asm_reads import read_asm, read_guest_labels
from .finding import Reading
from .wanted import Facts
from .workloads import without_control_plane

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from .._asm.credentials import Connection
    from .wanted import Object, Wanted

ISTIO = "networking.istio.io"
ROUTING = ("Gateway", "VirtualService")
ISTIO_VERSIONS = (f"{ISTIO}/v1", f"{ISTIO}/v1beta1")
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
    facts = Facts(**found)
    if without_control_plane(facts).namespace.known or not facts.clusters.value:
        return facts
    arguments = (sources.connection, sources.timeout, wanted, facts.clusters.value)
    return replace(facts, guest_labels=_elsewhere.call("sdk", read_guest_labels, *arguments))


def _read_cluster(sources: Sources, wanted: Wanted) -> dict[str, Reading[Any]]:
    server, _api, (deployments, namespace, services) = _server(
        sources.cluster_kubeconfig,
        sources.request_timeout,
        (
            lambda api: api.list("apps/v1", "Deployment", wanted.namespace),
            lambda api: api.get("v1", "Namespace", wanted.namespace),
            lambda api: api.list("v1", "Service", wanted.namespace),
        ),
        "the cluster could not be read",
        "it does not know Deployments, so it is not the cluster that runs the application",
        "Set asm_lanes_cluster_kubeconfig to the kubeconfig of the ACK cluster; "
        "the one of the ASM control plane belongs in asm_lanes_mesh_kubeconfig",
    )
    return {
        "cluster_server": server,
        "namespace": namespace,
        "services": services,
        "deployments": deployments,
    }


def _read_mesh(sources: Sources, wanted: Wanted) -> dict[str, Reading[Any]]:
    server, api, (gateway, gateways, routes, *serving) = _server(
        sources.mesh_kubeconfig,
        sources.request_timeout,
        (
            lambda api: api.get(GATEWAY_API, GATEWAY_KIND, wanted.gateway_name, wanted.gateway_namespace),
            *(partial(_listed, wanted.api_version, kind) for kind in ROUTING),
            *(partial(_serves, version) for version in ISTIO_VERSIONS),
        ),
        "the control plane could not be read",
        "it does not know IstioGateways, so it is not the control plane of an ASM instance",
        "Set asm_lanes_mesh_kubeconfig to the kubeconfig of the ASM instance (ASM console, or "
        "DescribeServiceMeshKubeconfig); the one of the ACK cluster belongs in asm_lanes_cluster_kubeconfig",
    )
    versions = _all_of(serving)
    if api is not None and versions.known and wanted.api_version not in (versions.value or ()):
        gateways, routes = _in_another_version(api, versions.value or [])
    return {
        "mesh_server": server,
        "istio_versions": versions,
        "gateway": gateway,
        "gateways": gateways,
        "virtual_services": routes,
    }


def _listed(api_version: str, kind: str, api: Api) -> list[Object]:
    return api.list(api_version, kind)


def _in_another_version(api: Api, served: list[str]) -> list[Reading[list[Object]]]:
    """Gateways and VirtualServices where the wanted version is not served: the objects are the same."""
    if not served:
        return [Reading(blocked="the control plane does not serve Istio's VirtualService")] * len(ROUTING)
    reads = [partial(_listed, served[0], kind) for kind in ROUTING]
    return [_reading(answer) for answer in at_once(partial(_tried, api), reads)]


def _serves(version: str, api: Api) -> list[str]:
    return [version] if api.serves(version, "VirtualService") else []


def _all_of(parts: Sequence[Reading[list[Value]]]) -> Reading[list[Value]]:
    """Several readings as one, which is that of the first that could not be read, if any."""
    unread = (part for part in parts if not part.known)
    return next(unread, Reading([value for part in parts for value in part.value or ()]))


def _server(
    kubeconfig: str,
    timeout: float,
    reads: Sequence[Callable[[Api], Any]],
    blocked: str,
    otherwise: str,
    remedy: str,
) -> tuple[Reading[str], Api | None, list[Reading[Any]]]:
    """Connect and read, all at the same time.

    Args:
        kubeconfig, timeout: of the server.
        reads: the first is of a kind that only the server that is meant knows.
        blocked: what to say of all of them where they cannot be read.
        otherwise, remedy: what to say of another server.

    Returns:
        The server's URL; the server, or None where nothing of it counts; what was read, in order.
    """
    nothing: list[Reading[Any]] = [Reading(blocked=blocked)] * len(reads)
    try:
        api = connect(kubeconfig, timeout=timeout)
    except KubeError as error:
        return _problem(error), None, nothing

    answers = at_once(partial(_tried, api), reads)
    failure = answers[0].failure if isinstance(answers[0], KubeError) else None
    if failure == "kind":
        return Reading(problem=f"{api.server} is another server: {otherwise}", remedy=remedy), None, nothing
    if failure not in (None, "forbidden", "namespace"):  # those are of this reading only
        return _problem(answers[0]), None, nothing
    return Reading(api.server), api, [_reading(answer) for answer in answers]


def _tried(api: Api, read: Callable[[Api], Any]) -> Any:
    """What a read gives, or the KubeError that it raises."""
    try:
        return read(api)
    except KubeError as error:
        return error


def _reading(answer: Any) -> Reading[Any]:
    return _problem(answer) if isinstance(answer, KubeError) else Reading(answer)


def _problem(error: KubeError) -> Reading[Any]:
    # KubeError says what is wrong in its first sentence, and what to do in the others.
    what, _stop, remedy = error.message.partition(". ")
    return Reading(problem=what, remedy=remedy or "See the server's log")
