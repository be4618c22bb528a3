# Copyright (c) 2026, asm.lanes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The matrix: lane × transport × kind of message, what was expected in each cell and what was seen."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from .document import KINDS, TRANSPORTS, Case, Entry, Proof, services_of, short

OK = "ok"
WRONG = "wrong"
SILENT = "silent"
UNTRIED = "untried"
#: Every state has a sign and a word: colour is never alone in saying it.
SIGNS = {OK: "✓", WRONG: "✗", SILENT: "✗", UNTRIED: "–"}
WORDS = {OK: "as expected", WRONG: "wrong version", SILENT: "no answer", UNTRIED: "not tried"}


@dataclass(frozen=True)
class Cell:
    """One kind of message of one case. lines: who answered; problem: what is wrong, empty when nothing is."""

    kind: str
    state: str
    lines: tuple[str, ...]
    problem: str = ""

    @property
    def failed(self) -> bool:
        return self.state in (WRONG, SILENT)


@dataclass(frozen=True)
class Column:
    """transport and kind, keys of `TRANSPORTS` and `KINDS`."""

    transport: str
    kind: str


@dataclass(frozen=True)
class Row:
    """One way in. title: the lane's name, or the name of the case; cells: by column, None where not tried.

    why: which rule decides; remarks: what is wrong and shows in no cell.
    """

    title: str
    sent: str
    why: str
    passed: bool | None
    cells: tuple[tuple[Column, Cell | None], ...]
    remarks: tuple[str, ...]


@dataclass(frozen=True)
class Matrix:
    """Rows of one kind of case. transports: of the columns, with how many columns each has."""

    columns: tuple[Column, ...]
    transports: tuple[tuple[str, int], ...]
    rows: tuple[Row, ...]


def matrix(proof: Proof, kind: str) -> Matrix:
    """The cases of a kind (``lane`` or ``negative``); those that differ in the transport only share a row."""
    cases = [case for case in proof.cases if case.kind == kind]
    present = {Column(case.transport, name) for case in cases for name in _kinds(case)}
    columns = sorted(present, key=lambda c: (_rank(TRANSPORTS, c.transport), _rank(KINDS, c.kind), c.kind))
    transports: dict[str, int] = {}
    for column in columns:
        transports[column.transport] = transports.get(column.transport, 0) + 1
    named = len(services_of(proof.cases)) > 1
    rows = [_row(group, columns, named) for group in _together(cases)]
    return Matrix(tuple(columns), tuple(transports.items()), tuple(rows))


def cells(case: Case, named: bool = True) -> list[Cell]:
    """The cells of a case. named: whether the lines name the service, not only the version."""
    return [_cell(case, kind, named) for kind in _kinds(case)]


def unexplained(case: Case) -> tuple[str, ...]:
    """What is wrong with a case beyond its cells: connections that failed, answers missing or too many.

    When a cell says what is wrong already, only the connections' failures are left.
    """
    if case.passed is not False:
        return ()
    if any(cell.failed for cell in cells(case)):
        return case.connection_failures
    return case.differences or case.connection_failures or ("failed without saying why",)


def sent(entry: Entry) -> str:
    """``version: v2``, ``cookie lane=v2``; what is empty is said."""
    if entry.via == "none" or entry.value is None:
        return "nothing"
    value = entry.value or "(empty)"
    name = entry.name or "?"
    return f"{name}: {value}" if entry.via == "header" else f"{entry.via} {name}={value}"


def _together(cases: Iterable[Case]) -> list[list[Case]]:
    """Cases of the same way in, one for each transport; a second one of the same transport begins a row."""
    groups: list[list[Case]] = []
    for case in cases:
        fitting = (
            group
            for group in groups
            if _way(group[0]) == _way(case) and all(other.transport != case.transport for other in group)
        )
        group = next(fitting, None)
        if group is None:
            groups.append([case])
        else:
            group.append(case)
    return groups


def _way(case: Case) -> tuple[object, ...]:
    return (case.lane, case.entry) if case.kind == "lane" else (_plain_name(case), case.entry)


def _plain_name(case: Case) -> str:
    """The case's name without the transport, which has a column."""
    return case.name.removesuffix(f", {case.transport}")


def _row(cases: Sequence[Case], columns: Sequence[Column], named: bool) -> Row:
    found = {Column(case.transport, cell.kind): cell for case in cases for cell in cells(case, named)}
    verdicts = [case.passed for case in cases]
    first = cases[0]
    return Row(
        title=first.lane if first.kind == "lane" and first.lane else _plain_name(first),
        sent=sent(first.entry),
        why=first.why,
        passed=False if False in verdicts else None if None in verdicts else True,
        cells=tuple((column, found.get(column)) for column in columns),
        remarks=tuple(dict.fromkeys(words for case in cases for words in unexplained(case))),
    )


def _kinds(case: Case) -> list[str]:
    kinds = [kind for kind, services in case.expected.items() if services]
    return sorted(kinds, key=lambda kind: (_rank(KINDS, kind), kind))


def _rank(names: Mapping[str, str], name: str) -> int:
    """Where a name stands; one of a later release stands last."""
    return list(names).index(name) if name in names else len(names)


def _cell(case: Case, kind: str, named: bool) -> Cell:
    expected, observed = case.expected[kind], case.observed.get(kind, {})
    if case.passed is None:
        wanted = tuple(_named(service, version, named) for service, version in expected.items())
        return Cell(kind, UNTRIED, wanted)
    if case.passed and case.refused and not any(observed.values()):
        return Cell(kind, OK, ("refused, as may be",))
    judged = [_judge(version, observed.get(service, {})) for service, version in expected.items()]
    lines, problems = [], []
    for service, (_state, line, problem) in zip(expected, judged, strict=True):
        lines.append(_named(service, line, named))
        problems += [_named(service, problem, named)] if problem else []
    states = [state for state, _line, _problem in judged]
    state = next((state for state in (WRONG, SILENT) if state in states), OK)
    return Cell(kind, state, tuple(lines), "; ".join(problems))


def _judge(wanted: str, counts: Mapping[str, int]) -> tuple[str, str, str]:
    """State, who answered, and what is wrong, for one service. counts: by version."""
    seen = " ".join(f"{version} ×{count:,}" for version, count in counts.items())
    others = {version: count for version, count in counts.items() if version != wanted}
    if others:
        total = sum(counts.values())
        who = ", ".join(f"{version} answered {count:,} of {total:,}" for version, count in others.items())
        return WRONG, seen, f"{who}; expected {wanted}"
    return (OK, seen, "") if counts else (SILENT, "no answer", f"nothing came; expected {wanted}")


def _named(service: str, words: str, named: bool) -> str:
    return f"{short(service)} {words}" if named else words
