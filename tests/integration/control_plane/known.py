"""Differences between the emulated and the real API that are known and documented in ``kube/README.md``."""

from __future__ import annotations

from .operations import APPLY, Operation


def known(operation: Operation | None, line: str) -> bool:
    """Whether a difference is one of the documented ones."""
    return operation is not None and any(holds(operation, line) for holds in _LIMITS)


def _replaced_pod(operation: Operation, line: str) -> bool:
    """A cluster's admission puts a service account into pods; a PUT of one's own manifest takes it out."""
    return operation.method == "PUT" and "/pods/" in operation.path


def _bad_finalizer(operation: Operation, line: str) -> bool:
    """Kubernetes says twice what is wrong with a finalizer of a built-in kind: for list and item."""
    return "metadata.finalizers[0]" in line and line.startswith("status.details.causes")


def _no_template(operation: Operation, line: str) -> bool:
    """Of a Deployment without a template Kubernetes names what an empty one lacks, not the template."""
    body = operation.body if isinstance(operation.body, dict) else {}
    lacks = body.get("kind") == "Deployment" and not (body.get("spec") or {}).get("template")
    return lacks and line.startswith("status.details.causes")


def _scaled(operation: Operation, line: str) -> bool:
    """Who scaled is forgotten when the same manager wrote the object in the same second: chance."""
    return operation.kind == APPLY and line.startswith("status.details.causes") and ".spec.replicas" in line


_LIMITS = (_replaced_pod, _bad_finalizer, _no_template, _scaled)
