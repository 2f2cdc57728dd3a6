"""An index that the whole workload would gain by does not exist.

## What it finds
Indexes chosen for all statements together, on PostgreSQL's own planner: what each statement saves, weighed by its time,
against what the writes pay for the index. Only those that no other finding asks for are told under this name. Not those
that would only take the place of an index that is there, nor those of tables with row security, whose policies the
planner was asked without; the table of indexes has them.

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
    DroppedIndex,
    Example,
    Facts,
    Finding,
    IndexAdvice,
    Policy,
    Query,
    Severity,
    StatementEffect,
    Table,
    Where,
    advised_cause,
    advised_evidence,
    advised_remedy,
    advised_severity,
    equated_columns,
    is_exchange,
    replace,
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
JOBS = table("job", columns={"run_at": "timestamp with time zone", "state": "text"},
             indexes={"job_ready": "run_at WHERE (state = 'ready'::text)"})  # fmt: skip
WRITE = StatementEffect(statement="1", ratio=0.03, before=9_000.0, after=270.0, is_write=True)
EXCHANGED = replace(ADVISED, name="job_run_at_idx", table="public.job", gain=8_000.0, helps=(WRITE,),
                    definition="CREATE INDEX job_run_at_idx ON public.job (run_at)")  # fmt: skip
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
        note="It takes the place of the queue's own index, to spare the writes.",
        sql="UPDATE job SET state = 'running' WHERE state = 'ready' AND run_at < now()",
        tables=(JOBS,),
        calls=9_000,
        mean_ms=1,
        advice=IndexAdvice(
            unit="ms",
            tried_on="planner twin",
            create=(EXCHANGED,),
            before=9_000,
            after=300,
            statements=(WRITE,),
            drop=(
                DroppedIndex(
                    name="public.job_ready",
                    table="public.job",
                    why="replaced",
                    reason="",
                    sql="",
                    undo="",
                    lock="",
                    gain=3_000,
                    replaced_by=("public.job_run_at_idx",),
                ),
            ),
        ),
    ),
    Example(
        note="Row security narrows the rows by another column, which the planner was not told.",
        sql="SELECT * FROM orders WHERE customer_id = $1 ORDER BY placed_at DESC LIMIT 10",
        tables=(
            table(
                "orders",
                columns={"customer_id": "bigint", "placed_at": "timestamp with time zone", "tenant": "bigint"},
                has_row_security=True,
                policies=(Policy(name="own", using="(tenant = my_tenant())"),),
            ),
        ),
        calls=9_000,
        mean_ms=40,
        advice=IndexAdvice(unit="ms", tried_on="planner twin", create=(ADVISED,), before=70_000, after=9_000),
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
        if is_exchange(index, advice, LEAST_FALL) or _is_behind_policies(index, facts):
            continue
        first = index.helps[0]
        found = facts.table(index.table)
        yield Finding(
            where=Where(table=index.table, statement=first.statement),
            message=_message(index, advice, found.label if found else index.table),
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


def _is_behind_policies(index: AdvisedIndex, facts: Facts) -> bool:
    """Whether row security narrows the rows for who runs the statements: the planner was asked without it."""
    found = facts.table(index.table)
    if found is None or not found.has_row_security:
        return False
    narrowed = {name for each in found.policies if each.using for name in equated_columns(each.using)}
    queries = [facts.queries.get(each.statement) for each in index.helps]
    return bool(narrowed) and not any(query and _compares(query, found, narrowed) for query in queries)


def _compares(query: Query, found: Table, columns: set[str]) -> bool:
    """Whether the query names one of the columns itself, as the policy does."""
    return any(
        each.operator == "=" and each.column and each.column.column in columns and each.column.table == found.qualified
        for each in query.predicates()
    )


def _message(index: AdvisedIndex, advice: IndexAdvice, label: str) -> str:
    """What is missing, and for whom: of what they cost today, where that is known."""
    today = {each.statement: each.ratio for each in advice.statements}
    factor = 1 / max(min(today.get(each.statement, each.ratio) for each in index.helps), LEAST_RATIO)
    who = "a statement cost" if len(index.helps) == 1 else f"{len(index.helps):,} statements cost up to"
    return f"{label} lacks an index that would make {who} {factor:,.0f} times less"
