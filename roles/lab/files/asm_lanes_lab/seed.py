"""What a fresh lab holds, and what it tells Ansible. No I/O."""

from __future__ import annotations

from typing import Any

from .controllers.replicasets import NODE_NAME
from .kubelet.node import INJECTION
from .objects import Obj, timestamp
from .settings import Settings

#: The ingress gateway that the guide takes for granted.
GATEWAY = "ingressgateway"
GATEWAY_NAMESPACE = "istio-system"
#: Region in the inventory; the lab's endpoint serves any.
REGION = "cn-hangzhou"


def namespace() -> Obj:
    """The application namespace, with sidecar injection, to be applied to both APIs."""
    return {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {"name": "default", "labels": {INJECTION: "enabled"}},
    }


def gateway(settings: Settings) -> Obj:
    """The ASM gateway, with the ports of the settings."""
    ports = [
        {"name": f"http-{port}", "port": port, "targetPort": port, "protocol": "TCP"}
        for port in settings.gateway_ports
    ]
    return {
        "apiVersion": "istio.alibabacloud.com/v1beta1",
        "kind": "IstioGateway",
        "metadata": {"name": GATEWAY, "namespace": GATEWAY_NAMESPACE},
        "spec": {
            "gatewayType": "ingress",
            "clusterIds": [settings.cluster_id],
            "serviceType": "LoadBalancer",
            "replicaCount": 1,
            "ports": ports,
        },
    }


def node() -> Obj:
    """The cluster's only node: this machine."""
    labels = {"kubernetes.io/hostname": NODE_NAME, "kubernetes.io/os": "linux"}
    return {"apiVersion": "v1", "kind": "Node", "metadata": {"name": NODE_NAME, "labels": labels}}


def node_status() -> Obj:
    """A node that is ready."""
    now = timestamp()
    ready = {"type": "Ready", "status": "True", "reason": "KubeletReady", "message": "the lab's kubelet runs"}
    return {
        "conditions": [ready | {"lastHeartbeatTime": now, "lastTransitionTime": now}],
        "addresses": [
            {"type": "InternalIP", "address": "127.0.0.1"},
            {"type": "Hostname", "address": NODE_NAME},
        ],
    }


def inventory(settings: Settings, access_key_id: str, access_key_secret: str) -> dict[str, Any]:
    """An Ansible inventory for the playbooks: one host, and the variables that lead to this lab."""
    files = settings.files
    host = {
        "ansible_connection": "local",
        "ansible_python_interpreter": "{{ ansible_playbook_python }}",
    }
    variables = {
        "asm_lanes_mesh_id": settings.mesh_id,
        "asm_lanes_region": REGION,
        "asm_lanes_endpoint": f"{settings.api_address}:{settings.asm_api_port}",
        "asm_lanes_protocol": "http",
        "asm_lanes_access_key_id": access_key_id,
        "asm_lanes_access_key_secret": access_key_secret,
        "asm_lanes_cluster_kubeconfig": str(files.cluster_kubeconfig),
        "asm_lanes_mesh_kubeconfig": str(files.mesh_kubeconfig),
        "asm_lanes_gateway_name": GATEWAY,
        "asm_lanes_gateway_address": settings.gateway_address,
        "asm_lanes_gateway_port": settings.gateway_ports[0],
    }
    return {"lab": {"hosts": {"localhost": host}, "vars": variables}}
