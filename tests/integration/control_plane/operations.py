"""Random operations on a Kubernetes API, the same for every server for the same seed."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from .kinds import DEPLOYMENT, KINDS, NAMESPACE, POD, WIDGET, Kind, Obj

MERGE = "application/merge-patch+json"
STRATEGIC = "application/strategic-merge-patch+json"
JSON_PATCH = "application/json-patch+json"
APPLY = "application/apply-patch+yaml"

NAMES = ("alpha", "beta", "gamma")
SPACES = ("space-a", "space-b")
#: Stands for the version and the id that the server at hand gave the object last.
CURRENT, STALE, OWN_UID = "<current version>", "<earlier version>", "<its uid>"


@dataclass(frozen=True)
class Operation:
    """One request. *target* is the path of the object that versions and ids in the body are those of."""

    title: str
    method: str
    path: str
    body: Any = None
    kind: str = "application/json"
    query: dict[str, str] = field(default_factory=dict)
    target: str = ""

    def __str__(self) -> str:
        query = "&".join(f"{key}={value}" for key, value in self.query.items())
        body = "" if self.body is None else f"\n    {self.kind} {_short(self.body)}"
        return f"{self.title}: {self.method} {self.path}{'?' if query else ''}{query}{body}"


def _short(body: Any) -> str:
    text = body.decode() if isinstance(body, bytes) else json.dumps(body)
    return text if len(text) < 600 else text[:600] + "..."


def operations(seed: int, count: int) -> Iterator[Operation]:
    """*count* operations; the namespaces exist, everything else may or may not."""
    rng = random.Random(seed)
    for _number in range(count):
        kind = rng.choice(KINDS)
        space = rng.choice(SPACES)
        # Namespaces of their own: ending one of the others would end the test's objects in the background.
        name = rng.choice(NAMES)
        action = rng.choice(_ACTIONS)
        yield action(rng, kind, space, f"ns-{name}" if kind is NAMESPACE else name)


def _maybe_dry(rng: random.Random, query: dict[str, str]) -> dict[str, str]:
    return {**query, "dryRun": "All"} if rng.random() < 0.15 else query


def _create(rng: random.Random, kind: Kind, space: str, name: str) -> Operation:
    query = _maybe_dry(rng, rng.choice([{}, {"fieldManager": "tester"}, {"fieldValidation": "Strict"}]))
    return Operation("create", "POST", kind.path(space), kind.named(rng, name, space), query=query)


def _create_bad(rng: random.Random, kind: Kind, space: str, name: str) -> Operation:
    obj = kind.named(rng, f"{name}-bad", space)
    rng.choice(kind.spoil)(rng, obj)
    query = rng.choice([{}, {"fieldValidation": "Strict"}, {"fieldValidation": "Warn"}])
    return Operation("create bad", "POST", kind.path(space), obj, query=query)


def _create_odd(rng: random.Random, kind: Kind, space: str, name: str) -> Operation:
    obj: Obj = kind.named(rng, name, space)
    odd = rng.randrange(5)
    if odd == 0:
        obj["metadata"]["namespace"] = "elsewhere"
    elif odd == 1:
        obj["metadata"]["resourceVersion"] = "7"
    elif odd == 2:
        del obj["metadata"]["name"]
    elif odd == 3:
        return Operation("create nonsense", "POST", kind.path(space), b'{"kind": ')
    else:
        return Operation("create in a missing namespace", "POST", kind.path("nowhere"), obj)
    return Operation("create odd", "POST", kind.path(space), obj, query={"dryRun": "All"})


def _get(rng: random.Random, kind: Kind, space: str, name: str) -> Operation:
    return Operation("get", "GET", f"{kind.path(space)}/{name}")


def _list(rng: random.Random, kind: Kind, space: str, name: str) -> Operation:
    queries: list[dict[str, str]] = [
        {},
        {"labelSelector": "app=a"},
        {"labelSelector": "app in (a,b),tier"},
        {"labelSelector": "app!=a,!nothing"},
        {"labelSelector": "app notin (a)"},
        {"labelSelector": "=="},
        {"fieldSelector": f"metadata.name={name}"},
        {"fieldSelector": "spec.nonsense=1"},
        {"limit": "2"},
        {"limit": "nonsense"},
    ]
    return Operation("list", "GET", kind.path(space), query=rng.choice(queries))


def _put(rng: random.Random, kind: Kind, space: str, name: str) -> Operation:
    obj, path = kind.named(rng, name, space), f"{kind.path(space)}/{name}"
    obj["metadata"]["resourceVersion"] = rng.choice([CURRENT, CURRENT, STALE, ""])
    if not obj["metadata"]["resourceVersion"]:
        del obj["metadata"]["resourceVersion"]
    if rng.random() < 0.1:
        obj["metadata"]["name"] = "another"
    return Operation("replace", "PUT", path, obj, query=_maybe_dry(rng, {}), target=path)


def _merge(rng: random.Random, kind: Kind, space: str, name: str) -> Operation:
    path = f"{kind.path(space)}/{name}"
    patch: Obj = json.loads(json.dumps(rng.choice(kind.patches)))
    if rng.random() < 0.25:
        patch.setdefault("metadata", {})["resourceVersion"] = rng.choice([CURRENT, STALE])
    query = rng.choice([{}, {"fieldManager": "tester"}, {"fieldValidation": "Strict"}])
    return Operation("merge patch", "PATCH", path, patch, MERGE, _maybe_dry(rng, query), path)


def _strategic(rng: random.Random, kind: Kind, space: str, name: str) -> Operation:
    path = f"{kind.path(space)}/{name}"
    return Operation("strategic patch", "PATCH", path, rng.choice(kind.patches), STRATEGIC)


def _json_patch(rng: random.Random, kind: Kind, space: str, name: str) -> Operation:
    steps: list[Any] = [
        [{"op": "add", "path": "/metadata/labels/color", "value": "red"}],
        [{"op": "remove", "path": "/metadata/labels/tier"}],
        [{"op": "replace", "path": "/metadata/labels/app", "value": "d"}],
        [{"op": "test", "path": "/metadata/labels/app", "value": "a"}],
        [{"op": "remove", "path": "/metadata/nothing"}],
        [{"op": "nonsense", "path": "/metadata"}],
        {"op": "add"},
    ]
    path = f"{kind.path(space)}/{name}"
    return Operation("json patch", "PATCH", path, rng.choice(steps), JSON_PATCH)


def _apply(rng: random.Random, kind: Kind, space: str, name: str) -> Operation:
    query = {"fieldManager": rng.choice(["one", "two"])}
    if rng.random() < 0.4:
        query["force"] = rng.choice(["true", "false"])
    obj, path = kind.named(rng, name, space), f"{kind.path(space)}/{name}"
    return Operation("apply", "PATCH", path, obj, APPLY, _maybe_dry(rng, query))


def _apply_bad(rng: random.Random, kind: Kind, space: str, name: str) -> Operation:
    obj, path = kind.named(rng, name, space), f"{kind.path(space)}/{name}"
    query = {"fieldManager": "one"}
    odd = rng.randrange(5)
    if odd == 0:
        query = {}
    elif odd == 1:
        obj["metadata"]["name"] = "another"
    elif odd == 2:
        obj["metadata"]["managedFields"] = []
    elif odd == 3:
        query = {"fieldManager": "one", "force": "maybe"}
    else:
        rng.choice(kind.spoil)(rng, obj)
    return Operation("apply bad", "PATCH", path, obj, APPLY, query)


def _delete(rng: random.Random, kind: Kind, space: str, name: str) -> Operation:
    path = f"{kind.path(space)}/{name}"
    bodies: list[Any] = [
        None,
        {"propagationPolicy": "Background"},
        {"propagationPolicy": "Nonsense"},
        {"preconditions": {"uid": "00000000-0000-0000-0000-000000000000"}},
        {"preconditions": {"uid": OWN_UID}},
        {"preconditions": {"resourceVersion": STALE}},
        {"gracePeriodSeconds": 0},
    ]
    if kind is POD:  # with a grace period a kubelet would have to say the last word
        bodies = [{"gracePeriodSeconds": 0}]
    body = rng.choice(bodies)
    query = _maybe_dry(rng, {}) if body is None else {}
    return Operation("delete", "DELETE", path, body, query=query, target=path)


def _delete_some(rng: random.Random, kind: Kind, space: str, name: str) -> Operation:
    if kind in (NAMESPACE, POD):
        return _list(rng, kind, space, name)
    query = {"labelSelector": rng.choice(["app=a", "app=none"])}
    return Operation("delete some", "DELETE", kind.path(space), query=query)


def _status(rng: random.Random, kind: Kind, space: str, name: str) -> Operation:
    path = f"{kind.path(space)}/{name}/status"
    body = {"status": kind.status or {}, "metadata": {"labels": {"by": "status"}}}
    return Operation("status patch", "PATCH", path, body, MERGE)


def _scale(rng: random.Random, kind: Kind, space: str, name: str) -> Operation:
    path = f"{rng.choice([DEPLOYMENT, WIDGET]).path(space)}/{name}/scale"
    if rng.random() < 0.4:
        return Operation("scale get", "GET", path)
    replicas = rng.choice([0, 1, 4, -1])
    return Operation("scale patch", "PATCH", path, {"spec": {"replicas": replicas}}, MERGE)


def _finalize(rng: random.Random, kind: Kind, space: str, name: str) -> Operation:
    path = f"{kind.path(space)}/{name}"
    value = rng.choice([["lab.test/hold"], ["lab.test/hold"], [], ["not a finalizer"]])
    return Operation("finalizers", "PATCH", path, {"metadata": {"finalizers": value}}, MERGE)


def _wrong_type(rng: random.Random, kind: Kind, space: str, name: str) -> Operation:
    path, body = f"{kind.path(space)}/{name}", {"metadata": {"labels": {"x": "y"}}}
    wrong = rng.randrange(3)
    if wrong == 0:
        return Operation("patch of no type", "PATCH", path, body)
    if wrong == 1:
        return Operation("unknown method", "PUT", kind.path(space), body)
    return Operation("unknown resource", "GET", f"{path}/nonsense")


_ACTIONS = (
    *(_create,) * 6,
    *(_create_bad,) * 4,
    _create_odd,
    *(_get,) * 2,
    *(_list,) * 3,
    *(_put,) * 3,
    *(_merge,) * 5,
    *(_strategic,) * 3,
    *(_json_patch,) * 2,
    *(_apply,) * 5,
    *(_apply_bad,) * 2,
    *(_delete,) * 2,
    _delete_some,
    _status,
    _scale,
    _finalize,
    _wrong_type,
)
