"""Schemas derived from the client's models, and what they find in objects."""

from __future__ import annotations

from typing import Any

import pytest
from asm_lanes_lab.kube import crds, schemas
from asm_lanes_lab.kube.resources import BUILTIN
from asm_lanes_lab.kube.validation import (
    apply_defaults,
    drop_nulls,
    missing_fields,
    prune,
    type_error,
    unknown_fields,
    violations,
)

DEPLOYMENT = schemas.builtin("V1Deployment")


def test_every_builtin_schema_and_all_it_refers_to_can_be_derived() -> None:
    for resource in BUILTIN:
        assert {"apiVersion", "kind"} <= resource.schema["properties"].keys(), resource.kind
        for name in schemas.closure(resource.schema):
            assert schemas.COMPONENTS[name]["type"] == "object", name


def test_every_merge_rule_names_a_field_that_exists() -> None:
    for path in [*schemas._LIST_KEYS, *schemas._LIST_SETS, *schemas._RETAIN_KEYS, *schemas._ATOMIC_MAPS]:
        model, _unused, name = path.partition(".")
        assert name in schemas.builtin(model)["properties"], path
    for path, keys in schemas._LIST_KEYS.items():
        model, _unused, name = path.partition(".")
        item = schemas.items(schemas.deref(schemas.builtin(model)["properties"][name]))
        assert set(keys) <= item["properties"].keys(), path


def deployment(**container: Any) -> dict[str, Any]:
    pod = {"containers": [{"name": "a", **container}]}
    spec = {"selector": {"matchLabels": {"a": "b"}}, "template": {"spec": pod}}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "d"}, "spec": spec}


def test_unknown_fields_are_found_and_pruned() -> None:
    obj = deployment(imagee="x", resources={"limits": {"cpu": 1, "any/thing": "2"}})
    obj["metadata"]["lables"] = {}
    assert set(unknown_fields(DEPLOYMENT, obj)) == {
        "spec.template.spec.containers[0].imagee",
        "metadata.lables",
    }
    pruned = prune(DEPLOYMENT, obj)
    assert list(unknown_fields(DEPLOYMENT, pruned)) == []
    assert pruned["spec"]["template"]["spec"]["containers"][0]["resources"]["limits"]["any/thing"] == "2"


@pytest.mark.parametrize(
    ("container", "words"),
    [
        (
            {"image": 5},
            "unmarshal integer into Go struct field spec.template.spec.containers.image of type string",
        ),
        (
            {"ports": {}},
            "unmarshal object into Go struct field spec.template.spec.containers.ports of type list",
        ),
        (
            {"stdin": "yes"},
            "unmarshal string into Go struct field spec.template.spec.containers.stdin of type bool",
        ),
        ({"ports": [{"containerPort": 80.5}]}, "of type int32"),
        ({"resources": {"limits": {"cpu": True}}}, "of type integer,string"),
    ],
)
def test_wrong_types(container: dict[str, Any], words: str) -> None:
    assert words in str(type_error(DEPLOYMENT, deployment(**container)))


def test_right_types_and_missing_fields() -> None:
    good = deployment(
        image="x", resources={"limits": {"cpu": 0.5, "memory": "1Gi"}}, ports=[{"containerPort": 80}]
    )
    assert type_error(DEPLOYMENT, good) is None
    del good["spec"]["selector"], good["spec"]["template"]["spec"]["containers"][0]["name"]
    found = {str(cause) for cause in missing_fields(DEPLOYMENT, good)}
    assert found == {"spec.selector: Required value", "spec.template.spec.containers[0].name: Required value"}


def test_nulls_mean_not_given() -> None:
    obj = deployment(image=None)
    obj["metadata"]["creationTimestamp"] = None
    cleaned = drop_nulls(DEPLOYMENT, obj)
    assert cleaned["metadata"] == {"name": "d"}
    assert cleaned["spec"]["template"]["spec"]["containers"] == [{"name": "a"}]


def custom(spec: dict[str, Any]) -> schemas.Schema:
    version = {"name": "v1", "served": True, "storage": True}
    version["schema"] = {"openAPIV3Schema": {"type": "object", "properties": {"spec": spec}}}
    names = {"plural": "things", "kind": "Thing"}
    crd = {"spec": {"group": "x.io", "scope": "Namespaced", "names": names, "versions": [version]}}
    return crds.resources(crd)[0].schema


@pytest.mark.parametrize(
    ("rule", "value", "words"),
    [
        (
            {"type": "integer"},
            "x",
            'Invalid value: "string": spec.f in body must be of type integer: "string"',
        ),
        (
            {"type": "integer", "minimum": 1},
            0,
            "Invalid value: 0: spec.f in body should be greater than or equal to 1",
        ),
        ({"type": "integer", "minimum": 1, "exclusiveMinimum": True}, 1, "should be greater than 1"),
        ({"type": "number", "maximum": 2}, 2.5, "should be less than or equal to 2"),
        ({"type": "string", "enum": ["a", "b"]}, "c", 'Unsupported value: "c": supported values: "a", "b"'),
        (
            {"type": "string", "pattern": "^a+$"},
            "b",
            "Invalid value: \"b\": spec.f in body should match '^a+$'",
        ),
        ({"type": "string", "minLength": 2}, "a", "should be at least 2 chars long"),
        (
            {"type": "array", "items": {"type": "string"}, "maxItems": 1},
            ["a", "b"],
            "should have at most 1 items",
        ),
        ({"type": "array", "items": {"type": "string"}}, [1], "spec.f[0]: Invalid value"),
        ({"x-kubernetes-int-or-string": True}, 1.5, "must be of type integer,string"),
        ({"type": "string"}, None, None),
        ({"type": "string", "nullable": True}, None, None),
        ({"x-kubernetes-int-or-string": True}, "50%", None),
        ({"type": "object", "x-kubernetes-preserve-unknown-fields": True}, {"any": [1, None]}, None),
        (
            {
                "type": "object",
                "properties": {"a": {}, "b": {}},
                "oneOf": [{"required": ["a"]}, {"required": ["b"]}],
            },
            {},
            "must validate one and only one schema (oneOf)",
        ),
    ],
)
def test_rules_of_custom_resources(rule: dict[str, Any], value: Any, words: str | None) -> None:
    schema = custom({"type": "object", "properties": {"f": rule}})
    found = [str(cause) for cause in violations(schema, drop_nulls(schema, {"spec": {"f": value}}))]
    if words is None:
        assert found == []
    else:
        assert len(found) == 1
        assert found[0].startswith("spec.f")
        assert words in found[0]


def test_defaults_of_custom_resources() -> None:
    inner = {"type": "object", "properties": {"mode": {"type": "string", "default": "safe"}}}
    spec = {
        "type": "object",
        "properties": {"a": inner, "b": {**inner, "default": {}}, "l": {"type": "array", "items": inner}},
    }
    schema = custom(spec)
    obj = drop_nulls(schema, {"spec": {"l": [{}, {"mode": None}, {"mode": "fast"}]}})
    modes = [{"mode": "safe"}, {"mode": "safe"}, {"mode": "fast"}]
    assert apply_defaults(schema, obj) == {"spec": {"b": {"mode": "safe"}, "l": modes}}
