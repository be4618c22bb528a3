"""The matrix: what a cell says about what was seen."""

from __future__ import annotations

import report_proofs
from ansible_collections.asm.lanes.plugins.plugin_utils._report import matrix, parsing
from ansible_collections.asm.lanes.plugins.plugin_utils._report.document import Case, Entry
from hypothesis import given
from hypothesis import strategies as st

VERSIONS = st.sampled_from(["v1", "v2", "v3"])
SERVICES = st.sampled_from(["shop/a", "shop/b"])
KINDS = st.sampled_from(["own", "ack", "to_one", "call", "broadcast"])
EXPECTED = st.dictionaries(KINDS, st.dictionaries(SERVICES, VERSIONS, min_size=1), min_size=1)
COUNTS = st.dictionaries(VERSIONS, st.integers(1, 9), max_size=3)
OBSERVED = st.dictionaries(KINDS, st.dictionaries(SERVICES, COUNTS))


def case(expected: dict[str, dict[str, str]], observed: dict[str, dict[str, dict[str, int]]]) -> Case:
    good = all(
        set(observed.get(kind, {}).get(service, {})) == {version}
        for kind, services in expected.items()
        for service, version in services.items()
    )
    entry = Entry("header", "version", "v2")
    words = () if good else ("words",)
    return Case("c", "lane", "v2", "websocket", entry, "", good, expected, observed, 0, (), words, None, None)


@given(EXPECTED, OBSERVED)
def test_a_case_passed_when_all_its_cells_are_good_and_says_why_when_not(
    expected: dict[str, dict[str, str]], observed: dict[str, dict[str, dict[str, int]]]
) -> None:
    one = case(expected, observed)
    cells = matrix.cells(one)
    assert len(cells) == len(expected)
    assert all(cell.state == matrix.OK for cell in cells) == one.passed
    assert all(bool(cell.problem) == cell.failed for cell in cells)
    assert not matrix.unexplained(one)


def test_a_failure_that_no_cell_shows_is_told_beside_them() -> None:
    proof = parsing.parse(report_proofs.failed())
    table = matrix.matrix(proof, "negative")
    assert [row.passed for row in table.rows] == [True, True, True, False, True]
    assert all(cell and cell.state == matrix.OK for _column, cell in table.rows[3].cells)
    assert table.rows[3].remarks == (
        "1 of 2 connections: HTTP 503 at the handshake: the gateway's route leads to no ready pod",
    )


def test_transports_share_a_row_and_have_columns_of_their_own() -> None:
    table = matrix.matrix(parsing.parse(report_proofs.many()), "lane")
    assert len(table.rows) == 12
    assert table.transports == (("websocket", 3), ("polling", 2), ("raw_websocket", 1), ("http", 1))
    assert all(cell for row in table.rows for _column, cell in row.cells)


def test_what_may_be_refused_and_was_is_good() -> None:
    row = matrix.matrix(parsing.parse(report_proofs.passed()), "negative").rows[-1]
    assert {cell.lines for _column, cell in row.cells if cell} == {("refused, as may be",)}
    assert not row.remarks


def test_negative_cases_share_a_row_whatever_the_transport() -> None:
    document = report_proofs.passed()
    others = [{**one, "name": f"{one['name']}, polling", "transport": "polling"} for one in document["cases"]]
    document["cases"] += others
    for kind, count in (("lane", 3), ("negative", 5)):
        table = matrix.matrix(parsing.parse(document), kind)
        assert len(table.rows) == count
        assert not any("polling" in row.title for row in table.rows)


def test_wrong_versions_are_counted_and_what_was_expected_is_named() -> None:
    own, ack, broadcast = matrix.cells(parsing.parse(report_proofs.failed()).cases[2], named=False)
    assert (own.state, own.lines, own.problem) == ("wrong", ("v1 ×4",), "v1 answered 4 of 4; expected v2")
    assert (ack.state, ack.problem) == ("ok", "")
    assert broadcast.problem == "v2 answered 4 of 72; expected v1"


def test_what_was_not_tried_shows_what_is_expected() -> None:
    cells = matrix.cells(parsing.parse(report_proofs.untried()).cases[2], named=False)
    assert {(cell.state, cell.lines) for cell in cells} == {("untried", ("v2",)), ("untried", ("v1",))}
