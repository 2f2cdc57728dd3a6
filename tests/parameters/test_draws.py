"""Draws: which values are tried beside the typical ones, how they weigh, and that each draw is one of them."""

import pytest

from pgadvisor.parameters.draws import Draw, Logged, draws_of
from pgadvisor.parameters.types import Typed
from pgadvisor.parameters.values import Chosen, Values
from tests.parameters.test_values import form, statistics, values

TEN_THOUSAND = 10_000.0


def drawn(
    text: str, *types: str, rows_of: dict[str, float] | None = None, logged: tuple[Logged, ...] = (), **counters: int
) -> tuple[Draw, ...]:
    """The draws; `rows_of`: the rows that the planner expects, by the value of the first parameter."""
    typed, made = Typed(form=form(text), types=types), values(text, *types, **counters)
    draws, unknown = draws_of(typed, made, lambda chosen: (rows_of or {}).get(chosen.texts.get(1, ""), 1.0), logged)
    assert unknown == frozenset()
    assert sum(draw.weight for draw in draws) == pytest.approx(1.0)
    assert len({draw.text for draw in draws}) == len(draws)
    return draws


def told(draws: tuple[Draw, ...]) -> dict[str, tuple[str, float]]:
    """Label and weight by the value of `$1`."""
    return {next(iter(draw.names)): (draw.label, round(draw.weight, 3)) for draw in draws}


def test_values_weigh_as_many_rows_as_have_them() -> None:
    assert told(drawn("SELECT * FROM orders WHERE status = $1 LIMIT 1", "text")) == {
        "done": ("typical", 0.6),
        "paid": ("rare", 0.35),
        "open": ("rare", 0.04),
        "lost": ("rare", 0.01),
    }


def test_values_before_the_typical_one_are_frequent() -> None:
    found = told(drawn("SELECT * FROM orders WHERE status = $1", "text", calls=10, rows=35_000))
    assert found["paid"][0] == "typical"
    assert (found["done"][0], found["open"][0]) == ("frequent", "rare")


def test_the_rows_of_a_call_bound_how_often_a_frequent_value_is_asked_for() -> None:
    rows = {"done": 6_000.0, "paid": 3_500.0, "open": 400.0, "lost": 100.0}
    found = told(drawn("SELECT * FROM orders WHERE status = $1", "text", rows_of=rows, calls=10, rows=1_000))
    assert found["done"] == ("frequent", pytest.approx(100 / 6_000, abs=0.001))
    assert found["paid"] == ("frequent", pytest.approx(100 / 3_500, abs=0.001))
    assert found["lost"][0] == "typical" and found["lost"][1] > 0.8


def test_a_unique_value_is_like_any_other() -> None:
    (only,) = drawn("SELECT * FROM orders WHERE id = $1", "bigint")
    assert (only.label, only.weight) == ("typical", 1.0)


def test_ranges_are_tried_wider_and_narrower() -> None:
    found = drawn("SELECT count(*) FROM orders WHERE id > $1", "bigint")
    assert [(draw.label, round(draw.weight, 2)) for draw in found] == [
        ("typical", 0.6), ("frequent", 0.2), ("rare", 0.2),
    ]  # fmt: skip
    typical, wide, narrow = (int(next(iter(draw.names))) for draw in found)
    assert wide == pytest.approx(3_333, abs=1) and typical == pytest.approx(6_667, abs=1) and narrow > 9_000


def test_all_parameters_of_a_draw_move_together() -> None:
    found = drawn("SELECT * FROM orders WHERE status = $1 AND id > $2 LIMIT $3", "text", "bigint", "bigint")
    assert [draw.label for draw in found] == ["typical", "rare", "rare", "rare"]
    assert all("LIMIT '20'" in " ".join(draw.text.split()) for draw in found)


def test_a_filter_that_may_be_left_out_is_left_out_in_some_calls() -> None:
    text = "SELECT * FROM orders WHERE ($1::text IS NULL OR status = $1) LIMIT 5"
    found = drawn(text, "text")
    assert [draw.label for draw in found][-1] == "null"
    assert found[-1].weight == pytest.approx(0.2)
    assert "$1" not in found[-1].text and "NULL::text IS NULL" in " ".join(found[-1].text.split()).replace(" ::", "::")


@pytest.mark.parametrize(
    "text",
    [
        "SELECT * FROM orders WHERE status = $1",
        "SELECT * FROM orders WHERE status <> $1",
        "SELECT * FROM orders WHERE status = $1 AND ($1 IS NOT NULL OR id > 5)",
        "SELECT * FROM orders WHERE id > 7 OR status = $1",
    ],
)
def test_a_null_that_would_empty_the_result_is_not_tried(text: str) -> None:
    assert "null" not in {draw.label for draw in drawn(text, "text")}


def test_logged_values_come_first() -> None:
    logged: tuple[Logged, ...] = ({1: "it's"}, {1: "paid"})
    found = drawn("SELECT * FROM orders WHERE status = $1 LIMIT 1", "text", logged=logged)
    assert [draw.label for draw in found[:3]] == ["logged", "logged", "typical"]
    assert found[0].weight == pytest.approx(0.25)
    assert "'it''s'" in found[0].text


def test_the_same_statistics_give_the_same_draws() -> None:
    text = "SELECT * FROM orders WHERE status = $1 AND email LIKE $2 AND id = ANY($3)"
    first, second = (drawn(text, "text", "text", "bigint[]") for _ in range(2))
    assert first == second


def test_what_nothing_is_known_of_stands_for_any_value() -> None:
    text = "SELECT * FROM orders WHERE data @> $1 AND status = $2"
    typed, made = Typed(form=form(text), types=("jsonb", "text")), values(text, "jsonb", "text")
    (only,), unknown = draws_of(typed, made, _never)
    assert unknown == {1}
    assert "@> (SELECT NULL::jsonb)::jsonb" in only.text and "status = 'done'" in only.text


def _never(chosen: Chosen) -> float:
    raise AssertionError("rows are not asked for")


def test_items_of_lists_are_frequent_or_rare_together() -> None:
    made: Values = values("SELECT * FROM orders WHERE status IN ($1, $2)", "text", "text")
    assert list(made.at(rank=0).texts.values()) == ["done", "paid"]
    assert list(made.at(rank=-1).texts.values()) == ["lost", "open"]


def test_groups_hold_all_rows() -> None:
    from pgadvisor.parameters.distribution import Distribution

    skewed = statistics(
        null_fraction=0.5, most_common_values=("a", "b", "c", "d", "e"),
        most_common_frequencies=(0.2, 0.05, 0.04, 0.03, 0.02), histogram_bounds=("f", "g", "h"),
    )  # fmt: skip
    found = Distribution(skewed, "text", TEN_THOUSAND).groups
    assert [value for value, _ in found] == ["a", "b", "c", "e", "g"]
    assert sum(share for _, share in found) == pytest.approx(1.0)
    assert found[0][1] == pytest.approx(0.4)
