"""A join reads all of a big table to find the few rows that belong to the other side.

## What it finds
A hash or merge join over a sequential scan of 10,000 rows or more, where the other side has at most a hundredth as many
rows, and the scanned table has no index on the columns it is joined by.

## Why it matters
With an index PostgreSQL would look the few rows up. Without one it reads the whole table for each call, so the time
grows with the table and not with the answer.

## What to do
Create the index on the join's columns. For a foreign key it helps deletes on the other table, too.

## When to leave it
The statement is rare, or the other side is small today and big tomorrow: a hash join is right when most rows match.

## Source
https://www.postgresql.org/docs/current/planner-optimizer.html
"""

from collections.abc import Iterator
from functools import partial

from pgadvisor.rule import (
    Evidence,
    Example,
    Facts,
    Finding,
    PlannedStatement,
    Rung,
    Severity,
    Where,
    create_index,
    join_wastes_of,
    node,
    pays_off,
    plan_rule,
    table,
    wastes_of,
)

ORDERS = table("orders", columns={"customer_id": "bigint"})
INDEXED = table("orders", indexes={"orders_customer_id_idx": "customer_id"})
CUSTOMER = table("customer", rows=50_000, columns={"email": "text"}, indexes={"customer_email_key": "UNIQUE email"})
SQL = "SELECT o.* FROM customer c JOIN orders o ON o.customer_id = c.id WHERE c.email = $1"
scan = partial(node, "Seq Scan", table="orders", schema="public", alias="o", parent_relationship="Outer")
FOUND = node("Index Scan", table="customer", schema="public", alias="c", rows=1, actual=1, ms=0.1)
ALL = scan(rows=1e6, actual=1e6, ms=90)
BAD = [
    Example(
        sql=SQL,
        tables=(ORDERS, CUSTOMER),
        plan=node(
            "Hash Join", ALL, node("Hash", FOUND, rows=1, actual=1, ms=0.1, parent_relationship="Inner"), rows=20,
            actual=18, ms=130, join_type="Inner", hash_condition="(o.customer_id = c.id)",
        ),
        calls=50_000,
        mean_ms=130,
        remedy="CREATE INDEX CONCURRENTLY orders_customer_id_idx ON public.orders (customer_id);",
    ),
]  # fmt: skip
GOOD = [
    Example(
        note="Most of the table is wanted: a hash join is the right way.",
        sql="SELECT o.* FROM customer c JOIN orders o ON o.customer_id = c.id",
        tables=(ORDERS, CUSTOMER),
        plan=node(
            "Hash Join", ALL,
            node("Hash", node("Seq Scan", table="customer", schema="public", alias="c", rows=5e4, actual=5e4, ms=5),
                 rows=5e4, actual=5e4, ms=9, parent_relationship="Inner"),
            rows=1e6, actual=1e6, ms=400, join_type="Inner",
        ),
    ),
    Example(
        note="The index exists; the planner had another reason.",
        sql=SQL,
        tables=(INDEXED, CUSTOMER),
        plan=node(
            "Hash Join", ALL, node("Hash", FOUND, rows=1, actual=1, ms=0.1, parent_relationship="Inner"), rows=20,
            actual=18, ms=130, join_type="Inner",
        ),
    ),
    Example(
        note="All rows of the scanned side are kept by the outer join.",
        sql="SELECT * FROM orders o LEFT JOIN customer c ON c.id = o.customer_id AND c.email = $1",
        tables=(ORDERS, CUSTOMER),
        plan=node(
            "Hash Join", ALL, node("Hash", FOUND, rows=1, actual=1, ms=0.1, parent_relationship="Inner"), rows=1e6,
            actual=1e6, ms=130, join_type="Left",
        ),
    ),
]  # fmt: skip


@plan_rule(severity=Severity.ERROR, since="0.1")
def check(plan: PlannedStatement, facts: Facts) -> Iterator[Finding]:
    told = {waste.need.index.table for waste in wastes_of(facts, plan)}
    for waste in join_wastes_of(facts, plan):
        index = waste.need.index
        found = facts.table(index.table)
        if found is None or index.table in told:
            continue
        day = facts.ms_per_day(plan.key)
        gain = None if day is None else day * waste.saved_share
        if not pays_off(facts, index, gain):
            continue
        counted = "counted" if waste.rung is Rung.MEASURED else "planned"
        yield Finding(
            where=Where(table=index.table, statement=plan.key),
            message=f"join reads all {waste.read:,.0f} rows of {found.label} to meet {waste.kept:,.0f} of them",
            evidence=(
                Evidence(rung=waste.rung, text=f"{counted}: {waste.share:.0%} of the statement goes into this scan"),
                Evidence(rung=Rung.INFERRED, text=f"no valid index of {found.label} serves {index.spelled}"),
            ),
            remedy=create_index(facts, index),
            wrong_if="the other side of the join has many more rows in production than in this plan",
            severity=facts.severity(plan.key, waste.saved_share),
            gain_ms_per_day=gain,
            cause=index.cause,
            node=waste.number,
        )
