# Copyright (c) 2026, asm.lanes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The actions on the instance, its cluster and its namespaces."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

import yaml

from . import errors
from .context import REGION, Context
from .params import Params

INJECTION_LABEL = "istio-injection"  # inferred
_KUBECONFIG_LIFE = timedelta(days=365)  # assumed
_TIME = "%Y-%m-%dT%H:%M:%SZ"

Reply = dict[str, Any]


async def describe_all(context: Context, params: Params) -> Reply:
    """DescribeServiceMeshes."""
    return {"ServiceMeshes": [_summary(context)]}


async def describe(context: Context, params: Params) -> Reply:
    """DescribeServiceMeshDetail."""
    tag = context.settings.mesh_version.removeprefix("v")
    spec = {
        "MeshConfig": {
            "Edition": {"Name": _profile(context), "IstiodImageTag": tag, "ProxyImageTag": tag},
            "SidecarInjector": {"EnableNamespacesByDefault": False},
        }
    }
    return {"ServiceMesh": _summary(context) | {"Spec": spec}}


def _summary(context: Context) -> Reply:
    settings = context.settings
    endpoint = _api_server(context)
    return {
        "ClusterSpec": settings.mesh_edition,
        "Clusters": [settings.cluster_id],
        "Endpoints": {"IntranetApiServerEndpoint": endpoint, "PublicApiServerEndpoint": endpoint},
        "OwnerType": "",
        "ServiceMeshInfo": {
            "CreationTime": context.started.strftime(_TIME),
            "ErrorMessage": "",
            "Name": settings.mesh_id,
            "Profile": _profile(context),
            "RegionId": REGION,
            "ServiceMeshId": settings.mesh_id,
            "State": settings.mesh_state,
            "UpdateTime": context.started.strftime(_TIME),
            "Version": settings.mesh_version,
        },
    }


def _profile(context: Context) -> str:
    return "Default" if context.settings.mesh_edition == "standard" else "Pro"


def _kubeconfig(context: Context) -> str:
    try:
        return context.settings.files.mesh_kubeconfig.read_text(encoding="utf-8")
    except OSError:
        raise errors.unavailable("The kubeconfig of the mesh does not exist yet.") from None


def _api_server(context: Context) -> str:
    return str(yaml.safe_load(_kubeconfig(context))["clusters"][0]["cluster"]["server"])


async def clusters(context: Context, params: Params) -> Reply:
    """DescribeClustersInServiceMesh."""
    settings = context.settings
    cluster = {
        "ClusterDomain": "cluster.local",
        "ClusterId": settings.cluster_id,
        "ClusterType": "ManagedKubernetes",
        "CreationTime": context.started.strftime(_TIME),
        "ErrorMessage": "",
        "Name": settings.cluster_name,
        "RegionId": REGION,
        "State": "running",
        "UpdateTime": context.started.strftime(_TIME),
        "Version": "1.32.0",
    }
    return {"Clusters": [cluster]}


async def kubeconfig(context: Context, params: Params) -> Reply:
    """DescribeServiceMeshKubeconfig. The lab has one address, private or not."""
    params.flag("PrivateIpAddress")
    expires = datetime.now(timezone.utc) + _KUBECONFIG_LIFE
    return {"Kubeconfig": _kubeconfig(context), "ExpireTime": f"{expires:%Y-%m-%d %H:%M:%S}"}


async def namespaces(context: Context, params: Params) -> Reply:
    """DescribeGuestClusterNamespaces."""
    cluster = params.need("GuestClusterID")
    if cluster not in context.clusters:
        raise errors.not_found("Cluster", cluster)
    found = sorted(await context.cluster.list("v1", "Namespace"), key=lambda item: item["metadata"]["name"])
    reply: Reply = {"NsList": [item["metadata"]["name"] for item in found]}
    if params.flag("ShowNsLabels"):
        reply["NsLabels"] = {i["metadata"]["name"]: i["metadata"].get("labels") or {} for i in found}
    return reply


async def update_injection(context: Context, params: Params) -> Reply:
    """UpdateIstioInjectionConfig: the label of the namespace in the mesh, which a controller carries on."""
    name, enable = params.need("Namespace"), params.flag("EnableIstioInjection")
    if await context.mesh.get("v1", "Namespace", name) is None:
        raise errors.not_found("Namespace", name)
    if enable is not None:
        labels = {INJECTION_LABEL: "enabled" if enable else "disabled"}
        await context.mesh.patch("v1", "Namespace", name, {"metadata": {"labels": labels}})
    return {}
