"""What holds of the size of any index, whatever its rows: more is never smaller, sharing never larger."""

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pgadvisor.model.catalog import ColumnStatistics
from pgadvisor.sizes.model import index_pages
from pgadvisor.sizes.shape import IndexShape, KeyShape

SLACK = 1.02
"""Pages are whole, and how many tuples fit on one is rounded."""


@st.composite
def statistics(draw: st.DrawFn, width: int = 8) -> ColumnStatistics:
    """Of a column with some NULLs, some common values, and others."""
    nulls = draw(st.sampled_from([0.0, 0.0, 0.1, 0.7, 1.0]))
    common = draw(st.lists(st.floats(0.001, 0.3), max_size=5))
    total = sum(common)
    kept = tuple(share * (1 - nulls) / max(total, 1.0) for share in common) if nulls < 1 else ()
    distinct = draw(st.one_of(st.floats(-1.0, -0.001), st.integers(1, 10**6).map(float)))
    if distinct > 0:
        distinct = max(distinct, float(len(kept)))
    return ColumnStatistics(
        null_fraction=nulls, average_width_bytes=width, n_distinct=distinct, most_common_frequencies=kept
    )


@st.composite
def key(draw: st.DrawFn) -> KeyShape:
    length = draw(st.sampled_from([1, 2, 4, 8, 16, -1]))
    width = draw(st.integers(1, 300)) if length < 0 else length
    widths = tuple(draw(st.lists(st.integers(1, 400), max_size=20))) if length < 0 else ()
    alignment = 4 if length < 0 else min(length, 8)
    return KeyShape(length=length, alignment=alignment, statistics=draw(statistics(width)), widths=widths)


@st.composite
def shape(draw: st.DrawFn, method: str = "btree") -> IndexShape:
    most = 1 if method == "hash" else 3
    rows = draw(st.floats(0, 5e6))
    return IndexShape(
        rows=rows, heap_rows=max(rows, 1.0), keys=tuple(draw(st.lists(key(), min_size=1, max_size=most))),
        method=method, is_deduplicated=draw(st.booleans()) and method == "btree",
        heap_pages=draw(st.integers(0, 10**6)), fillfactor=draw(st.sampled_from([None, 70, 100])),
    )  # fmt: skip


def changed(of: IndexShape, **fields: object) -> IndexShape:
    return msgspec.structs.replace(of, **fields)


@pytest.mark.parametrize("method", ["btree", "hash", "gin", "gist", "brin"])
@settings(deadline=None, max_examples=60)
@given(data=st.data())
def test_more_rows_never_make_it_smaller(method: str, data: st.DataObject) -> None:
    few = data.draw(shape(method))
    more = changed(few, rows=few.rows * 2, heap_rows=(few.heap_rows or 1) * 2, heap_pages=few.heap_pages * 2)
    assert index_pages(few).pages >= 1
    assert index_pages(few).pages <= index_pages(more).pages * SLACK + 2


@settings(deadline=None, max_examples=100)
@given(shape())
def test_sharing_tuples_never_makes_it_larger(one: IndexShape) -> None:
    shared = index_pages(changed(one, is_deduplicated=True))
    assert shared.pages <= index_pages(changed(one, is_deduplicated=False)).pages * SLACK + 2


@settings(deadline=None, max_examples=100)
@given(shape(), key())
def test_another_column_never_makes_it_smaller(one: IndexShape, another: KeyShape) -> None:
    without = index_pages(changed(one, is_deduplicated=False))
    included = index_pages(changed(one, is_deduplicated=False, included=(another,)))
    assert without.pages <= included.pages * SLACK + 2


@settings(deadline=None, max_examples=100)
@given(shape(), st.floats(0.0, 1.0))
def test_a_part_of_the_rows_is_never_larger(one: IndexShape, part: float) -> None:
    assert index_pages(changed(one, rows=one.rows * part)).pages <= index_pages(one).pages * SLACK + 2


@settings(deadline=None, max_examples=100)
@given(shape())
def test_a_fuller_page_never_makes_it_larger(one: IndexShape) -> None:
    assert index_pages(changed(one, fillfactor=100)).pages <= index_pages(changed(one, fillfactor=50)).pages * SLACK + 2


@settings(deadline=None, max_examples=100)
@given(shape())
def test_the_tree_is_as_high_as_its_pages_need(one: IndexShape) -> None:
    found = index_pages(one)
    assert found.pages >= found.height + 2
    assert found.height <= 6


def unique(rows: float, **fields: object) -> IndexShape:
    known = ColumnStatistics(null_fraction=0.0, average_width_bytes=4, n_distinct=-1.0)
    one = IndexShape(rows=rows, keys=(KeyShape(length=4, statistics=known),), is_deduplicated=True)
    return changed(one, **fields)


def test_known_sizes() -> None:
    """As CREATE INDEX of PostgreSQL 15 made them of a million integers: different ones, and a thousand of each."""
    assert index_pages(unique(1e6)).pages == 2745
    few = ColumnStatistics(null_fraction=0.0, average_width_bytes=4, n_distinct=1000.0)
    thousand = unique(1e6, keys=(KeyShape(length=4, statistics=few),))
    assert index_pages(thousand).pages == pytest.approx(896, rel=0.01)
