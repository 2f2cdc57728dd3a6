"""An index that the whole workload would gain by does not exist.

## What it finds
Indexes chosen for all statements together, on PostgreSQL's own planner: what each statement saves, weighed by its time,
against what the writes pay for the index. Only those that no other finding asks for are told under this name.

## Why it matters
An index that helps one statement may cost the writes more than it saves, and two that look alike may do each other's
work. These were tried together: each is used by a plan, and saves more than its upkeep costs.

## What to do
Create it. What it saves, what it costs and how to take it back stand beside it; the table of indexes shows the whole
set, and what other room for indexes would give.

## When to leave it
The workload that was observed is not the usual one: a week with a rare job, or without one.

## Source
https://www.postgresql.org/docs/current/indexes-examine.html
"""

from collections.abc import Iterator

from pgadvisor.rule import (
    AdvisedIndex,
    Example,
    Facts,
    Finding,
    IndexAdvice,
    Severity,
    StatementEffect,
    Where,
    advised_cause,
    advised_evidence,
    advised_remedy,
    advised_severity,
    table,
    workload_rule,
)

LEAST_SHARE = 0.01
"""Of the workload's cost, that it saves."""
LEAST_FALL = 0.25
"""What is left, at most, of the cost of the statement that it helps most: less is a matter for the table of indexes."""
LEAST_RATIO = 1e-6
"""What is left of a cost is told down to this: costs are rounded to hundredths."""
ADVISED = AdvisedIndex(
    name="orders_customer_id_placed_at_idx",
    table="public.orders",
    definition="CREATE INDEX orders_customer_id_placed_at_idx ON public.orders (customer_id, placed_at)",
    sql="CREATE INDEX CONCURRENTLY orders_customer_id_placed_at_idx ON public.orders (customer_id, placed_at);",
    undo="DROP INDEX CONCURRENTLY public.orders_customer_id_placed_at_idx;",
    lock="SHARE UPDATE EXCLUSIVE on orders while it builds: reads and writes go on",
    size_bytes=31_000_000,
    gain=60_000.0,
    helps=(StatementEffect(statement="1", ratio=0.01, before=61_000.0, after=610.0),),
)
BAD = [
    Example(
        sql="SELECT * FROM orders WHERE customer_id = $1 ORDER BY placed_at DESC LIMIT 10",
        tables=(table("orders", columns={"customer_id": "bigint", "placed_at": "timestamp with time zone"}),),
        calls=9_000,
        mean_ms=40,
        advice=IndexAdvice(unit="ms", tried_on="planner twin", create=(ADVISED,), before=70_000, after=9_000),
        remedy="CREATE INDEX CONCURRENTLY orders_customer_id_placed_at_idx ON public.orders (customer_id, placed_at);",
    )
]
GOOD = [
    Example(
        note="All that would help is there.",
        sql="SELECT * FROM orders WHERE customer_id = $1",
        tables=(table("orders", columns={"customer_id": "bigint"}, indexes={"orders_customer_id_idx": "customer_id"}),),
        advice=IndexAdvice(unit="ms", tried_on="planner twin", nothing_because="None of 3 indexes tried saves more."),
    ),
    Example(
        note="No planner was asked: other rules say what a plan lacks.",
        sql="SELECT * FROM orders WHERE customer_id = $1",
        tables=(table("orders", columns={"customer_id": "bigint"}),),
    ),
]


@workload_rule(severity=Severity.ERROR, since="0.1")
def check(facts: Facts) -> Iterator[Finding]:
    advice = facts.advice
    for index in advice.create if advice else ():
        if not index.helps or advice is None or not _is_much(index, advice, facts):
            continue
        first = index.helps[0]
        found = facts.table(index.table)
        yield Finding(
            where=Where(table=index.table, statement=first.statement),
            message=_message(index, found.label if found else index.table),
            evidence=(advised_evidence(index, advice),),
            remedy=advised_remedy(index, facts),
            wrong_if="the observed workload is not the usual one",
            severity=advised_severity(index, facts),
            gain_ms_per_day=index.gain if advice.unit == "ms" else None,
            cause=advised_cause(index),
            statements=tuple(effect.statement for effect in index.helps),
        )


def _is_much(index: AdvisedIndex, advice: IndexAdvice, facts: Facts) -> bool:
    """Whether it is worth a finding; the table of indexes has the others too."""
    if index.gain < LEAST_SHARE * advice.before or index.helps[0].ratio > LEAST_FALL:
        return False
    return advice.unit == "cost" or advised_severity(index, facts) is not Severity.INFO


def _message(index: AdvisedIndex, label: str) -> str:
    """What is missing, and for whom."""
    factor = 1 / max(index.helps[0].ratio, LEAST_RATIO)
    count = len(index.helps)
    who = "a statement costs" if count == 1 else f"{count:,} statements cost"
    return f"{label} lacks an index without which {who} up to {factor:,.0f} times as much as with it"
