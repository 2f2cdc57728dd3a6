"""The writes pay more for an index than the reads gain by it.

## What it finds
Existing indexes that are best dropped together with what is to be created: what they do another index does as well, or
hardly anyone uses them, while inserts and updates keep writing them. An index on a column that updates set also keeps
those from being HOT (heap-only tuples), so that every other index is written too. All statements were planned without
the index. Never one that keeps a promise: unique, constraint, replica identity, the only one behind a foreign key.

## Why it matters
On a table that is mostly written each such index slows every write down, makes WAL and is vacuumed.

## What to do
Create first what replaces it. Then drop it; its definition stands in the undo.

## When to leave it
A replica uses it, or a job that did not run while the workload was observed.

## Source
https://www.postgresql.org/docs/current/storage-hot.html
"""

from collections.abc import Iterator

from pgadvisor.rule import (
    DroppedIndex,
    Evidence,
    Example,
    Facts,
    Finding,
    IndexAdvice,
    Remedy,
    Rung,
    Severity,
    Where,
    is_exchange,
    size_text,
    table,
    workload_rule,
)

LEAST_SHARE = 0.01
"""Of the workload's cost, that its drop saves; the table of indexes has the others too."""
LEAST_FALL = 0.25
"""As in missing-index, whose advice it follows."""
DROPPED = DroppedIndex(
    name="public.readings_value_idx",
    table="public.readings",
    why="costs more than it gives",
    reason="writes pay more for it than the 1 statement that used it gains by it",
    sql="DROP INDEX CONCURRENTLY public.readings_value_idx;",
    undo="CREATE INDEX CONCURRENTLY readings_value_idx ON public.readings (value);",
    lock="SHARE UPDATE EXCLUSIVE on readings: reads and writes go on; it waits for older transactions",
    gain=9_000.0,
)
READINGS = table("readings", columns={"value": "integer"}, indexes={"readings_value_idx": "value"})
BAD = [
    Example(
        sql="UPDATE readings SET value = $1 WHERE id = $2",
        tables=(READINGS,),
        calls=900_000,
        mean_ms=0.1,
        advice=IndexAdvice(unit="ms", tried_on="planner twin", drop=(DROPPED,), before=90_000, after=81_000),
        remedy="DROP INDEX CONCURRENTLY public.readings_value_idx;",
    )
]
GOOD = [
    Example(
        note="It pays.",
        sql="SELECT * FROM readings WHERE value = $1",
        tables=(READINGS,),
        advice=IndexAdvice(unit="ms", tried_on="planner twin"),
    ),
]


@workload_rule(severity=Severity.WARNING, since="0.1")
def check(facts: Facts) -> Iterator[Finding]:
    advice = facts.advice
    for dropped in advice.drop if advice else ():
        if dropped.why not in ("replaced", "costs more than it gives") or advice is None:
            continue
        if dropped.gain < LEAST_SHARE * advice.before or _is_exchanged(dropped, advice):
            continue
        name = dropped.name.partition(".")[2]
        cautions = (f"{each[:1].upper()}{each[1:]}." for each in dropped.cautions)
        yield Finding(
            where=Where(table=dropped.table, index=name),
            message=f"index {name} is not worth its upkeep: {dropped.reason}",
            evidence=(
                Evidence(
                    rung=Rung.ESTIMATED,
                    text=f"all {advice.considered:,} statements were planned without it on the {advice.tried_on}",
                ),
            ),
            remedy=Remedy(
                text=" ".join((f"Drop {dropped.name}.", *cautions)),
                sql=dropped.sql,
                undo=dropped.undo,
                lock=dropped.lock,
                cost=f"frees {size_text(dropped.size_bytes)}" if dropped.size_bytes else None,
            ),
            wrong_if="a replica scans it, or a job that did not run while the workload was observed",
            severity=Severity.WARNING if dropped.why == "replaced" else Severity.INFO,
            gain_ms_per_day=dropped.gain if advice.unit == "ms" else None,
            cause=f"index {dropped.name}",
        )


def _is_exchanged(dropped: DroppedIndex, advice: IndexAdvice) -> bool:
    """Whether what is to do its work does nothing else, and is not told: the table of indexes tells both."""
    return any(
        f"{each.table.partition('.')[0]}.{each.name}" in dropped.replaced_by and is_exchange(each, advice, LEAST_FALL)
        for each in advice.create
    )
