"""The kinds that the differential test plays with: good objects, changes to them, and ways to spoil them."""

from __future__ import annotations

import copy
import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

Obj = dict[str, Any]
Make = Callable[[random.Random], Obj]
Change = Callable[[random.Random, Obj], None]


@dataclass(frozen=True)
class Kind:
    """One kind. *make* gives a good object without its metadata."""

    api_version: str
    kind: str
    plural: str
    make: Make
    #: Merge patches that are good for objects made by *make*.
    patches: tuple[Obj, ...]
    #: Each makes a good object bad.
    spoil: tuple[Change, ...]
    namespaced: bool = True
    custom: bool = False
    status: Obj | None = None
    scale: bool = False

    def path(self, namespace: str) -> str:
        """Path of the collection."""
        prefix = "apis" if "/" in self.api_version else "api"
        scope = f"/namespaces/{namespace}" if self.namespaced else ""
        return f"/{prefix}/{self.api_version}{scope}/{self.plural}"

    def named(self, rng: random.Random, name: str, namespace: str) -> Obj:
        """A good object with a name and labels."""
        metadata: Obj = {"name": name, "labels": {"app": rng.choice(["a", "b"]), "tier": "test"}}
        if self.namespaced:
            metadata["namespace"] = namespace
        made = copy.deepcopy(self.make(rng))
        return {"apiVersion": self.api_version, "kind": self.kind, "metadata": metadata, **made}


def _set(*path: str | int, value: Any) -> Change:
    def change(_rng: random.Random, obj: Obj) -> None:
        target: Any = obj
        for part in path[:-1]:
            target = target[part] if isinstance(part, int) else target.setdefault(part, {})
        target[path[-1]] = value

    return change


def _drop(*path: str | int) -> Change:
    def change(_rng: random.Random, obj: Obj) -> None:
        target: Any = obj
        for part in path[:-1]:
            target = target[part]
        target.pop(path[-1])

    return change


