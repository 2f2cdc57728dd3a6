"""A query computes the same few answers again and again, while the rows that it reads hardly change.

## What it finds
A SELECT whose answers an application could keep. From the counters: λ calls a second, W writes a second to the tables
that it reads, and K different questions, which is the product of the distinct values of the columns that its
parameters are compared with (1 without a parameter). An answer kept for at most a minute serves
`hit = (λ/K) · 60 / (1 + (λ/K) · 60)` of the calls, and no more than `(λ/K) / (λ/K + W/K)` of them are still true. Told
where the smaller of both saves two hundredths of all database time or more, the answers have 1,000 rows at most, and
there is a write for ten calls at most.

## Why it matters
The fastest query is the one that is not sent. What is asked a thousand times between two changes needs one answer.

## What to do
Keep the answer in the application or in a cache beside it for as long as it may be stale, and forget it when the rows
are written. A query that costs little each time but is sent very often gains as much as a slow one.

## When to leave it
Each answer must be as of this very moment, as a balance or a stock; or the parameters differ more than the columns'
statistics say.

## Source
https://docs.djangoproject.com/en/stable/topics/cache/
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

from pgadvisor.rule import (
    Evidence,
    Example,
    Facts,
    Finding,
    Query,
    Remedy,
    Rung,
    Severity,
    Statement,
    TableCounters,
    Where,
    calls_own_function,
    table,
    workload_rule,
)

KEPT_S = 60.0
"""How long an answer may be kept without anyone minding, by assumption."""
LEAST_SAVING = 0.02
MOST_ROWS = 1_000.0
MOST_WRITES = 0.1
"""Writes for each call."""
LEAST_MS_PER_DAY = 60_000.0
LEAST_CALLS, LEAST_WINDOW_S = 10_000, 3_600.0
"""Counters of a few minutes say nothing of how often rows are written."""
DAY = 86_400
UNSTABLE = re.compile(
    r"\b(now|current_\w+|localtime\w*|random|clock_timestamp|statement_timestamp|transaction_timestamp|nextval|currval|"
    r"timeofday|gen_random_uuid|uuid_\w+|txid_\w+|pg_\w+|session_user|set_config)\b",
    re.IGNORECASE,
)
"""What a text may call that answers otherwise each time, or for each user."""

QUIET = TableCounters(live_rows=200, rows_updated=60)
BUSY = TableCounters(live_rows=200, rows_updated=30 * DAY * 50)
SETTING = table("setting", rows=200, columns={"id": "bigint", "name": "text", "value": "text"}, counters=QUIET)
ALL = "SELECT name, value FROM setting"
BAD = [
    Example(sql=ALL, calls=30 * DAY * 20, mean_ms=0.9, rows=30 * DAY * 20 * 200, tables=(SETTING,)),
    Example(
        sql="SELECT value FROM setting WHERE name = $1", calls=30 * DAY * 90, mean_ms=0.2, rows=30 * DAY * 90,
        tables=(SETTING,),
    ),
]  # fmt: skip
GOOD = [
    Example(
        note="The rows change all the time.", sql=ALL, calls=30 * DAY * 20, mean_ms=0.9, rows=30 * DAY * 20 * 200,
        tables=(table("setting", rows=200, columns={"name": "text", "value": "text"}, counters=BUSY),),
    ),
    Example(
        note="Each call asks for another row of a million.",
        sql="SELECT total FROM orders WHERE id = $1", calls=30 * DAY * 20, mean_ms=0.9, rows=30 * DAY * 20,
        tables=(table("orders", columns={"total": "numeric"}),),
    ),
    Example(
        note="It depends on the time of day.",
        sql="SELECT name FROM setting WHERE now() > $1::timestamptz", calls=30 * DAY * 20, mean_ms=0.9,
        rows=30 * DAY * 20, tables=(SETTING,),
    ),
    Example(note="Once an hour.", sql=ALL, calls=720, mean_ms=90, rows=720 * 200, tables=(SETTING,)),
    Example(
        note="Rows are locked: it is about the write that follows.", sql=f"{ALL} FOR UPDATE", calls=30 * DAY * 20,
        mean_ms=0.9, rows=30 * DAY * 20 * 200, tables=(SETTING,),
    ),
    Example(
        note="A range has no end of different questions.",
        sql="SELECT name FROM setting WHERE id > $1", calls=30 * DAY * 20, mean_ms=0.9, rows=30 * DAY * 20,
        tables=(SETTING,),
    ),
]  # fmt: skip


class Repetition(NamedTuple):
    """How often a query's answer could be kept."""

    per_s: float
    writes_per_s: float
    questions: float
    hit: float
    """Share of the calls that a kept answer serves."""


