"""Remarks are taken out of a text, and what they silence is read from them."""

import pytest

from pgadvisor.sql.remarks import ignored_in, without_remarks


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
