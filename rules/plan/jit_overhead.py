"""Compiling a statement just in time takes longer than it can save.

## What it finds
JIT compilation of 10 ms or more that takes more than a fifth of a statement's execution: seen by EXPLAIN ANALYZE, or by
the statement's counters (PostgreSQL 15 and later).

## Why it matters
From `jit_above_cost` on PostgreSQL compiles a statement's expressions with LLVM before it runs, in each process that
takes part. That pays for minutes of computing. The threshold is a cost, though, and a plan over many partitions or with
a wrong estimate is expensive by cost and quick by the clock.

## What to do
Raise `jit_above_cost` above the cost of such statements, for the database or the role; or switch `jit` off, as most
databases of applications do, and on for the reports that need it.

## When to leave it
Long reports whose time is in computing, not in reading: JIT saves them more than it takes.

## Source
https://www.postgresql.org/docs/current/jit-decision.html
"""

from collections.abc import Iterator
from math import ceil, log10

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
    quoted,
    replace,
    table,
)

MOST_SHARE = 0.2
LEAST_MS = 10.0

EVENTS = table("event")
SQL = "SELECT kind, count(*) FROM event GROUP BY kind"
RUN = node("Aggregate", node("Seq Scan", table="event", rows=1e6, actual=1e6, ms=90), rows=40, actual=40, ms=310,
           cost=180_000)  # fmt: skip
BAD = [
    Example(
        sql=SQL,
        tables=(EVENTS,),
        plan=RUN,
        plan_fields={"jit_ms": 190.0},
        mean_ms=310,
        remedy="ALTER DATABASE example SET jit_above_cost = 400000;",
    )
]
GOOD = [
    Example(note="It was not compiled.", sql=SQL, tables=(EVENTS,), plan=RUN, mean_ms=310),
    Example(
        note="A long report: a tenth of it, and it computes much.",
        sql=SQL,
        tables=(EVENTS,),
        plan=replace(RUN, actual_total_ms=4_000.0),
        plan_fields={"jit_ms": 400.0},
        mean_ms=4_000,
    ),
]


@plan_rule(severity=Severity.ERROR, since="0.2")
def check(plan: PlannedStatement, facts: Facts) -> Iterator[Finding]:
    seen = _counted(plan) or _run(plan)
    if seen is None:
        return
    jit_ms, whole_ms, evidence = seen
    share = jit_ms / whole_ms
    if share <= MOST_SHARE or jit_ms < LEAST_MS or not facts.matters(plan, share):
        return
    day = facts.ms_per_day(plan.key)
    yield Finding(
        where=Where(statement=plan.key),
        message=f"JIT compilation takes {jit_ms:,.0f} of {whole_ms:,.0f} ms",
        evidence=(Evidence(rung=Rung.MEASURED, text=evidence), *_cost(plan, facts)),
        remedy=_remedy(plan, facts),
        wrong_if="the plan computes far more in production, so that compiled code makes up for it",
        severity=facts.severity(plan.key, share),
        gain_ms_per_day=None if day is None else day * share,
        cause="jit",
        node=0,
    )


def _counted(plan: PlannedStatement) -> tuple[float, float, str] | None:
    """By the statement's counters: compilation and time of one call on average."""
    found = plan.statement
    if found is None or not found.calls or not found.total_ms or found.jit_ms is None:
        return None
    text = f"pg_stat_statements: {found.jit_ms / found.total_ms:.0%} of the time of {found.calls:,} calls is JIT"
    return found.jit_ms / found.calls, found.total_ms / found.calls, text


def _run(plan: PlannedStatement) -> tuple[float, float, str] | None:
    """By EXPLAIN ANALYZE."""
    jit_ms, whole_ms = plan.plan.jit_ms, plan.plan.execution_ms
    if jit_ms is None or not whole_ms:
        return None
    return jit_ms, whole_ms, f"EXPLAIN ANALYZE: JIT is {jit_ms / whole_ms:.0%} of the execution"


def _cost(plan: PlannedStatement, facts: Facts) -> tuple[Evidence, ...]:
    limit = dict(plan.plan.settings).get("jit_above_cost") or facts.setting("jit_above_cost")
    text = f"the plan costs {plan.root.total_cost:,.0f}" + (f", jit_above_cost is {float(limit):,.0f}" if limit else "")
    return (Evidence(rung=Rung.ESTIMATED, text=text),)


def _remedy(plan: PlannedStatement, facts: Facts) -> Remedy:
    above = _above(2 * plan.root.total_cost)
    server = facts.snapshot.server
    text = f"Raise jit_above_cost above what such statements cost, {plan.root.total_cost:,.0f} here, or switch jit off."
    if server is None:
        return Remedy(text=text, sql="SET LOCAL jit = off;", undo="RESET jit;", lock="none")
    name = f"ALTER DATABASE {quoted(server.database)}"
    return Remedy(
        text=text,
        sql=f"{name} SET jit_above_cost = {above};",
        undo=f"{name} RESET jit_above_cost;",
        lock="none; new sessions take it",
        cost="statements that cost less are no longer compiled: look at the longest reports first",
    )


def _above(cost: float) -> int:
    """The next round number: one digit and zeros."""
    unit = 10.0 ** int(log10(max(cost, 1.0)))
    return int(ceil(max(cost, 1.0) / unit) * unit)
