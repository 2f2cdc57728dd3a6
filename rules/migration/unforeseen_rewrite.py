"""A statement writes a table anew, which its text does not tell.

## What it finds
Statements that wrote a table of production's anew when they were run on a scratch server, though nothing in their text
says so: by a function or an event trigger that they call, in a form that the table of locks does not know.

## Why it matters
A rewrite takes ACCESS EXCLUSIVE: every query of the table waits until all of it, with all indexes, is written again.

## What to do
Look up what the statement sets off, and take the same way as for a type change: a new column, filled in batches.

## When to leave it
The table is small, or nothing uses it.

## Source
https://www.postgresql.org/docs/current/sql-altertable.html#SQL-ALTERTABLE-NOTES
"""

from collections.abc import Iterator

from pgadvisor.rule import (
    Evidence,
    Example,
    Finding,
    GateFacts,
    MigrationStep,
    Remedy,
    Rung,
    Severity,
    Trace,
    Traced,
    Where,
    migration_rule,
    table,
)

_TRACE = Trace(
    server="scratch server, PostgreSQL 18.1",
    version_num=180_001,
    statements=(Traced(file="2_change.sql", migration="2_change", place=0, line=1, rewritten=("public.orders",)),),
)
BAD = [
    Example(migration="SELECT widen_all_totals();", trace=_TRACE),
    Example(
        note="The table is small: a word of information.",
        tables=(table("orders", rows=100),),
        migration="SELECT widen_all_totals();",
        trace=_TRACE,
    ),
]
GOOD = [
    Example(
        note="Its text says so: another rule tells of it.",
        earlier="CREATE TABLE orders (id bigint PRIMARY KEY, total int);",
        migration="ALTER TABLE orders ALTER COLUMN total TYPE bigint;",
        trace=_TRACE,
    ),
]


@migration_rule(severity=Severity.ERROR, since="0.2", needs=("trace",))
def check(step: MigrationStep, gate: GateFacts) -> Iterator[Finding]:
    traced, together = gate.traced(step), step.clauses
    if traced is None or gate.trace is None or step.position != together[0].position:
        return
    foreseen = {each.effect.worked_table or each.target for each in together if each.effect.rewrites != "no"}
    if any(each.command == "truncate" for each in together) or None in foreseen:
        return
    for name in traced.rewritten:
        if name in foreseen:
            continue
        label = name.removeprefix("public.")
        yield Finding(
            where=Where(table=name),
            message=f"{label} is written anew, which the statement does not tell",
            evidence=(
                Evidence(rung=Rung.MEASURED, text=f"the {gate.trace.server} wrote {label} anew when it was run there"),
            ),
            remedy=Remedy(text="Look up what the statement sets off; change the table in a migration of its own."),
            wrong_if="the table is small, or nothing uses it",
            severity=Severity.INFO if gate.is_small(name) else Severity.ERROR,
            cause=f"rewrite {name}",
        )
