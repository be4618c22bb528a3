# Copyright (c) 2026, asm.lanes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the audit adds to a proof, and what a person reads of it. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from .. import _table


def failures(proof: Mapping[str, Any] | None) -> list[str]:
    """What a proof found wrong, each in one line; [] when it passed or was not made."""
    if not proof or proof.get("passed") is not False:
        return []
    return [*_of_cases(proof.get("cases") or ()), *_of_weights(proof.get("weights") or ())]


def _of_cases(cases: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    for case in cases:
        for difference in case.get("differences") or ():
            yield f"proof, {case['name']}: {difference}"


def _of_weights(weights: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    for weight in weights:
        for lane in weight.get("lanes") or ():
            if lane.get("passed") is False:
                yield (
                    f"proof, {weight['name']}: lane {lane['lane']} got {lane['observed']:.1%} of the requests"
                    f" instead of {lane['expected']:.1%}"
                )


def merge(proof: Mapping[str, Any], told: Mapping[str, Any]) -> dict[str, Any]:
    """The proof with the audit in it. What the probe says of itself stays as it is."""
    not_tested = [*(proof.get("not_tested") or ()), *told["not_tested"]]
    return {**proof, "audit": told["audit"], "findings": told["findings"], "not_tested": not_tested}


def table(chains: Sequence[Mapping[str, Any]]) -> list[str]:
    """Case x kind of message -> verdict, as lines to print."""
    verdicts = {True: "ok", False: "BROKEN", None: "unknown"}
    rows = [[one["case"], one["message_kind"], way(one), verdicts[one["passed"]]] for one in chains]
    return _table.lines(["case", "message", "way", "context"], rows)


def way(chain: Mapping[str, Any]) -> str:
    """The hops of a chain in one line, with a mark where it broke."""
    hops, broken = chain["hops"], (chain["broken"] or {}).get("hop")
    parts = [str(hops[0]["from"])] if hops else []
    for index, hop in enumerate(hops):
        if index and hop["from"] != hops[index - 1]["to"]:
            parts.append(f"; {hop['from']}")
        parts.append(f"{'-X->' if index == broken else '->'} {hop['to']}")
    return " ".join(parts).replace(" ;", ";")


def message(passed: bool | None, findings: Sequence[Mapping[str, Any]], not_tested: Sequence[Any]) -> str:
    """What is wrong and where, for people; one line when nothing is."""
    if findings:
        lines = [f"{len(findings)} {'cause' if len(findings) == 1 else 'causes'} found:"]
        for one in findings:
            lines.append(f"  - {one['object']}: {one['words']} ({one['kind']})")
            lines += [f"      {text}" for text in one["evidence"][:4]]
            lines += [f"      and {len(one['evidence']) - 4} more like these"] * (len(one["evidence"]) > 4)
            lines.append(f"      remedy: {one['remedy']}.")
        return "\n".join(lines)
    if passed is None:
        reasons = list(dict.fromkeys(one["why"] for one in not_tested))
        return "\n".join(
            ["The way of the lanes is not known as a whole:", *(f"  - {why}" for why in reasons)]
        )
    return "every hop keeps the lane" if passed else "a hop loses the lane, see audit"
