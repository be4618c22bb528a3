"""Errors as Kubernetes answers them: a ``Status`` object with code, reason and message.

Wording follows k8s.io/apimachinery (``api/errors``), because people and programs (kubectl, kubernetes.core)
match on it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Cause:
    """One reason why an object is invalid (``field.Error`` of Kubernetes)."""

    reason: str
    """Such as ``FieldValueInvalid``."""
    field: str
    """Path in the object, such as ``spec.ports[0].port``."""
    message: str
    """Such as ``Required value``."""

    def __str__(self) -> str:
        return f"{self.field}: {self.message}" if self.field else self.message


def required(path: str, detail: str = "") -> Cause:
    """The field at *path* must be given."""
    return Cause("FieldValueRequired", path, "Required value" + (f": {detail}" if detail else ""))


def invalid(path: str, value: Any, detail: str) -> Cause:
    """The *value* at *path* breaks a rule; *detail* says which."""
    return Cause("FieldValueInvalid", path, f"Invalid value: {show(value)}: {detail}")


def not_supported(path: str, value: Any, supported: list[Any]) -> Cause:
    """The *value* at *path* is not one of *supported*."""
    words = ", ".join(show(item) for item in supported)
    return Cause(
        "FieldValueNotSupported", path, f"Unsupported value: {show(value)}: supported values: {words}"
    )


def forbidden_field(path: str, detail: str) -> Cause:
    """The field at *path* may not be set or changed now."""
    return Cause("FieldValueForbidden", path, f"Forbidden: {detail}")


def show(value: Any) -> str:
    """*value* as Kubernetes prints it inside messages: strings quoted, the rest as JSON."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


@dataclass
class ApiError(Exception):
    """An answer other than 2xx. ``status`` is the body that clients get."""

    code: int
    reason: str
    message: str
    details: dict[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.code} {self.reason}: {self.message}"

    @property
    def status(self) -> dict[str, Any]:
        """The ``Status`` object (v1)."""
        body: dict[str, Any] = {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Failure",
            "message": self.message,
            "code": self.code,
        }
        if self.reason:
            body["reason"] = self.reason
        if self.details:
            body["details"] = self.details
        return body


def qualified(plural_or_kind: str, group: str) -> str:
    """``deployments.apps`` or ``pods``: how Kubernetes names a resource in messages."""
    return f"{plural_or_kind}.{group}" if group else plural_or_kind


def bad_request(message: str) -> ApiError:
    """400: the request cannot be understood."""
    return ApiError(400, "BadRequest", message)


def unauthorized() -> ApiError:
    """401: no token, or an unknown one."""
    return ApiError(401, "Unauthorized", "Unauthorized")


def forbidden(group: str, plural: str, name: str, detail: str, causes: list[Cause] | None = None) -> ApiError:
    """403 for one object."""
    details = _details(group, plural, name, causes or [])
    return ApiError(403, "Forbidden", f'{qualified(plural, group)} "{name}" is forbidden: {detail}', details)


def no_route() -> ApiError:
    """404: no such path (not: no such object)."""
    return ApiError(404, "NotFound", "the server could not find the requested resource")


def not_found(group: str, plural: str, name: str) -> ApiError:
    """404: no such object."""
    return ApiError(
        404, "NotFound", f'{qualified(plural, group)} "{name}" not found', _details(group, plural, name)
    )


def already_exists(group: str, plural: str, name: str) -> ApiError:
    """409: an object of this name is there."""
    return ApiError(
        409,
        "AlreadyExists",
        f'{qualified(plural, group)} "{name}" already exists',
        _details(group, plural, name),
    )


def conflict(group: str, plural: str, name: str, detail: str) -> ApiError:
    """409: somebody else was faster, or a precondition does not hold."""
    message = f'Operation cannot be fulfilled on {qualified(plural, group)} "{name}": {detail}'
    return ApiError(409, "Conflict", message, _details(group, plural, name))


STALE = "the object has been modified; please apply your changes to the latest version and try again"


def apply_conflict(conflicts: list[tuple[str, str]]) -> ApiError:
    """409 of server-side apply; *conflicts* are pairs (other manager, path such as ``.spec.replicas``)."""
    managers = sorted({manager for manager, _unused in conflicts})
    if len(conflicts) == 1:
        words = f"Apply failed with 1 conflict: conflict with {managers[0]}: {conflicts[0][1]}"
    else:
        parts = []
        for manager in managers:
            fields = "\n".join(f"- {path}" for owner, path in conflicts if owner == manager)
            parts.append(f"conflicts with {manager}:\n{fields}")
        words = f"Apply failed with {len(conflicts)} conflicts: " + "\n".join(parts)
    causes = [
        {"reason": "FieldManagerConflict", "message": f"conflict with {manager}", "field": path}
        for manager, path in conflicts
    ]
    return ApiError(409, "Conflict", words, {"causes": causes})


def invalid_object(group: str, kind: str, name: str, causes: list[Cause]) -> ApiError:
    """422: the object breaks rules."""
    words = [str(cause) for cause in causes]
    text = words[0] if len(words) == 1 else "[" + ", ".join(words) + "]"
    message = f'{qualified(kind, group)} "{name}" is invalid: {text}'
    return ApiError(422, "Invalid", message, _details(group, kind, name, causes))


def bad_options(kind: str, cause: Cause) -> ApiError:
    """422: the options of a request break a rule; *kind* is such as ``DeleteOptions``."""
    return invalid_object("meta.k8s.io", kind, "", [cause])


class DecodingError(ApiError):
    """400: a body that is no object of its kind."""


def undecodable_patch(error: ApiError) -> ApiError:
    """422: what a patch leaves is no object of its kind."""
    cause = Cause("FieldValueInvalid", "patch", f"Invalid value: {error.message}")
    return ApiError(422, "Invalid", f' "" is invalid: {cause}', _details("", "", "", [cause]))


def expired(message: str) -> ApiError:
    """410: that resource version is no longer remembered; list again."""
    return ApiError(410, "Expired", message)


def method_not_allowed() -> ApiError:
    """405: the resource has no such verb."""
    return ApiError(
        405, "MethodNotAllowed", "the server does not allow this method on the requested resource"
    )


def unsupported_media_type(accepted: list[str]) -> ApiError:
    """415: the body is in a format that is not understood here."""
    words = ", ".join(accepted)
    message = f"the body of the request was in an unknown format - accepted media types include: {words}"
    return ApiError(415, "UnsupportedMediaType", message)


def not_implemented(what: str) -> ApiError:
    """501: a real cluster does it. *what* completes "the lab's Kubernetes API does not ..."."""
    return ApiError(501, "NotImplemented", f"the lab's Kubernetes API does not {what}")


def _details(group: str, kind: str, name: str, causes: list[Cause] | None = None) -> dict[str, Any]:
    given = {"name": name, "kind": kind, "group": group}
    details: dict[str, Any] = {key: value for key, value in given.items() if value}
    if causes:
        details["causes"] = [
            {"reason": cause.reason, "message": cause.message, "field": cause.field} for cause in causes
        ]
    return details
