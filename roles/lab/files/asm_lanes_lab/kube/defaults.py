"""What the API server fills in for the built-in kinds (``pkg/apis/*/v1/defaults.go`` of Kubernetes).

Every function changes the object it is given, which belongs to the request alone. Filled in is what is needed
to make an object that was written by hand equal to the one that a cluster shows; admission plug-ins (service
account tokens, priorities, tolerations) are not imitated.
"""

from __future__ import annotations

import base64
import ipaddress
from collections.abc import Callable, Iterable
from typing import Any

Obj = dict[str, Any]

SERVICE_NETWORK = ipaddress.ip_network("10.96.0.0/16")
NODE_PORTS = range(30000, 32768)


def _fill(target: Obj, **values: Any) -> None:
    for key, value in values.items():
        if target.get(key) is None:
            target[key] = value


def pod_spec(spec: Obj) -> None:
    """Defaults of a PodSpec, also inside templates."""
    _fill(
        spec,
        restartPolicy="Always",
        dnsPolicy="ClusterFirst",
        schedulerName="default-scheduler",
        terminationGracePeriodSeconds=30,
        securityContext={},
    )
    if spec.get("serviceAccountName"):
        _fill(spec, serviceAccount=spec["serviceAccountName"])
    for container in [*spec.get("initContainers", []), *spec.get("containers", [])]:
        _container(container, bool(spec.get("hostNetwork")))
    for volume in spec.get("volumes", []):
        _volume(volume)


def _container(container: Obj, host_network: bool) -> None:
    _fill(
        container,
        terminationMessagePath="/dev/termination-log",
        terminationMessagePolicy="File",
        imagePullPolicy=_pull_policy(container.get("image", "")),
        resources={},
    )
    for port in container.get("ports", []):
        _fill(port, protocol="TCP")
        if host_network and "containerPort" in port:
            _fill(port, hostPort=port["containerPort"])
    for variable in container.get("env", []):
        field = (variable.get("valueFrom") or {}).get("fieldRef")
        if field:
            _fill(field, apiVersion="v1")
    for name in ("livenessProbe", "readinessProbe", "startupProbe"):
        if container.get(name):
            _probe(container[name])
    _quantities(container["resources"])


def _quantities(resources: Obj) -> None:
    for name in ("limits", "requests"):
        for key, value in (resources.get(name) or {}).items():
            resources[name][key] = str(value)
    if resources.get("limits"):
        requests = resources.setdefault("requests", {})
        _fill(requests, **resources["limits"])


def _pull_policy(image: str) -> str:
    if "@" in image:
        return "IfNotPresent"
    _unused, colon, tag = image.rpartition("/")[2].partition(":")
    return "Always" if not colon or tag == "latest" else "IfNotPresent"


def _probe(probe: Obj) -> None:
    _fill(probe, timeoutSeconds=1, periodSeconds=10, successThreshold=1, failureThreshold=3)
    if probe.get("httpGet"):
        _fill(probe["httpGet"], path="/", scheme="HTTP")
    if probe.get("grpc"):
        _fill(probe["grpc"], service="")


def _volume(volume: Obj) -> None:
    for source in ("configMap", "secret", "projected", "downwardAPI"):
        if volume.get(source) is not None:
            _fill(volume[source], defaultMode=420)
    if volume.get("hostPath") is not None:
        _fill(volume["hostPath"], type="")
    if not any(key != "name" for key in volume):
        volume["emptyDir"] = {}


def pod(obj: Obj) -> None:
    """Pod."""
    spec = obj.setdefault("spec", {})
    pod_spec(spec)
    _fill(spec, enableServiceLinks=True)
    status = obj.get("status") or {}
    if status.get("podIP"):
        _fill(status, podIPs=[{"ip": status["podIP"]}])


def _template(obj: Obj) -> None:
    template = obj["spec"].get("template")
    if isinstance(template, dict):
        template.setdefault("metadata", {})
        if isinstance(template.get("spec"), dict):
            pod_spec(template["spec"])


def deployment(obj: Obj) -> None:
    """Deployment (apps/v1)."""
    spec = obj.setdefault("spec", {})
    _fill(spec, replicas=1, revisionHistoryLimit=10, progressDeadlineSeconds=600, strategy={})
    strategy = spec["strategy"]
    _fill(strategy, type="RollingUpdate")
    if strategy["type"] == "RollingUpdate":
        _fill(strategy, rollingUpdate={})
        _fill(strategy["rollingUpdate"], maxUnavailable="25%", maxSurge="25%")
    _template(obj)


def replica_set(obj: Obj) -> None:
    """ReplicaSet (apps/v1)."""
    _fill(obj.setdefault("spec", {}), replicas=1)
    _template(obj)


