# Copyright (c) 2026, asm.lanes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What went wrong with a Kubernetes API, in words that say what to do next.

The texts name the server and the kubeconfig, never what is in the kubeconfig.
"""

from __future__ import annotations

import json
import re
from typing import Any


class KubeError(Exception):
    """A Kubernetes API could not be read.

    Attributes:
        message: complete text for the user.
        failure: machine-readable class: ``kubeconfig`` (file missing or unusable), ``unreachable``
            (nothing listens, no answer), ``tls`` (another server than the kubeconfig trusts),
            ``unauthorized``, ``forbidden``, ``not_found``, ``namespace`` (does not exist), ``kind``
            (kind not served), ``conflict`` (other managers have set fields to something else),
            ``not_kubernetes`` (some other server answered) or ``api`` (any other refusal).
        status: HTTP status when the server answered, else None.
        reason: the server's reason (``NotFound``, ``Forbidden`` …) when it gave one.
        name: of the one object that the server's refusal is about (``details.name`` of its ``Status``).
    """

    def __init__(
        self,
        message: str,
        *,
        failure: str,
        status: int | None = None,
        reason: str | None = None,
        name: str | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.failure = failure
        self.status = status
        self.reason = reason
        self.name = name


def missing_kubeconfig(kubeconfig: str) -> KubeError:
    """No such file."""
    return KubeError(
        f"kubeconfig {kubeconfig} does not exist. Give the path of a kubeconfig that this user can read.",
        failure="kubeconfig",
    )


def unusable_kubeconfig(kubeconfig: str, detail: str) -> KubeError:
    """The file is not a kubeconfig, or lacks what was asked of it."""
    return KubeError(
        f"kubeconfig {kubeconfig} cannot be used: {detail}. "
        "Check the file (kubectl config view --kubeconfig FILE) or download it again.",
        failure="kubeconfig",
    )


def from_exception(error: Exception, server: str, kubeconfig: str) -> KubeError:
    """Translate what the Kubernetes client or urllib3 raised."""
    status = getattr(error, "status", None)
    if status:
        return refused(int(status), getattr(error, "body", None), str(error.reason), server, kubeconfig)  # type: ignore[attr-defined]
    return no_answer(str(getattr(error, "reason", None) or error), server, kubeconfig)


def not_kubernetes(path: str, server: str, kubeconfig: str) -> KubeError:
    """The answer to `path` was no JSON object."""
    return KubeError(
        f"{server}{path} did not answer as a Kubernetes API does. Check the server in kubeconfig "
        f"{kubeconfig}: it points at something else.",
        failure="not_kubernetes",
    )


def not_served(kind: str, api_version: str, server: str, kubeconfig: str) -> KubeError:
    """The server does not know a kind."""
    return KubeError(
        f"The Kubernetes API at {server} (kubeconfig {kubeconfig}) does not serve {kind} of {api_version}. "
        "Check that this is the kubeconfig of the right server (cluster or mesh control plane) and that the "
        "custom resource definition is installed there.",
        failure="kind",
    )


def refused(status: int, body: object, phrase: str, server: str, kubeconfig: str) -> KubeError:
    """The server answered with an HTTP error.

    Args:
        status: HTTP status.
        body: what it sent with it; a Kubernetes API sends a ``Status`` object.
        phrase: words to use when the body has none.
        server: address.
        kubeconfig: path.
    """
    answer = _status_object(body)
    said = str(answer.get("message") or phrase or "no further explanation").rstrip(".")
    failure = _failure(status, bool(answer))
    disputed = _disputed(answer)
    missing = re.search(r'namespaces "([^"]+)" not found', said)
    if missing and status == 404:
        failure = "namespace"
    if disputed:
        failure = "conflict"
    texts = {
        "conflict": f"{disputed}. Whoever stated it would change it back, so it was left alone "
        f"({server}, kubeconfig {kubeconfig}). Leave the field to that manager, or take it over.",
        "namespace": f"namespace {missing and missing[1]} does not exist at {server} (kubeconfig "
        f"{kubeconfig}). Create it there, or name another.",
        "unauthorized": f"{server} does not accept the credentials in kubeconfig {kubeconfig} (401 {said}). "
        "They have expired or belong to another cluster: download the kubeconfig again.",
        "forbidden": f"{server} forbids this to the account in kubeconfig {kubeconfig}: {said}. "
        "Grant that account the permission (RBAC), or use a kubeconfig of an account that has it.",
        "not_kubernetes": f"{server} answered {status} {said}, but not as a Kubernetes API does. Check the "
        f"server in kubeconfig {kubeconfig}: address, port, and http or https.",
    }
    text = texts.get(failure, f"{server} (kubeconfig {kubeconfig}) answered {status}: {said}.")
    name = (answer.get("details") or {}).get("name")
    return KubeError(text, failure=failure, status=status, reason=answer.get("reason"), name=name)


def _disputed(answer: dict[str, Any]) -> str:
    """Which fields of an apply belong to which other managers; empty when none does."""
    fields: dict[str, list[str]] = {}
    for cause in (answer.get("details") or {}).get("causes") or []:
        if cause.get("reason") == "FieldManagerConflict":
            manager = str(cause.get("message", "")).removeprefix("conflict with ")
            fields.setdefault(manager, []).append(str(cause.get("field", "")))
    return "; ".join(
        f"{', '.join(paths)} was set to something else by the field manager {manager}"
        for manager, paths in sorted(fields.items())
    )


def _failure(status: int, is_kubernetes: bool) -> str:
    """The class of an HTTP error."""
    if status in (401, 403):
        return {401: "unauthorized", 403: "forbidden"}[status]
    if is_kubernetes:
        return "not_found" if status == 404 else "api"
    return "not_kubernetes" if status < 500 else "api"


def no_answer(text: str, server: str, kubeconfig: str) -> KubeError:
    """No HTTP answer at all, for a reason of TLS, network or time that `text` tells."""
    detail = _detail(text)
    if "certificate verify failed" in text or "hostname" in text.lower():
        return KubeError(
            f"{server} is not the server that kubeconfig {kubeconfig} trusts: its certificate could not be "
            f"verified ({detail}). The file belongs to another cluster or to an earlier one at this "
            "address: download the kubeconfig again.",
            failure="tls",
        )
    if "SSL" in text:
        return KubeError(
            f"No TLS connection to {server} ({detail}). Check the server in kubeconfig {kubeconfig}: "
            "address, port, and http or https.",
            failure="tls",
        )
    return KubeError(
        f"{server} cannot be reached ({detail}). Check that the server in kubeconfig {kubeconfig} "
        "is up and that this host may connect to it.",
        failure="unreachable",
    )


def _status_object(body: object) -> dict[str, Any]:
    """The ``Status`` that a Kubernetes API sends with an error; empty when there is none."""
    if not isinstance(body, (str, bytes)):
        return {}
    try:
        answer = json.loads(body)
    except ValueError:
        return {}
    return answer if isinstance(answer, dict) and answer.get("kind") == "Status" else {}


def _detail(text: str) -> str:
    """The last and most specific part of a chain of wrapped errors, without codes and file names."""
    plain = re.sub(r"\[[^\]]*\] |\(_ssl[^)]*\)|SSLError ", "", " ".join(text.split()))
    return plain.rsplit(": ", 1)[-1].strip(" .,") or plain
