# Copyright (c) 2026, asm.lanes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""An ASM instance: what it is, what its version can do for lanes, its clusters and gateways.

Everything but ``read_mesh`` is pure.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .errors import AsmError

if TYPE_CHECKING:
    from .client import AsmClient

Version = tuple[int, ...]

LANES_VERSION: Version = (1, 18, 2, 111)
"""First with lanes in permissive mode (documented)."""
BAGGAGE_VERSION: Version = (1, 21, 6, 54)
"""First with ASMHeaderPropagation (documented; another page of Alibaba's says 1.18.2.111)."""
EDITIONS = ("enterprise", "ultimate")
"""Editions with lanes in permissive mode (documented)."""
PRO = "pro"
"""One of these editions, which is all that the profile of an instance tells."""

GATEWAY_API, GATEWAY_KIND = "istio.alibabacloud.com/v1beta1", "IstioGateway"
GATEWAY_NAMESPACE = "istio-system"  # the only one an IstioGateway may be in (documented)


@dataclass(frozen=True)
class Capability:
    """Something that lanes use. since: first version with it. permissive: a part of permissive mode."""

    since: Version
    permissive: bool = False


# The versions are documented. That a fallback for one service, a field of permissive mode, needs the
# editions of that mode is inferred.
CAPABILITIES = {
    "permissive_lanes": Capability(LANES_VERSION, permissive=True),
    "gateway_rule_namespace": Capability((1, 17, 2, 28)),
    "service_level_fallback": Capability((1, 21), permissive=True),
    "baggage_propagation": Capability(BAGGAGE_VERSION),
}


def parse_version(text: str) -> Version | None:
    """``v1.22.6.90-g0000000-aliyun`` as (1, 22, 6, 90); None when it does not begin with such numbers."""
    match = re.match(r"v?(\d+(?:\.\d+)+)", text)
    return tuple(int(part) for part in match[1].split(".")) if match else None


def dotted(version: Version) -> str:
    """(1, 22, 6, 90) as ``1.22.6.90``."""
    return ".".join(str(number) for number in version)


def capabilities(version: Version | None, edition: str | None) -> dict[str, dict[str, Any]]:
    """For each of CAPABILITIES ``supported`` (None: cannot be told), ``since`` and ``reason`` if it is not.

    edition: as ``edition_of`` tells it.
    """
    return {name: _judge(wanted, version, edition) for name, wanted in CAPABILITIES.items()}


def _judge(wanted: Capability, version: Version | None, edition: str | None) -> dict[str, Any]:
    since = dotted(wanted.since)
    supported: bool | None = True
    reason = None
    if wanted.permissive and edition not in (*EDITIONS, PRO, None):
        supported, reason = False, f"needs the {' or '.join(EDITIONS)} edition, this is {edition}"
    elif version is None:
        supported, reason = None, f"needs {since}, and the version of the instance is not understood"
    elif version < wanted.since:
        supported, reason = False, f"needs {since}, this is {dotted(version)}"
    elif wanted.permissive and edition is None:
        supported, reason = None, "the edition of the instance is not known"
    return {"supported": supported, "since": since, "reason": reason}


def edition_of(mesh: Mapping[str, Any]) -> str | None:
    """``standard``, ``enterprise`` or ``ultimate``; ``pro`` for either of the last two, None when unknown.

    ClusterSpec names the edition, Profile only standard (Default) or not (Pro); both documented.
    """
    spec = str(mesh.get("ClusterSpec") or "").lower()
    profiles = {"Default": "standard", "Pro": PRO}
    return spec or profiles.get(str((mesh.get("ServiceMeshInfo") or {}).get("Profile")))


