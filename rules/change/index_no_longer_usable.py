"""An index stays, and a statement that used it no longer can.

## What it finds
Indexes that statements of the workload use, that still exist once the migrations are done, and that the planner cannot
use for them any more even when it is told not to read whole tables: a column got a type that the comparison no longer
fits.

## Why it matters
A B-tree serves comparisons of the types that its operator family knows. `bigint` beside `numeric`, or `text` beside
another type, makes PostgreSQL cast the column, and look at every row. The index goes on costing writes.

## What to do
Change both sides of the join or comparison to one type in the same step, or keep the type.

## When to leave it
The statements change along with the type, in code that goes live first.

## Source
https://www.postgresql.org/docs/current/indexes-opclass.html
"""

from collections.abc import Iterator

from pgadvisor.rule import (
    ChangePlace,
    Evidence,
    Example,
    Finding,
    GateFacts,
    PlanChange,
    PlanChanges,
    Remedy,
    Rung,
    Severity,
    Where,
    change_rule,
)

LEAST_RISE = 1.2
LEAST_SHARE = 0.001
MUCH = 0.01
"""Of all time, that it adds: as for any worse plan."""

_LOST = PlanChange(
    statement="1",
    place=ChangePlace(file="2_change.sql", line=1, text="ALTER TABLE orders ALTER COLUMN id TYPE numeric"),
    label="SELECT * FROM orders o JOIN order_items i ON i.order_id = o.id WHERE o.customer_id = $1",
    before=40,
    after=9_000,
    share=0.02,
    tables=("public.orders", "public.order_items"),
    lost_indexes=("public.order_items_order_id_idx",),
)
BAD = [
    Example(
        sql="SELECT * FROM orders o JOIN order_items i ON i.order_id = o.id WHERE o.customer_id = $1",
        plan_changes=PlanChanges(tried_on="planner twin", planned=1, statements=(_LOST,)),
    ),
]
GOOD = [
    Example(
        note="The index is of no use any more, and the statement is as quick.",
        sql="SELECT * FROM orders o JOIN order_items i ON i.order_id = o.id WHERE o.customer_id = $1",
        plan_changes=PlanChanges(
            tried_on="planner twin",
            planned=1,
            statements=(
                PlanChange(
                    statement="1",
                    place=_LOST.place,
                    before=40,
                    after=40.5,
                    share=0.02,
                    lost_indexes=("public.order_items_order_id_idx",),
                ),
            ),
        ),
    )
]


@change_rule(severity=Severity.ERROR, since="0.2", needs=("statements",))
def check(gate: GateFacts) -> Iterator[Finding]:
    for each in gate.plans.statements if gate.plans else ():
        if not each.lost_indexes or each.ratio <= LEAST_RISE or each.weight <= LEAST_SHARE:
            continue
        names = ", ".join(name.removeprefix("public.") for name in each.lost_indexes)
        yield Finding(
            where=Where(
                table=next(iter(each.tables), None),
                index=each.lost_indexes[0].removeprefix("public."),
                file=each.place.file,
                line=each.place.line,
                endpoint=each.endpoint,
            ),
            message=f"{names} can no longer be used by {each.who}, which costs {each.times}",
            evidence=(
                Evidence(
                    rung=Rung.ESTIMATED,
                    text=f"{each.label or each.statement}: not used even with enable_seqscan off; cost "
                    f"{each.before:,.0f} before and {each.after:,.0f} after {each.place.text}",
                    comparison=each.comparison,
                ),
            ),
            remedy=Remedy(text="Give both sides of the comparison one type in the same step, or keep the type."),
            wrong_if="the statement changes along with the type",
            severity=Severity.ERROR if each.added is None or each.added >= MUCH else Severity.WARNING,
            cause=f"{each.place.cause}: {names}",
            statements=(each.statement,),
        )
