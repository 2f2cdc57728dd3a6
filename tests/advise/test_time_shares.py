"""Where the time goes: parts that sum up, and labels that tell statements apart."""

import pytest

from pgadvisor.advise.advise import advise
from pgadvisor.advise.examples import facts_of, snapshot_of
from pgadvisor.advise.time_shares import most_costly, table_shares, time_by_statement
from pgadvisor.rule import Example, replace, table

TABLES = tuple(table(name, columns={"a": "bigint", "b": "bigint"}) for name in "pqrstuvw")
MANY = Example(
    sql="SELECT * FROM p WHERE a = $1",
    calls=100,
    mean_ms=80.0,
    tables=TABLES,
    other=tuple((f"SELECT * FROM {name} WHERE a = $1", 100, 8.0 - at) for at, name in enumerate("qrstuvw")),
)


def test_every_table_has_its_share_and_the_few_most_costly_are_shown() -> None:
    facts = facts_of(MANY)
    shares = table_shares(facts)
    assert [share.label for share in shares] == list("pqrstuvw")
    assert sum(share.share for share in shares) == pytest.approx(1.0)
    shown = most_costly(shares, "table", facts)
    assert [share.label for share in shown] == ["p", "q", "r", "s", "t", "3 other tables"]
    assert sum(share.total_ms for share in shown) == pytest.approx(facts.total_ms)
    report = advise(snapshot_of(MANY), ())
    assert (report.time_by_table, report.table_shares) == (shown, shares)
    assert report.observed_ms == facts.total_ms


def test_statements_alike_are_told_apart_by_what_they_filter_by() -> None:
    example = Example(
        sql="SELECT * FROM p WHERE a = $1",
        tables=TABLES,
        other=(
            ("SELECT a FROM p WHERE b = $1", 10, 9.0),
            ("SELECT b FROM p WHERE b = $1", 10, 8.0),
            ("SELECT * FROM q", 10, 7.0),
        ),
    )
    labels = [share.label for share in time_by_statement(facts_of(example))]
    assert labels == ["SELECT p by a", "SELECT p by b (1)", "SELECT p by b (2)", "SELECT q"]


def test_time_that_is_in_no_statement_is_told() -> None:
    snapshot = snapshot_of(MANY)
    assert snapshot.totals is not None
    totals = replace(snapshot.totals, total_ms=snapshot.totals.total_ms * 1.5, own_ms=snapshot.totals.total_ms * 0.25)
    report = advise(replace(snapshot, totals=totals), ())
    assert report.time[-1].label == "3 other statements and utility and left-out statements"
    assert sum(share.share for share in report.time) == pytest.approx(1.0)
    assert report.observed_ms == pytest.approx(totals.total_ms - totals.own_ms)
