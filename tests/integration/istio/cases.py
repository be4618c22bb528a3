"""Random routing for the differential test: objects, and requests that tell whether two meshes route alike.

Plain ``random`` with a seed: every case is as rich as the last, and a difference is read, not shrunk. Each
case has host names of its own, so that many are in force at once.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

Obj = dict[str, Any]

GATEWAY, SIDECAR = "gateway", "sidecar"
NAMESPACE, ISTIO = "default", "networking.istio.io/v1"
PORT, SERVICE_PORT = 30080, 5000
APPS = ("a", "b", "c")
#: version -> labels of its pods, apart from ``app``.
VERSIONS: Mapping[str, Mapping[str, str]] = {
    "v1": {"version": "v1", "tier": "old"},
    "v2": {"version": "v2", "tier": "new"},
    "v3": {"version": "v3", "tier": "new"},
}
#: Labels of the two pods that call, by which rules may tell callers apart.
CALLER = {"app": "caller", "version": "v1", "tier": "old"}


@dataclass(frozen=True)
class Request:
    """One request: to the gateway for *host*, or by a pod through its sidecar."""

    via: str
    host: str
    path: str = "/hello"
    method: str = "GET"
    headers: Mapping[str, str] = field(default_factory=dict)
    #: ``app/version`` of all that may answer, where that was predicted; {"404"} for nobody.
    expected: frozenset[str] | None = None

    def __str__(self) -> str:
        return f"{self.via}: {self.method} {self.host} {self.path} {dict(self.headers)}"


@dataclass(frozen=True)
class Case:
    """What to apply, and what to ask. mesh, cluster: objects of these APIs."""

    name: str
    mesh: Sequence[Obj]
    cluster: Sequence[Obj] = field(default=())
    requests: Sequence[Request] = field(default=())


def make(kind: str, name: str, spec: Obj, api_version: str = ISTIO) -> Obj:
    """An object in the namespace of everything here."""
    metadata = {"name": name, "namespace": NAMESPACE}
    return {"apiVersion": api_version, "kind": kind, "metadata": metadata, "spec": spec}


def service(name: str, app: str) -> Obj:
    """A Service for the pods of an app."""
    ports = [{"name": "http", "port": SERVICE_PORT, "protocol": "TCP"}]
    return make("Service", name, {"selector": {"app": app}, "ports": ports}, "v1")


def gateway(name: str, hosts: Sequence[str]) -> Obj:
    """A Gateway on the port that the gateway's pods open."""
    server = {"port": {"number": PORT, "name": "http", "protocol": "HTTP"}, "hosts": list(hosts)}
    return make("Gateway", name, {"selector": {"istio": "ingressgateway"}, "servers": [server]})


def subsets(host: str) -> Obj:
    """A DestinationRule's spec: a subset for each version, and one of two."""
    found = [{"name": version, "labels": {"version": version}} for version in VERSIONS]
    return {"host": host, "subsets": [*found, {"name": "new", "labels": {"tier": "new"}}]}


def at_gateway(rng: random.Random, name: str) -> Case:
    """Gateways and VirtualServices that share hosts."""
    domain = f"{name}.example"
    names = [domain, f"shop.{domain}", f"www.shop.{domain}", f"api.{domain}"]
    patterns = [f"*.{domain}", f"*.shop.{domain}", *names]
    scopes = ["", "", "*/", "./", f"{NAMESPACE}/", "elsewhere/"]
    gateways = [
        gateway(f"{name}-{index}", [rng.choice(scopes) + host for host in some(rng, patterns)])
        for index in range(rng.randint(1, 2))
    ]
    virtual = [
        make(
            "VirtualService",
            f"{name}-{index}",
            {
                "hosts": some(rng, patterns),
                "gateways": some(rng, [item["metadata"]["name"] for item in gateways]),
                "http": [_entry(rng, APPS, name) for _entry_of in range(rng.randint(1, 4))],
            },
        )
        for index in range(rng.randint(1, 3))
    ]
    asked = [*names, f"other.{domain}", f"x.y.{domain}"]
    return Case(name, [*gateways, *virtual], (), [_request(rng, GATEWAY, asked) for _request_of in range(12)])


def in_mesh(rng: random.Random, name: str) -> Case:
    """A Service with rules for those who call it, and sometimes a second rule for the same host."""
    host = f"{name}.{NAMESPACE}.svc.cluster.local"
    written = rng.choice([name, host])
    virtual = [
        make(
            "VirtualService",
            f"{name}-{index}",
            {
                "hosts": [written],
                **rng.choice([{}, {"gateways": ["mesh"]}]),
                "http": [_entry(rng, (written,)) for _entry_of in range(rng.randint(1, 4))],
            },
        )
        for index in range(rng.choice([1, 1, 1, 2]))
    ]
    rules = [make("DestinationRule", name, subsets(written))]
    if rng.random() < 0.3:  # of two subsets with one name the older one counts
        more = {"host": host, "subsets": [{"name": "v1", "labels": {"version": "v2"}}]}
        rules.append(make("DestinationRule", f"{name}-more", more))
    asked = [name, f"{name}.{NAMESPACE}", host]
    return Case(
        name,
        [*rules, *virtual],
        [service(name, rng.choice(APPS))],
        [_request(rng, SIDECAR, asked) for _request_of in range(8)],
    )


# --- entries of a VirtualService ----------------------------------------------------------------


