# Copyright (c) 2026, asm.lanes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Reads the proof document into types.

What is optional in the schema has a default here; keys that are not known are passed over, so that a document
of a later release can still be drawn.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from .document import (
    LOADS,
    SCHEMA,
    Audit,
    Break,
    Case,
    Chain,
    Entry,
    Finding,
    Group,
    Hop,
    Lane,
    LaneShare,
    Observed,
    Proof,
    Timing,
    Weight,
)
from .fields import ProofError, Reader

_Item = TypeVar("_Item")


def parse(document: Any) -> Proof:
    """The document as types. Raises ProofError, naming the field, when it is none or of another version."""
    top = Reader.of(document, "proof")
    if top.raw("schema") != SCHEMA:
        raise ProofError("proof.schema", f"is {top.raw('schema')!r}, not {SCHEMA!r}")
    gateway, load = top.inner("gateway"), top.inner("load")
    return Proof(
        passed=top.flag("passed"),
        reached=top.flag("reached"),
        summary=top.text("summary"),
        message=top.text("message"),
        attempts=int(top.number("attempts")),
        seconds=top.number("seconds"),
        started_at=top.text("started_at"),
        url=gateway.text("url"),
        path=gateway.text("path"),
        group=_group(top.inner("lane_group")),
        cases=_each(top, "cases", _case),
        weights=_each(top, "weights", _weight),
        load={key: load.number(key) for key in LOADS if load.raw(key) is not None},
        late=_timing(load, "late_ms"),
        warnings=top.list_of_text("warnings"),
        not_tested=_each(top, "not_tested", lambda one: (one.text("what"), one.text("why"))),
        audit=_audit(top.inner("audit")) if top.raw("audit") is not None else None,
        findings=_each(top, "findings", _finding),
        versions=top.inner("versions").texts(),
    )


def _each(reader: Reader, key: str, parser: Callable[[Reader], _Item]) -> tuple[_Item, ...]:
    return tuple(parser(one) for one in reader.each(key))


def _group(one: Reader) -> Group:
    return Group(
        name=one.text("name"),
        mode=one.text("mode", "permissive"),
        route_header=one.text("route_header"),
        trace_header=one.text("trace_header"),
        services=one.list_of_text("services"),
        baseline=one.text_or_none("baseline"),
        service_fallback=one.inner("service_fallback").texts(),
        lanes=_each(one, "lanes", _lane),
    )


def _lane(one: Reader) -> Lane:
    return Lane(one.text("name"), one.inner("label_selector").texts(), one.list_of_text("services"))


def _case(one: Reader) -> Case:
    entry, expected, observed = one.inner("entry"), one.inner("expected"), one.inner("observed")
    timings = one.inner("timings")
    return Case(
        name=one.text("name"),
        kind=one.text("kind"),
        lane=one.text_or_none("lane"),
        transport=one.text("transport"),
        entry=Entry(entry.text("via", "none"), entry.text_or_none("name"), entry.text_or_none("value")),
        why=one.text("why"),
        passed=one.flag("passed"),
        expected={kind: expected.inner(kind).texts() for kind in expected.names()},
        observed={kind: _counts_by_service(observed.inner(kind)) for kind in observed.names()},
        refused=int(one.inner("counts").number("refused")),
        connection_failures=one.list_of_text("connection_failures"),
        differences=one.list_of_text("differences"),
        handshake=_timing(timings, "handshake_ms"),
        answer=_timing(timings, "answer_ms"),
    )


def _counts_by_service(one: Reader) -> Observed:
    return {service: one.inner(service).counts() for service in one.names()}


def _timing(timings: Reader, key: str) -> Timing | None:
    one = timings.inner(key)
    found = Timing(*(one.number_or_none(name) for name in ("p50", "p95", "max")))
    return None if found == Timing(None, None, None) else found


def _weight(one: Reader) -> Weight:
    return Weight(
        name=one.text("name"),
        service=one.text("service"),
        confidence=one.number("confidence"),
        samples=int(one.number("samples")),
        lanes=_each(one, "lanes", _share),
        differences=one.list_of_text("differences"),
    )


def _share(one: Reader) -> LaneShare:
    return LaneShare(
        lane=one.text("lane"),
        expected=one.number("expected"),
        observed=one.number("observed"),
        low=one.number("low"),
        high=one.number("high"),
        passed=one.flag("passed"),
    )


def _audit(one: Reader) -> Audit:
    return Audit(one.flag("passed"), _each(one, "chains", _chain))


def _chain(one: Reader) -> Chain:
    return Chain(
        case=one.text("case"),
        message_kind=one.text("message_kind"),
        hops=_each(one, "hops", _hop),
        broken=_break(one.inner("broken")) if one.raw("broken") is not None else None,
        unknown=one.list_of_text("unknown"),
    )


def _hop(one: Reader) -> Hop:
    return Hop(
        source=one.text("from"),
        target=one.text("to"),
        pod=one.text_or_none("pod"),
        service=one.text_or_none("service"),
        version=one.text_or_none("version"),
        lane=one.text_or_none("lane"),
        header=one.text_or_none("header"),
        baggage=one.text_or_none("baggage"),
        status=one.text("status"),
        by=one.text("by"),
    )


def _break(one: Reader) -> Break:
    return Break(
        hop=int(one.number("hop")),
        direction=one.text_or_none("direction"),
        what=one.text_or_none("what"),
        how=one.text_or_none("how"),
        words=one.text("words"),
    )


def _finding(one: Reader) -> Finding:
    return Finding(
        one.text("kind"),
        one.text("object"),
        one.text("words"),
        one.text("remedy"),
        one.list_of_text("evidence"),
    )
