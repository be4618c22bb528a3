"""Whether an apply would change nothing: told from managedFields, which the lab's own apply writes here."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.asm.lanes.plugins.module_utils._kube import compare
from asm_lanes_lab.kube import fields
from asm_lanes_lab.kube.schemas import Schema
from hypothesis import given
from hypothesis import strategies as st

Obj = dict[str, Any]

# Lists of each sort that there is: merged by a key, a set, one value; and a map that is one value.
_PORTS: Schema = {
    "type": "array",
    "x-kubernetes-list-type": "map",
    "x-kubernetes-list-map-keys": ["port"],
    "items": {
        "type": "object",
        "properties": {"port": {"type": "integer"}, "name": {"type": "string"}, "protocol": {}},
    },
}
SCHEMA: Schema = {
    "type": "object",
    "properties": {
        "metadata": {"type": "object", "properties": {"labels": {"additionalProperties": {}}}},
        "spec": {
            "type": "object",
            "properties": {
                "number": {"type": "integer"},
                "ports": _PORTS,
                "names": {"type": "array", "x-kubernetes-list-type": "set", "items": {"type": "string"}},
                "route": {"type": "array", "items": {"type": "object"}},
                "map": {"type": "object", "additionalProperties": {"type": "string"}},
                "selector": {"type": "object", "x-kubernetes-map-type": "atomic"},
            },
        },
    },
}
_MAPS = st.dictionaries(st.sampled_from("ab"), st.text("xy", max_size=1), max_size=2)
_PORT = st.fixed_dictionaries({"port": st.integers(1, 3)}, optional={"name": st.text("xy", max_size=1)})
# No empty list that merges: nobody owns it, so that the server has to be asked.
SPECS = st.fixed_dictionaries(
    {},
    optional={
        "number": st.integers(0, 2),
        "ports": st.lists(_PORT, min_size=1, max_size=3, unique_by=lambda port: port["port"]),
        "names": st.lists(st.sampled_from("abc"), min_size=1, unique=True),
        "route": st.lists(_MAPS, max_size=2),
        "map": _MAPS,
        "selector": _MAPS,
    },
)


def thing(spec: Obj, **labels: str) -> Obj:
    metadata = {"name": "it", "namespace": "here", **({"labels": labels} if labels else {})}
    return {"apiVersion": "example.com/v1", "kind": "Thing", "metadata": metadata, "spec": spec}


def applied(live: Obj | None, wanted: Obj, manager: str = "me") -> Obj:
    """What the lab's server-side apply (held to the real one) makes of an object; forced."""
    before = live or {}
    done = fields.apply(
        SCHEMA,
        fields.read(before) if live else {},
        fields.applier(manager),
        wanted["apiVersion"],
        before,
        wanted,
        "2026-01-01T00:00:00Z",
    )
    made = copy.deepcopy(done.obj)
    made["metadata"]["managedFields"] = fields.write(done.owners)
    return made


def values(obj: Obj) -> Obj:
    return {**obj, "metadata": {k: v for k, v in obj["metadata"].items() if k != "managedFields"}}


@given(SPECS)
def test_what_was_applied_is_as_stated(spec: Obj) -> None:
    wanted = thing(spec, app="a")
    assert compare.as_stated(applied(None, wanted), wanted, "me")


@st.composite
def less(draw: st.DrawFn, value: Any) -> Any:
    """The value, or with parts of it left out at any depth."""
    if not isinstance(value, (dict, list)):
        return value
    if isinstance(value, list):
        return [draw(less(item)) for item in value if draw(st.booleans())]
    return {key: draw(less(inner)) for key, inner in value.items() if key == "port" or draw(st.booleans())}


@given(SPECS.flatmap(lambda spec: st.tuples(st.just(spec), less(spec))), st.just({}) | SPECS)
def test_it_is_never_said_of_something_that_an_apply_would_change(specs: tuple[Obj, Obj], other: Obj) -> None:
    """Something of ours, then something of somebody else, then what is left of ours."""
    before, now = specs
    found = applied(applied(None, thing(before)), thing(other), "you")
    wanted = thing(now)
    if compare.as_stated(found, wanted, "me"):
        assert values(applied(found, wanted)) == values(found)


def _ours(change: Callable[[Obj], None]) -> Obj:
    """An object of ours, changed behind the back of its managedFields."""
    found = applied(None, thing({"ports": [{"port": 1}], "number": 1, "route": [{"a": "x"}]}, app="a"))
    change(found)
    return found


WANTED = thing({"ports": [{"port": 1}], "number": 1, "route": [{"a": "x"}]}, app="a")


@pytest.mark.parametrize(
    "change",
    [
        lambda it: it["spec"]["ports"][0].update(protocol="TCP"),
        lambda it: it["spec"]["ports"].insert(0, {"port": 2}),
        lambda it: it["spec"].update(names=["theirs"]),
        lambda it: it["metadata"]["labels"].update(theirs="stays"),
        lambda it: it.update(status={"ready": True}),
    ],
)
def test_what_servers_and_others_add_is_no_difference(change: Callable[[Obj], None]) -> None:
    assert compare.as_stated(_ours(change), WANTED, "me")


@pytest.mark.parametrize(
    "change",
    [
        lambda it: it["spec"].update(number=2),
        lambda it: it["spec"].update(number=True),
        lambda it: it["spec"].pop("number"),
        lambda it: it["spec"]["ports"].clear(),
        lambda it: it["spec"]["route"].append({"a": "y"}),
        lambda it: it["spec"]["route"][0].update(weight=100),
        lambda it: it["metadata"]["labels"].update(app="b"),
        lambda it: it["metadata"].pop("managedFields"),
        lambda it: it["metadata"]["managedFields"][0].update(manager="you"),
        lambda it: it["metadata"]["managedFields"][0].update(operation="Update"),
        lambda it: it["metadata"]["managedFields"][0].update(subresource="scale"),
        lambda it: it["metadata"]["managedFields"][0].update(apiVersion="example.com/v2"),
    ],
)
def test_anything_else_is_for_the_server_to_decide(change: Callable[[Obj], None]) -> None:
    assert not compare.as_stated(_ours(change), WANTED, "me")


def test_what_is_stated_no_longer_is_a_difference() -> None:
    found = applied(None, WANTED)
    for name in WANTED["spec"]:
        less = {key: value for key, value in WANTED["spec"].items() if key != name}
        assert not compare.as_stated(found, thing(less, app="a"), "me")
    assert not compare.as_stated(found, thing(WANTED["spec"]), "me")


def test_a_difference_is_shown_without_the_servers_own_notes() -> None:
    found = applied(None, thing({"number": 1}))
    found["metadata"] |= {"uid": "u", "resourceVersion": "7"}
    last = "kubectl.kubernetes.io/last-applied-configuration"
    found["metadata"]["annotations"] = {"theirs": "stays", last: "{}"}
    found["status"] = {"ready": True}
    shown = compare.readable(found)
    wanted = thing({"number": 1})
    assert shown == {**wanted, "metadata": {**wanted["metadata"], "annotations": {"theirs": "stays"}}}
    assert compare.readable(None) == {}
    assert compare.same(found, {**found, "status": {}})
    assert not compare.same(found, {**found, "spec": {"number": 2}})
