"""Planning a statement takes longer than running it, since it joins or opens very many tables.

## What it finds
Planning of 5 ms or more that takes longer than the execution, of a statement whose plan opens 16 partitions or more, or
joins eight tables or more. By the statement's counters where `pg_stat_statements.track_planning` is on, else by one
EXPLAIN ANALYZE.

## Why it matters
Each partition that cannot be left out before planning is locked, looked up and costed, and each table more makes the
number of orders to join in grow. It is paid by every call, however few rows it gives.

## What to do
Let the WHERE clause name the partition key with a constant or parameter, so that partitions are left out while planning
begins. Prepare the statement, so that it is planned once. Of many small tables put the ones that belong together into
fewer; `join_collapse_limit` cuts the search short where you know the order.

## When to leave it
The first call of a connection only, which fills its caches. Or the plan really needs them all.

## Source
https://www.postgresql.org/docs/current/ddl-partitioning.html#DDL-PARTITIONING-DECLARATIVE-BEST-PRACTICES
"""

from collections.abc import Iterator

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

LEAST_MS = 5.0
MANY_PARTITIONS, MANY_TABLES = 16, 8

EVENTS = table("event", partition_key="RANGE (at)")
SQL = "SELECT count(*) FROM event WHERE user_id = $1"

PARTS = tuple(
    node("Index Only Scan", table=f"event_{at}", alias=f"event_{at}", index=f"event_{at}_idx", rows=1, actual=0,
         ms=0.01, parent_relationship="Member")
    for at in range(1, 41)
)  # fmt: skip
ALL = node("Aggregate", node("Append", *PARTS, rows=40, actual=12, ms=0.8), rows=1, actual=1, ms=0.9)
BAD = [
    Example(
        sql=SQL, tables=(EVENTS,), plan=ALL, plan_fields={"planning_ms": 9.0}, mean_ms=0.9, calls=1_000_000
    ),
]  # fmt: skip
GOOD = [
    Example(
        note="It plans a simple statement: the catalog was read for the first time in this connection.",
        sql="SELECT * FROM account WHERE id = $1",
        plan=node("Index Scan", table="account", rows=1, actual=1, ms=0.05),
        plan_fields={"planning_ms": 9.0},
        mean_ms=0.05,
        calls=1_000_000,
    ),
    Example(
        note="It runs much longer than it is planned.",
        sql=SQL,
        tables=(EVENTS,),
        plan=ALL,
        plan_fields={"planning_ms": 9.0, "execution_ms": 90.0},
        mean_ms=90,
    ),
    Example(note="The first call only; the statement is rare.", sql=SQL, tables=(EVENTS,), plan=ALL,
            plan_fields={"planning_ms": 9.0}, mean_ms=0.9, calls=50),
]  # fmt: skip


@plan_rule(severity=Severity.WARNING, since="0.2")
def check(plan: PlannedStatement, facts: Facts) -> Iterator[Finding]:
    seen = _counted(plan) or _run(plan)
    partitions, tables = _opened(plan)
    if seen is None or (partitions < MANY_PARTITIONS and tables < MANY_TABLES):
        return
    planning_ms, execution_ms, evidence = seen
    times = (planning_ms + execution_ms) / execution_ms if execution_ms else 1.0
    if planning_ms < LEAST_MS or planning_ms <= execution_ms or not _matters(plan, facts, planning_ms):
        return
    day = facts.ms_per_day(plan.key)
    what = f"{partitions} partitions" if partitions >= MANY_PARTITIONS else f"{tables} tables"
    yield Finding(
        where=Where(statement=plan.key),
        message=f"planning over {what} takes {planning_ms:,.1f} ms, running {execution_ms:,.1f} ms",
        evidence=(Evidence(rung=Rung.MEASURED, text=evidence),),
        remedy=PARTITIONS if partitions >= MANY_PARTITIONS else TABLES,
        wrong_if="the application prepares the statement, or this was the first plan of a new connection",
        severity=facts.severity(plan.key, min(times - 1, 1.0), worst=Severity.WARNING),
        at_most_ms_per_day=None if day is None else day * planning_ms / max(execution_ms, LEAST_MS / 100),
    )


PARTITIONS = Remedy(
    text="Compare the partition key with a constant or a parameter, so that partitions are left out before they are "
    "planned; prepare the statement, so that it is planned once; or make fewer, bigger partitions."
)
TABLES = Remedy(
    text="Prepare the statement, so that it is planned once; join fewer tables; or, where the order of its JOINs is "
    "right, have the planner keep it.",
    sql="SET LOCAL join_collapse_limit = 1;",
    undo="RESET join_collapse_limit;",
    lock="none",
)


def _matters(plan: PlannedStatement, facts: Facts, planning_ms: float) -> bool:
    """Planning is not in the statement's own time: what it adds up to a day counts, where that is known."""
    calls, window = plan.statement.calls if plan.statement else None, facts.window_s
    if not calls or window is None:
        return True
    return calls * planning_ms / window >= LEAST_LOAD


LEAST_LOAD = 60_000.0 / 86_400.0
"""A minute a day."""


def _counted(plan: PlannedStatement) -> tuple[float, float, str] | None:
    """By the statement's counters: planning and execution of one call on average."""
    found = plan.statement
    if found is None or not found.calls or not found.planning_ms or not found.total_ms:
        return None
    text = f"pg_stat_statements: {found.planning_ms:,.0f} ms planning, {found.total_ms:,.0f} ms running in all calls"
    return found.planning_ms / found.calls, found.total_ms / found.calls, text


def _run(plan: PlannedStatement) -> tuple[float, float, str] | None:
    """By EXPLAIN ANALYZE."""
    if plan.plan.planning_ms is None or not plan.plan.execution_ms:
        return None
    text = f"EXPLAIN ANALYZE: {plan.plan.planning_ms:,.1f} ms planning, once; a first plan fills the caches as well"
    return plan.plan.planning_ms, plan.plan.execution_ms, text


def _opened(plan: PlannedStatement) -> tuple[int, int]:
    """How many partitions the plan opens (also those left out when it started), and how many tables it joins."""
    members = [each for each in plan.nodes if each.parent_relationship == "Member" and each.table]
    removed = sum(each.subplans_removed or 0 for each in plan.nodes)
    scans = {each.alias or each.table for each in plan.nodes if each.table and each not in members}
    return len(members) + removed, len(scans) + (1 if members else 0)