@workload_rule(severity=Severity.INFO, since="0.2", needs=("statements", "counters", "statistics"))
def check(facts: Facts) -> Iterator[Finding]:
    for statement in facts.snapshot.statements:
        query, share = facts.queries.get(statement.key), facts.share(statement.key) or 0.0
        if query is None or share < LEAST_SAVING or (facts.ms_per_day(statement.key) or 0.0) < LEAST_MS_PER_DAY:
            continue
        rows = statement.rows_per_call
        if rows is None or rows > MOST_ROWS or not _is_stable(query, facts):
            continue
        seen = _repetition(statement, query, facts)
        if seen is not None and seen.writes_per_s <= MOST_WRITES * seen.per_s and share * seen.hit >= LEAST_SAVING:
            yield _finding(statement, query, seen, share, facts)


def _is_stable(query: Query, facts: Facts) -> bool:
    """Whether the same question has the same answer until its tables are written, as far as the text tells."""
    if query.kind != "select" or UNSTABLE.search(query.text) or calls_own_function(query, facts):
        return False
    if any(each.is_locking or each.write for each in query.scopes):
        return False
    kinds = {use.kind for each in query.scopes for use in each.tables}
    read = [facts.table(use.table) for use in query.tables()]
    return (
        kinds <= {"table", "cte", "subquery", "values"}
        and bool(read)
        and all(each is not None and each.kind == "table" and not each.has_row_security for each in read)
    )


def _repetition(statement: Statement, query: Query, facts: Facts) -> Repetition | None:
    """The figures of the formula; None: one is not known."""
    questions, seconds = _questions(query, facts), facts.window_s
    if questions is None or not seconds or seconds < LEAST_WINDOW_S or (statement.calls or 0) < LEAST_CALLS:
        return None
    writes = [_writes_per_s(name, facts) for name in {use.table for use in query.tables()}]
    if None in writes:
        return None
    per_s, written = (statement.calls or 0) / seconds, sum(each or 0.0 for each in writes)
    kept = per_s / questions * KEPT_S
    still_true = per_s / (per_s + written)
    return Repetition(per_s, written, questions, min(kept / (1 + kept), still_true))


def _questions(query: Query, facts: Facts) -> float | None:
    """How many different ones there are: of each parameter as many as its column has values; None: no end of them."""
    asked: dict[str, float] = {}
    for predicate in query.predicates():
        values = (predicate.value, predicate.upper) if predicate.upper else (predicate.value,)
        for value in values:
            if value.kind == "parameter":
                distinct = (
                    _distinct(predicate.column.table, predicate.column.column, facts) if predicate.column else None
                )
                if predicate.operator != "=" or distinct is None:
                    return None
                asked[value.text] = max(asked.get(value.text, 0.0), distinct)
    limits = {value.text for each in query.scopes for value in (each.limit,) if value and value.kind == "parameter"}
    if set(re.findall(r"\$\d+", query.text)) - set(asked) - limits:
        return None
    found = 1.0
    for distinct in asked.values():
        found *= max(distinct, 1.0)
    return found


def _distinct(table_name: str | None, column_name: str, facts: Facts) -> float | None:
    column, rows = facts.column(table_name, column_name), facts.rows(table_name)
    if column is None or column.statistics is None or rows is None:
        return None
    distinct = column.statistics.n_distinct
    return distinct if distinct > 0 else -distinct * rows


def _writes_per_s(name: str | None, facts: Facts) -> float | None:
    found, days = facts.table(name), facts.counted_days
    if found is None or found.counters is None or days is None:
        return None
    seen = found.counters
    return (seen.rows_inserted + seen.rows_updated + seen.rows_deleted) / (days * DAY)


def _finding(statement: Statement, query: Query, seen: Repetition, share: float, facts: Facts) -> Finding:
    found = facts.table(next((use.table for use in query.tables()), None))
    asked = "one question" if seen.questions <= 1 else f"about {seen.questions:,.0f} different questions"
    written = "nothing writes" if not seen.writes_per_s else f"{seen.writes_per_s * DAY:,.0f} rows a day are written"
    day = facts.ms_per_day(statement.key)
    return Finding(
        where=Where(statement=statement.key, table=found.qualified if found else None),
        message=f"the answer to {asked} is computed {seen.per_s * DAY:,.0f} times a day",
        evidence=(
            Evidence(
                rung=Rung.ESTIMATED,
                text=f"an answer kept for {KEPT_S:.0f} s would serve {seen.hit:.0%} of the calls: {written} to what it "
                f"reads",
            ),
        ),
        remedy=Remedy(text="Keep the answer in the application, or in a cache beside it, and forget it on a write."),
        wrong_if="each answer must be as of this very moment",
        severity=Severity.INFO,
        gain_ms_per_day=None if day is None else day * seen.hit,
    )
