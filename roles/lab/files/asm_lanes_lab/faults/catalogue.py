"""The faults. Every one spoils the guide's application, as the playbook ``asm.lanes.site`` leaves it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from ..controllers.lane_objects import HANDS_OFF
from ..domain import routing
from ..mesh.workloads import DROP_HEADERS_ANNOTATION
from ..objects import Obj
from .steps import CLUSTER, MESH, Create, Edit, FreezeEndpoints, Renew, Step, Where, annotate

_ISTIO = routing.ISTIO_API_VERSION
_NAMESPACE, _SYSTEM = "default", routing.GENERATED_NAMESPACE
_HELLO = f"helloworld.{_NAMESPACE}.svc.cluster.local"

_WSK = Where(CLUSTER, "apps/v1", "Deployment", _NAMESPACE, "wsk-deploy")
_HELLO_V2 = Where(CLUSTER, "apps/v1", "Deployment", _NAMESPACE, "helloworld-v2")
_HELLO_SERVICE = Where(CLUSTER, "v1", "Service", _NAMESPACE, "helloworld")
_WS = Where(MESH, _ISTIO, "VirtualService", _NAMESPACE, "ws")
_LANE_RULE = Where(MESH, _ISTIO, "DestinationRule", _SYSTEM, f"trafficlabel-dr-ws-{_NAMESPACE}-helloworld")
_LANE_ROUTES = Where(MESH, _ISTIO, "VirtualService", _SYSTEM, f"trafficlabel-vs-ws-{_NAMESPACE}-helloworld")
_SPLIT = Where(MESH, _ISTIO, "VirtualService", _SYSTEM, "swimlane-ingress-vs-ws-0")


@dataclass(frozen=True)
class Fault:
    """One fault. what: what goes wrong. where: what a proof has to name."""

    name: str
    what: str
    where: str
    steps: tuple[Step, ...]


def _env(deployment: Where, name: str, value: str) -> Edit:
    def change(obj: Obj) -> None:
        container = obj["spec"]["template"]["spec"]["containers"][0]
        others = [item for item in container.get("env") or [] if item["name"] != name]
        container["env"] = [*others, {"name": name, "value": value}]

    return Edit(deployment, change)


def _replicas(deployment: Where, number: int) -> Edit:
    return Edit(deployment, lambda obj: obj["spec"].update(replicas=number))


def _generated(where: Where, spoil: Callable[[Obj], None]) -> Edit:
    """An edit of what ASM generated, which ASM leaves as it is."""

    def change(obj: Obj) -> None:
        annotate(HANDS_OFF, "true")(obj)
        spoil(obj["spec"])

    return Edit(where, change)


def _swap_subsets(spec: Obj) -> None:
    subsets = {subset["name"]: subset for subset in spec["subsets"]}
    one, other = subsets["v1"], subsets["v2"]
    one["labels"], other["labels"] = other["labels"], one["labels"]


def _without_fallback(spec: Obj) -> None:
    for leg in _legs(spec):
        leg.pop("fallback", None)


def _halves(spec: Obj) -> None:
    for leg in _legs(spec):
        leg["weight"] = 50


def _legs(spec: Obj) -> Iterable[Obj]:
    return [leg for route in spec["http"] for leg in route["route"]]


def _rewrite(obj: Obj) -> None:
    for route in obj["spec"]["http"]:
        route["headers"] = {"request": {"set": {"version": "v1"}}}


def _wrong_replica() -> Create:
    labels = {"app": "helloworld", "version": "v2", "track": "canary"}
    container = {
        "name": "helloworld",
        "image": "asm-lanes.lab/helloworld:1",
        "ports": [{"containerPort": 5000, "protocol": "TCP"}],
        "env": [{"name": "VERSION", "value": "v1"}],
    }
    template = {"metadata": {"labels": labels}, "spec": {"containers": [container]}}
    where = Where(CLUSTER, "apps/v1", "Deployment", _NAMESPACE, "helloworld-v2-canary")
    return Create(where, {"spec": {"replicas": 1, "selector": {"matchLabels": labels}, "template": template}})


def _catch_all() -> Create:
    """Everything at the gateway to helloworld; by its name it goes before ``ws`` of the same second."""
    spec = {
        "hosts": ["*"],
        "gateways": [f"{_NAMESPACE}/ws-gateway"],
        "http": [{"route": [{"destination": {"host": _HELLO, "port": {"number": 5000}}}]}],
    }
    return Create(Where(MESH, _ISTIO, "VirtualService", _NAMESPACE, "everything"), {"spec": spec})


FAULTS: tuple[Fault, ...] = (
    Fault(
        "baggage-dropped-by-app",
        "wsk is the app without the guide's code change: it does not pass baggage on",
        "service default/wsk-svc, its application, on the way to default/helloworld",
        (_env(_WSK, "FORWARD_BAGGAGE", "0"),),
    ),
    Fault(
        "baggage-dropped-by-sidecar",
        "the proxy of wsk takes baggage off the requests that come in",
        "service default/wsk-svc, its proxy, inbound",
        (
            Edit(
                _WSK,
                lambda obj: annotate(DROP_HEADERS_ANNOTATION, "inbound=baggage")(obj["spec"]["template"]),
            ),
        ),
    ),
    Fault(
        "subset-swapped",
        "the subsets v1 and v2 of helloworld select each other's pods",
        str(_LANE_RULE),
        (_generated(_LANE_RULE, _swap_subsets),),
    ),
    Fault(
        "fallback-missing",
        "lane v2 has no pods of helloworld, and its route no fallback",
        str(_LANE_ROUTES),
        (_generated(_LANE_ROUTES, _without_fallback), _replicas(_HELLO_V2, 0)),
    ),
    Fault(
        "wrong-weight",
        "the gateway splits 50/50 instead of what the group states; for groups with weights only",
        str(_SPLIT),
        (_generated(_SPLIT, _halves),),
    ),
    Fault(
        "broadcast-in-lane",
        "wsk makes its broadcasts in the context of the client that caused them",
        "service default/wsk-svc, its application, broadcasts",
        (_env(_WSK, "BROADCAST_CONTEXT", "client"),),
    ),
    Fault(
        "header-rewritten",
        "the route at the gateway sets the route header to v1",
        str(_WS),
        (Edit(_WS, _rewrite),),
    ),
    Fault(
        "label-on-wrong-pods",
        "the pods with the label version v2 run version v1",
        "the pods of Deployment default/helloworld-v2",
        (_env(_HELLO_V2, "VERSION", "v1"),),
    ),
    Fault(
        "foreign-catch-all",
        "somebody's VirtualService takes every request at the gateway, before the route to wsk",
        "VirtualService default/everything",
        (_catch_all(), Renew(_WS)),
    ),
    Fault(
        "stale-endpoints",
        "the proxies go on calling a pod of helloworld v2 that is gone",
        "the address of the pod that is gone",
        (FreezeEndpoints(_HELLO_SERVICE, {"version": "v2"}),),
    ),
    Fault(
        "replica-wrong",
        "of two pods of helloworld with the label version v2 one runs version v1",
        "the pod of Deployment default/helloworld-v2-canary",
        (_wrong_replica(),),
    ),
    Fault(
        "polling-not-sticky",
        "wsk has two replicas, and nothing keeps a polling client at one of them",
        "service default/wsk-svc",
        (_replicas(_WSK, 2),),
    ),
)
NAMES = tuple(fault.name for fault in FAULTS)


def find(name: str) -> Fault | None:
    """The fault of that name."""
    return next((fault for fault in FAULTS if fault.name == name), None)
