"""What PostgreSQL counts as a scan of an index, on a real server."""

import psycopg


def test_planning_a_range_counts_as_scans_of_an_index_that_the_plan_does_not_use(database: str) -> None:
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("CREATE TABLE seen AS SELECT i, i % 2 AS b FROM generate_series(1, 20000) AS i")
        connection.execute("CREATE INDEX seen_idx ON seen (i)")
        connection.execute("ANALYZE seen")
        plan = connection.execute("EXPLAIN SELECT count(*) FROM seen WHERE i < 19999 AND b = 1").fetchall()
        assert "seen_idx" not in str(plan)
        connection.execute("SELECT pg_stat_force_next_flush()")
        counted = connection.execute("SELECT idx_scan FROM pg_stat_user_indexes WHERE relname = 'seen'").fetchone()
    assert counted is not None
    assert 1 <= counted[0] <= 4
