# Copyright (c) 2026, asm.lanes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which of what the later steps make is not there at all, so that they need not look for it again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .wanted import name_of

if TYPE_CHECKING:
    from .finding import Reading
    from .wanted import Facts, Object, Wanted


def new(facts: Facts, wanted: Wanted) -> dict[str, bool]:
    """``application``: none of its Services and Deployments; ``routing``: neither gateway rule nor route.

    False, too, where that could not be read.
    """
    deployments = {f"{wanted.namespace}/{name}" for name in wanted.deployments}
    rule, route = (
        f"{wanted.routing_namespace}/{name}" for name in (wanted.rule_name, wanted.virtual_service)
    )
    return {
        "application": _none_of(set(wanted.services), facts.services)
        and _none_of(deployments, facts.deployments),
        "routing": _none_of({rule}, facts.gateways) and _none_of({route}, facts.virtual_services),
    }


def _none_of(names: set[str], reading: Reading[list[Object]]) -> bool:
    return reading.known and not names & {name_of(one) for one in reading.value or ()}
