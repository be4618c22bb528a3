"""The target of a scenario as its verifiers see it: variables, and openshift's client for each server."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml
from kubernetes import config
from openshift.dynamic import DynamicClient

EXPECTED = Path(__file__).parent / "vars" / "expected.yml"


def variables(inventory: Path, own: Path) -> dict[str, Any]:
    """What is expected of the guide, the inventory's variables, and over both those of the scenario."""
    found: dict[str, Any] = yaml.safe_load(EXPECTED.read_text(encoding="utf-8"))
    for group in yaml.safe_load(inventory.read_text(encoding="utf-8")).values():
        found.update(group.get("vars") or {})
        for host in (group.get("hosts") or {}).values():
            found.update(host or {})
    found.update(yaml.safe_load(own.read_text(encoding="utf-8")) or {})
    return found


def gateway(settings: dict[str, Any], cluster: DynamicClient) -> str:
    """Address of the gateway: the one given, else its load balancer's. The Service's name is inferred."""
    if given := settings.get("asm_lanes_gateway_address"):
        return str(given)
    services = cluster.resources.get(api_version="v1", kind="Service")
    name = f"istio-{settings.get('asm_lanes_gateway_name', 'ingressgateway')}"
    status = services.get(name=name, namespace="istio-system").to_dict()["status"]
    (found,) = status["loadBalancer"]["ingress"]
    return str(found.get("ip") or found["hostname"])


def clients(inventory: Path, own: Path) -> dict[str, DynamicClient]:
    """A client for each of the two API servers: ``cluster`` and ``mesh``."""
    found = variables(inventory, own)
    cluster = found["asm_lanes_cluster_kubeconfig"]
    paths = {"cluster": cluster, "mesh": found.get("asm_lanes_mesh_kubeconfig", cluster)}
    return {
        name: DynamicClient(config.new_client_from_config(str(Path(p).expanduser())))
        for name, p in paths.items()
    }
