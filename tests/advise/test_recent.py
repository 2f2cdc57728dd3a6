"""What ran since a previous run: by difference where the counters only grew, and never where they did not."""

from datetime import datetime, timedelta

import pytest
from msgspec.structs import replace

from pgadvisor.advise.advise import advise
from pgadvisor.advise.examples import NOON, snapshot_of
from pgadvisor.advise.recent import ENOUGH_CALLS, recent
from pgadvisor.model.report import Report
from pgadvisor.model.snapshot import Snapshot
from pgadvisor.rule import Example

LATER = NOON + timedelta(hours=2)


def run(*calls: tuple[int, float], at: datetime = NOON, since: datetime | None = NOON - timedelta(days=7)) -> Snapshot:
    """A snapshot of statements with those calls and times of a call."""
    made = snapshot_of(Example(other=tuple((f"SELECT c{n} FROM t", *each) for n, each in enumerate(calls, start=1))))
    assert made.totals
    total = sum(count for count, _ in calls)
    return replace(made, collected_at=at, totals=replace(made.totals, since=since, calls=total))


def before(*calls: tuple[int, float], since: datetime | None = NOON - timedelta(days=7)) -> Report:
    return advise(run(*calls, since=since), ())


def test_the_difference_is_what_ran_since() -> None:
    found = recent(run((1_500, 6.0), (100, 2.0), (2_000, 1.0), at=LATER), before((1_000, 8.0), (100, 2.0)))
    assert found.counters == "difference"
    assert found.is_enough
    assert found.window_s == 7_200
    told = {each.key: (each.calls, each.total_ms, each.mean_ms) for each in found.snapshot.statements}
    assert told == {"1": (500, 1_000.0, 2.0), "2": (0, 0.0, None), "3": (2_000, 2_000.0, 1.0)}
    assert [each.key for each in found.snapshot.statements] == ["3", "1", "2"]
    assert found.snapshot.totals is not None
    assert (found.snapshot.totals.since, found.snapshot.totals.calls) == (NOON, 2_500)
    assert advise(found.snapshot, ()).window_s == 7_200


def test_the_spread_of_an_interval_is_not_known() -> None:
    found = recent(run((1_500, 6.0), at=LATER), before((1_000, 8.0))).snapshot.statements[0]
    assert (found.min_ms, found.max_ms, found.stddev_ms) == (None, None, None)


def test_few_calls_are_no_workload() -> None:
    assert not recent(run((1_000 + ENOUGH_CALLS - 1, 8.0), at=LATER), before((1_000, 8.0))).is_enough
    assert recent(run((1_000 + ENOUGH_CALLS, 8.0), at=LATER), before((1_000, 8.0))).is_enough


def test_a_reset_is_seen_by_its_time() -> None:
    found = recent(run((5_000, 8.0), at=LATER, since=NOON + timedelta(hours=1)), before((1_000, 8.0)))
    assert (found.counters, found.window_s, found.is_enough) == ("reset", 3_600, False)
    assert found.snapshot.statements[0].calls == 5_000


@pytest.mark.parametrize("since", [None, NOON - timedelta(days=7)])
def test_a_reset_is_seen_by_calls_that_fell(since: datetime | None) -> None:
    """PostgreSQL 13 does not say when the counters were reset."""
    found = recent(run((900, 8.0), (50, 1.0), at=LATER, since=since), before((1_000, 8.0), (60, 1.0), since=since))
    assert found.counters == "reset"


def test_a_statement_thrown_out_that_came_back_ran_since() -> None:
    found = recent(run((1_500, 8.0), (3, 1.0), at=LATER), before((1_000, 8.0), (60, 1.0)))
    assert found.counters == "difference"
    assert found.snapshot.statements[1].calls == 3


def test_a_statement_whose_own_counters_began_since_is_taken_whole() -> None:
    """PostgreSQL 17 tells when each began."""
    now = run((1_500, 8.0), (90, 1.0), at=LATER)
    renewed = replace(now.statements[1], since=NOON + timedelta(minutes=5))
    found = recent(replace(now, statements=(now.statements[0], renewed)), before((1_000, 8.0), (60, 1.0)))
    assert {each.key: each.calls for each in found.snapshot.statements} == {"1": 500, "2": 90}


@pytest.mark.parametrize("since", [None, NOON - timedelta(days=9)])
def test_counters_of_another_or_an_unknown_beginning_are_not_subtracted(since: datetime | None) -> None:
    found = recent(run((1_500, 8.0), at=LATER, since=since), before((1_000, 8.0), since=since and NOON))
    assert found.counters == "whole"
    assert found.snapshot.statements[0].calls == 1_500
