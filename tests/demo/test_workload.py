"""The workload is data: the same calls on every run, and every rule of the first release has its problem."""

from datetime import UTC, datetime
from random import Random

from pgadvisor.demo.problems import PROBLEMS
from pgadvisor.demo.statement import Draw
from pgadvisor.demo.workload import STATEMENTS, Call, _calls


def calls() -> list[Call]:
    return _calls(Draw(Random(42), datetime(2026, 1, 1, tzinfo=UTC)))


def test_calls_are_the_same_on_every_run() -> None:
    assert calls() == calls()


def test_cheap_statements_are_frequent_and_come_between_the_dear_ones() -> None:
    texts = [text for text, _ in calls()]
    assert len(texts) == sum(statement.calls for statement in STATEMENTS)
    assert len({*texts[:1_000]}) > len(STATEMENTS) / 2


def test_names_are_unique() -> None:
    names = [statement.name for statement in STATEMENTS]
    assert len(names) == len({*names})


def test_problems_speak_of_statements_that_exist() -> None:
    names = {statement.name for statement in STATEMENTS}
    assert {problem.statement for problem in PROBLEMS if problem.statement} <= names


def test_values_fit_the_parameters() -> None:
    for text, values in calls():
        assert [f"${number + 1}" in text for number in range(len(values))] == [True] * len(values), text
        assert f"${len(values) + 1}" not in text, text
