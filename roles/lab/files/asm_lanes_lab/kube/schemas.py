"""OpenAPI v3 schemas of the built-in kinds, derived from the Kubernetes client's models; how to read them.

The models know fields, types, required fields and descriptions, but not how lists merge; that comes from the
tables below, which repeat the ``patchMergeKey``, ``listType``, ``listMapKey`` and ``mapType`` markers of
k8s.io/api. A schema is a plain dict as in OpenAPI; references lead into ``COMPONENTS``, which fills on
demand, so that a server starts without loading any model.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterator
from typing import Any

Schema = dict[str, Any]

# Lists that are maps by key: field -> keys. The first key is also the strategic merge key.
_LIST_KEYS: dict[str, tuple[str, ...]] = {
    "V1ObjectMeta.ownerReferences": ("uid",),
    "V1PodSpec.containers": ("name",),
    "V1PodSpec.initContainers": ("name",),
    "V1PodSpec.ephemeralContainers": ("name",),
    "V1PodSpec.volumes": ("name",),
    "V1PodSpec.imagePullSecrets": ("name",),
    "V1PodSpec.hostAliases": ("ip",),
    "V1PodSpec.schedulingGates": ("name",),
    "V1PodSpec.resourceClaims": ("name",),
    "V1PodSpec.topologySpreadConstraints": ("topologyKey", "whenUnsatisfiable"),
    "V1Container.env": ("name",),
    "V1Container.ports": ("containerPort", "protocol"),
    "V1Container.volumeMounts": ("mountPath",),
    "V1Container.volumeDevices": ("devicePath",),
    "V1EphemeralContainer.env": ("name",),
    "V1EphemeralContainer.ports": ("containerPort", "protocol"),
    "V1EphemeralContainer.volumeMounts": ("mountPath",),
    "V1EphemeralContainer.volumeDevices": ("devicePath",),
    "V1ResourceRequirements.claims": ("name",),
    "V1PodStatus.conditions": ("type",),
    "V1PodStatus.podIPs": ("ip",),
    "V1PodStatus.resourceClaimStatuses": ("name",),
    "V1ContainerStatus.allocatedResourcesStatus": ("name",),
    "V1ContainerStatus.volumeMounts": ("mountPath",),
    "V1ResourceStatus.resources": ("resourceID",),
    "V1ServiceSpec.ports": ("port", "protocol"),
    "V1ServiceStatus.conditions": ("type",),
    "V1ServiceAccount.secrets": ("name",),
    "V1DeploymentStatus.conditions": ("type",),
    "V1ReplicaSetStatus.conditions": ("type",),
    "V1NamespaceStatus.conditions": ("type",),
    "V1NodeStatus.addresses": ("type",),
    "V1NodeStatus.conditions": ("type",),
    "V1CustomResourceDefinitionStatus.conditions": ("type",),
}
_LIST_SETS = {
    "V1ObjectMeta.finalizers": "merge",
    "V1NodeSpec.podCIDRs": "merge",
    "V1Endpoint.addresses": "",
    "V1ContainerRestartRuleOnExitCodes.values": "",
}
"""Lists without duplicates -> their patch strategy."""
_RETAIN_KEYS = {"V1DeploymentSpec.strategy", "V1PodSpec.volumes"}
_ATOMIC_MODELS = {
    "V1LabelSelector",
    "V1LocalObjectReference",
    "V1ObjectReference",
    "V1OwnerReference",
    "V1ObjectFieldSelector",
    "V1ResourceFieldSelector",
    "V1SecretKeySelector",
    "V1ConfigMapKeySelector",
    "V1FileKeySelector",
    "V1SecretReference",
    "V1TypedLocalObjectReference",
    "V1NodeSelector",
    "V1NodeSelectorTerm",
    "V1EndpointAddress",
    "CoreV1EndpointPort",
    "DiscoveryV1EndpointPort",
}
_ATOMIC_MAPS = {"V1PodSpec.nodeSelector", "V1ServiceSpec.selector"}
_INT_OR_STRING = {"targetPort", "maxSurge", "maxUnavailable", "port"}
_QUANTITIES = {
    "limits",
    "requests",
    "capacity",
    "allocatable",
    "allocatedResources",
    "overhead",
    "divisor",
    "sizeLimit",
}
_DEFAULT_KEYS = {"protocol": "TCP"}
"""Keys of list items that count as given when they are absent."""

_SCALARS: dict[str, Schema] = {
    "str": {"type": "string"},
    "int": {"type": "integer"},
    "float": {"type": "number"},
    "bool": {"type": "boolean"},
    "bytes": {"type": "string", "format": "byte"},
    "datetime": {"type": "string", "format": "date-time"},
    "object": {},
}
QUANTITY: Schema = {"x-kubernetes-int-or-string": True, "x-lab-quantity": True}
PREFIX = "#/components/schemas/"


class _Components(dict[str, Schema]):
    """Schemas by model name, such as ``V1PodSpec``; loads what is asked for."""

    def __missing__(self, name: str) -> Schema:
        self[name] = schema = _derive(name)
        return schema


COMPONENTS = _Components()


def builtin(model: str) -> Schema:
    """The schema of one model of ``kubernetes.client.models``, such as ``V1Deployment``."""
    return COMPONENTS[model]


def ref(model: str) -> Schema:
    """A reference to a model's schema."""
    return {"$ref": PREFIX + model}