def _entry(rng: random.Random, hosts: Sequence[str], at: str = "") -> Obj:
    """*at*: beginning of the names of Gateways; empty for callers within the mesh."""
    entry: Obj = {}
    if rng.random() < 0.8:
        entry["match"] = [_match(rng, at) for _match_of in range(rng.choice([1, 1, 2]))]
    action = rng.choices(["route", "redirect", "directResponse"], weights=[8, 1, 1])[0]
    if action == "redirect":
        redirects: list[Obj] = [
            {"uri": "/moved"},
            {"authority": "moved.example"},
            {"uri": "/moved", "redirectCode": 302},
            {"scheme": "https", "redirectCode": 308},
            {"port": 8443},
        ]
        return {**entry, "redirect": rng.choice(redirects)}
    if action == "directResponse":
        answers: list[Obj] = [
            {"status": 503, "body": {"string": "not today"}},
            {"status": 204},
            {"status": 418},
        ]
        return {**entry, "directResponse": rng.choice(answers)}
    entry["route"] = _destinations(rng, hosts)
    if rng.random() < 0.3:
        rewrites: list[Obj] = [
            {"uri": "/new"},
            {"authority": "new.example"},
            {"uri": "/", "authority": "n.example"},
        ]
        entry["rewrite"] = rng.choice(rewrites)
    if rng.random() < 0.4:
        entry["headers"] = _edits(rng)
    return entry


def _destinations(rng: random.Random, hosts: Sequence[str]) -> list[Obj]:
    number = rng.choices([1, 2, 3], weights=[6, 2, 1])[0]
    weights = {1: [None], 2: rng.choice([[50, 50], [0, 100], [30, 70]]), 3: [40, 0, 60]}[number]
    found = []
    for weight in weights:
        item: Obj = {"destination": _destination(rng, rng.choice(hosts))}
        if weight is not None:
            item["weight"] = weight
        if rng.random() < 0.2:
            item["headers"] = _edits(rng)
        found.append(item)
    return found


def _destination(rng: random.Random, host: str) -> Obj:
    found: Obj = {"host": host}
    subset = rng.choices(["", *VERSIONS, "new", "missing"], weights=[3, 3, 3, 3, 2, 1])[0]
    if subset:
        found["subset"] = subset
    if rng.random() < 0.3:
        found["port"] = {"number": SERVICE_PORT}
    return found


def _edits(rng: random.Random) -> Obj:
    edits: Obj = {}
    for side in some(rng, ["request", "response"]):
        kinds: Obj = {
            "set": {"x-set": rng.choice(["one", "two"]), "x-user": "changed"},
            "add": {"x-add": rng.choice(["one", "two"])},
            "remove": ["x-rid"],
        }
        edits[side] = {kind: kinds[kind] for kind in some(rng, sorted(kinds))}
        if side == "request" and "set" in edits[side] and rng.random() < 0.3:
            edits[side]["set"]["host"] = "edited.example"
    return edits


def _match(rng: random.Random, at: str) -> Obj:
    parts: dict[str, Any] = {
        "uri": rng.choice([{"exact": "/hello"}, {"prefix": "/hel"}, {"prefix": "/"}, {"regex": "/h.*o"}]),
        "headers": {
            "x-user": rng.choice(
                [
                    {"exact": "alice"},
                    {"prefix": "al"},
                    {"regex": "a.*|bob"},
                    {"regex": ".*"},
                    {},
                    {"exact": ""},
                ]
            )
        },
        "withoutHeaders": {"x-user": rng.choice([{"exact": "alice"}, {"prefix": "b"}, {"regex": "a.*"}, {}])},
        "queryParams": {
            "q": rng.choice([{"exact": "1"}, {"regex": "[0-9]+"}, {"exact": ""}, {"prefix": "1"}, {}])
        },
        "method": rng.choice([{"exact": "GET"}, {"regex": "POST|PUT"}]),
        "authority": rng.choice([{"prefix": "shop"}, {"regex": ".*shop.*"}]),
    }
    if at:  # where calls come by HTTP_PROXY, istiod knows no port
        parts["port"] = rng.choice([SERVICE_PORT, PORT])
        parts["gateways"] = some(rng, [f"{at}-0", f"{NAMESPACE}/{at}-1"])
    else:
        parts["sourceLabels"] = rng.choice([{"app": "caller"}, {"version": "v1"}, {"version": "v2"}])
        parts["sourceNamespace"] = rng.choice([NAMESPACE, "elsewhere"])
    chosen = some(rng, sorted(parts), most=2)
    match = {key: parts[key] for key in chosen}
    if "exact" in match.get("uri", {}) or "prefix" in match.get("uri", {}):
        match |= rng.choice([{}, {}, {"ignoreUriCase": True}])
    return match


def _request(rng: random.Random, via: str, hosts: Sequence[str]) -> Request:
    headers: list[dict[str, str]] = [
        {},
        {"x-user": "alice"},
        {"x-user": "bob"},
        {"x-user": "carol", "x-rid": "1"},
        {"x-user": ""},
    ]
    paths = ["/", "/hello", "/hello/x", "/HELLO", "/other", "/hello?q=1", "/other?q=12&r=", "/hello?q="]
    method = rng.choice(["GET", "GET", "POST"])
    return Request(via, rng.choice(hosts), rng.choice(paths), method, rng.choice(headers))


def some(rng: random.Random, things: Sequence[Any], most: int | None = None) -> list[Any]:
    """At least one of the things."""
    return rng.sample(things, rng.randint(1, most or len(things)))
