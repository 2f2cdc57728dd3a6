"""A scan reads a big table and throws nearly all of it away: an index is missing.

## What it finds
A sequential scan (also a parallel one, also one of every partition), or an index scan that filters afterwards, which
reads 10,000 rows or more and keeps at most a tenth of them, where an index could find those rows and none does. Rows
are counted where the statement was run, and the planner's estimates where it was not. Not: look-ups that discard less
than five rows each, and scans that take less than a twentieth of the statement.

## Why it matters
The time grows with the table and not with the answer. Each call reads pages that it does not need, and pushes out of
memory those that others do.

## What to do
Create the index that the finding prints: columns compared for equality first, then one range or the sort order of a
LIMIT. For `LIKE '%x%'` it is a trigram index, for `@>` and `@@` a GIN index. CONCURRENTLY lets reads and writes go on.

## When to leave it
The statement runs once a night, or the table takes far more writes than this statement would save: each index makes
every INSERT and many an UPDATE dearer. Or the value searched for is rare in the plan and common in real life.

## Source
https://www.postgresql.org/docs/current/indexes-multicolumn.html
"""

from collections.abc import Iterator
from functools import partial

from pgadvisor.rule import (
    ColumnStatistics,
    Evidence,
    Example,
    Facts,
    Finding,
    PlannedStatement,
    PlanNode,
    Rung,
    Severity,
    TableCounters,
    Waste,
    Where,
    create_by_plan,
    create_index,
    index_by_plan,
    node,
    pays_off,
    plan_rule,
    table,
    wastes_of,
)

LEAST_READ, MOST_KEPT = 10_000, 0.1
"""What is thrown away, and kept, where the plan alone is known; as where the catalog is known, too."""
LEAST_A_LOOKUP = 5.0
"""Rows that each of many look-ups discards, at least."""

