"""A query joins more tables than the planner looks for the best order of.

## What it finds
More joined tables in one FROM than `join_collapse_limit` allows (8 by default), written with JOIN, in a statement that
takes 20 ms or more.

## Why it matters
Beyond the limit the tables are joined in the order in which they are written, whatever their size: a selective
condition at the end of the list is used last. From `geqo_threshold` (12) on, the planner guesses at random.

## What to do
Write the most selective tables first, split off a part as a MATERIALIZED CTE that leaves few rows, or raise
join_collapse_limit (and geqo_threshold above it) for this statement, and compare planning time.

## When to leave it
The order as written is good already, or raising the limit changes nothing.

## Source
https://www.postgresql.org/docs/current/explicit-joins.html
"""

from collections.abc import Iterator

from pgadvisor.rule import (
    Evidence,
    Example,
    Facts,
    Finding,
    Query,
    Remedy,
    Rung,
    Scope,
    Severity,
    Where,
    query_rule,
    table,
)

LEAST_MS = 20.0

PARTS = tuple(table(f"t{number}") for number in range(12))
CHAIN = "SELECT t0.id FROM t0 " + " ".join(f"JOIN t{at} ON t{at}.id = t{at - 1}.next_id" for at in range(1, 10))
SETTINGS = {"join_collapse_limit": "8", "from_collapse_limit": "8", "geqo_threshold": "12"}
BAD = [
    Example(
        sql=CHAIN,
        tables=PARTS,
        settings=SETTINGS,
        mean_ms=400,
        remedy="SET LOCAL join_collapse_limit = 10;",
    ),
]
GOOD = [
    Example(note="It is fast.", sql=CHAIN, tables=PARTS, settings=SETTINGS, mean_ms=2),
    Example(
        note="The limit allows them.",
        sql=CHAIN,
        tables=PARTS,
        settings={**SETTINGS, "join_collapse_limit": "16"},
        mean_ms=400,
    ),
    Example(
        note="Three tables.",
        sql="SELECT t0.id FROM t0 JOIN t1 ON t1.id = t0.id JOIN t2 ON t2.id = t0.id",
        tables=PARTS,
        settings=SETTINGS,
        mean_ms=400,
    ),
]


@query_rule(severity=Severity.INFO, since="0.2", needs=("statements", "settings"))
def check(query: Query, facts: Facts) -> Iterator[Finding]:
    limit, statement = facts.setting("join_collapse_limit"), facts.statement(query.statement)
    if limit is None or not limit.isdigit() or statement is None or (statement.mean_ms or 0.0) < LEAST_MS:
        return
    scope = max(query.scopes, key=_joined)
    if _joined(scope) > int(limit):
        yield _finding(query, scope, int(limit), statement.mean_ms or 0.0)


def _joined(scope: Scope) -> int:
    """Tables in one chain of JOINs: a comma begins another."""
    most = here = 0
    for use in scope.tables:
        here = 1 if use.join in ("from", "comma") else here + 1
        most = max(most, here)
    return most


def _finding(query: Query, scope: Scope, limit: int, ms: float) -> Finding:
    count = _joined(scope)
    return Finding(
        where=Where(statement=query.statement, table=next((use.table for use in scope.tables if use.table), None)),
        message=f"{count} tables are joined, in the order written beyond join_collapse_limit = {limit}",
        evidence=(
            Evidence(rung=Rung.INFERRED, text=f"the planner looks for the best order of {limit} at a time"),
            Evidence(rung=Rung.MEASURED, text=f"{ms:,.0f} ms a call"),
        ),
        remedy=Remedy(
            text="Try it in a transaction with the limit raised, and compare plans and planning time; where it helps, "
            "write the tables in the order of the better plan.",
            sql=f"SET LOCAL join_collapse_limit = {count};\nSET LOCAL geqo_threshold = {count + 1};",
        ),
        wrong_if="the order as written is good already",
        severity=Severity.INFO,
    )
