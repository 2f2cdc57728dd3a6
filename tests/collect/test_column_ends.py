"""Tests of the present ends of columns: asked of an index, where rows came since ANALYZE, and never kept unasked."""

import psycopg

from pgadvisor.collect.collector import collect
from pgadvisor.collect.session import open_session
from pgadvisor.collect.statistics import strip_values
from pgadvisor.model.catalog import ColumnStatistics
from pgadvisor.model.snapshot import Snapshot
from tests.collect.fix_collect import collected, execute

TABLES = """
CREATE TABLE growing (id bigint PRIMARY KEY, at timestamptz, half integer, plain integer, word text,
    unasked integer);
CREATE INDEX ON growing (at DESC);
CREATE INDEX ON growing (half) WHERE half > 10;
CREATE INDEX ON growing (word);
CREATE INDEX growing_unasked ON growing (unasked);
CREATE TABLE still (id integer PRIMARY KEY);
INSERT INTO growing SELECT i, '2024-01-01Z'::timestamptz + i * interval '1 hour', i, i, 'w' || i, i FROM generate_series(1, 500) AS i;
INSERT INTO still SELECT i FROM generate_series(1, 500) AS i;
"""  # noqa: E501 - statements stand on a line each
LATER = (
    "INSERT INTO growing SELECT i, '2024-01-01Z'::timestamptz + i * interval '1 hour', i, i, 'z', i"
    " FROM generate_series(501, 900) AS i"
)


def fill(dsn: str) -> None:
    """Rows, ANALYZE once they are counted, and more rows in one of the tables."""
    execute(dsn, TABLES)
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("SELECT pg_sleep(0.2)")
        connection.execute("ANALYZE")
        connection.execute(LATER.encode())
        connection.execute("SET enable_seqscan = off; SET enable_bitmapscan = off; SET enable_sort = off")
        connection.execute("SELECT max(at) FROM growing")


def statistics(snapshot: Snapshot, table: str) -> dict[str, ColumnStatistics]:
    """Those of a table, by column."""
    columns = next(each.columns for each in snapshot.tables if each.name == table)
    return {column.name: column.statistics for column in columns if column.statistics}


def test_ends_are_those_of_now_where_an_index_leads_with_the_column(empty: str) -> None:
    fill(empty)
    snapshot = collected(empty)
    found = statistics(snapshot, "growing")
    assert (found["id"].smallest, found["id"].largest) == ("1", "900")
    assert (found["at"].smallest, found["at"].largest) == ("2024-01-01 01:00:00+00", "2024-02-07 12:00:00+00")
    assert found["id"].histogram_bounds and found["id"].histogram_bounds[-1] == "500"
    assert [found[name].largest for name in ("half", "plain", "word")] == [None, None, None]
    assert found["unasked"].largest is None
    with psycopg.connect(empty) as connection:
        counted = connection.execute("SELECT idx_scan FROM pg_stat_user_indexes WHERE indexrelname = 'growing_unasked'")
        assert counted.fetchone() == (0,), "an index that nobody uses still counts as such"
    assert statistics(snapshot, "still")["id"].largest is None
    assert statistics(strip_values(snapshot), "growing")["id"].largest is None


def test_nothing_is_asked_of_a_locked_table_or_without_values(empty: str) -> None:
    fill(empty)
    sent: list[str] = []
    with psycopg.connect(empty) as other:
        other.execute("LOCK TABLE growing IN ACCESS EXCLUSIVE MODE")
        collected(empty, on_sql=sent.append)
    with open_session(empty, on_sql=sent.append) as session:
        collect(session, keep_values=False)
    assert not any("pg_catalog.min(" in text for text in sent)
