"""Tests of the query rules where an example cannot speak: cut texts, no database, causes, severity by time."""

import msgspec
import pytest

from pgadvisor.advise.examples import facts_of
from pgadvisor.advise.merge import merge
from pgadvisor.advise.registry import find_rule
from pgadvisor.advise.run import findings_of
from pgadvisor.facts import Facts
from pgadvisor.rule import Example, Finding, Severity, node, table
from pgadvisor.sql.query import Query

USERS = table("users", columns={"name": "text", "email": "text"}, indexes={"users_email": "email"})
ORDERS = table("orders", columns={"total": "numeric"}, indexes={"orders_user": "user_id"})


def findings(rule: str, facts: Facts) -> list[Finding]:
    return merge(list(findings_of(find_rule(rule), facts)), facts)


def changed(example: Example, *, is_truncated: bool = False, is_offline: bool = False) -> Facts:
    facts = facts_of(example)
    snapshot = facts.snapshot
    if is_offline:
        snapshot = msgspec.structs.replace(snapshot, server=None, tables=(), settings=())
    queries: dict[str, Query] = {
        key: msgspec.structs.replace(query, is_truncated=is_truncated) for key, query in facts.queries.items()
    }
    return Facts(snapshot, queries)


@pytest.mark.parametrize(
    ("rule", "sql"),
    [
        ("dml-without-where", "DELETE FROM orders"),
        ("cartesian-join", "SELECT 1 FROM users u, orders o"),
        ("missing-limit", "SELECT id FROM orders"),
        ("correlated-subquery", "SELECT (SELECT count(*) FROM orders o WHERE o.user_id = u.id) FROM users u"),
        ("leading-wildcard", "SELECT id FROM users WHERE name LIKE '%x%'"),
        ("function-on-indexed-column", "SELECT id FROM users WHERE lower(email) = $1"),
        ("implicit-cast", "SELECT id FROM orders WHERE user_id = 4.0"),
    ],
)
def test_what_is_missing_from_a_cut_text_is_no_fault(rule: str, sql: str) -> None:
    example = Example(sql=sql, tables=(USERS, ORDERS), rows=50_000_000)
    assert len(findings(rule, changed(example))) == 1
    assert findings(rule, changed(example, is_truncated=True)) == []


@pytest.mark.parametrize(
    ("rule", "sql", "count"),
    [
        ("select-star", "SELECT * FROM orders WHERE id = 5", 1),
        ("leading-wildcard", "SELECT id FROM users WHERE name LIKE '%x%'", 1),
        ("not-in-subquery", "SELECT id FROM users WHERE id NOT IN (SELECT user_id FROM orders)", 1),
        (
            "count-for-existence",
            "SELECT id FROM users u WHERE (SELECT count(*) FROM orders WHERE user_id = u.id) > 0",
            1,
        ),
        ("correlated-subquery", "SELECT (SELECT count(*) FROM orders o WHERE o.user_id = u.id) FROM users u", 1),
        (
            "correlated-subquery",
            "SELECT (SELECT count(*) FROM orders o WHERE o.user_id = u.id) FROM users u WHERE id = 5",
            0,
        ),
        ("cartesian-join", "SELECT 1 FROM users u, orders o", 1),
        ("cartesian-join", "SELECT 1 FROM users u CROSS JOIN orders o", 0),
        ("function-on-indexed-column", "SELECT id FROM users WHERE lower(email) = $1", 0),
        ("implicit-cast", "SELECT id FROM orders WHERE user_id = 4.0", 0),
        ("missing-limit", "SELECT id FROM orders", 0),
    ],
)
def test_text_alone(rule: str, sql: str, count: int) -> None:
    found = findings(rule, changed(Example(sql=sql, calls=0), is_offline=True))
    assert len(found) == count
    if rule != "cartesian-join":
        assert all(each.severity is Severity.INFO for each in found), "text alone proves no more"


@pytest.mark.parametrize(
    ("rule", "one", "other"),
    [
        ("leading-wildcard", "SELECT id FROM users WHERE name LIKE '%abc%'",
         "SELECT 1 FROM users WHERE name LIKE '%xyz'"),
        ("function-on-indexed-column", "SELECT id FROM users WHERE lower(email) = $1",
         "SELECT name FROM users u WHERE lower(u.email) IN ($1, $2)"),
    ],
)  # fmt: skip
def test_one_index_for_two_statements_is_one_finding(rule: str, one: str, other: str) -> None:
    facts = facts_of(Example(sql=one, other=((other, 10, 1.0),), tables=(USERS,)))
    found = findings(rule, facts)
    assert [set(each.statements) for each in found] == [{"1", "2"}]


def test_severity_follows_the_time() -> None:
    plan = node("Seq Scan", table="users", alias="users", cost=26_000.0)
    sql = "SELECT id FROM users WHERE lower(email) = $1"
    busy = (("SELECT 1", 1_000_000, 100.0),)
    for calls, expected in ((1, Severity.INFO), (20_000, Severity.WARNING), (10_000_000, Severity.ERROR)):
        facts = facts_of(Example(sql=sql, tables=(USERS,), plan=plan, calls=calls, mean_ms=50.0, other=busy))
        assert findings("function-on-indexed-column", facts)[0].severity is expected
