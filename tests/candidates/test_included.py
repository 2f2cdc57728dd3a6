"""Which columns may be included: none whose values may be too long for an index entry."""

from typing import Any

import pytest

from pgadvisor.candidates.included import included, is_short
from pgadvisor.example import TYPICAL, table
from pgadvisor.model.catalog import Column, ColumnStatistics
from tests.selection.make_writes import candidate


def seen(width: int, *values: str) -> ColumnStatistics:
    return ColumnStatistics(
        null_fraction=0.0, average_width_bytes=width, n_distinct=-1.0, histogram_bounds=values or None
    )


@pytest.mark.parametrize(
    ("kind", "more"),
    [
        ("bigint", {}),
        ("numeric(12,2)", {}),
        ("timestamp with time zone", {}),
        ("uuid", {}),
        ("inet", {}),
        ("character varying(64)", {}),
        ("character(3)", {}),
        ("mood", {"statistics": seen(4)}),
        ("character varying(4000)", {"statistics": seen(20)}),
        ("text", {"statistics": seen(20, "short", "shorter")}),
        ("text", {"statistics": seen(90, "x" * 399)}),
    ],
)
def test_a_short_column(kind: str, more: dict[str, Any]) -> None:
    assert is_short(Column(name="x", type=kind, **more))


@pytest.mark.parametrize(
    ("kind", "more"),
    [
        ("text", {}),
        ("character varying(4000)", {}),
        ("character varying(4000)", {"statistics": seen(90, "x" * 2000)}),
        ("text", {"statistics": seen(20, "x" * 900)}),
        ("text", {"statistics": seen(400)}),
        ("text", {"statistics": seen(18)}),  # all its values lie in TOAST, and ANALYZE shows none
        ("a_domain_over_text", {}),
        ("ltree", {}),
        ("jsonb", {"statistics": seen(10)}),
        ("integer[]", {"statistics": seen(10)}),
        ("bigint", {"is_generated": True, "is_virtual": True}),
    ],
)
def test_a_column_whose_values_may_be_long(kind: str, more: dict[str, Any]) -> None:
    assert not is_short(Column(name="x", type=kind, **more))


def test_all_that_is_read_or_nothing() -> None:
    t = table("t", columns={"a": "bigint", "b": "bigint", "note": "text"},
              statistics={"a": TYPICAL, "b": TYPICAL})  # fmt: skip
    assert included(t, candidate("t", "a"), frozenset({"a", "b"})) == ("b",)
    assert included(t, candidate("t", "a"), frozenset({"a", "b", "note"})) == ()
    assert included(t, candidate("t", "a"), frozenset({"a", "gone"})) == ()
