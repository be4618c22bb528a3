"""DELETE: at once, or by marking what finalizers or a kubelet must still work on."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

from . import errors
from .call import Call
from .objects import copy, stamp
from .resources import NAMESPACES, Resource
from .store import Store

Obj = dict[str, Any]

_RETURNS_OBJECT = {"Service", "ServiceAccount"}
_POLICIES = ("Foreground", "Background", "Orphan")
_POLICY_FINALIZERS = {"Foreground": "foregroundDeletion", "Orphan": "orphan"}


def check_options(options: Obj) -> None:
    """422 for a policy that there is not."""
    policy = options.get("propagationPolicy")
    if policy is not None and policy not in _POLICIES:
        supported = [*_POLICIES, "nil"]
        raise errors.bad_options(
            "DeleteOptions", errors.not_supported("propagationPolicy", policy, supported)
        )


def delete(store: Store, call: Call, obj: Obj, options: Obj) -> Obj:
    """Delete *obj*; the answer is the object while it lives on, else (for most kinds) a Status.

    *options* is a ``DeleteOptions``; the query may say the same.
    """
    resource = call.resource
    _check_preconditions(call, obj, options.get("preconditions") or {})
    dry = call.dry or options.get("dryRun") == ["All"]
    grace = _grace(call, obj, options)
    finalizers = _finalizers(call, obj, options)
    if finalizers or grace > 0 or resource.table == NAMESPACES:
        marked = _mark(resource, obj, finalizers, grace)
        return obj if marked == obj else marked if dry else store.put(resource.table, call.key, marked)
    if not dry:
        store.remove(resource.table, call.key)
    if resource.kind == "Pod":
        return _mark(resource, obj, finalizers, grace)
    return obj if resource.kind in _RETURNS_OBJECT else _success(resource, obj)


def _check_preconditions(call: Call, obj: Obj, preconditions: Obj) -> None:
    for name, title in (("uid", "UID"), ("resourceVersion", "ResourceVersion")):
        wanted, found = preconditions.get(name), obj["metadata"][name]
        if wanted and wanted != found:
            if call.resource.table == NAMESPACES:  # has a way of its own to say so
                words = (
                    f"Precondition failed: {title} in precondition: {wanted}, {title} in object meta: {found}"
                )
                raise errors.conflict("", NAMESPACES, call.name, words)
            words = f"the {title} in the precondition ({wanted}) does not match that in record ({found})"
            raise errors.conflict(call.resource.group, call.resource.kind, call.name, words)


def _mark(resource: Resource, obj: Obj, finalizers: list[str], grace: int) -> Obj:
    marked: Obj = copy(obj)
    metadata = marked["metadata"]
    first = "deletionTimestamp" not in metadata
    if first or grace < metadata.get("deletionGracePeriodSeconds", 0):
        metadata["deletionTimestamp"] = stamp(datetime.now(timezone.utc) + timedelta(seconds=grace))
        metadata["deletionGracePeriodSeconds"] = grace
    if finalizers:
        metadata["finalizers"] = finalizers
    if first and "generation" in metadata:
        metadata["generation"] += 1
    if resource.table == NAMESPACES:
        del metadata["deletionGracePeriodSeconds"]
        marked["status"] = {**(marked.get("status") or {}), "phase": "Terminating"}
    return marked


def _grace(call: Call, obj: Obj, options: Obj) -> int:
    """Seconds that a pod's kubelet has; 0 for everything else, and for pods that no kubelet runs."""
    if call.resource.kind != "Pod" or call.resource.custom or not obj["spec"].get("nodeName"):
        return 0
    if (obj.get("status") or {}).get("phase") in ("Succeeded", "Failed"):
        return 0
    wanted = options.get("gracePeriodSeconds", call.number("gracePeriodSeconds"))
    return int(wanted if wanted is not None else obj["spec"].get("terminationGracePeriodSeconds", 30))


def _finalizers(call: Call, obj: Obj, options: Obj) -> list[str]:
    found = list(obj["metadata"].get("finalizers") or [])
    policy = options.get("propagationPolicy") or call.query.get("propagationPolicy")
    if policy is None and options.get("orphanDependents") is True:
        policy = "Orphan"
    extra = _POLICY_FINALIZERS.get(str(policy))
    if extra and extra not in found and call.resource.table != NAMESPACES:
        found.append(extra)
    return found


def _success(resource: Resource, obj: Obj) -> Obj:
    details = {"name": obj["metadata"]["name"], "kind": resource.plural, "uid": obj["metadata"]["uid"]}
    if resource.group:
        details["group"] = resource.group
    return {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details}
