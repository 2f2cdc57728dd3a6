"""Remarks are taken out of a text, and what they silence is read from them."""

from datetime import date

import pytest

from pgadvisor.model.migration import Waiver
from pgadvisor.sql.remarks import ignored_in, waivers_in, without_remarks


@pytest.mark.parametrize(
    ("text", "bare"),
    [
        ("SELECT a /* for jane@example.com */ FROM t", "SELECT a   FROM t"),
        ("SELECT a -- customer 42\nFROM t", "SELECT a  \nFROM t"),
        ("SELECT a/**/FROM t", "SELECT a FROM t"),
        ("SELECT '/* no comment */' FROM t", "SELECT '/* no comment */' FROM t"),
        ("SELECT a FROM t WHERE b IN ($1 /*, ... */)", "SELECT a FROM t WHERE b IN ($1 /*, ... */)"),
        ("SELECT a FROM t", "SELECT a FROM t"),
    ],
)
def test_a_remark_becomes_a_space(text: str, bare: str) -> None:
    assert without_remarks(text) == bare


def test_what_a_remark_silences() -> None:
    assert ignored_in("-- pgadvisor: ignore select-star, deep-offset (export)\nSELECT 1") == {
        "select-star",
        "deep-offset",
    }
    assert ignored_in("SELECT 1 -- ignore deep-offset") == set()


@pytest.mark.parametrize(
    ("text", "waiver"),
    [
        ("-- pgadvisor: ignore", Waiver(rules=(), line=1)),
        ("-- pgadvisor: ignore (all is empty)", Waiver(rules=(), reason="all is empty", line=1)),
        ("--pgadvisor:ignore a-b,c (see (1))", Waiver(rules=("a-b", "c"), reason="see (1)", line=1)),
        ("\n/* pgadvisor: ignore a until 2027-01-31 */", Waiver(rules=("a",), until=date(2027, 1, 31), line=2)),
        ("# pgadvisor: ignore until 2027-01-31 (x)", Waiver(rules=(), until=date(2027, 1, 31), reason="x", line=1)),
        (
            "-- pgadvisor: ignore a, B until 2027-01-31 (x) y",
            Waiver(rules=("a", "b"), until=date(2027, 1, 31), reason="x", line=1),
        ),
    ],
)  # fmt: skip
def test_a_waiver_has_names_a_date_and_a_reason(text: str, waiver: Waiver) -> None:
    assert waivers_in(text) == (waiver,)


def test_a_date_that_is_none_is_an_error() -> None:
    with pytest.raises(ValueError, match="month"):
        waivers_in("-- pgadvisor: ignore a until 2027-13-01")
