"""Tests of what can be NULL: the nullability of a subquery's column, by text and column knowledge."""

import pytest

from pgadvisor.sql.nullable import is_output_nullable
from pgadvisor.sql.query import ColumnUse, Query
from pgadvisor.sql.reader import Schema, read_query

NOT_NULL = {"id": True, "team": True, "user_id": False, "name": False}
"""Columns of every table in these queries: whether they are NOT NULL."""
CASES = [
    ("SELECT user_id FROM a", True),
    ("SELECT id FROM a", False),
    ("SELECT other FROM a", None),
    ("SELECT user_id FROM a WHERE user_id IS NOT NULL", False),
    ("SELECT user_id FROM a WHERE NOT (user_id IS NULL)", False),
    ("SELECT user_id FROM a WHERE user_id IS NULL", True),
    ("SELECT user_id FROM a WHERE user_id = 5", False),
    ("SELECT user_id FROM a WHERE NOT (user_id = 5)", False),
    ("SELECT user_id FROM a WHERE (user_id = 5) IS NOT TRUE", True),
    ("SELECT CASE WHEN name = 'x' THEN id END FROM a", True),
    ("SELECT user_id FROM a WHERE user_id = 5 OR name = 'x'", True),
    ("SELECT user_id FROM a WHERE user_id IS DISTINCT FROM 5", True),
    ("SELECT user_id FROM a WHERE coalesce(user_id, 0) = 0", True),
    ("SELECT a.user_id FROM a JOIN b ON b.id = a.user_id", False),
    ("SELECT a.user_id FROM a LEFT JOIN b ON b.id = a.user_id", True),
    ("SELECT b.id FROM a LEFT JOIN b ON b.user_id = a.id", True),
    ("SELECT b.id FROM a LEFT JOIN b ON b.user_id = a.id WHERE b.id > 0", False),
    ("SELECT a.id FROM a RIGHT JOIN b ON b.user_id = a.id", True),
    ("SELECT b.id FROM a RIGHT JOIN b ON b.user_id = a.id", False),
    ("SELECT a.id FROM a FULL JOIN b ON b.user_id = a.id", True),
    ("SELECT coalesce(user_id, 0) FROM a", False),
    ("SELECT coalesce(user_id, $1) FROM a", False),
    ("SELECT coalesce(user_id, name) FROM a", None),
    ("SELECT count(user_id) FROM a", False),
    ("SELECT max(id) FROM a", None),
    ("SELECT max(id) FROM a GROUP BY name", False),
    ("SELECT max(user_id) FROM a GROUP BY name", True),
    ("SELECT max(user_id) FROM a WHERE user_id > 5 GROUP BY name", False),
    ("SELECT nullif(id, 0) FROM a", True),
    ("SELECT 5", False),
    ("SELECT NULL", True),
    ("SELECT id FROM a UNION SELECT user_id FROM b", True),
    ("SELECT id FROM a UNION ALL SELECT team FROM b", False),
    ("SELECT id FROM a EXCEPT SELECT user_id FROM b", False),
    ("SELECT x.u FROM (SELECT user_id AS u FROM a) x", True),
    ("WITH x AS (SELECT id FROM a) SELECT id FROM x", False),
    ("WITH RECURSIVE x AS (SELECT id FROM a UNION ALL SELECT x.id FROM x) SELECT id FROM x", None),
    ("SELECT * FROM a", None),
]


@pytest.mark.parametrize(("sql", "expected"), CASES)
def test_output_is_nullable(sql: str, expected: bool | None) -> None:
    query = read_query(sql, Schema())
    assert isinstance(query, Query)

    def knowledge(column: ColumnUse) -> bool | None:
        known = NOT_NULL.get(column.column)
        return None if known is None else not known

    assert is_output_nullable(query, query.top, knowledge) is expected
