"""A query that comes with the pull request reads a big table whole, and an index would spare that.

## What it finds
Queries given with `--queries` that, planned on production's statistics and the schema after the migrations, read a
table of 10 MB and more whole, where one index, tried on the same planner, leaves at most half of the cost.

## Why it matters
On a developer's few rows any plan is quick. In production the query reads the whole table on each call.

## What to do
Make the index in the same pull request, before the code goes live.

## When to leave it
It is a report that runs once a night.

## Source
https://www.postgresql.org/docs/current/indexes-intro.html
"""

from collections.abc import Iterator

from pgadvisor.rule import (
    Evidence,
    Example,
    Finding,
    GateFacts,
    NeededIndex,
    Plan,
    PlanChanges,
    PlanComparison,
    Remedy,
    Rung,
    Severity,
    Where,
    change_rule,
    node,
    size_text,
)

BIG_BYTES = 100 * 1024 * 1024
_NEEDED = NeededIndex(
    file="queries.sql",
    line=3,
    name=None,
    text="SELECT * FROM orders WHERE email = $1",
    table="public.orders",
    size_bytes=250_000_000,
    definition="CREATE INDEX orders_email_idx ON public.orders (email)",
    sql="CREATE INDEX CONCURRENTLY orders_email_idx ON public.orders (email);",
    undo="DROP INDEX CONCURRENTLY public.orders_email_idx;",
    lock="SHARE UPDATE EXCLUSIVE on orders while it builds: reads and writes go on",
    index_bytes=31_000_000,
    comparison=PlanComparison(
        change="CREATE INDEX orders_email_idx ON public.orders (email)",
        before=Plan(root=node("Seq Scan", table="orders", alias="orders", cost=40_000)),
        after=Plan(root=node("Index Scan", table="orders", alias="orders", index="orders_email_idx", cost=8)),
        tried_on="planner twin",
    ),
)
BAD = [
    Example(
        plan_changes=PlanChanges(tried_on="planner twin", planned=0, queries=(_NEEDED,)),
        remedy="CREATE INDEX CONCURRENTLY orders_email_idx ON public.orders (email)",
    )
]
GOOD = [
    Example(
        note="Every query that came with it has its index.",
        plan_changes=PlanChanges(tried_on="planner twin", planned=0),
    )
]


@change_rule(severity=Severity.ERROR, since="0.2")
def check(gate: GateFacts) -> Iterator[Finding]:
    for each in gate.plans.queries if gate.plans else ():
        name = f"{each.name}: " if each.name else ""
        room = f", {size_text(each.index_bytes)}" if each.index_bytes else ""
        yield Finding(
            where=Where(table=each.table, file=each.file or None, line=each.line),
            message=f"{name}reads {each.table.removeprefix('public.')} ({size_text(each.size_bytes)}) whole; with an "
            f"index it costs {1 / max(each.ratio, 1e-6):,.0f} times less",
            evidence=(
                Evidence(
                    rung=Rung.ESTIMATED,
                    text=f"planned without and with {each.definition} on the {each.comparison.tried_on}",
                    comparison=each.comparison,
                ),
            ),
            remedy=Remedy(
                text="Make the index before the code goes live.",
                sql=each.sql,
                undo=each.undo,
                lock=each.lock,
                cost=f"one more index entry for each row that is written{room}",
            ),
            wrong_if="it runs so seldom that reading the table whole does not matter",
            severity=Severity.ERROR if each.size_bytes >= BIG_BYTES else Severity.WARNING,
            cause=f"{each.file} {each.definition}",
        )