def mesh_from_answer(mesh: Mapping[str, Any]) -> dict[str, Any]:
    """The ``ServiceMesh`` of DescribeServiceMeshDetail in the words of the module ``mesh_info``."""
    info = mesh.get("ServiceMeshInfo") or {}
    endpoints = mesh.get("Endpoints") or {}
    text = str(info.get("Version") or "")
    version, edition = parse_version(text), edition_of(mesh)
    return {
        "id": info.get("ServiceMeshId"),
        "name": info.get("Name"),
        "region": info.get("RegionId"),
        "state": info.get("State"),
        "error": info.get("ErrorMessage") or None,
        "edition": edition,
        "version": {"text": text, "numbers": list(version) if version else None},
        "capabilities": capabilities(version, edition),
        "api_server": {
            "public": endpoints.get("PublicApiServerEndpoint") or None,
            "private": endpoints.get("IntranetApiServerEndpoint") or None,
        },
    }


def cluster_from_answer(cluster: Mapping[str, Any]) -> dict[str, Any]:
    """One of the ``Clusters`` of DescribeClustersInServiceMesh, its namespaces not known yet."""
    return {
        "id": cluster.get("ClusterId"),
        "name": cluster.get("Name"),
        "region": cluster.get("RegionId"),
        "state": cluster.get("State"),
        "version": cluster.get("Version"),
        "error": cluster.get("ErrorMessage") or None,
        "injected_namespaces": None,
    }


def injected_namespaces(answer: Mapping[str, Any]) -> list[str]:
    """Names of the namespaces whose new pods get a sidecar, from DescribeGuestClusterNamespaces.

    The label ``istio-injection`` decides, without it a revision in ``istio.io/rev`` (documented by Istio).
    """
    labels: Mapping[str, Mapping[str, str]] = answer.get("NsLabels") or {}
    return sorted(name for name, own in labels.items() if _injects(own or {}))


def _injects(labels: Mapping[str, str]) -> bool:
    injection = labels.get("istio-injection")
    return injection == "enabled" or (injection is None and bool(labels.get("istio.io/rev")))


def gateway_from_object(gateway: Mapping[str, Any]) -> dict[str, Any]:
    """An IstioGateway of the mesh's control plane; ``ports`` become those of its Service (documented)."""
    spec = gateway.get("spec") or {}
    return {
        "name": gateway["metadata"]["name"],
        "namespace": gateway["metadata"].get("namespace"),
        "type": spec.get("gatewayType"),
        "service_type": spec.get("serviceType"),
        "clusters": spec.get("clusterIds") or [],
        "ports": [
            {
                "name": port.get("name"),
                "port": port.get("port"),
                "target_port": port.get("targetPort"),
                "protocol": port.get("protocol"),
            }
            for port in spec.get("ports") or []
        ],
    }


def read_mesh(client: AsmClient) -> tuple[dict[str, Any], list[str]]:
    """The instance with its clusters, and notes on what could not be read of it.

    A cluster whose namespaces ASM cannot list is no reason to tell nothing of the mesh.
    Raises AsmError when the instance or its clusters cannot be read.
    """
    subject = f"mesh {client.mesh_id}"
    answer = client.call("DescribeServiceMeshDetail", subject).get("ServiceMesh") or {}
    found = client.call("DescribeClustersInServiceMesh", subject).get("Clusters") or []
    clusters = sorted(map(cluster_from_answer, found), key=lambda cluster: str(cluster["id"]))
    notes = [note for cluster in clusters if (note := _read_namespaces(client, cluster))]
    return {**mesh_from_answer(answer), "clusters": clusters}, notes


def _read_namespaces(client: AsmClient, cluster: dict[str, Any]) -> str | None:
    """Fill in the namespaces of a cluster; returns why that did not work."""
    subject = f"cluster {cluster['id']}"
    wanted = {"guest_cluster_id": cluster["id"], "show_ns_labels": True}
    try:
        answer = client.call("DescribeGuestClusterNamespaces", subject, **wanted)
    except AsmError as error:
        return f"injected_namespaces of {subject} are not known. {error}"
    cluster["injected_namespaces"] = injected_namespaces(answer)
    return None
