"""Workers take the next rows of a queue with FOR UPDATE and wait for each other.

## What it finds
SELECT … LIMIT n FOR UPDATE without SKIP LOCKED or NOWAIT, on rows that no unique key picks; also inside an UPDATE or
DELETE.

## Why it matters
Two workers that run it at once choose the same rows. The second waits until the first commits, and then finds that the
row is not free any more: it returns fewer rows than there are, or none. Ten workers do the work of one.

## What to do
Write FOR UPDATE SKIP LOCKED: each worker takes rows that nobody holds.

## When to leave it
There is a single worker; or the rows must be taken in their exact order.

## Source
https://www.postgresql.org/docs/current/sql-select.html#SQL-FOR-UPDATE-SHARE
"""

import re
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
    Span,
    Where,
    query_rule,
    single_relations,
    table,
)

LOCK = re.compile(r"\bfor\s+(?:no\s+key\s+)?update\b(?:\s+of\s+[\w\", .]+?)?(?=\s*(?:\)|;|\Z))", re.I)

JOBS = table("jobs", columns={"state": "text", "run_at": "timestamptz"}, indexes={"jobs_run_at": "run_at"})
BAD = [
    Example(
        sql="SELECT id FROM jobs WHERE state = 'ready' ORDER BY run_at LIMIT 1 FOR UPDATE",
        tables=(JOBS,),
        remedy="LIMIT 1 FOR UPDATE SKIP LOCKED",
    ),
    Example(
        sql="UPDATE jobs SET state = 'busy' WHERE id = (SELECT id FROM jobs WHERE state = 'ready' ORDER BY run_at "
        "LIMIT 1 FOR UPDATE) RETURNING id",
        tables=(JOBS,),
        remedy="LIMIT 1 FOR UPDATE SKIP LOCKED) RETURNING id",
    ),
]
GOOD = [
    Example(
        note="Each takes what is free.",
        sql="SELECT id FROM jobs WHERE state = 'ready' ORDER BY run_at LIMIT 1 FOR UPDATE SKIP LOCKED",
        tables=(JOBS,),
    ),
    Example(note="One row, by its key.", sql="SELECT id FROM jobs WHERE id = $1 LIMIT 1 FOR UPDATE", tables=(JOBS,)),
    Example(note="All rows that match.", sql="SELECT id FROM jobs WHERE state = 'ready' FOR UPDATE", tables=(JOBS,)),
    Example(
        note="It does not wait.",
        sql="SELECT id FROM jobs WHERE state = 'ready' LIMIT 1 FOR UPDATE NOWAIT",
        tables=(JOBS,),
    ),
    Example(note="Read only.", sql="SELECT id FROM jobs WHERE state = 'ready' LIMIT 1 FOR SHARE", tables=(JOBS,)),
]


@query_rule(severity=Severity.INFO, since="0.2")
def check(query: Query, facts: Facts) -> Iterator[Finding]:
    if query.is_truncated:
        return
    for scope in query.scopes:
        lock = _lock(query, scope)
        if lock is None or scope.limit is None or len(scope.tables) != 1 or not scope.has_where:
            continue
        if facts.has_catalog and scope.tables[0].alias not in single_relations(query, scope, facts):
            yield _finding(query, facts, scope, lock)


def _lock(query: Query, scope: Scope) -> Span | None:
    """Where FOR UPDATE stands, when nothing follows it that keeps it from waiting."""
    if not scope.is_locking:
        return None
    found = list(LOCK.finditer(query.text, scope.span.start if scope.span and scope.number else 0))
    return Span(start=found[0].start(), end=found[0].end()) if len(found) == 1 else None


def _finding(query: Query, facts: Facts, scope: Scope, lock: Span) -> Finding:
    found = facts.table(scope.tables[0].table)
    label = found.label if found else scope.tables[0].alias
    return Finding(
        where=Where(statement=query.statement, table=scope.tables[0].table),
        message=f"{query.cut(lock)} with LIMIT on {label} makes workers wait for the same rows",
        evidence=(Evidence(rung=Rung.INFERRED, text="all who run it at once choose the same rows"),),
        remedy=Remedy(
            text="Write SKIP LOCKED after it: each takes rows that nobody holds.",
            sql=query.spliced((lock, f"{query.cut(lock)} SKIP LOCKED")),
        ),
        wrong_if="there is a single worker, or the exact order matters",
        severity=Severity.INFO,
        spans=(lock,),
    )
