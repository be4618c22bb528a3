# Copyright (c) 2026, asm.lanes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""All checks, in the order of the report. Pure: what was read goes in, findings come out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import gateway, instance, workloads

if TYPE_CHECKING:
    from collections.abc import Callable

    from .finding import Finding
    from .wanted import Facts, Wanted

CHECKS: tuple[Callable[[Facts, Wanted], Finding], ...] = (
    instance.mesh,
    instance.edition,
    instance.version,
    instance.baggage,
    instance.cluster,
    workloads.cluster_server,
    workloads.namespace,
    workloads.injection,
    gateway.mesh_server,
    gateway.istio_api,
    gateway.ingress_gateway,
    gateway.gateway_port,
    gateway.rule_namespace,
    workloads.foreign_objects,
    gateway.catch_all,
    gateway.mesh_routes,
    workloads.session_affinity,
)


def run(facts: Facts, wanted: Wanted) -> list[Finding]:
    """Return one finding for each check."""
    trusted = workloads.without_control_plane(facts)
    return [check(trusted, wanted) for check in CHECKS]
