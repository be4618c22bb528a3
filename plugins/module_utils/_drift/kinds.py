# Copyright (c) 2026, asm.lanes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The kinds of drift, each with its severity and the way out, and what a finding tells. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

ERROR, WARNING, INFO = "error", "warning", "info"
SEVERITIES = (ERROR, WARNING, INFO)

_REPAIR = "Run asm.lanes.lane_group with the same options"
_RECREATE = f"{_REPAIR} and recreate: true (the lanes stop routing meanwhile), or state what is there"


@dataclass(frozen=True)
class Kind:
    """One kind of drift.

    severity: the highest that its findings have. ``error``: requests are answered by other pods than
    stated, or by none. ``warning``: they may be. ``info``: left over, without effect on requests.
    remedy: what to do, in one sentence.
    """

    name: str
    severity: str
    remedy: str


GROUP_MISSING = Kind("group_missing", ERROR, f"{_REPAIR}, which creates the group")
LANE_MISSING = Kind("lane_missing", ERROR, f"{_REPAIR}, which creates the lane")
LANE_EXTRA = Kind("lane_extra", WARNING, "State the lane, or run asm.lanes.lane_group with purge_lanes")
SERVICES = Kind("services", ERROR, _REPAIR)
SELECTOR = Kind("selector", ERROR, _REPAIR)
INGRESS_ROUTING = Kind("ingress_routing", ERROR, _REPAIR)
WEIGHT = Kind("weight", ERROR, f"{_REPAIR}; weights are written through mesh_kubeconfig")
RULE = Kind("rule", ERROR, f"{_REPAIR}; rules are written through mesh_kubeconfig")
BASELINE = Kind("baseline", ERROR, _REPAIR)
SERVICE_FALLBACK = Kind("service_fallback", ERROR, _REPAIR)
HEADERS = Kind("headers", ERROR, f"Only a new group can have other headers or another mode. {_RECREATE}")
GATEWAY_RULE = Kind("gateway_rule", ERROR, f"Only a new group can have another gateway rule. {_RECREATE}")
VALIDATION_MESSAGE = Kind(
    "validation_message",
    ERROR,
    "Check that the services exist in the mesh and that their pods carry the lane's labels",
)
SUBSET_WITHOUT_PODS = Kind(
    "subset_without_pods",
    ERROR,
    "Deploy pods with the lane's labels and wait until one is ready, or take the service out of the lane",
)
GENERATED_EDITED = Kind(
    "generated_edited",
    WARNING,
    "Look at it in the ASM console; undo the edit, or write the lane anew, so that ASM generates it again. "
    "What ASM writes into it is inferred, so ASM itself may mean this",
)
GENERATED_MISSING = Kind(
    "generated_missing", ERROR, "Write the lane anew, upon which ASM generates it again, or ask ASM's support"
)
GENERATED_ORPHANED = Kind(
    "generated_orphaned", WARNING, "Delete it in the ASM console: no lane means it any more"
)
FOREIGN_VIRTUAL_SERVICE = Kind(
    "foreign_virtual_service",
    ERROR,
    "Remove it, or give it hosts or matches of its own: it takes traffic that the lanes should route",
)

#: All kinds, in the order of the report.
KINDS: tuple[Kind, ...] = (
    GROUP_MISSING,
    HEADERS,
    GATEWAY_RULE,
    SERVICES,
    BASELINE,
    SERVICE_FALLBACK,
    INGRESS_ROUTING,
    LANE_MISSING,
    LANE_EXTRA,
    SELECTOR,
    RULE,
    WEIGHT,
    VALIDATION_MESSAGE,
    SUBSET_WITHOUT_PODS,
    FOREIGN_VIRTUAL_SERVICE,
    GENERATED_MISSING,
    GENERATED_EDITED,
    GENERATED_ORPHANED,
)
NAMES = tuple(kind.name for kind in KINDS)


@dataclass(frozen=True)
class Finding:
    """One difference between what is wanted and what is there.

    object: what differs, for people, such as ``lane v2 of lane group ws``. field: which part of it,
    empty for all of it. wanted, found: in the user's words, None where there is nothing.
    severity: of the kind unless stated. inferred: whether what is wanted is our inference of what
    ASM does, because Alibaba does not document it.
    """

    kind: Kind
    object: str
    field: str = ""
    wanted: Any = None
    found: Any = None
    severity: str = ""
    inferred: bool = False

    @property
    def level(self) -> str:
        return self.severity or self.kind.severity

    def as_dict(self) -> dict[str, Any]:
        """For a module's result."""
        return {
            "kind": self.kind.name,
            "severity": self.level,
            "object": self.object,
            "field": self.field,
            "wanted": self.wanted,
            "found": self.found,
            "inferred": self.inferred,
            "remedy": self.kind.remedy,
        }


@dataclass(frozen=True)
class Skip:
    """Something that was not compared. kind: name of the kind that it would have been. reason: why not."""

    kind: Kind
    reason: str

    def as_dict(self) -> Mapping[str, str]:
        return {"kind": self.kind.name, "reason": self.reason}
