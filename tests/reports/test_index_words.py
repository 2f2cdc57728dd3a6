"""What index advice is said to give, to cost and to rest on, in words."""

import msgspec
import pytest

from pgadvisor.model.advice import IndexAdvice, StatementEffect
from pgadvisor.reports import index_words as words
from tests.reports.make_advice import idle_advice, make_advice, measured_advice


def test_what_all_of_it_gives_and_costs() -> None:
    advice = make_advice()
    assert words.saving(advice) == (
        "Creating 4 indexes and dropping 2 saves 98.1% of the workload's time: 1.34 h → 1.57 min a day."
    )
    assert words.helped(advice) == "4 statements get faster, 1 other slower (by at most 3.0%)."
    assert words.price(advice) == "The new indexes take 227 MB; writes pay 15.6 s a day for it; the drops free 62 MB."
    assert words.trial(advice) == (
        "Tried on the planner twin, PostgreSQL 18.6: 7 statements, 4,120 plans; 1 statement left out and not counted."
    )
    assert words.in_a_line(advice) == (
        "4 indexes to create, 2 to drop: together they save 98.1% of the workload's time, estimated"
    )


def test_what_was_built_is_measured_and_the_rest_estimated() -> None:
    advice = measured_advice()
    assert words.measured(advice) == "Really built on a copy of the database, it saved 96.9% of the time of all calls."
    assert words.in_a_line(advice).endswith("they saved 96.9% of the time of all calls, measured")
    assert "96 MB of a budget of 100 MB" in words.price(advice)
    assert words.measured(make_advice()) == ""


@pytest.mark.parametrize(
    ("candidates", "gap", "said"),
    [
        (
            412,
            0.004,
            "Proved over all plans made: no choice of the 412 indexes tried takes less than 1.56 min a day, "
            "0.4% below this.",
        ),
        (412, 0.0, "Proved over all plans made: no choice of the 412 indexes tried saves more."),
        (1, 0.0, "Proved over all plans made: the one index tried saves no more."),
        (412, 1.0, "How near it is to the best choice of the 412 indexes tried is not proved."),
        (0, 0.0, ""),
    ],
)
def test_how_near_to_the_best(candidates: int, gap: float, said: str) -> None:
    assert words.proof(make_advice(candidates=candidates, gap=gap)) == said


def test_costs_are_not_called_times() -> None:
    advice = make_advice(unit="cost")
    assert words.saving(advice).endswith("of the workload's planned cost: cost 4,838,000 → 94,000.")
    assert "cheaper" in words.helped(advice) and "dearer" in words.helped(advice)
    every = (words.saving, words.helped, words.proof, words.price, words.in_a_line)
    assert not any(" ms" in each(advice) or "a day" in each(advice) for each in every)


def test_nothing_to_do_says_why() -> None:
    advice = idle_advice()
    assert words.saving(advice) == advice.nothing_because
    assert words.in_a_line(advice) == "no index to create or to drop"
    bare = IndexAdvice(unit="ms", tried_on="planner twin, PostgreSQL 18.6")
    assert words.saving(bare).startswith("No index to create or to drop was found")
    assert (words.helped(bare), words.proof(bare), words.price(bare)) == ("", "", "")


def test_drops_that_save_no_time() -> None:
    advice = make_advice(create=(), before=1_000.0, after=1_000.0, size_bytes=0, statements=())
    assert words.saving(advice) == "Dropping 2 indexes leaves the workload's time as it is: 1 s a day."
    assert words.price(advice) == "The drops free 62 MB."
    assert words.in_a_line(advice) == "2 indexes to drop"


@pytest.mark.parametrize(
    ("ratio", "said"),
    [
        (0.0, "far less"), (0.01, "100× less"), (0.4, "2.5× less"), (0.9, "10.0% less"), (1.0, "the same"),
        (1.03, "3.0% more"), (3.0, "3.0× more"),
    ],
)  # fmt: skip
def test_by_how_much_a_statement_changes(ratio: float, said: str) -> None:
    assert words.change(StatementEffect(statement="1", ratio=ratio, before=1.0, after=ratio)) == said


@pytest.mark.parametrize(
    ("value", "said"),
    [(4_100.0, "saves 4.1 s a day"), (-4_100.0, "costs 4.1 s a day"), (0.0, "saves nothing"),
     (0.02, "saves <1 ms a day")],
)  # fmt: skip
def test_a_gain_may_be_a_loss(value: float, said: str) -> None:
    assert words.gain(value, "ms a day") == said


def test_a_day_is_not_told_where_nobody_knows_how_long_the_calls_took() -> None:
    advice = make_advice(is_per_day=False)
    assert words.saving(advice).endswith("saves 98.1% of the time of the workload's calls: 1.34 h → 1.57 min.")
    every = (words.saving(advice), words.helped(advice), words.proof(advice), words.price(advice),
             words.gain(9.0, advice.told_unit), words.effect_times(advice.statements[0], advice.told_unit))  # fmt: skip
    assert not any("a day" in each for each in every)


def test_where_more_room_gives_little() -> None:
    points = make_advice().curve
    assert words.knee(points) == "3 indexes of 96 MB save 97.4%; 131 MB more would save 0.7% more."
    assert words.knee(points[:3]) == "3 indexes of 96 MB save 97.4%; more room saves no more."
    assert words.knee(points[:1]) == ""


def test_one_index_is_no_they() -> None:
    one = make_advice(create=make_advice().create[:1], drop=())
    assert words.in_a_line(one) == "1 index to create: it saves 98.1% of the workload's time, estimated"
    built = msgspec.structs.replace(one, measured_ratio=0.5)
    assert "built on a copy, it saved 50.0%" in words.in_a_line(built)


def test_a_write_that_pays_much_is_told_by_a_factor() -> None:
    effects = tuple(
        StatementEffect(statement=f"{at}", ratio=ratio, before=1.0, after=ratio, is_write=at > 1)
        for at, ratio in enumerate((0.5, 1.05, 4.9))
    )
    assert words.helped(make_advice(statements=effects)) == (
        "1 statement gets faster, 1 write slower (at most 4.9×), 1 other slower (by at most 5.0%)."
    )
