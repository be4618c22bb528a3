# Copyright (c) 2026, asm.lanes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""All checks in the order of the report, and the report. Pure: what was read goes in, a dict comes out."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from .. import _table
from .._lanes.model import LaneGroup
from . import carriers, compare, foreign, generated, kinds, orphans, pods
from .facts import CUSTOM_RESOURCE, Facts
from .kinds import Finding, Kind, Skip

NEVER = "never"
FAIL_ON = {NEVER: (), kinds.WARNING: (kinds.ERROR, kinds.WARNING), kinds.ERROR: (kinds.ERROR,)}

_OF_MESH = (
    kinds.FOREIGN_VIRTUAL_SERVICE,
    kinds.GENERATED_MISSING,
    kinds.GENERATED_EDITED,
    kinds.GENERATED_ORPHANED,
)
_CARRIERS = "the objects that carry the lane along were not compared: "


@dataclass(frozen=True)
class Drift:
    """What came out. findings: worst first. ignored: how many the task did not want to know of."""

    findings: tuple[Finding, ...]
    skips: tuple[Skip, ...]
    ignored: int = 0

    def at(self, fail_on: str) -> list[Finding]:
        """The findings of a severity on which the task fails; ``fail_on`` is one of FAIL_ON."""
        return [finding for finding in self.findings if finding.level in FAIL_ON[fail_on]]


def check(wanted: LaneGroup, facts: Facts, ignore: Collection[str] = ()) -> Drift:
    """Everything in which the mesh differs from the wanted group. ignore: names of kinds."""
    found, skips = _run(wanted, facts)
    kept = [finding for finding in found if finding.kind.name not in ignore]
    return Drift(
        tuple(sorted(kept, key=_order)),
        tuple(skip for skip in dict.fromkeys(skips) if skip.kind.name not in ignore),
        len(found) - len(kept),
    )


def _run(wanted: LaneGroup, facts: Facts) -> tuple[list[Finding], list[Skip]]:
    observed, mesh, cluster = facts.observed, facts.mesh, facts.cluster
    current = observed.group if observed else None
    whole = facts.source == CUSTOM_RESOURCE
    found = [*compare.compare(wanted, current, whole), *compare.objections(observed)]
    skips = compare.unread(wanted, current, whole)
    if mesh is None:
        skips += _skips(_OF_MESH, facts.no_mesh)
    else:
        found += orphans.check(wanted.name, current, mesh)
        if current:
            found += [*generated.check(current, mesh), *foreign.check(current, mesh)]
    if current is None:
        return found, skips
    if cluster is None:
        skips += _skips([kinds.SUBSET_WITHOUT_PODS], facts.no_cluster)
    else:
        found += pods.check(current, cluster)
    if mesh is not None and cluster is not None:
        found += carriers.check(current, mesh, cluster)
    elif mesh is not None:
        parts = [kinds.GENERATED_MISSING, kinds.GENERATED_EDITED]
        skips += _skips(parts, _CARRIERS + facts.no_cluster)
    return found, skips


def _skips(of: Sequence[Kind], reason: str) -> list[Skip]:
    return [Skip(kind, reason) for kind in of]


def _order(finding: Finding) -> tuple[int, int, str, str]:
    severity, kind = kinds.SEVERITIES.index(finding.level), kinds.KINDS.index(finding.kind)
    return severity, kind, finding.object, finding.field


def as_dict(drift: Drift) -> dict[str, Any]:
    """For a module's result."""
    levels = [finding.level for finding in drift.findings]
    return {
        "found": bool(drift.findings),
        "findings": [finding.as_dict() for finding in drift.findings],
        "counts": {severity: levels.count(severity) for severity in kinds.SEVERITIES},
        "ignored": drift.ignored,
        "skipped": [skip.as_dict() for skip in drift.skips],
        "table": table(drift),
    }


def table(drift: Drift) -> list[str]:
    """Findings as lines to print; [] when there are none."""
    header = ["severity", "kind", "object", "field", "wanted", "found"]
    rows = [
        [one.level, one.kind.name, one.object, one.field, _words(one.wanted), _words(one.found)]
        for one in drift.findings
    ]
    return _table.lines(header, rows) if rows else []


def message(name: str, drift: Drift, told: Sequence[Finding] | None = None) -> str:
    """What a person should read: every finding with its remedy. told: only these, all by default."""
    findings = drift.findings if told is None else told
    if not findings:
        skipped = f", {len(drift.skips)} checks skipped" if drift.skips else ""
        return f"lane group {name}: no drift{skipped}"
    lines = [f"lane group {name}: {len(findings)} differences between what is stated and the mesh:"]
    for one in findings:
        lines.append(f"  - {one.level}: {one.kind.name} of {one.object} {one.field}".rstrip())
        lines.append(f"      wanted: {_words(one.wanted)}" + (" (inferred)" if one.inferred else ""))
        lines += [f"      found:  {_words(one.found)}", f"      remedy: {one.kind.remedy}."]
    return "\n".join(lines)


def _words(value: Any) -> str:
    if value is None:
        return "nothing"
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True)
