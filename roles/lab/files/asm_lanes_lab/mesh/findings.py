"""What the mesh has to say about an object: a refusal or a warning, never silence."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, order=True)
class Ref:
    """Names one Kubernetes object."""

    kind: str
    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind} {self.namespace}/{self.name}"


@dataclass(frozen=True, order=True)
class Finding:
    """One remark on one field of one object.

    `blocking` means that (this part of) the object has no effect: its condition `Reconciled` turns False.
    Otherwise it is a warning in the message of a condition that stays True, as for a destination that does
    not exist (yet), which Istio accepts as well and answers with 503.
    """

    ref: Ref
    field: str
    reason: str
    message: str
    blocking: bool = True

    def __str__(self) -> str:
        return f"{self.field}: {self.message}"


class RefusedError(Exception):
    """Raised while an object is read: it uses something that the mesh does not support or that is wrong."""

    def __init__(self, field: str, message: str, reason: str = "Unsupported") -> None:
        super().__init__(f"{field}: {message}")
        self.field = field
        self.reason = reason
        self.message = message

    def finding(self, ref: Ref) -> Finding:
        """The same as a blocking remark on the object."""
        return Finding(ref, self.field, self.reason, self.message)
