"""Statements that are new, worse, better or gone: told when it is more than noise, and not before."""

import pytest

from pgadvisor.advise.statement_changes import Load, paired, statement_changes
from pgadvisor.model.workload import Statement

DAY_S = 86_400.0


def load(*told: tuple[str, int, float], days: float = 7.0) -> Load:
    """(key, calls, milliseconds a call) of each statement."""
    return Load(
        statements=tuple(
            Statement(key=key, text=f"SELECT {key}", fingerprint=f"f{key}", calls=calls, total_ms=calls * mean_ms,
                      mean_ms=mean_ms if calls else None)
            for key, calls, mean_ms in told
        ),
        window_s=days * DAY_S,
    )  # fmt: skip


def changes(now: Load, before: Load) -> list[tuple[str, str]]:
    pairs = paired(now.statements, before.statements)
    return [(each.change, each.text) for each in statement_changes(now, before, pairs)]


MUCH = ("much", 10_000, 10.0)


@pytest.mark.parametrize(
    ("was", "now", "told"),
    [
        ((1_000, 10.0), (1_000, 20.0), ["worse"]),
        ((1_000, 10.0), (1_000, 5.0), ["better"]),
        ((1_000, 10.0), (1_000, 13.0), []),  # caches do as much
        ((1_000, 10.0), (9, 20.0), []),  # too few calls for so little
        ((7, 2_000.0), (7, 9_000.0), ["worse"]),  # a nightly job
        ((7, 2_000.0), (7, 4_000.0), []),
        ((1_000, 0.01), (1_000, 0.09), []),  # nobody would feel it
        ((1_000, 10.0), (9_000, 10.0), ["worse"]),  # asked in a loop
        ((9_000, 10.0), (1_000, 10.0), ["better"]),
        ((1_000, 10.0), (2_000, 10.0), []),
        ((1_000, 10.0), (0, 0.0), ["gone"]),
        ((30, 10.0), (0, 0.0), []),  # it took too little
    ],
)
def test_a_statement(was: tuple[int, float], now: tuple[int, float], told: list[str]) -> None:
    found = changes(load(MUCH, ("it", *now)), load(MUCH, ("it", *was)))
    assert found == [(change, "SELECT it") for change in told]


def test_without_times_nothing_is_told() -> None:
    idle, busy = load(("it", 1_000, 0.0), ("new", 50, 0.0)), load(("it", 9_000, 0.0), ("gone", 500, 0.0))
    assert changes(idle, busy) == []
    assert changes(load(MUCH, ("it", 1_000, 0.0)), load(MUCH, ("it", 1_000, 0.0))) == []
    assert changes(load(MUCH, ("it", 1_000, 10.0)), busy) == []


def test_more_traffic_is_not_worse() -> None:
    assert changes(load(("much", 90_000, 10.0), ("it", 9_000, 10.0)), load(MUCH, ("it", 1_000, 10.0))) == []


def test_a_new_statement_is_told_when_it_takes_time() -> None:
    assert changes(load(MUCH, ("it", 1_000, 10.0), ("small", 9, 1.0)), load(MUCH)) == [("new", "SELECT it")]


def test_a_job_is_not_gone_before_its_turn() -> None:
    before = load(MUCH, ("nightly", 700, 100.0))
    assert changes(load(("much", 200, 10.0), days=2 / 24), before) == []
    assert changes(load(MUCH), before) == [("gone", "SELECT nightly")]


def test_the_largest_change_of_time_is_first() -> None:
    before = load(MUCH, ("a", 1_000, 10.0), ("b", 1_000, 10.0))
    now = load(MUCH, ("a", 1_000, 20.0), ("b", 1_000, 90.0))
    assert changes(now, before) == [("worse", "SELECT b"), ("worse", "SELECT a")]


def test_a_change_tells_times_of_both_runs() -> None:
    now, before = load(MUCH, ("it", 1_000, 20.0)), load(MUCH, ("it", 700, 10.0), days=7)
    found = statement_changes(now, before, paired(now.statements, before.statements))[0]
    assert (found.ms_per_call_before, found.ms_per_call_after) == (10.0, 20.0)
    assert found.ms_per_day_before == pytest.approx(1_000.0)
    assert found.ms_per_day_after == pytest.approx(20_000 / 7)


def test_a_statement_with_another_queryid_is_the_same_by_its_fingerprint() -> None:
    """A new major version, or a table made anew, changes every queryid."""
    before = load(("1", 10, 1.0), ("2", 10, 1.0), ("3", 10, 1.0))
    now = tuple(
        Statement(key=key, text="", fingerprint=fingerprint)
        for key, fingerprint in (("91", "f1"), ("92", "f2"), ("93", "f2"), ("3", "else"))
    )
    assert {key: each.key for key, each in paired(now, before.statements).items()} == {"91": "1", "3": "3"}
