# Copyright (c) 2026, asm.lanes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The ways an API call fails, in the shape in which the official SDK raises its own exceptions.

documented: the codes ``NameAlreadyExist``, ``StatusForbidden``, ``ServiceMesh.NotFound`` and
``StillInitializing`` (official Terraform provider). verified: the SDK turns a status of 400 to 499
into ClientException, 500 and above into ServerException, either with the header
``x-acs-retry-after`` into ThrottlingException. assumed: every HTTP status, every text, and the
platform's codes (from recollection). Codes that begin with ``Lab.`` are the lab's own: the real
codes for these cases are unknown, and no client may rely on them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(eq=False)
class ApiError(Exception):
    """One failed call.

    status: HTTP status. code, message: fields of the reply. recommend: what to do next.
    headers: extra response headers, such as ``x-acs-retry-after`` (milliseconds).
    """

    status: int
    code: str
    message: str
    recommend: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.code}: {self.message}"


def missing(parameter: str) -> ApiError:
    """A mandatory parameter was not sent (assumed: the platform's usual code and words)."""
    return ApiError(400, f"Missing{parameter}", f"{parameter} is mandatory for this action.")


def invalid(parameter: str, message: str, recommend: str = "") -> ApiError:
    """A parameter's value cannot be used (assumed code)."""
    return ApiError(400, f"InvalidParameter.{parameter}", f"{parameter}: {message}", recommend)


def unknown_parameter(action: str, names: str, known: str) -> ApiError:
    """A parameter that the action does not have (assumed: the platform may ignore it instead)."""
    return ApiError(
        400,
        "Lab.UnknownParameter",
        f"{action} has no parameter {names}.",
        f"Its parameters are {known}.",
    )


def unsupported(action: str, parameter: str, note: str) -> ApiError:
    """A real parameter that the lab does not act on: refused, not ignored."""
    return ApiError(
        400,
        "Lab.UnsupportedParameter",
        f"The lab does not implement {parameter} of {action}.",
        note or "Leave it out, or use a real ASM instance.",
    )


def invalid_action(action: str) -> ApiError:
    """No such action, or none that the lab has (platform code, assumed status)."""
    return ApiError(
        404,
        "InvalidAction.NotFound",
        f"Specified api is not found, please check your url and method: {action}",
        "The lab has the actions of its coverage table only.",
    )


def mesh_not_found(mesh_id: str) -> ApiError:
    """No instance of that id (documented code, assumed status)."""
    return ApiError(404, "ServiceMesh.NotFound", f"ServiceMesh {mesh_id} is not found.")


def initializing(mesh_id: str, state: str) -> ApiError:
    """The instance is not ready for changes (documented code, assumed status)."""
    return ApiError(403, "StillInitializing", f"ServiceMesh {mesh_id} is in state {state}, not running.")


def already_exists(kind: str, name: str) -> ApiError:
    """The name is taken (documented code, assumed status)."""
    return ApiError(400, "NameAlreadyExist", f"{kind} {name} already exists.")


def not_found(kind: str, name: str) -> ApiError:
    """No such lane group or lane; the real code is unknown."""
    return ApiError(404, f"Lab.{kind}.NotFound", f"{kind} {name} is not found.")


def conflict(message: str, recommend: str = "") -> ApiError:
    """The change contradicts what is there; the real code is unknown."""
    return ApiError(400, "Lab.InvalidOperation", message, recommend)


def mesh_forbidden(action: str) -> ApiError:
    """The user's role inside the mesh does not allow it (documented code)."""
    return ApiError(
        403, "StatusForbidden", f"The mesh role of this user does not allow {action}: istio-readonly."
    )


def ram_forbidden(action: str) -> ApiError:
    """RAM denies the action (platform code)."""
    return ApiError(
        403,
        "Forbidden.RAM",
        f"User not authorized to operate on the specified resource: servicemesh:{action}.",
        f"Attach a RAM policy that allows servicemesh:{action}.",
    )


def internal() -> ApiError:
    """Something broke inside the lab; details are in its log."""
    return ApiError(500, "InternalError", "The request processing has failed due to some unknown error.")


def unavailable(message: str) -> ApiError:
    """The mesh's Kubernetes API does not answer (documented code, assumed status)."""
    return ApiError(503, "ServiceUnavailable", message)
