"""A condition on a derived table's column is followed to the table, where nothing fences it off."""

import pytest

from pgadvisor.sql.pull_up import pulled_up
from pgadvisor.sql.query import Query
from pgadvisor.sql.reader import Schema, read_query

CASES = [
    ("SELECT 1 FROM (SELECT id, x FROM a) t WHERE t.x = 5", ("a", "x")),
    ("SELECT 1 FROM (SELECT * FROM a) t WHERE t.x = 5", ("a", "x")),
    ("SELECT 1 FROM (SELECT id, x FROM (SELECT id, x FROM a) b) t WHERE t.x = 5", ("a", "x")),
    ("WITH t AS (SELECT x FROM a) SELECT 1 FROM t WHERE x = 5", ("a", "x")),
    ("WITH t AS NOT MATERIALIZED (SELECT x FROM a) SELECT 1 FROM t, t u WHERE t.x = 5", ("a", "x")),
    ("SELECT 1 FROM a WHERE x = 5", ("a", "x")),
    ("WITH t AS MATERIALIZED (SELECT x FROM a) SELECT 1 FROM t WHERE x = 5", (None, "x")),
    ("WITH t AS (SELECT x FROM a) SELECT 1 FROM t, t u WHERE t.x = 5", (None, "x")),
    ("SELECT 1 FROM (SELECT x FROM a LIMIT 5) t WHERE t.x = 5", (None, "x")),
    ("SELECT 1 FROM (SELECT x FROM a OFFSET 0) t WHERE t.x = 5", (None, "x")),
    ("SELECT 1 FROM (SELECT x, count(*) FROM a GROUP BY x) t WHERE t.x = 5", (None, "x")),
    ("SELECT 1 FROM (SELECT x AS y FROM a) t WHERE t.y = 5", (None, "y")),
    ("SELECT 1 FROM (SELECT x FROM a UNION SELECT x FROM b) t WHERE t.x = 5", (None, "x")),
]


@pytest.mark.parametrize(("sql", "expected"), CASES)
def test_the_column_below(sql: str, expected: tuple[str | None, str]) -> None:
    query = read_query(sql, Schema())
    assert isinstance(query, Query)
    predicate = next(each for each in query.predicates() if each.place == "where")
    below = pulled_up(query, predicate).column
    assert below and (below.table, below.column) == expected