def service(obj: Obj) -> None:
    """Service, except for what is allocated."""
    spec = obj.setdefault("spec", {})
    _fill(spec, type="ClusterIP", sessionAffinity="None")
    for port in spec.get("ports", []):
        _fill(port, protocol="TCP")
        if "port" in port:
            _fill(port, targetPort=port["port"])
    if spec["sessionAffinity"] == "ClientIP":
        _fill(spec, sessionAffinityConfig={"clientIP": {"timeoutSeconds": 10800}})
    elif spec["sessionAffinity"] == "None":
        spec.pop("sessionAffinityConfig", None)
    if spec["type"] == "ExternalName":
        return
    _fill(spec, internalTrafficPolicy="Cluster", ipFamilies=["IPv4"], ipFamilyPolicy="SingleStack")
    if spec["type"] in ("LoadBalancer", "NodePort"):
        _fill(spec, externalTrafficPolicy="Cluster")
    if spec["type"] == "LoadBalancer":
        _fill(spec, allocateLoadBalancerNodePorts=True)


def allocate(obj: Obj, old: Obj | None, others: Iterable[Obj]) -> None:
    """Cluster IP and node ports of a Service: kept from *old*, else the first free ones among *others*."""
    spec = obj["spec"]
    before = (old or {}).get("spec", {})
    if before and before["type"] != spec["type"]:
        _leave_type(obj, before)
    if spec["type"] == "ExternalName":
        return
    taken = [other.get("spec", {}) for other in others]
    if before.get("type") != "ExternalName":
        _fill(spec, clusterIP=before.get("clusterIP"))
    if not spec.get("clusterIP"):
        used = {other.get("clusterIP") for other in taken}
        spec["clusterIP"] = next(str(ip) for ip in SERVICE_NETWORK.hosts() if str(ip) not in used)
    spec["clusterIPs"] = [spec["clusterIP"]]
    wants_ports = spec["type"] in ("NodePort", "LoadBalancer") and spec.get(
        "allocateLoadBalancerNodePorts", True
    )
    if not wants_ports:
        return
    known = {
        (port.get("port"), port.get("protocol")): port.get("nodePort") for port in before.get("ports", [])
    }
    used_ports = {port.get("nodePort") for other in taken for port in other.get("ports", [])}
    used_ports |= {port.get("nodePort") for port in spec.get("ports", [])}
    for port in spec.get("ports", []):
        _fill(port, nodePort=known.get((port.get("port"), port.get("protocol"))))
        if not port.get("nodePort"):
            port["nodePort"] = next(number for number in NODE_PORTS if number not in used_ports)
            used_ports.add(port["nodePort"])


def _leave_type(obj: Obj, before: Obj) -> None:
    """What belonged to the type that a Service had before goes, where nobody has changed it."""
    spec = obj["spec"]
    gone = {"LoadBalancer": [], "NodePort": ["allocateLoadBalancerNodePorts"]}.get(
        spec["type"], ["allocateLoadBalancerNodePorts", "externalTrafficPolicy"]
    )
    for name in gone:
        if name in spec and spec[name] == before.get(name):
            del spec[name]
    if before["type"] == "LoadBalancer" and "status" in obj:
        obj["status"]["loadBalancer"] = {}
    if spec["type"] == "ClusterIP":
        taken = {port.get("nodePort") for port in before.get("ports", [])}
        for port in spec.get("ports", []):
            if port.get("nodePort") in taken:
                port.pop("nodePort", None)


def namespace(obj: Obj) -> None:
    """Namespace."""
    _fill(obj.setdefault("spec", {}), finalizers=["kubernetes"])
    metadata = obj["metadata"]
    if metadata.get("name"):
        metadata["labels"] = {
            **(metadata.get("labels") or {}),
            "kubernetes.io/metadata.name": metadata["name"],
        }


def secret(obj: Obj) -> None:
    """Secret: stringData becomes data."""
    _fill(obj, type="Opaque")
    for key, value in (obj.pop("stringData", None) or {}).items():
        obj.setdefault("data", {})[key] = base64.b64encode(value.encode()).decode()


def endpoint_slice(obj: Obj) -> None:
    """EndpointSlice."""
    for port in obj.get("ports") or []:
        _fill(port, name="", protocol="TCP")


def endpoints(obj: Obj) -> None:
    """Endpoints."""
    for subset in obj.get("subsets") or []:
        for port in subset.get("ports", []):
            _fill(port, protocol="TCP")


def custom_resource_definition(obj: Obj) -> None:
    """CustomResourceDefinition."""
    spec = obj.setdefault("spec", {})
    _fill(spec, conversion={"strategy": "None"})
    names = spec.setdefault("names", {})
    kind = names.get("kind", "")
    _fill(names, singular=kind.lower(), listKind=f"{kind}List")


DEFAULTS: dict[str, Callable[[Obj], None]] = {
    "Pod": pod,
    "Deployment": deployment,
    "ReplicaSet": replica_set,
    "Service": service,
    "Namespace": namespace,
    "Secret": secret,
    "EndpointSlice": endpoint_slice,
    "Endpoints": endpoints,
    "CustomResourceDefinition": custom_resource_definition,
}
"""By kind; kinds that are not here have no defaults."""

INITIAL_STATUS: dict[str, Callable[[], Obj]] = {
    "Namespace": lambda: {"phase": "Active"},
    "Pod": lambda: {"phase": "Pending", "qosClass": "BestEffort"},
    "Service": lambda: {"loadBalancer": {}},
    "Deployment": dict,
    "ReplicaSet": lambda: {"replicas": 0},
}
"""``status`` of a newly created object."""
