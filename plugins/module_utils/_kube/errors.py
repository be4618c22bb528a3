# Copyright (c) 2026, asm.lanes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What went wrong with a Kubernetes API, in words that say what to do next.

The texts name the server and the kubeconfig, never what is in the kubeconfig.
"""

from __future__ import annotations

import json
import re
from typing import Any

_TLS_HINT = "certificate verify failed"


class KubeError(Exception):
    """A Kubernetes API could not be read.

    Attributes:
        message: complete text for the user.
        failure: machine-readable class: ``kubeconfig`` (file missing or unusable), ``unreachable``
            (nothing listens, no answer), ``tls`` (another server than the kubeconfig trusts),
            ``unauthorized``, ``forbidden``, ``not_found``, ``kind`` (kind not served),
            ``not_kubernetes`` (some other server answered) or ``api`` (any other refusal).
        status: HTTP status when the server answered, else None.
        reason: the server's reason (``NotFound``, ``Forbidden`` …) when it gave one.
    """

    def __init__(
        self, message: str, *, failure: str, status: int | None = None, reason: str | None = None
    ) -> None:
        super().__init__(message)
        self.message = message
        self.failure = failure
        self.status = status
        self.reason = reason


def from_exception(error: Exception, server: str, kubeconfig: str) -> KubeError:
    """Translate what the Kubernetes client or urllib3 raised."""
    status = getattr(error, "status", None)
    if status:
        return _refused(error, int(status), server, kubeconfig)
    return _no_answer(error, server, kubeconfig)


def not_kubernetes(path: str, server: str, kubeconfig: str) -> KubeError:
    """The answer to `path` was no JSON object."""
    return KubeError(
        f"{server}{path} did not answer as a Kubernetes API does. Check the server in kubeconfig "
        f"{kubeconfig}: it points at something else.",
        failure="not_kubernetes",
    )


def _refused(error: Any, status: int, server: str, kubeconfig: str) -> KubeError:
    """The server answered with an HTTP error."""
    answer = _status_object(error)
    said = str(answer.get("message") or error.reason or "no further explanation").rstrip(".")
    reason = answer.get("reason")
    if status == 401:
        return KubeError(
            f"{server} does not accept the credentials in kubeconfig {kubeconfig} (401 {said}). They have "
            "expired or belong to another cluster: download the kubeconfig again.",
            failure="unauthorized",
            status=status,
            reason=reason,
        )
    if status == 403:
        return KubeError(
            f"{server} forbids this to the account in kubeconfig {kubeconfig}: {said}. "
            "Grant that account the permission (RBAC), or use a kubeconfig of an account that has it.",
            failure="forbidden",
            status=status,
            reason=reason,
        )
    if not answer and status < 500:
        return KubeError(
            f"{server} answered {status} {said}, but not as a Kubernetes API does. Check the server in "
            f"kubeconfig {kubeconfig}: address, port, and http or https.",
            failure="not_kubernetes",
            status=status,
        )
    return KubeError(
        f"{server} (kubeconfig {kubeconfig}) answered {status}: {said}.",
        failure="not_found" if status == 404 else "api",
        status=status,
        reason=reason,
    )


def _status_object(error: Any) -> dict[str, Any]:
    """The ``Status`` that a Kubernetes API sends with an error; empty when there is none."""
    try:
        answer = json.loads(error.body)
    except (TypeError, ValueError):
        return {}
    return answer if isinstance(answer, dict) and answer.get("kind") == "Status" else {}


def _no_answer(error: Exception, server: str, kubeconfig: str) -> KubeError:
    """No HTTP answer at all: TLS, network or time."""
    text = " ".join(str(getattr(error, "reason", None) or error).split())
    if _TLS_HINT in text or "hostname" in text.lower():
        return KubeError(
            f"{server} is not the server that kubeconfig {kubeconfig} trusts: its certificate could not be "
            f"verified ({_detail(text)}). The file belongs to another cluster or to an earlier one at this "
            "address: download the kubeconfig again.",
            failure="tls",
        )
    if "SSLError" in text or "SSLError" in type(error).__name__:
        return KubeError(
            f"No TLS connection to {server} ({_detail(text)}). Check the server in kubeconfig {kubeconfig}: "
            "address, port, and http or https.",
            failure="tls",
        )
    return KubeError(
        f"{server} cannot be reached ({_detail(text)}). Check that the server in kubeconfig {kubeconfig} "
        "is up and that this host may connect to it.",
        failure="unreachable",
    )


def _detail(text: str) -> str:
    """The last and most specific part of a chain of wrapped errors, without codes and file names."""
    plain = re.sub(r"\[[^\]]*\] |\(_ssl[^)]*\)|SSLError ", "", text)
    return plain.rsplit(": ", 1)[-1].strip(" .,") or text
