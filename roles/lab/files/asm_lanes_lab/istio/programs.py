"""Istiod's command line, environment and mesh configuration. No I/O."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ..mesh.istio import ROOT_NAMESPACE

#: Istiod's names for the API of its configuration, and for the one that has Services and pods: the
#: cluster's name in the kubeconfigs. A proxy has to say to which of the two it belongs.
CONFIG_CLUSTER, WORKLOAD_CLUSTER = "mesh", "cluster"


def istiod(program: Path, folder: Path, kubeconfig: Path, grpc: str, http: str) -> list[str]:
    """Istiod, which serves proxies on *grpc* in plain text, and ``/ready`` and ``/debug`` on *http*."""
    return [
        str(program),
        "discovery",
        f"--kubeconfig={kubeconfig}",
        f"--clusterID={CONFIG_CLUSTER}",
        f"--namespace={ROOT_NAMESPACE}",
        f"--meshConfig={folder}/mesh.yaml",
        f"--networksConfig={folder}/networks.yaml",
        f"--grpcAddr={grpc}",
        f"--httpAddr={http}",
        "--monitoringAddr=",  # on httpAddr
        "--httpsAddr=",  # no webhooks
        "--secureGRPCAddr=",
        "--ctrlz_port=0",
        "--profile=false",
        "--log_output_level=default:warn",
    ]


def environment(folder: Path) -> dict[str, str]:
    """What istiod is told by its environment: one instance, no certificates, no filters of its own."""
    return {
        "POD_NAME": "istiod",
        "POD_NAMESPACE": ROOT_NAMESPACE,
        "PILOT_MULTICLUSTER_KUBECONFIG_PATH": str(folder / "clusters"),
        # Envoys of the upstream project do not have these two.
        "PILOT_ENABLE_ALPN_FILTER": "false",
        "PILOT_ENABLE_METADATA_EXCHANGE": "false",
        # No mTLS in the lab, so no certificate authority.
        "ENABLE_CA_SERVER": "false",
        "PILOT_CERT_PROVIDER": "none",
        "XDS_AUTH": "false",
        "ENABLE_LEADER_ELECTION": "false",
        "INJECTION_WEBHOOK_CONFIG_NAME": "",
        "VALIDATION_WEBHOOK_CONFIG_NAME": "",
        "PILOT_ENABLE_GATEWAY_API": "false",
        "PILOT_ENABLE_IP_AUTOALLOCATE": "false",
        "PILOT_DEBOUNCE_AFTER": "10ms",
    }


def mesh_config(folder: Path) -> dict[str, Any]:
    """Istio's MeshConfig: objects of the mesh's API and the lab's own files, hosts of the registry only."""
    return {
        "rootNamespace": ROOT_NAMESPACE,
        "configSources": [{"address": f"fs://{folder}/config"}, {"address": "k8s://"}],
        "enableAutoMtls": False,
        "outboundTrafficPolicy": {"mode": "REGISTRY_ONLY"},
        "accessLogFile": "",
        "enableTracing": False,
        "ingressControllerMode": "OFF",
    }
