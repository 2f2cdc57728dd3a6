"""What many look-ups are priced at beyond the planner's price: by their order, and by where the rows lie."""

import msgspec
import pytest

from pgadvisor.example import table
from pgadvisor.model.catalog import Column, ColumnStatistics
from pgadvisor.model.whatif import LookUps
from pgadvisor.selection.look_up_prices import DISORDER, FETCH, LookUpPrices
from tests.selection.make_writes import facts_about

LINES = LookUps(index="public.lines_pkey", table="public.lines", loops=70_000, rows=4, cost=60_000, is_index_only=False,
                is_ordered=True)  # fmt: skip
SCATTERED = msgspec.structs.replace(LINES, index="public.new", loops=400, rows=200, cost=11_000, is_ordered=False)


def column(name: str, correlation: float, n_distinct: float = -0.25) -> Column:
    statistics = ColumnStatistics(
        null_fraction=0.0, average_width_bytes=8, n_distinct=n_distinct, correlation=correlation
    )
    return Column(name=name, type="bigint", statistics=statistics)


@pytest.fixture
def prices() -> LookUpPrices:
    made = table("lines", primary_key="order_id, number")
    columns = (
        column("order_id", 1.0),
        column("number", 0.1),
        column("supplier_id", 0.01),
        column("part_id", 0.0, 30_000),
    )
    lines = msgspec.structs.replace(made, columns=columns, rows=3e6, pages=55_000, heap_bytes=55_000 * 8192)
    found = LookUpPrices(facts_about(lines))
    found.add("public.new", "supplier_id")
    found.add("public.of_expression", None, "number")
    return found


def test_look_ups_in_the_order_of_the_table_cost_what_the_planner_says(prices: LookUpPrices) -> None:
    assert prices.beyond(LINES) == 0.0


def test_look_ups_in_another_order_cost_half_as_much_again(prices: LookUpPrices) -> None:
    assert prices.beyond(msgspec.structs.replace(LINES, is_ordered=False)) == DISORDER * LINES.cost


def test_rows_from_all_over_the_heap_cost_a_fetch_each(prices: LookUpPrices) -> None:
    fetched = SCATTERED.loops * SCATTERED.rows * FETCH
    assert prices.beyond(SCATTERED) == pytest.approx((1 + DISORDER) * fetched - SCATTERED.cost)
    only = msgspec.structs.replace(SCATTERED, is_index_only=True)
    assert prices.beyond(only) == DISORDER * SCATTERED.cost
    unknown = msgspec.structs.replace(SCATTERED, index="public.of_expression")
    assert prices.beyond(unknown) == prices.beyond(SCATTERED)


def test_rows_that_a_filter_takes_are_fetched_all_the_same(prices: LookUpPrices) -> None:
    filtered = msgspec.structs.replace(SCATTERED, index="public.of_parts", rows=1, cost=100)
    prices.add("public.of_parts", "part_id", "number")
    few = prices.beyond(filtered)
    prices.add("public.of_parts", "part_id")
    assert prices.beyond(filtered) == pytest.approx((1 + DISORDER) * 400 * 100 * FETCH - 100)
    assert few == pytest.approx((1 + DISORDER) * 400 * FETCH - 100)
