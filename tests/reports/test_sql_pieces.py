"""A statement in pieces: nothing lost, the guilty parts marked, hostile texts in one pass."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pgadvisor.model.finding import Span
from pgadvisor.reports.sql_pieces import sql_pieces, sql_runs

SQL_LIKE = st.text(alphabet="ab $1'\"-/*\n;()Ee\\é", max_size=60)
SPANS = st.lists(st.tuples(st.integers(-3, 70), st.integers(-3, 70)), max_size=4)


@given(SQL_LIKE, SPANS)
def test_pieces_are_the_text_and_exactly_the_spans_are_guilty(text: str, ranges: list[tuple[int, int]]) -> None:
    spans = tuple(Span(start=start, end=end) for start, end in ranges)
    pieces = sql_pieces(text, spans)
    assert "".join(piece.text for piece in pieces) == text
    guilty = [piece.is_guilty for piece in pieces for _ in piece.text]
    assert guilty == [any(span.start <= at < span.end for span in spans) for at in range(len(text))]


def test_kinds() -> None:
    text = "SELECT \"from\", 'it''s', $1, 2.5 -- where\nFROM t /* x */ WHERE a = $q$ it's $q$"
    kinds = {piece.text.strip(): piece.kind for piece in sql_pieces(text)}
    assert kinds["SELECT"] == kinds["FROM"] == kinds["WHERE"] == "keyword"
    assert kinds["'it''s'"] == kinds["$q$ it's $q$"] == "string"
    assert kinds["$1"] == kinds["2.5"] == "value"
    assert kinds["-- where"] == kinds["/* x */"] == "comment"


def test_a_guilty_part_is_one_run_whatever_it_holds() -> None:
    text = "SELECT 1 WHERE lower(email) = $1 AND true"
    start = text.index("lower")
    runs = sql_runs(text, (Span(start=start, end=text.index(" AND")),))
    marked = ["".join(piece.text for piece in run.pieces) for run in runs if run.is_guilty]
    assert marked == ["lower(email) = $1"]


def test_a_long_text_shows_its_beginning_and_its_guilty_part() -> None:
    text = "SELECT " + "1, " * 50_000 + "x FROM t WHERE guilty = 1 " + "-- " * 1_000
    at = text.index("guilty")
    pieces = sql_pieces(text, (Span(start=at, end=at + 6),), limit=1_000)
    assert sum(len(piece.text) for piece in pieces) < 2_000
    assert [piece.text for piece in pieces if piece.is_guilty] == ["guilty"]
    assert [piece.text for piece in pieces if piece.kind == "gap"] == [
        " … 148,822 characters not shown … ",
        " … 2,805 characters not shown … ",
    ]
    assert "".join(piece.text for piece in sql_pieces(text, limit=None)) == text


@pytest.mark.parametrize("part", ["/*", "'", "$a$", '"', "(", "$", "e'", "--", "1.", "\\"])
def test_a_long_text_of_one_sign_is_cut_into_pieces(part: str) -> None:
    text = part * 200_000
    assert sum(len(piece.text) for piece in sql_pieces(text, limit=None)) >= len(text)
