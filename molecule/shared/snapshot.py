"""What is on the two API servers, without what changes by itself: for comparing before and after.

Usage: ``python snapshot.py INVENTORY VARS [PREFIX ...]``, without objects whose key begins so; prints JSON
{server: {kind namespace/name: {labels, annotations, spec}}}. Reads through openshift's dynamic
client, not through the collection.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from target import clients

KINDS = {
    "cluster": [("v1", "Namespace"), ("v1", "Service"), ("apps/v1", "Deployment")],
    "mesh": [
        ("v1", "Namespace"),
        ("networking.istio.io/v1beta1", "Gateway"),
        ("networking.istio.io/v1beta1", "VirtualService"),
        ("networking.istio.io/v1beta1", "DestinationRule"),
        ("istio.alibabacloud.com/v1", "ASMSwimLaneGroup"),
        ("istio.alibabacloud.com/v1", "ASMSwimLane"),
        ("istio.alibabacloud.com/v1beta1", "ASMHeaderPropagation"),
        ("istio.alibabacloud.com/v1beta1", "IstioGateway"),
    ],
}
# Bookkeeping of controllers, written whenever they look at an object.
NOISE = ("deployment.kubernetes.io/revision",)


def snapshot(inventory: Path, variables: Path, without: Sequence[str] = ()) -> dict[str, dict[str, Any]]:
    """All objects of KINDS on both servers, but for those whose key begins with one of ``without``."""
    found: dict[str, dict[str, Any]] = {}
    for server, client in clients(inventory, variables).items():
        found[server] = {}
        for api_version, kind in KINDS[server]:
            for item in client.resources.get(api_version=api_version, kind=kind).get().to_dict()["items"]:
                meta = item["metadata"]
                key = f"{kind} {meta.get('namespace', '')}/{meta['name']}"
                if key.startswith(tuple(without)):
                    continue
                annotations = {k: v for k, v in (meta.get("annotations") or {}).items() if k not in NOISE}
                found[server][key] = {
                    "labels": meta.get("labels") or {},
                    "annotations": annotations,
                    "spec": item.get("spec"),
                }
    return found


if __name__ == "__main__":
    print(json.dumps(snapshot(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3:]), sort_keys=True))
