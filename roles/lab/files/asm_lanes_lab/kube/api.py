"""The verbs: what happens to objects when somebody reads, creates, changes or deletes them.

Everything here is synchronous: one request changes the store between two steps of the event loop, so there
are no races to think of. HTTP is none of its business.
"""

from __future__ import annotations

import base64
import json
import secrets
import uuid
from typing import Any

from . import crds, defaults, deletion, errors, fields, patches, rules, scale
from .call import APPLY, JSON_PATCH, MERGE_PATCH, STRATEGIC, Call
from .decoding import decode
from .fields import Owners
from .objects import copy, now, without
from .resources import CRDS, NAMESPACES, Registry, Resource
from .selectors import Predicate, everything, field_selector, label_selector
from .store import Key, Store
from .validation import apply_defaults

Obj = dict[str, Any]

_SERVER_SET = ("uid", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds", "generation")
_CREATED_BY_UPDATE = {"Service", "Endpoints", "Event", "Lease"}
_WITH_GENERATION = {"Deployment", "ReplicaSet", "Pod", "CustomResourceDefinition", "EndpointSlice"}
_SUFFIX_LETTERS = "bcdfghjklmnpqrstvwxz2456789"


class Api:
    """Verbs over a store and a registry."""

    def __init__(self, store: Store, registry: Registry) -> None:
        self.store = store
        self.registry = registry

    # --- reading ---

    def get(self, call: Call) -> Obj:
        """One object (or its scale), or 404."""
        obj = present(call.resource, self._current(call))
        return scale.view(call.resource, obj) if call.subresource == "scale" else obj

    def collection(self, call: Call) -> Obj:
        """A list document: selected, paged."""
        matches = self.selector(call)
        namespace = call.namespace if call.resource.namespaced and call.namespace else None
        rows = [row for row in self.store.rows(call.resource.table, namespace) if matches(row[1])]
        metadata: Obj = {"resourceVersion": str(self.store.version)}
        rows = _page(rows, call, metadata)
        return {
            "kind": f"{call.resource.kind}List",
            "apiVersion": call.resource.api_version,
            "metadata": metadata,
            "items": [_item(call.resource, obj) for _unused, obj in rows],
        }

    def selector(self, call: Call) -> Predicate:
        """The predicate of the query's selectors; 400 if one cannot be understood."""
        by_label = label_selector(call.query.get("labelSelector"))
        selectable = set(call.resource.selectable)
        by_field = field_selector(call.query.get("fieldSelector"), call.resource.kind, selectable)
        if by_label is everything and by_field is everything:
            return everything
        return lambda obj: by_label(obj) and by_field(obj)

    # --- creating ---

    def create(self, call: Call, body: Any) -> Obj:
        """POST."""
        obj = decode(call, body)
        metadata = obj["metadata"]
        if not metadata.get("name") and metadata.get("generateName"):
            suffix = "".join(secrets.choice(_SUFFIX_LETTERS) for _unused in range(5))
            metadata["name"] = metadata["generateName"][:58] + suffix
        call.name = str(metadata.get("name") or "")
        if metadata.get("resourceVersion") and not call.dry:
            raise errors.bad_request("resourceVersion should not be set on objects to be created")
        return self._insert(call, obj, None)

    def _insert(self, call: Call, obj: Obj, owners: Owners | None) -> Obj:
        """Store a new object; *owners* of its fields are known already when it was applied."""
        resource = call.resource
        self._check_namespace(call)
        if resource.status:
            obj = without(obj, "status")
        metadata = without(obj["metadata"], *_SERVER_SET, "managedFields", "selfLink", "resourceVersion")
        obj["metadata"] = {**metadata, "uid": str(uuid.uuid4()), "creationTimestamp": now()}
        obj = self._complete(call, obj, None)
        if self.store.get(resource.table, call.key) is not None:
            raise errors.already_exists(resource.group, resource.plural, call.name)
        if resource.custom or resource.kind in _WITH_GENERATION:
            obj["metadata"]["generation"] = 1
        if owners is None:
            owner = fields.updater(call.manager, resource.api_version)
            given = without(obj, "status") if resource.status else obj
            owners = fields.after_update(resource.schema, {}, owner, {}, given, now(), call.allocated)
        _set_owners(obj, owners)
        return self._store(call, None, obj)

    def _check_namespace(self, call: Call) -> None:
        """What the admission plug-in NamespaceLifecycle does."""
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

    # --- changing ---

    def update(self, call: Call, body: Any) -> tuple[Obj, bool]:
        """PUT, also of ``status`` and ``scale``; the second value says whether that made the object."""
        if call.subresource == "scale":
            return self._rescale(call, self._current(call), body), False
        obj = decode(call, body)
        _check_name(call, obj["metadata"].get("name"))
        old = self.store.get(call.resource.table, call.key)
        if old is None and call.resource.kind in _CREATED_BY_UPDATE and not call.subresource:
            return self._insert(call, obj, None), True
        old = self._current(call)
        if call.resource.custom and not obj["metadata"].get("resourceVersion"):
            cause = errors.invalid("metadata.resourceVersion", 0, "must be specified for an update")
            raise errors.invalid_object(call.resource.group, call.resource.plural, call.name, [cause])
        return self._replace(call, old, obj), False

    def patch(self, call: Call, body: Any, content_type: str) -> tuple[Obj, bool]:
        """PATCH in all formats; the second value says whether the object was created by it."""
        if content_type == APPLY:
            return self._apply(call, body)
        accepted = (JSON_PATCH, MERGE_PATCH, *(() if call.resource.custom else (STRATEGIC,)), APPLY)
        if content_type not in accepted:
            raise errors.unsupported_media_type(list(accepted))
        old = self._current(call)
        patched = _patched(call, copy(self.get(call)), body, content_type)
        if not isinstance(patched, dict) or not isinstance(patched.get("metadata"), dict):
            raise errors.bad_request("the patch leaves no object with metadata")
        if call.subresource == "scale":
            return self._rescale(call, old, patched), False
        if patched["metadata"].get("name") != call.name:
            raise errors.bad_request("the name of an object may not change")
        try:
            obj = decode(call, patched)
        except errors.DecodingError as error:
            raise errors.undecodable_patch(error) from error
        return self._replace(call, old, obj), False

    def _apply(self, call: Call, body: Any) -> tuple[Obj, bool]:
        """Server-side apply."""
        resource = call.resource
        if not call.query.get("fieldManager"):
            cause = errors.required("fieldManager", "is required for apply patch")
            raise errors.bad_options("PatchOptions", cause)
        if not isinstance(body, dict):
            raise errors.bad_request("error decoding YAML: an object is expected")
        if body.get("kind") != resource.kind or not body.get("apiVersion"):
            words = f"invalid object type: {body.get('apiVersion') or '/'}, Kind={body.get('kind') or ''}"
            raise errors.bad_request(words)
        if (body.get("metadata") or {}).get("managedFields") is not None:
            raise errors.bad_request("metadata.managedFields must be nil")
        config = decode(
            call, {**body, "metadata": {"name": call.name, **(body.get("metadata") or {})}}, applied=True
        )
        if resource.status and not call.subresource:
            config = without(config, "status")
        owner = fields.applier(call.manager, call.subresource)
        version, schema = resource.api_version, resource.schema
        old = self.store.get(resource.table, call.key)
        if old is None:
            if call.subresource:
                raise call.missing()
            _check_name(call, config["metadata"]["name"])
            applied = fields.apply(schema, {}, owner, version, {}, config, now())
            return self._insert(call, config, applied.owners), True
        applied = fields.apply(
            schema, fields.read(old), owner, version, present(resource, old), config, now()
        )
        if applied.conflicts and not call.flag("force"):
            raise errors.apply_conflict(applied.conflicts)
        _check_name(call, config["metadata"]["name"])
        return self._replace(call, old, copy(applied.obj), applied.owners), False

    def _rescale(self, call: Call, old: Obj, body: Any) -> Obj:
        obj = scale.applied(call.resource, present(call.resource, old), body)
        return scale.view(call.resource, self._replace(call, old, obj))

    def _replace(self, call: Call, old: Obj, obj: Obj, owners: Owners | None = None) -> Obj:
        """Make *obj* the new state of *old*; *owners* of its fields are known already when it was applied."""
        resource, before = call.resource, old["metadata"]
        _check_current(call, obj["metadata"], before)
        reset = obj["metadata"].get("managedFields") in ([], [{}])
        kept = {name: before[name] for name in (*_SERVER_SET, "resourceVersion") if name in before}
        obj["metadata"] = {**without(obj["metadata"], *_SERVER_SET), **kept}
        obj = self._complete(call, _parts(call, old, obj), old)
        if _counts(resource, old, obj):
            obj["metadata"]["generation"] = before.get("generation", 1) + 1
        if owners is None:
            owner = fields.updater(call.manager, resource.api_version, call.subresource)
            known: Owners = {} if reset else fields.read(old)
            owners = fields.after_update(resource.schema, known, owner, old, obj, now(), call.allocated)
        _set_owners(obj, owners)
        return self._store(call, old, obj)

    # --- deleting ---

    def delete(self, call: Call, options: Obj) -> Obj:
        """DELETE of one object."""
        deletion.check_options(options)
        answer = deletion.delete(self.store, call, self._current(call), options)
        return answer if answer["kind"] == "Status" else present(call.resource, answer)

    def delete_collection(self, call: Call, options: Obj) -> Obj:
        """DELETE of everything selected; the answer lists what that was."""
        deletion.check_options(options)
        document = self.collection(call)
        for obj in document["items"]:
            metadata = obj["metadata"]
            one = Call(call.resource, metadata.get("namespace", ""), metadata["name"], "", call.query)
            self.delete(one, options)
        return document

    # --- what all writes have in common ---

    def _current(self, call: Call) -> Obj:
        obj = self.store.get(call.resource.table, call.key)
        if obj is None:
            raise call.missing()
        return obj

    def _complete(self, call: Call, obj: Obj, old: Obj | None) -> Obj:
        """Fill in defaults and check the rules (422)."""
        resource = call.resource
        if resource.custom:
            obj = apply_defaults(resource.schema, obj)
        else:
            self._complete_builtin(call, obj, old)
        found = rules.causes(resource, obj, old)
        if found:
            raise errors.invalid_object(resource.group, resource.kind, call.name, found)
        if resource.table == CRDS:
            crds.accept(obj, old is None, now())
        if resource.deprecation:
            call.warnings.append(resource.deprecation)
        return obj

    def _complete_builtin(self, call: Call, obj: Obj, old: Obj | None) -> None:
        kind = call.resource.kind
        if kind in defaults.DEFAULTS:
            defaults.DEFAULTS[kind](obj)
        if old is None and kind in defaults.INITIAL_STATUS:
            obj["status"] = defaults.INITIAL_STATUS[kind]()
        if kind == "Service":
            stated = copy(obj)
            rows = self.store.rows(call.resource.table)
            defaults.allocate(obj, old, [row for key, row in rows if key != call.key])
            call.allocated = frozenset(fields.changes(call.resource.schema, stated, obj)[0])
            if obj["spec"].get("clusterIP") == "None" and obj["spec"]["sessionAffinity"] != "None":
                call.warnings.append("spec.SessionAffinity is ignored for headless services")

    def _store(self, call: Call, old: Obj | None, obj: Obj) -> Obj:
        """Store *obj* if it differs from *old*, or remove it if only its finalizers kept it."""
        resource, metadata = call.resource, obj["metadata"]
        if old is not None and _same(old, obj):
            return present(resource, old)
        if call.dry:
            return obj
        released = metadata.get("deletionTimestamp") and not metadata.get("finalizers")
        others_wait = metadata.get("deletionGracePeriodSeconds") or resource.table == NAMESPACES
        if released and not others_wait:
            self.store.remove(resource.table, call.key)
            return obj
        return self.store.put(resource.table, call.key, obj)


# --- small decisions ---


def _check_name(call: Call, given: Any) -> None:
    if given != call.name:
        words = f"the name of the object ({given}) does not match the name on the URL ({call.name})"
        raise errors.bad_request(words)


def present(resource: Resource, obj: Obj) -> Obj:
    """A stored object at the version that was asked for."""
    return obj if obj["apiVersion"] == resource.api_version else {**obj, "apiVersion": resource.api_version}


def _item(resource: Resource, obj: Obj) -> Obj:
    """An object in a list: the built-in kinds leave to the list to say what they are."""
    return present(resource, obj) if resource.custom else without(obj, "apiVersion", "kind")


def _patched(call: Call, current: Obj, body: Any, content_type: str) -> Any:
    if content_type == JSON_PATCH:
        return patches.json_patch(current, body)
    if not isinstance(body, dict):
        raise errors.bad_request("error decoding patch: a JSON object is expected")
    if content_type == MERGE_PATCH:
        return patches.merge_patch(current, body)
    return patches.strategic_merge(call.resource.schema, current, body)


def _check_current(call: Call, given: Obj, found: Obj) -> None:
    """Optimistic locking: 409 if somebody changed the object since the client read it."""
    resource = call.resource
    if given.get("resourceVersion") not in (None, "", found["resourceVersion"]):
        raise errors.conflict(resource.group, resource.plural, call.name, errors.STALE)
    uid = given.get("uid")
    if uid not in (None, "", found["uid"]):
        words = f"Precondition failed: UID in precondition: {uid}, UID in object meta: {found['uid']}"
        raise errors.conflict(resource.group, resource.plural, call.name, words)


def _parts(call: Call, old: Obj, obj: Obj) -> Obj:
    """What of *obj* may be changed by this call: everything but the status, or nothing but the status."""
    if call.subresource == "status":
        changed = {"apiVersion": obj["apiVersion"], "status": obj.get("status", {})}
        if call.resource.kind in ("Pod", "Namespace"):  # whose status brings its metadata along
            changed["metadata"] = obj["metadata"]
        return {**copy(old), **changed}
    if call.resource.status:
        kept = {"status": copy(old["status"])} if "status" in old else {}
        return {**without(obj, "status"), **kept}
    return obj


def _page(rows: list[tuple[Key, Obj]], call: Call, metadata: Obj) -> list[tuple[Key, Obj]]:
    """The page that ``limit`` and ``continue`` ask for; *metadata* gets what leads to the next one."""
    token, limit = call.query.get("continue"), call.number("limit")
    try:
        after = tuple(json.loads(base64.urlsafe_b64decode(token))) if token else ()
    except ValueError as error:
        raise errors.bad_request("continue key is not valid") from error
    rows = [row for row in rows if row[0] > after]
    if limit and len(rows) > limit:
        last = json.dumps(rows[limit - 1][0]).encode()
        metadata["continue"] = base64.urlsafe_b64encode(last).decode()
        metadata["remainingItemCount"] = len(rows) - limit
        rows = rows[:limit]
    return rows


def _set_owners(obj: Obj, owners: Owners) -> None:
    rows = fields.write(owners)
    obj["metadata"] = {
        **without(obj["metadata"], "managedFields"),
        **({"managedFields": rows} if rows else {}),
    }


def _same(old: Obj, new: Obj) -> bool:
    """Whether nothing but apiVersion and the times in managedFields differ."""

    def plain(obj: Obj) -> Obj:
        rows = [without(row, "time") for row in obj["metadata"].get("managedFields") or []]
        rows.sort(key=lambda row: (row["operation"], row["manager"], json.dumps(row, sort_keys=True)))
        return {**obj, "apiVersion": "", "metadata": {**obj["metadata"], "managedFields": rows}}

    return plain(old) == plain(new)


def _annotations(obj: Obj) -> Obj:
    return obj["metadata"].get("annotations") or {}


def _counts(resource: Resource, old: Obj, new: Obj) -> bool:
    """Whether the change increases ``metadata.generation``."""
    if not resource.custom:
        noted = resource.kind == "Deployment" and _annotations(old) != _annotations(new)
        return resource.kind in _WITH_GENERATION and (noted or old.get("spec") != new.get("spec"))
    ignored = ["apiVersion", "kind", "metadata", *(["status"] if resource.status else [])]
    return without(old, *ignored) != without(new, *ignored)
