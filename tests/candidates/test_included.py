"""Which columns may be included or lead an index: none whose values may be too long for an index entry."""

from typing import Any

import msgspec
import pytest

from pgadvisor.candidates.included import included
from pgadvisor.candidates.lengths import is_short, may_be_key, toasted
from pgadvisor.example import TYPICAL, table
from pgadvisor.model.catalog import Column, ColumnStatistics, Index, IndexKey, Table
from tests.selection.make_writes import candidate


def seen(width: int, *values: str, correlation: float | None = 0.5) -> ColumnStatistics:
    return ColumnStatistics(
        null_fraction=0.0, average_width_bytes=width, n_distinct=-1.0, histogram_bounds=values or None,
        correlation=correlation,
    )  # fmt: skip


HIDDEN = seen(18, correlation=None)
"""Of a column whose values all lie in TOAST: ANALYZE shows none."""


def with_toast(toast_bytes: int, **columns: tuple[str, ColumnStatistics]) -> Table:
    """A table of a megabyte beside what lies in TOAST."""
    made = tuple(Column(name=name, type=kind, statistics=found) for name, (kind, found) in columns.items())
    total = 2 * 2**20 + 40_000 + toast_bytes
    return Table(schema="public", name="t", columns=made, heap_bytes=2**20, index_bytes=2**20, total_bytes=total)


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
        ("text", {"statistics": seen(18)}),  # of a snapshot without values
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
        ("text", {"statistics": HIDDEN}),
        ("text", {"statistics": seen(60, correlation=None)}),  # some lie in TOAST, and the others are a kilobyte long
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


def test_what_may_lie_in_toast_is_not_included() -> None:
    columns = {"a": ("bigint", TYPICAL), "slug": ("text", seen(20)), "note": ("text", seen(60))}
    for toast_bytes, expected in ((0, ("slug", "note")), (4 * 2**20, ())):
        t = with_toast(toast_bytes, **columns)
        assert included(t, candidate("t", "a"), frozenset({"slug", "note"})) == expected
    t = with_toast(4 * 2**20, **columns)
    assert toasted(t) == {"slug", "note"}
    indexed = Index(schema="public", name="i", definition="", keys=(IndexKey(text="slug", column="slug"),))
    assert toasted(msgspec.structs.replace(t, indexes=(indexed,))) == {"note"}  # all its values fit there
    assert toasted(with_toast(4 * 2**20, **columns, data=("jsonb", seen(40)), body=("text", HIDDEN))) == {
        "data",
        "body",
    }


def test_what_the_most_common_values_leave_out_may_be_long() -> None:
    found = msgspec.structs.replace(
        HIDDEN, most_common_values=("ok",), most_common_frequencies=(0.98,), correlation=0.9
    )
    assert not is_short(Column(name="x", type="text", statistics=found))
    all_of_it = msgspec.structs.replace(found, most_common_frequencies=(1.0,), n_distinct=1.0)
    assert is_short(Column(name="x", type="text", statistics=all_of_it))


def test_a_key_is_no_column_whose_values_lie_in_toast() -> None:
    t = with_toast(4 * 2**20, id=("bigint", TYPICAL), slug=("text", seen(20)), body=("text", HIDDEN))
    assert [may_be_key(t, each) for each in t.columns] == [True, True, False]
    only = with_toast(4 * 2**20, id=("bigint", TYPICAL), code=("character varying(9)", seen(4)), log=("text", seen(60)))
    assert [may_be_key(only, each) for each in only.columns] == [True, True, False]
    plain = with_toast(0, log=("text", seen(60)))
    assert may_be_key(plain, plain.columns[0])