def _deployment(rng: random.Random) -> Obj:
    container: Obj = {"name": "app", "image": rng.choice(["img:1", "img", "img:latest"])}
    if rng.random() < 0.6:
        container["ports"] = [{"name": "http", "containerPort": 5000, "protocol": "TCP"}]
    if rng.random() < 0.4:
        container["env"] = [
            {"name": "A", "value": "1"},
            {"name": "N", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
        ]
    if rng.random() < 0.4:
        container["readinessProbe"] = {"httpGet": {"port": 5000}}
    spec: Obj = {
        "selector": {"matchLabels": {"app": "web"}},
        "template": {
            "metadata": {"labels": {"app": "web", "version": rng.choice(["v1", "v2"])}},
            "spec": {"containers": [container]},
        },
    }
    if rng.random() < 0.5:
        spec["replicas"] = rng.randint(0, 3)
    if rng.random() < 0.3:
        spec["strategy"] = {"type": "Recreate"}
    return {"spec": spec}


def _service(rng: random.Random) -> Obj:
    port: Obj = {"port": rng.choice([80, 5000]), "protocol": "TCP", "name": "http"}
    if rng.random() < 0.5:
        port["targetPort"] = rng.choice([5000, "http"])
    spec: Obj = {"selector": {"app": "web"}, "ports": [port]}
    if rng.random() < 0.4:
        spec["sessionAffinity"] = "ClientIP"
    if rng.random() < 0.3:
        spec["type"] = rng.choice(["NodePort", "LoadBalancer"])
    if rng.random() < 0.1:
        spec["clusterIP"] = "None"
    return {"spec": spec}


def _pod(rng: random.Random) -> Obj:
    container = {"name": "app", "image": rng.choice(["img:1", "img"])}
    return {"spec": {"containers": [container], "nodeName": "lab"}}


def _gateway(rng: random.Random) -> Obj:
    port = {"number": rng.choice([30080, 80]), "name": "http", "protocol": "HTTP"}
    return {"spec": {"selector": {"istio": "ingressgateway"}, "servers": [{"port": port, "hosts": ["*"]}]}}


def _virtual_service(rng: random.Random) -> Obj:
    route: Obj = {"destination": {"host": "web.default.svc.cluster.local", "port": {"number": 5000}}}
    http: Obj = {"route": [route]}
    if rng.random() < 0.5:
        http["match"] = [{"headers": {"version": {"exact": "v2"}}}]
        http["name"] = "v2"
    return {"spec": {"hosts": ["*"], "gateways": ["default/ws-gateway"], "http": [http]}}


def _destination_rule(rng: random.Random) -> Obj:
    subsets = [{"name": name, "labels": {"version": name}} for name in rng.sample(["v1", "v2", "v3"], 2)]
    return {"spec": {"host": "web.default.svc.cluster.local", "subsets": subsets}}


def _widget(rng: random.Random) -> Obj:
    spec: Obj = {"size": rng.randint(0, 5)}
    if rng.random() < 0.4:
        spec["mode"] = rng.choice(["fast", "safe"])
    if rng.random() < 0.6:
        spec["parts"] = [{"name": name, "weight": rng.randint(1, 9)} for name in rng.sample("abc", 2)]
    return {"spec": spec}


def _lane(rng: random.Random) -> Obj:
    services = [{"name": name, "namespace": "default"} for name in rng.sample(["web", "api"], 1)]
    return {"spec": {"labelSelector": {"version": rng.choice(["v1", "v2"])}, "services": services}}


_LABELS: tuple[Obj, ...] = (
    {"metadata": {"labels": {"app": "c"}}},
    {"metadata": {"labels": {"tier": None}, "annotations": {"note": "x"}}},
    {},
)
_BAD_NAME: tuple[Change, ...] = (
    _set("metadata", "name", value="Not_A_Name"),
    _set("metadata", "name", value="x" * 254),
    _set("metadata", "labels", value={"app": "not a label!"}),
    _set("metadata", "labels", value={"-bad/key-": "x"}),
    _set("metadata", "labels", value={"app": 5}),
    _set("kind", value="Other"),
    _set("apiVersion", value="other/v9"),
    _drop("kind"),
)

CONFIG_MAP = Kind(
    "v1",
    "ConfigMap",
    "configmaps",
    lambda rng: {"data": {"a": rng.choice("12"), "b": "x"}},
    (*_LABELS, {"data": {"a": None}}, {"data": {"c": "new"}}, {"immutable": False}),
    (*_BAD_NAME, _set("data", value={"a": 5}), _set("data", value={"a b": "x"}), _set("data", value=[])),
)
SECRET = Kind(
    "v1",
    "Secret",
    "secrets",
    lambda rng: rng.choice([{"stringData": {"a": "1"}}, {"data": {"a": "MQ=="}}]),
    (*_LABELS, {"stringData": {"b": "2"}}, {"type": "Opaque"}, {"type": "other"}),
    (*_BAD_NAME, _set("data", value={"a": 5}), _set("data", value={"a": "not base64!"})),
)
SERVICE = Kind(
    "v1",
    "Service",
    "services",
    _service,
    (
        *_LABELS,
        {"spec": {"ports": [{"port": 81, "protocol": "TCP", "name": "http"}]}},
        {"spec": {"selector": {"app": "other"}}},
        {"spec": {"sessionAffinity": "ClientIP"}},
        {"spec": {"type": "NodePort"}},
        {"spec": {"clusterIP": "10.96.77.77"}},
    ),
    (
        *_BAD_NAME,
        _set("spec", "ports", value=[]),
        _set("spec", "ports", value=[{"port": 0, "protocol": "TCP"}]),
        _set("spec", "ports", value=[{"port": 70000, "protocol": "TCP"}]),
        _set("spec", "ports", value=[{"port": 1, "protocol": "TCP"}, {"port": 2, "protocol": "TCP"}]),
        _set("spec", "ports", 0, "port", value="80"),
        _set("spec", "type", value="Nonsense"),
        _set("spec", "selector", value={"app": "no no"}),
        _set("spec", "sessionAffinity", value="Maybe"),
        _set("spec", "ports", 0, "protocol", value="FTP"),
        _drop("spec", "ports"),
        _drop("spec"),
    ),
    status={"loadBalancer": {"ingress": [{"ip": "192.0.2.7"}]}},
)
DEPLOYMENT = Kind(
    "apps/v1",
    "Deployment",
    "deployments",
    _deployment,
    (
        *_LABELS,
        {"spec": {"replicas": 2}},
        {"spec": {"template": {"metadata": {"labels": {"version": "v9"}}}}},
        {"spec": {"template": {"spec": {"containers": [{"name": "app", "image": "img:9"}]}}}},
        {"spec": {"strategy": {"type": "Recreate", "rollingUpdate": None}}},
        {"spec": {"selector": {"matchLabels": {"app": "other"}}}},
        {"spec": {"paused": True}},
    ),
    (
        *_BAD_NAME,
        _drop("spec", "selector"),
        _drop("spec", "template"),
        _drop("spec"),
        _set("spec", "replicas", value=-1),
        _set("spec", "replicas", value="two"),
        _set("spec", "selector", "matchLabels", value={"app": "other"}),
        _set("spec", "selector", "matchLabels", value={}),
        _set("spec", "template", "spec", "containers", value=[]),
        _drop("spec", "template", "spec", "containers", 0),
        _set("spec", "template", "spec", "containers", 0, "name", value="Bad_Name"),
        _set("spec", "template", "spec", "containers", 0, "image", value=""),
        _set("spec", "template", "spec", "containers", 0, "ports", value=[{"containerPort": 0}]),
        _set("spec", "template", "spec", "containers", 0, "unknownField", value=1),
        _set("spec", "strategy", value={"type": "Recreate", "rollingUpdate": {"maxSurge": 1}}),
        _set("spec", "unknown", value={"a": 1}),
    ),
    status={"observedGeneration": 1, "replicas": 1, "updatedReplicas": 1, "readyReplicas": 1},
    scale=True,
)
POD = Kind(
    "v1",
    "Pod",
    "pods",
    _pod,
    (*_LABELS, {"spec": {"containers": [{"name": "app", "image": "img:9"}]}}, {"spec": {"hostname": "x"}}),
    (*_BAD_NAME, _set("spec", "containers", value=[]), _set("spec", "restartPolicy", value="Sometimes")),
    status={"phase": "Running", "podIP": "127.0.0.9", "conditions": [{"type": "Ready", "status": "True"}]},
)
NAMESPACE = Kind(
    "v1",
    "Namespace",
    "namespaces",
    lambda _rng: {},
    (*_LABELS, {"metadata": {"labels": {"istio-injection": "enabled"}}}),
    _BAD_NAME,
    namespaced=False,
)
GATEWAY = Kind(
    "networking.istio.io/v1beta1",
    "Gateway",
    "gateways",
    _gateway,
    (*_LABELS, {"spec": {"selector": {"istio": "other"}}}, {"spec": {"unknown": 1}}),
    (
        *_BAD_NAME,
        _drop("spec", "servers"),
        _drop("spec"),
        _set("spec", "servers", value=[]),
        _set("spec", "servers", 0, "hosts", value=[]),
        _set("spec", "servers", 0, "port", "number", value="80"),
        _set("spec", "unknown", value=1),
    ),
    custom=True,
)
VIRTUAL_SERVICE = Kind(
    "networking.istio.io/v1beta1",
    "VirtualService",
    "virtualservices",
    _virtual_service,
    (*_LABELS, {"spec": {"hosts": ["shop.test"]}}, {"spec": {"gateways": None}}),
    (
        *_BAD_NAME,
        _set("spec", "http", 0, "route", 0, "destination", value={}),
        _set("spec", "http", 0, "route", 0, "weight", value="half"),
        _set("spec", "http", 0, "match", value=[{"headers": {"version": "v2"}}]),
        _set("spec", "hosts", value="*"),
        _set("spec", "unknown", value=1),
    ),
    custom=True,
    status={"conditions": []},
)
DESTINATION_RULE = Kind(
    "networking.istio.io/v1",
    "DestinationRule",
    "destinationrules",
    _destination_rule,
    (*_LABELS, {"spec": {"subsets": []}}, {"spec": {"host": "other"}}),
    (*_BAD_NAME, _drop("spec", "host"), _set("spec", "subsets", value=[{"labels": {}}])),
    custom=True,
)
LANE = Kind(
    "istio.alibabacloud.com/v1",
    "ASMSwimLane",
    "asmswimlanes",
    _lane,
    (*_LABELS, {"spec": {"labelSelector": {"version": "v3"}}}),
    (*_BAD_NAME, _drop("spec", "services"), _set("spec", "services", value=[{"name": "web"}])),
    namespaced=False,
    custom=True,
)
WIDGET = Kind(
    "example.com/v1",
    "Widget",
    "widgets",
    _widget,
    (
        *_LABELS,
        {"spec": {"size": 3}},
        {"spec": {"mode": None}},
        {"spec": {"parts": [{"name": "z"}]}},
        {"spec": {"unknown": 1}},
    ),
    (
        *_BAD_NAME,
        _set("spec", "size", value=-1),
        _set("spec", "size", value="big"),
        _set("spec", "size", value=None),
        _set("spec", "mode", value="loud"),
        _set("spec", "parts", value=[{"weight": 1}]),
        _set("spec", "parts", value=[{"name": "a"}, {"name": "a"}]),
        _set("spec", "unknown", value=1),
        _drop("spec", "size"),
        _drop("spec"),
    ),
    custom=True,
    status={"size": 2},
    scale=True,
)

KINDS = (
    CONFIG_MAP,
    SECRET,
    SERVICE,
    DEPLOYMENT,
    POD,
    NAMESPACE,
    GATEWAY,
    VIRTUAL_SERVICE,
    DESTINATION_RULE,
    LANE,
    WIDGET,
)
