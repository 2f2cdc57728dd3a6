"""Which changes of rows are turned into loops: only those that end."""

import pytest

from pgadvisor.gate.examples import migration_of
from pgadvisor.gate.steps import steps_of
from pgadvisor.safe_forms.batches import rows_in_batches


def loop_of(sql: str) -> str | None:
    (step,) = steps_of([migration_of("1.sql", sql)], version=15)
    return rows_in_batches(step)


@pytest.mark.parametrize(
    ("sql", "left"),
    [
        ("UPDATE t SET a = 1", "a IS DISTINCT FROM (1)"),
        ("UPDATE t SET a = 'where' WHERE b", "(b) AND a IS DISTINCT FROM ('where')"),
        ('update s."T" set "A" = old where b is null', '(b is null) AND "A" IS DISTINCT FROM (old)'),
        ("UPDATE t SET a = NULL;", "a IS DISTINCT FROM (NULL)"),
        ("UPDATE t SET a = '1'::int", "a IS DISTINCT FROM ('1'::int)"),
        ("DELETE FROM t WHERE a < now()", "a < now()"),
        ("DELETE FROM t", "true"),
    ],
)
def test_what_ends(sql: str, left: str) -> None:
    loop = loop_of(sql)
    assert loop is not None
    assert f"WHERE {left} LIMIT" in loop


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE t SET a = a + 1",
        "UPDATE t SET a = random()",
        "UPDATE t SET a = now()",
        "UPDATE t SET a = current_timestamp",
        "UPDATE t SET a = DEFAULT",
        "UPDATE t SET a = a",
        "UPDATE t SET a = 1, b = 2",
        "UPDATE t SET a = u.a FROM u",
        "UPDATE t SET a = 1 WHERE b IN (SELECT b FROM u)",
        "DELETE FROM t USING u WHERE t.a = u.a",
    ],
)
def test_what_might_not_end_is_left_to_the_reader(sql: str) -> None:
    assert loop_of(sql) is None
