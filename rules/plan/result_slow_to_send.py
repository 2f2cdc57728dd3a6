"""Turning the result into what is sent takes much of a statement's time: wide values are unpacked and written as text.

## What it finds
Serialization that takes a fifth or more of the execution, 10 ms at least, of rows that are 2 kB wide or more on
average. Seen by EXPLAIN (ANALYZE, SERIALIZE), which PostgreSQL 17 and later have.

## Why it matters
Values of more than 2 kB lie compressed in another table (TOAST). They are fetched and unpacked only when the result is
written, which EXPLAIN ANALYZE alone does not show: the statement looks fast and the client waits.

## What to do
Select the columns that are used; leave documents and pictures out of lists. For columns that are always read whole
`ALTER TABLE … ALTER COLUMN … SET COMPRESSION lz4` unpacks faster.

## When to leave it
The client needs them all.

## Source
https://www.postgresql.org/docs/current/sql-explain.html
"""

from collections.abc import Iterator
from functools import partial

from pgadvisor.rule import (
    Evidence,
    Example,
    Facts,
    Finding,
    PlannedStatement,
    Remedy,
    Rung,
    Severity,
    Where,
    node,
    plan_rule,
    table,
)

LEAST_SHARE = 0.2
LEAST_MS = 10.0
LEAST_ROW_KB = 2.0
"""PostgreSQL compresses rows wider than this or moves their values out (TOAST_TUPLE_THRESHOLD); of many narrow rows
missing-limit tells."""

DOCS = table("doc", columns={"body": "jsonb"})
example = partial(Example, sql="SELECT * FROM doc", tables=(DOCS,), mean_ms=120,
                  plan=node("Seq Scan", table="doc", schema="public", rows=5e3, actual=5e3, ms=4))  # fmt: skip
BAD = [example(plan_fields={"execution_ms": 120.0, "serialization_ms": 112.0, "output_kb": 51_000})]
GOOD = [
    example(note="A trifle.", plan_fields={"execution_ms": 120.0, "serialization_ms": 3.0, "output_kb": 400}),
    example(
        note="Many narrow rows: missing-limit tells of them.",
        plan_fields={"execution_ms": 120.0, "serialization_ms": 60.0, "output_kb": 700},
    ),
    example(note="It was not asked for.", plan_fields={"execution_ms": 120.0}),
]


@plan_rule(severity=Severity.ERROR, since="0.2", needs=("analyze",))
def check(plan: PlannedStatement, facts: Facts) -> Iterator[Finding]:
    sending, whole = plan.plan.serialization_ms or 0.0, plan.plan.execution_ms or 0.0
    share = sending / whole if whole else 0.0
    row_kb = (plan.plan.output_kb or 0) / max(plan.root.actual_rows or 0.0, 1.0)
    if share < LEAST_SHARE or sending < LEAST_MS or row_kb < LEAST_ROW_KB or not facts.matters(plan, share):
        return
    volume = f", {plan.plan.output_kb:,} kB" if plan.plan.output_kb else ""
    rows = plan.root.actual_rows or 0.0
    yield Finding(
        where=Where(statement=plan.key),
        message=f"writing the result takes {sending:,.1f} of {whole:,.1f} ms",
        evidence=(Evidence(rung=Rung.MEASURED, text=f"EXPLAIN (SERIALIZE): {rows:,.0f} rows{volume}"),),
        remedy=Remedy(
            text="Select the columns that are used, and fewer rows at a time; wide ones (documents, pictures) only "
            "where they are shown."
        ),
        wrong_if="the client needs all of it",
        severity=facts.severity(plan.key, share),
        at_most_ms_per_day=facts.ms_per_day(plan.key, share),
    )
