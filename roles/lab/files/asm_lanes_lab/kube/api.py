"""The verbs: what happens to objects when somebody creates, changes or deletes them.

Everything here is synchronous: one request changes the store between two steps of the event loop, so there are no
races to think of. HTTP is none of its business.
"""

from __future__ import annotations

import base64
import json
import secrets
import uuid
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import Any

from . import crds, defaults, errors, fields, patches, rules
from .errors import ApiError
from .fields import Owner
from .resources import CRDS, NAMESPACES, Registry, Resource
from .schemas import Schema
from .selectors import everything, field_selector, label_selector
from .store import Key, Store
from .validation import apply_defaults, drop_nulls, prune, type_error, unknown_fields

Obj = dict[str, Any]

SYSTEM_NAMESPACES = ("default", "kube-system", "kube-public", "istio-system")
APPLY = "application/apply-patch+yaml"
JSON_PATCH = "application/json-patch+json"
MERGE_PATCH = "application/merge-patch+json"
STRATEGIC = "application/strategic-merge-patch+json"

_KEPT = ("uid", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds", "generation")
_GENERATED = {"Deployment", "ReplicaSet", "Pod", "CustomResourceDefinition", "EndpointSlice"}
_RETURNS_OBJECT = {"Pod", "Service", "ServiceAccount"}


def now() -> str:
    """The time as ``metav1.Time`` prints it."""
    return stamp(datetime.now(timezone.utc))


def stamp(time: datetime) -> str:
    """*time* as ``metav1.Time`` prints it."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ")


def copy(value: Any) -> Any:
    """A deep copy of JSON (a third of the time of copy.deepcopy)."""
    if isinstance(value, dict):
        return {key: copy(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [copy(inner) for inner in value]
    return value


@dataclass
class Call:
    """One request on one resource."""

    resource: Resource
    namespace: str = ""
    name: str = ""
    subresource: str = ""
    query: dict[str, str] = field(default_factory=dict)
    manager: str = "unknown"
    """Field manager: the query's ``fieldManager``, else the client's name."""
    warnings: list[str] = field(default_factory=list)
    """Texts for ``Warning`` headers of the answer."""

    @property
    def key(self) -> Key:
        """Where the object is stored."""
        return (self.namespace if self.resource.namespaced else "", self.name)

    @property
    def dry(self) -> bool:
        """Whether nothing may be stored."""
        return self.query.get("dryRun") == "All"

    def missing(self) -> ApiError:
        """The 404 for this call's object."""
        return errors.not_found(self.resource.group, self.resource.plural, self.name)


class Api:
    """Verbs over a store and a registry."""

    def __init__(self, store: Store, registry: Registry) -> None:
        self.store = store
        self.registry = registry

    # --- reading ------------------------------------------------------------------------------------------

    def get(self, call: Call) -> Obj:
        """One object, or 404."""
        found = self.store.get(call.resource.table, call.key)
        if found is None:
            raise call.missing()
        return self.present(call.resource, found)

    def list(self, call: Call) -> Obj:
        """A list document: selected, paged."""
        matches = self.selector(call)
        namespace = call.namespace if call.resource.namespaced and call.namespace else None
        rows = [row for row in self.store.list(call.resource.table, namespace) if matches(row[1])]
        metadata: Obj = {"resourceVersion": str(self.store.version)}
        rows = _page(rows, call, metadata)
        return {
            "kind": f"{call.resource.kind}List",
            "apiVersion": call.resource.api_version,
            "metadata": metadata,
            "items": [self.present(call.resource, obj) for _, obj in rows],
        }

    def selector(self, call: Call) -> Any:
        """The predicate of the query's selectors (and of the name, for a watch of one object)."""
        by_label = label_selector(call.query.get("labelSelector"))
        extra = set(call.resource.selectable)
        by_field = field_selector(call.query.get("fieldSelector"), call.resource.kind, extra)
        if by_label is everything and by_field is everything:
            return everything
        return lambda obj: by_label(obj) and by_field(obj)

    def present(self, resource: Resource, obj: Obj) -> Obj:
        """A stored object at the version that was asked for."""
        if obj["apiVersion"] == resource.api_version and list(obj)[:2] == ["apiVersion", "kind"]:
            return obj
        return {**obj, "apiVersion": resource.api_version}

    # --- creating -----------------------------------------------------------------------------------------

    def create(self, call: Call, body: Obj) -> Obj:
        """POST."""
        obj = self._decode(call, body)
        self._name(call, obj)
        if obj["metadata"].get("resourceVersion"):
            raise errors.bad_request("resourceVersion should not be set on objects to be created")
        return self._insert(call, obj, Owner(call.manager, "Update", call.resource.api_version))

    def _insert(self, call: Call, obj: Obj, owner: Owner, owners: fields.Owners | None = None) -> Obj:
        resource = call.resource
        self._admit(call)
        if self.store.get(resource.table, call.key) is not None:
            raise errors.already_exists(resource.group, resource.plural, call.name)
        metadata = obj["metadata"]
        for name in (*_KEPT, "managedFields", "selfLink"):
            metadata.pop(name, None)
        metadata["uid"] = str(uuid.uuid4())
        metadata["creationTimestamp"] = now()
        if resource.status or resource.kind in defaults.INITIAL_STATUS:
            obj.pop("status", None)
        obj = self._complete(call, obj, None)
        if resource.custom or resource.kind in _GENERATED:
            obj["metadata"]["generation"] = 1
        if owners is None:
            given = {name: value for name, value in obj.items() if name != "status"}
            owners = fields.after_update(resource.schema, {}, owner, {}, given, now())
        _set_owners(obj, owners)
        return self._store(call, None, obj)

    def _name(self, call: Call, obj: Obj) -> None:
        metadata = obj["metadata"]
        if not metadata.get("name") and metadata.get("generateName"):
            letters = "bcdfghjklmnpqrstvwxz2456789"
            suffix = "".join(secrets.choice(letters) for _ in range(5))
            metadata["name"] = metadata["generateName"][:58] + suffix
        call.name = str(metadata.get("name") or "")

    def _admit(self, call: Call) -> None:
        """The NamespaceLifecycle admission plug-in."""
        if not call.resource.namespaced:
            return
        namespace = self.store.get(NAMESPACES, ("", call.namespace))
        if namespace is None:
            raise errors.not_found("", NAMESPACES, call.namespace)
        if namespace["metadata"].get("deletionTimestamp"):
            detail = (
                f"unable to create new content in namespace {call.namespace} because it is being terminated"
            )
            raise errors.forbidden(call.resource.group, call.resource.plural, call.name, detail)

    # --- changing -----------------------------------------------------------------------------------------

    def update(self, call: Call, body: Obj) -> Obj:
        """PUT, also of ``status`` and ``scale``."""
        old = self._current(call)
        if call.subresource == "scale":
            return self._update_scale(call, old, body)
        obj = self._decode(call, body)
        if obj["metadata"].get("name") != call.name:
            words = f"the name of the object ({obj['metadata'].get('name')}) does not match the name on the URL ({call.name})"
            raise errors.bad_request(words)
        if call.resource.custom and not obj["metadata"].get("resourceVersion"):
            cause = errors.Cause(
                "FieldValueInvalid",
                "metadata.resourceVersion",
                "Invalid value: 0: must be specified for an update",
            )
            raise errors.invalid_object(call.resource.group, call.resource.kind, call.name, [cause])
        return self._replace(call, old, obj)

    def patch(self, call: Call, body: Any, content_type: str) -> tuple[Obj, bool]:
        """PATCH in all formats; the second value says whether the object was created by it."""
        if content_type == APPLY:
            return self._apply(call, body)
        old = self._current(call)
        current = (
            self.scale(call.resource, old)
            if call.subresource == "scale"
            else self.present(call.resource, old)
        )
        patched = self._patched(call, copy(current), body, content_type)
        if not isinstance(patched, dict) or not isinstance(patched.get("metadata"), dict):
            raise errors.bad_request("the patch leaves no object with metadata")
        if call.subresource == "scale":
            return self._update_scale(call, old, patched), False
        if patched["metadata"].get("name") != call.name:
            raise errors.bad_request("the name of an object may not change")
        return self._replace(call, old, self._decode(call, patched, old)), False

    def _patched(self, call: Call, current: Obj, body: Any, content_type: str) -> Any:
        if content_type == JSON_PATCH:
            return patches.json_patch(current, body)
        if not isinstance(body, dict):
            raise errors.bad_request("error decoding patch: a JSON object is expected")
        if content_type == MERGE_PATCH:
            return patches.merge_patch(current, body)
        if content_type == STRATEGIC and not call.resource.custom:
            return patches.strategic_merge(call.resource.schema, current, body)
        accepted = [JSON_PATCH, MERGE_PATCH, *([] if call.resource.custom else [STRATEGIC]), APPLY]
        raise errors.unsupported_media_type(accepted)

    def _apply(self, call: Call, body: Any) -> tuple[Obj, bool]:
        resource = call.resource
        if not call.query.get("fieldManager"):
            cause = errors.required("fieldManager", "is required for apply patch")
            raise ApiError(422, "Invalid", f'PatchOptions.meta.k8s.io "" is invalid: {cause}')
        if not isinstance(body, dict):
            raise errors.bad_request("error decoding YAML: an object is expected")
        old = self.store.get(resource.table, call.key)
        config = self._decode(
            call, {**body, "metadata": {"name": call.name, **(body.get("metadata") or {})}}, apply=True
        )
        if config["metadata"].get("managedFields"):
            raise errors.bad_request("metadata.managedFields must be nil")
        owner = Owner(call.manager, "Apply", resource.api_version, call.subresource)
        if not call.subresource and resource.status:
            config.pop("status", None)
        if old is None:
            if call.subresource:
                raise call.missing()
            applied = fields.apply(resource.schema, {}, owner, {}, config, now())
            return self._insert(call, copy(config), owner, applied.owners), True
        live = self.present(resource, old)
        applied = fields.apply(resource.schema, fields.read(old), owner, live, config, now())
        if applied.conflicts and call.query.get("force") not in ("true", "1"):
            raise errors.apply_conflict(applied.conflicts)
        obj = copy(applied.obj)
        return self._replace(call, old, obj, applied.owners), False

    def _replace(self, call: Call, old: Obj, obj: Obj, owners: fields.Owners | None = None) -> Obj:
        """Make *obj* the new state of *old*; *owners* are known already when it was applied."""
        resource, before = call.resource, old["metadata"]
        metadata = obj["metadata"]
        if metadata.get("resourceVersion") not in (None, "", before["resourceVersion"]):
            raise errors.conflict(resource.group, resource.plural, call.name, errors.STALE)
        if metadata.get("uid") not in (None, before["uid"]):
            words = f"Precondition failed: UID in precondition: {metadata['uid']}, UID in object meta: {before['uid']}"
            raise errors.conflict(resource.group, resource.plural, call.name, words)
        reset = metadata.get("managedFields") == [] or metadata.get("managedFields") == [{}]
        metadata.update({name: before[name] for name in _KEPT if name in before})
        metadata["resourceVersion"] = before["resourceVersion"]
        obj = self._parts(call, old, obj)
        obj = self._complete(call, obj, old)
        if _counts(resource, old, obj):
            obj["metadata"]["generation"] = before.get("generation", 1) + 1
        if owners is None:
            owner = Owner(call.manager, "Update", resource.api_version, call.subresource)
            known = {} if reset else fields.read(old)
            owners = fields.after_update(resource.schema, known, owner, old, obj, now())
        _set_owners(obj, owners)
        return self._store(call, old, obj)

    def _parts(self, call: Call, old: Obj, obj: Obj) -> Obj:
        """What of *obj* may be changed here: everything but the status, or nothing but the status."""
        if call.subresource == "status":
            metadata = {**old["metadata"], "managedFields": obj["metadata"].get("managedFields")}
            return {
                **copy(old),
                "apiVersion": obj["apiVersion"],
                "metadata": copy(metadata),
                "status": obj.get("status", {}),
            }
        if call.resource.status and call.resource.table != CRDS:
            obj.pop("status", None)
            if "status" in old:
                obj["status"] = copy(old["status"])
        return obj

    # --- scale --------------------------------------------------------------------------------------------

    def scale(self, resource: Resource, obj: Obj) -> Obj:
        """The ``Scale`` document of an object."""
        paths = resource.scale
        if paths is None:
            raise errors.no_route()
        status: Obj = {"replicas": _at(obj, paths.status_path) or 0}
        selector = _at(obj, paths.selector_path) if paths.selector_path else _selector_text(obj)
        if selector:
            status["selector"] = selector
        metadata = {
            name: obj["metadata"][name]
            for name in ("name", "namespace", "uid", "resourceVersion", "creationTimestamp")
            if name in obj["metadata"]
        }
        return {
            "kind": "Scale",
            "apiVersion": "autoscaling/v1",
            "metadata": metadata,
            "spec": {"replicas": _at(obj, paths.spec_path) or 0},
            "status": status,
        }

    def _update_scale(self, call: Call, old: Obj, body: Obj) -> Obj:
        replicas = (body.get("spec") or {}).get("replicas", 0)
        if not isinstance(replicas, int) or replicas < 0:
            cause = errors.invalid("spec.replicas", replicas, "must be greater than or equal to 0")
            raise errors.invalid_object("autoscaling", "Scale", call.name, [cause])
        assert call.resource.scale is not None
        obj: Obj = copy(self.present(call.resource, old))
        version = (body.get("metadata") or {}).get("resourceVersion")
        if version:
            obj["metadata"]["resourceVersion"] = version
        *parents, last = call.resource.scale.spec_path.strip(".").split(".")
        node = obj
        for name in parents:
            node = node.setdefault(name, {})
        node[last] = replicas
        return self.scale(call.resource, self._replace(call, old, obj))

    # --- deleting -----------------------------------------------------------------------------------------

    def delete(self, call: Call, options: Obj) -> Obj:
        """DELETE of one object; the answer is the object while it lives on, else a Status."""
        obj = self._current(call)
        resource, metadata = call.resource, obj["metadata"]
        for name in ("uid", "resourceVersion"):
            wanted = (options.get("preconditions") or {}).get(name)
            if wanted and wanted != metadata[name]:
                title = "UID" if name == "uid" else "ResourceVersion"
                words = f"Precondition failed: {title} in precondition: {wanted}, {title} in object meta: {metadata[name]}"
                raise errors.conflict(resource.group, resource.plural, call.name, words)
        dry = call.dry or options.get("dryRun") == ["All"]
        grace = _grace(obj, options, call)
        finalizers = _finalizers(resource, obj, options, call)
        pending = bool(finalizers) or grace > 0 or resource.table == NAMESPACES
        if pending:
            obj = self._mark(call, obj, finalizers, grace, dry)
            return self.present(resource, obj)
        if not dry:
            self.store.remove(resource.table, call.key)
        if resource.kind in _RETURNS_OBJECT:
            return self.present(resource, obj)
        return _success(resource, obj)

    def _mark(self, call: Call, obj: Obj, finalizers: list[str], grace: int, dry: bool) -> Obj:
        """Note that an object is to go: its finalizers or its kubelet have work to do before."""
        marked: Obj = copy(obj)
        metadata = marked["metadata"]
        if not metadata.get("deletionTimestamp") or grace < metadata.get("deletionGracePeriodSeconds", 0):
            metadata["deletionTimestamp"] = stamp(datetime.now(timezone.utc) + timedelta(seconds=grace))
            metadata["deletionGracePeriodSeconds"] = grace
        if finalizers:
            metadata["finalizers"] = finalizers
        if call.resource.table == NAMESPACES:
            metadata.pop("deletionGracePeriodSeconds", None)
            marked["status"] = {**(marked.get("status") or {}), "phase": "Terminating"}
        if marked == obj or dry:
            return marked
        if "generation" in metadata and not obj["metadata"].get("deletionTimestamp"):
            metadata["generation"] += 1
        return self.store.put(call.resource.table, call.key, marked)

    def delete_collection(self, call: Call, options: Obj) -> Obj:
        """DELETE of everything selected."""
        document = self.list(call)
        for obj in document["items"]:
            metadata = obj["metadata"]
            one = Call(
                call.resource, metadata.get("namespace", ""), metadata["name"], "", call.query, call.manager
            )
            self.delete(one, options)
        return document

    # --- the common part of all writes --------------------------------------------------------------------

    def _current(self, call: Call) -> Obj:
        obj = self.store.get(call.resource.table, call.key)
        if obj is None:
            raise call.missing()
        return obj

    def _decode(self, call: Call, body: Any, old: Obj | None = None, apply: bool = False) -> Obj:
        """*body* as an object of the call's kind: identity checked, unknown fields reported and dropped."""
        resource = call.resource
        if not isinstance(body, dict):
            raise errors.bad_request("the body of the request is not an object")
        obj: Obj = copy(body)
        _check_identity(call, obj)
        schema = resource.schema
        obj = drop_nulls(schema, obj)
        metadata = obj.get("metadata")
        if not isinstance(metadata, dict):
            metadata = obj["metadata"] = {}
        self._unknown(call, schema, obj, apply)
        if not resource.custom and (problem := type_error(schema, obj)):
            words = f'{resource.kind} in version "{resource.version}" cannot be handled as a {resource.kind}: {problem}'
            raise errors.bad_request(words)
        namespace = metadata.get("namespace")
        if resource.namespaced:
            if namespace and namespace != call.namespace:
                words = (
                    "the namespace of the provided object does not match the namespace sent on the request"
                )
                raise errors.bad_request(words)
            metadata["namespace"] = call.namespace
        elif namespace:
            metadata.pop("namespace")
        return {"apiVersion": obj.pop("apiVersion"), "kind": obj.pop("kind"), **prune(schema, obj)}

    def _unknown(self, call: Call, schema: Schema, obj: Obj, apply: bool) -> None:
        mode = call.query.get("fieldValidation") or "Warn"
        resource = call.resource
        unknown = list(unknown_fields(schema, obj))
        if not unknown:
            return
        if apply and not resource.custom:
            where = f"{call.namespace}/{call.name}; {resource.api_version}, Kind={resource.kind}"
            text = "\n".join(f".{path}: field not declared in schema" for path in unknown)
            raise ApiError(500, "", f"failed to create typed patch object ({where}): {text}")
        texts = [f'unknown field "{path}"' for path in unknown]
        if mode == "Strict":
            words = ", ".join(texts)
            subject = (
                f'{resource.kind} in version "{resource.version}" cannot be handled as a {resource.kind}'
            )
            raise errors.bad_request(f"{subject}: strict decoding error: {words}")
        if mode == "Warn":
            call.warnings += texts

    def _complete(self, call: Call, obj: Obj, old: Obj | None) -> Obj:
        """Fill in defaults and check the rules."""
        resource = call.resource
        if resource.custom:
            obj = apply_defaults(resource.schema, obj)
        elif resource.kind in defaults.DEFAULTS and not (
            set(obj) == {"apiVersion", "kind", "metadata"} and old
        ):
            defaults.DEFAULTS[resource.kind](obj)
        if old is None and resource.kind in defaults.INITIAL_STATUS and not resource.custom:
            obj["status"] = defaults.INITIAL_STATUS[resource.kind]()
        if resource.kind == "Service" and not resource.custom:
            rows = self.store.list(resource.table)
            defaults.allocate(obj, old, [row for key, row in rows if key != call.key])
        found = rules.causes(resource, obj, old)
        if found:
            raise errors.invalid_object(resource.group, resource.kind, call.name, found)
        if resource.table == CRDS:
            obj["status"] = crds.status(obj, now())
            finalizers = obj["metadata"].get("finalizers") or []
            if old is None:
                obj["metadata"]["finalizers"] = [*finalizers, crds.CLEANUP]
        if resource.deprecation:
            call.warnings.append(resource.deprecation)
        return obj

    def _store(self, call: Call, old: Obj | None, obj: Obj) -> Obj:
        """Store *obj* if it differs from *old*, or remove it if only its finalizers kept it."""
        if old is not None and _same(old, obj):
            return self.present(call.resource, old)
        metadata = obj["metadata"]
        finished = metadata.get("deletionTimestamp") and not metadata.get("finalizers")
        if call.dry:
            return self.present(call.resource, obj)
        if finished and old is not None and not metadata.get("deletionGracePeriodSeconds"):
            if call.resource.table != NAMESPACES:
                self.store.remove(call.resource.table, call.key)
                return self.present(call.resource, obj)
        return self.present(call.resource, self.store.put(call.resource.table, call.key, obj))


# --- small decisions ------------------------------------------------------------------------------------------


def _check_identity(call: Call, obj: Obj) -> None:
    resource = call.resource
    given = (obj.get("apiVersion") or resource.api_version, obj.get("kind") or resource.kind)
    wanted = (resource.api_version, resource.kind)
    if given != wanted:
        words = f"the object provided is unrecognized (must be of type {wanted[1]} of {wanted[0]}, not {given[1]} of {given[0]})"
        raise errors.bad_request(words)
    obj["apiVersion"], obj["kind"] = wanted


def _page(rows: list[tuple[Key, Obj]], call: Call, metadata: Obj) -> list[tuple[Key, Obj]]:
    """The page of *rows* that ``limit`` and ``continue`` ask for; *metadata* gets what leads to the next one."""
    token, limit = call.query.get("continue"), int(call.query.get("limit") or 0)
    if token:
        try:
            after = tuple(json.loads(base64.urlsafe_b64decode(token)))
        except ValueError as error:
            raise errors.bad_request("continue key is not valid") from error
        rows = [row for row in rows if row[0] > after]
    if limit and len(rows) > limit:
        metadata["continue"] = base64.urlsafe_b64encode(json.dumps(rows[limit - 1][0]).encode()).decode()
        metadata["remainingItemCount"] = len(rows) - limit
        rows = rows[:limit]
    return rows


def _set_owners(obj: Obj, owners: fields.Owners) -> None:
    rows = fields.write(owners)
    if rows:
        obj["metadata"]["managedFields"] = rows
    else:
        obj["metadata"].pop("managedFields", None)


def _same(old: Obj, new: Obj) -> bool:
    """Whether nothing but apiVersion and the times in managedFields differ."""

    def plain(obj: Obj) -> Obj:
        rows = [{**row, "time": ""} for row in obj["metadata"].get("managedFields") or []]
        rows.sort(key=lambda row: json.dumps(row, sort_keys=True))
        return {**obj, "apiVersion": "", "metadata": {**obj["metadata"], "managedFields": rows}}

    return plain(old) == plain(new)


def _counts(resource: Resource, old: Obj, new: Obj) -> bool:
    """Whether the change increases ``metadata.generation``."""
    if resource.custom:
        ignored = {"apiVersion", "kind", "metadata"} | ({"status"} if resource.status else set())
        return {k: v for k, v in old.items() if k not in ignored} != {
            k: v for k, v in new.items() if k not in ignored
        }
    return resource.kind in _GENERATED and old.get("spec") != new.get("spec")


def _grace(obj: Obj, options: Obj, call: Call) -> int:
    """Seconds that a pod's kubelet has; 0 for everything else, and for pods that no kubelet runs."""
    if call.resource.kind != "Pod" or call.resource.custom or not obj.get("spec", {}).get("nodeName"):
        return 0
    if obj.get("status", {}).get("phase") in ("Succeeded", "Failed"):
        return 0
    wanted = options.get("gracePeriodSeconds", call.query.get("gracePeriodSeconds"))
    return int(wanted if wanted is not None else obj["spec"].get("terminationGracePeriodSeconds", 30))


def _finalizers(resource: Resource, obj: Obj, options: Obj, call: Call) -> list[str]:
    found = list(obj["metadata"].get("finalizers") or [])
    policy = options.get("propagationPolicy") or call.query.get("propagationPolicy")
    if policy is None and options.get("orphanDependents") is True:
        policy = "Orphan"
    extra = {"Foreground": "foregroundDeletion", "Orphan": "orphan"}.get(str(policy))
    if extra and extra not in found and resource.table != NAMESPACES:
        found.append(extra)
    return found


def _success(resource: Resource, obj: Obj) -> Obj:
    details = {"name": obj["metadata"]["name"], "kind": resource.plural, "uid": obj["metadata"]["uid"]}
    if resource.group:
        details["group"] = resource.group
    return {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details}


def _at(obj: Obj, path: str) -> Any:
    value: Any = obj
    for name in path.strip(".").split("."):
        value = value.get(name) if isinstance(value, dict) else None
    return value


def _selector_text(obj: Obj) -> str:
    labels = (obj.get("spec", {}).get("selector") or {}).get("matchLabels") or {}
    return ",".join(f"{key}={value}" for key, value in sorted(labels.items()))