def deref(schema: Schema | None) -> Schema:
    """*schema* itself, or what it refers to; {} (anything goes) for None."""
    if not schema:
        return {}
    if "allOf" in schema and "type" not in schema and len(schema["allOf"]) == 1:
        schema = schema["allOf"][0]  # how OpenAPI adds a description to a reference
    if "$ref" in schema:
        return COMPONENTS[schema["$ref"][len(PREFIX) :]]
    return schema


def child(schema: Schema, key: str) -> Schema | None:
    """The schema of field *key* of an object with *schema*; None if the schema does not declare it."""
    properties = schema.get("properties")
    if properties and key in properties:
        return deref(properties[key])
    more = schema.get("additionalProperties")
    if isinstance(more, dict):
        return deref(more)
    if more is True or preserves_unknown(schema):
        return {}
    return None


def items(schema: Schema) -> Schema:
    """The schema of the items of a list."""
    return deref(schema.get("items"))


def preserves_unknown(schema: Schema) -> bool:
    """Whether an object may have fields that the schema does not declare."""
    if schema.get("x-kubernetes-preserve-unknown-fields"):
        return True
    return not schema or ("properties" not in schema and "type" not in schema)


def list_keys(schema: Schema) -> tuple[str, ...] | None:
    """The key fields of a list of the type ``map``; None for other lists."""
    if schema.get("x-kubernetes-list-type") != "map":
        return None
    return tuple(schema.get("x-kubernetes-list-map-keys", ()))


def is_set(schema: Schema) -> bool:
    """Whether a list is of the type ``set``."""
    return schema.get("x-kubernetes-list-type") == "set"


def is_atomic_map(schema: Schema) -> bool:
    """Whether a map or struct is owned and replaced as a whole."""
    return schema.get("x-kubernetes-map-type") == "atomic"


def item_key(schema: Schema, item: Any) -> dict[str, Any]:
    """The identifying fields of *item* in a list of the type ``map``; absent ones with their defaults."""
    declared = items(schema)
    key: dict[str, Any] = {}
    for name in list_keys(schema) or ():
        if isinstance(item, dict) and name in item:
            key[name] = item[name]
        else:
            default = deref((declared.get("properties") or {}).get(name)).get(
                "default", _DEFAULT_KEYS.get(name)
            )
            if default is not None:
                key[name] = default
    return key


def closure(schema: Schema) -> Iterator[str]:
    """Names of all components that *schema* refers to, directly or not."""
    seen: set[str] = set()
    pending = [schema]
    while pending:
        for name in _references(pending.pop()):
            if name not in seen:
                seen.add(name)
                yield name
                pending.append(COMPONENTS[name])


def _references(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        target = node.get("$ref")
        if isinstance(target, str) and target.startswith(PREFIX):
            yield target[len(PREFIX) :]
        for value in node.values():
            yield from _references(value)
    elif isinstance(node, list):
        for value in node:
            yield from _references(value)


def _derive(model: str) -> Schema:
    if model == "V1JSONSchemaProps":  # refers to itself and has more forms than a schema can say
        return {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    models = importlib.import_module("kubernetes.client.models")
    cls = getattr(models, model)
    properties: dict[str, Schema] = {}
    needed: list[str] = []
    # A few fields have another name in pydantic (``schema``), but all have their JSON name as alias.
    fields = {info.serialization_alias or name: info for name, info in cls.model_fields.items()}
    for attribute, json_name in cls.attribute_map.items():
        info = fields[json_name]
        node = _field(model, json_name, cls.openapi_types[attribute])
        if info.description:
            node = {"allOf": [node]} if "$ref" in node else node
            node["description"] = info.description
        properties[json_name] = node
        if info.is_required():
            needed.append(json_name)
    schema: Schema = {
        "type": "object",
        "description": (cls.__doc__ or "").strip().split("\n")[0].strip(),
        "properties": properties,
    }
    if needed:
        schema["required"] = needed
    if model in _ATOMIC_MODELS:
        schema["x-kubernetes-map-type"] = "atomic"
    return schema


def _field(model: str, name: str, kind: str) -> Schema:
    path = f"{model}.{name}"
    node = _type(kind, name)
    if path in _ATOMIC_MAPS:
        node["x-kubernetes-map-type"] = "atomic"
    if path in _RETAIN_KEYS:
        node["x-kubernetes-patch-strategy"] = "retainKeys"
    if path in _LIST_KEYS:
        keys = _LIST_KEYS[path]
        node["x-kubernetes-list-type"] = "map"
        node["x-kubernetes-list-map-keys"] = list(keys)
        node["x-kubernetes-patch-merge-key"] = keys[0]
        node["x-kubernetes-patch-strategy"] = "merge,retainKeys" if path in _RETAIN_KEYS else "merge"
    elif path in _LIST_SETS:
        node["x-kubernetes-list-type"] = "set"
        node["x-kubernetes-patch-strategy"] = _LIST_SETS[path]
    elif node.get("type") == "array":
        node["x-kubernetes-list-type"] = "atomic"
    return node


def _type(kind: str, name: str) -> Schema:
    many = re.fullmatch(r"(?:List\[(?P<item>.+)\]|Dict\[str, (?P<value>.+)\])", kind)
    if many and many["item"]:
        return {"type": "array", "items": _type(many["item"], name)}
    if many:
        value = dict(QUANTITY) if name in _QUANTITIES else _type(many["value"], name)
        return {"type": "object", "additionalProperties": value}
    if kind == "str" and name in _QUANTITIES:
        return dict(QUANTITY)
    if kind == "object" and name in _INT_OR_STRING:
        return {"x-kubernetes-int-or-string": True}
    return dict(_SCALARS[kind]) if kind in _SCALARS else ref(kind)
