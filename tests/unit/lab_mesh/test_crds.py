"""Istio's CRDs as the lab has them: valid for the lab's API server, strict, one schema for all versions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from lab_fixture import LAB_FILES

CRDS = [
    yaml.safe_load((LAB_FILES / "asm_lanes_lab" / "crds" / f"{plural}.yaml").read_text())
    for plural in ("gateways", "virtualservices", "destinationrules")
]


def schemas(node: Any, path: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every schema inside a schema, with its path."""
    yield path, node
    for name, child in node.get("properties", {}).items():
        yield from schemas(child, f"{path}.{name}")
    for key in ("items", "additionalProperties"):
        if key in node:
            yield from schemas(node[key], f"{path}[]")


@pytest.mark.parametrize("crd", CRDS, ids=[crd["spec"]["names"]["kind"] for crd in CRDS])
def test_structural_and_strict(crd: dict[str, Any]) -> None:
    versions = crd["spec"]["versions"]
    assert [item["name"] for item in versions] == ["v1", "v1beta1", "v1alpha3"]
    assert [item["storage"] for item in versions] == [True, False, False]
    assert all(item["served"] and item["subresources"] == {"status": {}} for item in versions)
    assert all(item["schema"] == versions[0]["schema"] for item in versions)
    for path, schema in schemas(versions[0]["schema"]["openAPIV3Schema"], ""):
        assert "type" in schema or schema.get("x-kubernetes-int-or-string"), path
        closed = "properties" in schema or "additionalProperties" in schema
        free = path == ".status.validationMessages[]"
        assert schema.get("type") != "object" or closed or free, path
        assert schema.get("x-kubernetes-preserve-unknown-fields", False) == free, path
