"""From a request's body to an object of the right kind: identity, unknown fields, types."""

from __future__ import annotations

import base64
from typing import Any

from . import errors
from .call import Call
from .errors import ApiError, DecodingError
from .objects import copy
from .resources import Resource
from .validation import drop_nulls, prune, type_error, unknown_fields

Obj = dict[str, Any]

_EMPTY_MEANS_NONE = ("finalizers", "ownerReferences", "labels", "annotations")
"""Metadata that Kubernetes does not keep when they are empty."""


def decode(call: Call, body: Any, *, applied: bool = False) -> Obj:
    """A copy of *body*, checked to be of the call's kind and namespace, without nulls and undeclared fields.

    Undeclared fields are an error, a warning or nothing, as the query's ``fieldValidation`` says; with
    *applied* (server-side apply) they are always an error for built-in kinds. Errors: 400, then 500.
    """
    if not isinstance(body, dict):
        raise errors.bad_request("the body of the request is not an object")
    resource, schema = call.resource, call.resource.schema
    obj: Obj = drop_nulls(schema, copy(body))
    _identify(resource, obj)
    if not isinstance(obj.get("metadata", {}), dict):
        raise errors.bad_request(f"{_subject(resource)}: metadata is not an object")
    _place(call, obj.setdefault("metadata", {}))
    unknown = list(unknown_fields(schema, obj))
    if unknown:
        _refuse_unknown(call, unknown, applied)
        obj = prune(schema, obj)
    # What a custom resource's own fields must be its schema says later, but an apply has to know at once.
    whole = applied or not resource.custom
    problem = type_error(schema, obj if whole else {"metadata": obj["metadata"]})
    if problem and applied:
        raise _untyped(call, problem)
    if resource.kind == "Secret" and not resource.custom:
        problem = problem or _not_base64(obj)
    if problem:
        raise DecodingError(400, "BadRequest", f"{_subject(resource)}: {problem}")
    for name in _EMPTY_MEANS_NONE:
        if not obj["metadata"].get(name, True):
            del obj["metadata"][name]
    # Identity first, as people read it.
    return {"apiVersion": obj.pop("apiVersion"), "kind": obj.pop("kind"), **obj}


def _not_base64(secret: Obj) -> str:
    """What is wrong with the values of a Secret."""
    for value in (secret.get("data") or {}).values():
        try:
            base64.b64decode(value, validate=True)
        except ValueError:
            return "illegal base64 data"
    return ""


def _identify(resource: Resource, obj: Obj) -> None:
    if resource.custom and not obj.get("kind"):
        words = (
            f"the object provided is unrecognized (must be of type {resource.kind}): Object 'Kind' is missing"
        )
        raise errors.bad_request(words)
    if resource.custom and obj["kind"] != resource.kind:
        given_kind, name = obj["kind"], (obj.get("metadata") or {}).get("name", "")
        cause = errors.invalid("kind", given_kind, f"must be {resource.kind}")
        raise errors.invalid_object(resource.group, str(given_kind), str(name), [cause])
    wanted = (resource.api_version, resource.kind)
    given = (obj.get("apiVersion") or wanted[0], obj.get("kind") or wanted[1])
    if given != wanted:
        words = f"must be of type {wanted[1]} of {wanted[0]}, not {given[1]} of {given[0]}"
        raise errors.bad_request(f"the object provided is unrecognized ({words})")
    obj["apiVersion"], obj["kind"] = wanted


def _place(call: Call, metadata: Obj) -> None:
    given = metadata.pop("namespace", None)
    if not call.resource.namespaced:
        return
    if given and given != call.namespace:
        words = "the namespace of the provided object does not match the namespace sent on the request"
        raise errors.bad_request(words)
    metadata["namespace"] = call.namespace


def _refuse_unknown(call: Call, unknown: list[str], applied: bool) -> None:
    resource = call.resource
    if applied and not resource.custom:
        raise _untyped(call, "\n".join(f".{path}: field not declared in schema" for path in unknown))
    texts = [f'unknown field "{path}"' for path in unknown]
    mode = call.query.get("fieldValidation") or "Warn"
    if mode == "Strict":
        words = f"{_subject(resource)}: strict decoding error: {', '.join(texts)}"
        raise DecodingError(400, "BadRequest", words)
    if mode == "Warn":
        call.warnings += texts


def _untyped(call: Call, problem: str) -> ApiError:
    where = f"{call.namespace}/{call.name}; {call.resource.api_version}, Kind={call.resource.kind}"
    return ApiError(500, "", f"failed to create typed patch object ({where}): {problem}")


def _subject(resource: Resource) -> str:
    return f'{resource.kind} in version "{resource.version}" cannot be handled as a {resource.kind}'
