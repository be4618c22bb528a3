"""The target of a scenario as its verifiers see it: variables, and openshift's client for each server."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml
from kubernetes import config
from openshift.dynamic import DynamicClient


def variables(inventory: Path, own: Path) -> dict[str, Any]:
    """The inventory's variables, under those of the scenario."""
    found: dict[str, Any] = {}
    for group in yaml.safe_load(inventory.read_text(encoding="utf-8")).values():
        found.update(group.get("vars") or {})
        for host in (group.get("hosts") or {}).values():
            found.update(host or {})
    found.update(yaml.safe_load(own.read_text(encoding="utf-8")) or {})
    return found


def clients(inventory: Path, own: Path) -> dict[str, DynamicClient]:
    """A client for each of the two API servers: ``cluster`` and ``mesh``."""
    found = variables(inventory, own)
    cluster = found["asm_lanes_cluster_kubeconfig"]
    paths = {"cluster": cluster, "mesh": found.get("asm_lanes_mesh_kubeconfig", cluster)}
    return {
        name: DynamicClient(config.new_client_from_config(str(Path(p).expanduser())))
        for name, p in paths.items()
    }
