# Copyright (c) 2026, asm.lanes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Reads the ASM instance; nothing is written. Apart from the other reads, since it needs other libraries."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from .._asm.client import AsmClient
from .._asm.deadline import Deadline
from .._asm.errors import AsmError
from .._asm.retry import RetryPolicy
from .._at_once import at_once
from .finding import Reading
from .instance import the_cluster

if TYPE_CHECKING:
    from collections.abc import Callable

    from .._asm.credentials import Connection
    from .wanted import Object, Wanted

#: A fault should be told soon: one repetition of an ASM call, not the usual four.
ATTEMPTS = 2

Value = TypeVar("Value")


def read_asm(
    connection: Connection, timeout: float, wanted: Wanted
) -> tuple[dict[str, Reading[Any]], list[str]]:
    """Read the instance and its clusters.

    Args:
        connection: how to reach the ASM API.
        timeout: seconds for all calls.
        wanted: names the instance and the cluster.

    Returns:
        ``mesh`` and ``clusters`` of `Facts`; the secrets in use, wherever they came from.

    Raises:
        LibraryMissingError: of `_asm.client`.
    """
    subject = f"mesh {wanted.mesh_id}"
    try:
        client = _client(connection, timeout, wanted)
    except AsmError as error:
        return _unread(_asm_problem(error)), []
    detail, listed = at_once(
        lambda action: _asm(lambda: client.call(action, subject)),
        ("DescribeServiceMeshDetail", "DescribeClustersInServiceMesh"),
    )
    mesh: Reading[Object] = _part(detail, "ServiceMesh", {})
    clusters: Reading[list[Object]] = _part(listed, "Clusters", [])
    if mesh.problem:
        return _unread(mesh), client.secrets
    return {"mesh": mesh, "clusters": clusters}, client.secrets


def read_guest_labels(
    connection: Connection, timeout: float, wanted: Wanted, clusters: list[Object]
) -> Reading[dict[str, dict[str, str]]]:
    """Read the labels of the namespaces as ASM sees them: ``guest_labels`` of `Facts`.

    Args:
        connection: how to reach the ASM API.
        timeout: seconds for the call.
        wanted: names the instance and the cluster.
        clusters: of the instance.
    """
    cluster = the_cluster(clusters, wanted.cluster)
    if cluster is None:
        return Reading(blocked="the cluster is not known")
    cluster_id = cluster.get("ClusterId")

    def call() -> dict[str, dict[str, str]]:
        answer = _client(connection, timeout, wanted).call(
            "DescribeGuestClusterNamespaces",
            f"cluster {cluster_id}",
            guest_cluster_id=cluster_id,
            show_ns_labels=True,
        )
        labels = answer.get("NsLabels") or {}
        return {name: labels.get(name) or {} for name in answer.get("NsList") or []}

    return _asm(call)


def _unread(mesh: Reading[Object]) -> dict[str, Reading[Any]]:
    return {"mesh": mesh, "clusters": mesh.blocking("the ASM instance could not be read")}


def _client(connection: Connection, timeout: float, wanted: Wanted) -> AsmClient:
    return AsmClient(connection, wanted.mesh_id, Deadline(timeout), RetryPolicy(attempts=ATTEMPTS))


def _asm(call: Callable[[], Value]) -> Reading[Value]:
    try:
        return Reading(call())
    except AsmError as error:
        return _asm_problem(error)


def _part(answer: Reading[Object], name: str, otherwise: Value) -> Reading[Value]:
    """What an answer has by a name, or *otherwise*."""
    if answer.value is None:
        return Reading(problem=answer.problem, remedy=answer.remedy)
    return Reading(answer.value.get(name) or otherwise)


def _asm_problem(error: AsmError) -> Reading[Any]:
    text = str(error)
    if error.hint:
        text = text.removesuffix(error.hint).strip()
    return Reading(problem=text, remedy=error.hint or "See the message")
