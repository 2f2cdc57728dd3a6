"""A parallel plan got fewer workers than it was planned for.

## What it finds
A Gather that launched fewer workers than planned, in a run of 50 ms or more. Seen by EXPLAIN ANALYZE.

## Why it matters
The planner took the plan because several processes would share the work. When none is free the leader does all of it,
by a plan that would not have been chosen for one process, and the time swings with what else is running.

## What to do
Raise `max_parallel_workers`, and `max_worker_processes` above it (a restart), as far as there are processors. Or have
short statements not go parallel: `min_parallel_table_scan_size`, `parallel_setup_cost`.

## When to leave it
It happens at the busiest hour only, when there are no processors left either.

## Source
https://www.postgresql.org/docs/current/when-can-parallel-query-be-used.html
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

LEAST_MS = 50.0
LEAST_SHARE = 0.2

EVENTS = table("event")
SQL = "SELECT count(*) FROM event"
SCAN = node("Seq Scan", table="event", rows=4e5, actual=1e6, ms=190, is_parallel_aware=True)
gather = partial(node, "Gather", SCAN, rows=1e6, actual=1e6, ms=200, workers_planned=2)
BAD = [Example(sql=SQL, tables=(EVENTS,), plan=gather(workers_launched=0), mean_ms=200)]
GOOD = [
    Example(note="All came.", sql=SQL, tables=(EVENTS,), plan=gather(workers_launched=2), mean_ms=200),
    Example(
        note="It was not run, so none was launched.",
        sql=SQL,
        tables=(EVENTS,),
        plan=node("Gather", node("Seq Scan", table="event", rows=4e5), rows=1e6, workers_planned=2),
    ),
]


@plan_rule(severity=Severity.WARNING, since="0.2", needs=("analyze",))
def check(plan: PlannedStatement, facts: Facts) -> Iterator[Finding]:
    for number, gather in enumerate(plan.nodes):
        planned, launched = gather.workers_planned, gather.workers_launched
        if planned is None or launched is None or launched >= planned or not gather.was_run:
            continue
        whole = plan.figures[0].inclusive_ms
        share = (plan.figures[number].inclusive_ms or 0.0) / whole if whole else 1.0
        if (plan.plan.execution_ms or 0.0) < LEAST_MS or share < LEAST_SHARE or not facts.matters(plan, share):
            continue
        most = facts.setting("max_parallel_workers")
        yield Finding(
            where=Where(statement=plan.key),
            message=f"{launched} of {planned} parallel workers came",
            evidence=(
                Evidence(
                    rung=Rung.MEASURED,
                    text=f"EXPLAIN ANALYZE: {share:.0%} of {plan.plan.execution_ms or 0.0:,.0f} ms go into this part"
                    + (f"; max_parallel_workers is {most}" if most else ""),
                ),
            ),
            remedy=_remedy(most, planned),
            wrong_if="no processor was free either while it ran",
            severity=facts.severity(plan.key, share * (1 - (launched + 1) / (planned + 1)), worst=Severity.WARNING),
            at_most_ms_per_day=facts.ms_per_day(plan.key, share * (1 - (launched + 1) / (planned + 1))),
            cause="parallel workers",
            node=number,
        )


def _remedy(most: str | None, planned: int) -> Remedy:
    wanted = max(int(most) * 2 if most and most.isdigit() else 0, 4 * planned)
    return Remedy(
        text="Raise max_parallel_workers as far as there are processors, and max_worker_processes above it, which "
        "takes a restart; or let fewer statements go parallel.",
        sql=f"ALTER SYSTEM SET max_parallel_workers = {wanted};\nSELECT pg_reload_conf();",
        undo="ALTER SYSTEM RESET max_parallel_workers;\nSELECT pg_reload_conf();",
        lock="none",
        cost="more processes at work at the same time, each with its own work_mem",
    )
