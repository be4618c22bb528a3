# Copyright (c) 2026, asm.lanes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a replay has done and seen: lines for people, statistics for workflows, and why it fails, if it does.

Pure: made from the results that the roles register. A part that did not take place is ``{}``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

Result = Mapping[str, Any]
#: What is heard on a connection: key in a case's observations, and in words.
HEARD = {"own": "own messages", "broadcast": "broadcasts"}


@dataclass(frozen=True)
class Outcome:
    """The results of ``sample_app``, ``gateway_routing``, ``lane_group`` and ``lane_proof``.

    files: path of the report by its format; {} without one. trouble: why it could not be written, or empty.
    """

    sample_app: Result = field(default_factory=dict)
    gateway_routing: Result = field(default_factory=dict)
    lane_group: Result = field(default_factory=dict)
    lane_proof: Result = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)
    trouble: str = ""

    @property
    def deployments(self) -> Mapping[str, str]:
        """How far each Deployment is, in words: when it was applied, or when the proof had waited for it."""
        seen = [*self.sample_app.get("deployments", ()), *self.lane_proof.get("deployments", ())]
        return {deployment["name"]: deployment["message"] for deployment in seen}

    @property
    def proof(self) -> Mapping[str, Any]:
        """The proof; {} where none was to be made."""
        return self.lane_proof.get("proof") or {}

    @property
    def page(self) -> str:
        """Path of the report's page, or of what there is instead; there are ``files``."""
        return self.files.get("html") or next(iter(self.files.values()))

    @property
    def plan(self) -> list[str]:
        """What was changed, or would be, a few words each."""
        applied = [
            name for part in (self.sample_app, self.gateway_routing) for name in part.get("written") or ()
        ]
        return applied + [change["description"] for change in self.lane_group.get("plan") or ()]

    @property
    def failures(self) -> list[str]:
        """Why the play is to fail; [] when it is not."""
        found = []
        if self.proof.get("passed") is False:
            found.append(self.proof["message"])
        if self.proof.get("findings") or (self.proof.get("audit") or {}).get("passed") is False:
            found.append(self.lane_proof["audit_message"])
        if self.trouble:
            found.append(f"The report could not be written: {self.trouble}")
        return found


def statistics(outcome: Outcome, *, with_plan: bool, check_mode: bool) -> dict[str, Any]:
    """What is handed over to workflows and callbacks.

    Args:
        outcome: of the replay.
        with_plan: whether more than the proof was to be done.
        check_mode: then nothing is proven.

    Returns:
        ``asm_lanes_plan``: list of str, with_plan only. ``asm_lanes_proof``: the verdict, where there is one.
    """
    told: dict[str, Any] = {"asm_lanes_plan": outcome.plan} if with_plan else {}
    proof = outcome.proof
    if proof and not check_mode:
        told["asm_lanes_proof"] = {
            **{key: proof[key] for key in ("passed", "reached", "summary", "message")},
            "cases": {case["name"]: case["passed"] for case in proof["cases"]},
            "report": dict(outcome.files),
            "findings": [finding["object"] for finding in proof.get("findings") or ()],
        }
    return told


def lines(outcome: Outcome, *, check_mode: bool) -> list[str]:
    """The summary, a line each."""
    return list(_lines(outcome, check_mode))


def _lines(outcome: Outcome, check_mode: bool) -> Iterator[str]:
    for part, applied in (("application", outcome.sample_app), ("gateway routing", outcome.gateway_routing)):
        if applied:
            done = f"{', '.join(applied['written'])} {'would be ' if check_mode else ''}written"
            yield f"{part}: {done if applied.get('written') else 'unchanged'}"
    if "plan" in outcome.lane_group:
        changes = outcome.lane_group["plan"]
        done = "would be changed" if check_mode else "changed"
        yield f"lane group {outcome.lane_group['lane_group']['name']}: {done if changes else 'unchanged'}"
        yield from (f"  {change['description']}" for change in changes)
    for name, message in outcome.deployments.items():
        yield f"Deployment {name}: {message}"
    if outcome.proof and outcome.proof["reached"] is not False:
        yield from _of_proof(outcome.proof)
    if "audit_message" in outcome.lane_proof:
        yield from outcome.lane_proof["audit_table"]
        yield from outcome.lane_proof["audit_message"].splitlines()
    if outcome.files:
        yield f"report: {outcome.page} ({', '.join(outcome.files)})"


def _of_proof(proof: Mapping[str, Any]) -> Iterator[str]:
    yield from proof["table"]
    yield proof["summary"]
    header = proof["lane_group"]["route_header"]
    for case in proof["cases"]:
        if case["passed"] and case["kind"] == "lane" and case["header"] is not None:
            yield f"{header}: {case['header']}: {', '.join(_seen(case['observed']))}"


def _seen(observed: Mapping[str, Mapping[str, Sequence[str]]]) -> Iterator[str]:
    for kind, words in HEARD.items():
        for service, versions in sorted((observed.get(kind) or {}).items()):
            yield f"{words} -> {service.rpartition('/')[2]} {' and '.join(versions)}"