FIFTY = ColumnStatistics(null_fraction=0, average_width_bytes=8, n_distinct=20_000)
ORDERS = table(
    "orders",
    columns={"customer_id": "bigint", "status": "text", "created_at": "timestamp with time zone"},
    statistics={"customer_id": FIFTY},
)
BY_CUSTOMER = table("orders", columns={"customer_id": "bigint"}, indexes={"orders_customer_id_idx": "customer_id"})
ACCOUNT = table("account", columns={"email": "text", "tags": "text[]", "data": "jsonb"})
scan = partial(node, "Seq Scan", table="orders", schema="public", alias="orders", cost=20_000)
SCAN = scan(filter="(customer_id = 7)", rows=20, actual=18, rows_removed_by_filter=999_982, ms=80)
BAD = [
    Example(
        sql="SELECT * FROM orders WHERE customer_id = $1",
        tables=(ORDERS,),
        plan=SCAN,
        calls=100_000,
        mean_ms=80,
        remedy="CREATE INDEX CONCURRENTLY orders_customer_id_idx ON public.orders (customer_id);",
    ),
    Example(
        note="Equality before range before order.",
        sql="SELECT * FROM orders WHERE created_at > $1 AND customer_id = $2 ORDER BY created_at DESC LIMIT 20",
        tables=(ORDERS,),
        plan=node(
            "Limit",
            node(
                "Sort",
                scan(
                    filter="((created_at > '2026-01-01 00:00:00+00'::timestamp with time zone) AND (customer_id = 7))",
                    rows=12,
                ),
                rows=12,
                cost=22_001,
            ),
            rows=12,
            cost=22_001,
        ),
        mean_ms=90,
        remedy="CREATE INDEX CONCURRENTLY orders_customer_id_created_at_idx "
        "ON public.orders (customer_id, created_at);",
    ),
    Example(
        note="The index is on the expression that is compared.",
        sql="SELECT id FROM account WHERE lower(email) = $1",
        tables=(ACCOUNT,),
        plan=scan(
            table="account",
            alias="account",
            filter="(lower(email) = 'x'::text)",
            rows=5_000,
            actual=1,
            rows_removed_by_filter=999_999,
            ms=200,
        ),
        remedy="CREATE INDEX CONCURRENTLY account_email_lower_idx ON public.account (lower(email));",
    ),
    Example(
        note="Nothing is known but the plan, and the index that it uses leads to too many rows.",
        sql="SELECT * FROM orders WHERE customer_id = $1 AND status = $2",
        plan=node(
            "Index Scan",
            table="orders",
            schema="public",
            alias="orders",
            index="orders_customer_id_idx",
            index_condition="(customer_id = 7)",
            filter="((status)::text = 'open'::text)",
            rows=3,
            actual=4,
            rows_removed_by_filter=60_000,
            ms=80,
        ),
        is_pasted=True,
        remedy="CREATE INDEX CONCURRENTLY orders_customer_id_status_idx ON public.orders (customer_id, status);",
    ),
    Example(
        note="A pattern with a leading wildcard needs trigrams.",
        sql="SELECT id FROM account WHERE email LIKE '%smith%'",
        tables=(ACCOUNT,),
        plan=scan(
            table="account",
            alias="account",
            filter="(email ~~ '%smith%'::text)",
            rows=100,
            actual=40,
            rows_removed_by_filter=999_960,
            ms=200,
        ),
        remedy="CREATE EXTENSION IF NOT EXISTS pg_trgm;\n"
        "CREATE INDEX CONCURRENTLY account_email_idx ON public.account USING gin (email gin_trgm_ops);",
    ),
]
GOOD = [
    Example(
        note="An index on the column exists: that PostgreSQL does not use it has another reason.",
        sql="SELECT * FROM orders WHERE customer_id = $1",
        tables=(BY_CUSTOMER,),
        plan=SCAN,
    ),
    Example(
        note="`<>` keeps nearly everything, and no index serves it.",
        sql="SELECT * FROM orders WHERE status <> $1",
        tables=(ORDERS,),
        plan=scan(filter="(status <> 'done'::text)", rows=900, actual=812, rows_removed_by_filter=999_188, ms=80),
    ),
    Example(
        note="Half of the table is wanted: reading all of it is right.",
        sql="SELECT * FROM orders WHERE created_at > $1",
        tables=(ORDERS,),
        plan=scan(
            filter="(created_at > '2020-01-01 00:00:00+00'::timestamp with time zone)",
            rows=500_000,
            actual=510_000,
            rows_removed_by_filter=490_000,
            ms=120,
        ),
    ),
    Example(
        note="The table is small.",
        sql="SELECT * FROM orders WHERE customer_id = $1",
        tables=(table("orders", rows=2_000, columns={"customer_id": "bigint"}),),
        plan=scan(filter="(customer_id = 7)", rows=3),
        mean_ms=0.2,
    ),
    Example(
        note="Planned, not run, and so fast in production that it cannot be the plan used there.",
        sql="SELECT * FROM orders WHERE customer_id = $1",
        tables=(ORDERS,),
        plan=scan(filter="(customer_id = 7)", rows=20),
        mean_ms=0.05,
    ),
    Example(
        note="The writes of the table would pay more for the index than the statement saves.",
        sql="SELECT * FROM orders WHERE customer_id = $1",
        tables=(table("orders", columns={"customer_id": "bigint"}, counters=TableCounters(rows_inserted=900_000_000)),),
        plan=SCAN,
        calls=30,
        mean_ms=80,
    ),
    Example(
        note="What is thrown away goes by the other column, whose test no index serves.",
        sql="SELECT * FROM orders WHERE status = 'open' AND created_at::date <> $1",
        tables=(
            table(
                "orders",
                columns={"status": "text", "created_at": "timestamp with time zone"},
                statistics={"status": ColumnStatistics(null_fraction=0, average_width_bytes=5, n_distinct=3)},
            ),
        ),
        plan=scan(
            filter="((status = 'open'::text) AND ((created_at)::date <> '2026-01-01'::date))",
            rows=9_000,
            actual=100,
            rows_removed_by_filter=999_900,
            ms=90,
        ),
    ),
]


@plan_rule(severity=Severity.ERROR, since="0.1")
def check(plan: PlannedStatement, facts: Facts) -> Iterator[Finding]:
    for waste in wastes_of(facts, plan):
        if _finds_a_few(plan.nodes[waste.number]) or not facts.matters(plan, waste.share):
            continue
        day = facts.ms_per_day(plan.key)
        gain = None if day is None else day * waste.saved_share
        if not pays_off(facts, waste.need.index, gain):
            continue
        index = waste.need.index
        found = facts.table(index.table)
        label = found.label if found else index.table
        yield Finding(
            where=Where(table=index.table, statement=plan.key),
            message=_message(plan, waste, label),
            evidence=_evidence(plan, waste, facts, label),
            remedy=create_index(facts, index),
            wrong_if="the values searched for in production keep far more rows than those of this plan",
            severity=facts.severity(plan.key, waste.saved_share),
            gain_ms_per_day=gain,
            cause=index.cause,
            node=waste.number,
        )
    if not facts.has_catalog:
        yield from _by_plan_alone(plan, facts)


def _message(plan: PlannedStatement, waste: Waste, label: str) -> str:
    kind = plan.nodes[waste.number].node_type.lower()
    over = f" in {waste.scans} partitions" if waste.scans > 1 else ""
    thrown = _thrown(plan.nodes[waste.number], waste.discarded, waste.kept)
    return f"{kind} on {label} reads {waste.read:,.0f} rows{over} and throws {thrown} of them away"


def _thrown(scan: PlanNode, discarded: float, kept: float) -> str:
    """How many rows, in words where it is all of them: what several loops keep may be rounded to none."""
    if kept:
        return f"{discarded:,.0f}"
    return "all" if scan.actual_loops == 1 else "nearly all"


def _finds_a_few(scan: PlanNode) -> bool:
    """Whether it looks up a few rows at a time by an index: finding their place costs more than those it discards."""
    is_again = bool(scan.index_condition) and (scan.actual_loops or 0.0) > 1
    return is_again and (scan.rows_removed_by_filter or 0.0) < LEAST_A_LOOKUP


def _evidence(plan: PlannedStatement, waste: Waste, facts: Facts, label: str) -> tuple[Evidence, ...]:
    index = waste.need.index
    counted = "counted" if waste.rung is Rung.MEASURED else "planned"
    pieces = [
        Evidence(
            rung=waste.rung,
            text=f"{counted}: {waste.kept:,.0f} of {waste.read:,.0f} rows of {label} kept, "
            f"{waste.share:.0%} of the statement's {'time' if plan.plan.has_timing else 'cost'}",
        ),
        Evidence(rung=Rung.INFERRED, text=f"no valid index of {label} serves {index.spelled}"),
    ]
    if plan.statement and plan.statement.mean_ms is not None:
        calls = f"{plan.statement.calls:,} calls, " if plan.statement.calls else ""
        pieces.append(Evidence(rung=Rung.MEASURED, text=f"{calls}{plan.statement.mean_ms:,.1f} ms a call"))
    return tuple(pieces)


def _by_plan_alone(plan: PlannedStatement, facts: Facts) -> Iterator[Finding]:
    """What was counted, where no catalog tells which indexes there are; the partitions of a table as one."""
    told: set[str] = set()
    for number in sorted(range(len(plan.nodes)), key=lambda at: -plan.figures[at].share):
        scan, figures = plan.nodes[number], plan.figures[number]
        removed = (scan.rows_removed_by_filter or 0.0) * (scan.actual_loops or 0.0)
        read, share = removed + (figures.rows or 0.0), _share(plan, number)
        if not scan.table or removed < LEAST_READ or (figures.rows or 0.0) > MOST_KEPT * read or _finds_a_few(scan):
            continue
        wanted = None if _walks_for_limit(plan, number) else index_by_plan(scan)
        place = f"{figures.parent} {wanted.spelled}" if wanted and scan.parent_relationship == "Member" else str(number)
        if wanted is None or place in told or not facts.matters(plan, share):
            continue
        told.add(place)
        yield Finding(
            where=Where(table=wanted.table, statement=plan.key),
            message=f"{scan.node_type.lower()} on {scan.table} reads {read:,.0f} rows and throws "
            f"{_thrown(scan, removed, figures.rows or 0.0)} of them away",
            evidence=(Evidence(rung=Rung.MEASURED, text=f"counted: {share:.0%} of the statement in this scan"),),
            remedy=create_by_plan(wanted),
            wrong_if="the values searched for in production keep far more rows, or the table has such an index",
            severity=facts.severity(plan.key, share),
            at_most_ms_per_day=facts.ms_per_day(plan.key, share),
            cause=wanted.cause,
            node=number,
        )


def _walks_for_limit(plan: PlannedStatement, number: int) -> bool:
    """Whether it reads an index from its end for the order that a LIMIT wants: limit-walks-ordered-index tells."""
    scan, above = plan.nodes[number], plan.figures[number].parent
    if scan.index is None or scan.index_condition or "Index" not in scan.node_type:
        return False
    while above is not None and plan.nodes[above].node_type != "Limit":
        above = plan.figures[above].parent
    return above is not None


def _share(plan: PlannedStatement, number: int) -> float:
    """Of the scan, and of those of the partitions beside it."""
    above = plan.figures[number].parent
    if plan.nodes[number].parent_relationship != "Member" or above is None:
        return plan.figures[number].share
    return min(sum(each.share for _, each in plan.children(above)), 1.0)
