"""A statement gets a better plan by the migrations.

## What it finds
Statements with more than a thousandth of all time that the planner takes for a fifth cheaper, or less, once the
migrations are done: what the pull request is for, in figures.

## Why it matters
It says whether a new index does what it was made for, before it is built.

## What to do
Nothing. Both plans stand beside it.

## When to leave it
Always: it fails nothing.

## Source
https://www.postgresql.org/docs/current/using-explain.html
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

MOST_LEFT = 0.8
LEAST_SHARE = 0.001

_PLACE = ChangePlace(file="2_change.sql", line=1, text="CREATE INDEX CONCURRENTLY ON orders (customer_id)")


def _example(change: PlanChange, note: str = "") -> Example:
    return Example(
        note=note,
        sql="SELECT * FROM orders WHERE customer_id = $1",
        plan_changes=PlanChanges(tried_on="planner twin", planned=1, statements=(change,)),
    )


BAD = [
    _example(
        PlanChange(
            statement="1",
            place=_PLACE,
            label="SELECT * FROM orders WHERE customer_id = $1",
            before=4_000,
            after=9,
            share=0.3,
            tables=("public.orders",),
            new_indexes=("public.orders_customer_id_idx",),
        )
    )
]
GOOD = [
    _example(
        PlanChange(statement="1", place=_PLACE, before=4_000, after=3_900, share=0.3),
        "Within the planner's error.",
    ),
    _example(
        PlanChange(statement="1", place=_PLACE, before=4_000, after=9, share=0.0001),
        "Nobody spends time in it.",
    ),
]


@change_rule(severity=Severity.INFO, since="0.2", needs=("statements",))
def check(gate: GateFacts) -> Iterator[Finding]:
    for each in gate.plans.statements if gate.plans else ():
        if each.error is not None or each.ratio >= MOST_LEFT or each.weight <= LEAST_SHARE:
            continue
        names = ", ".join(name.removeprefix("public.") for name in each.new_indexes)
        yield Finding(
            where=Where(
                table=next(iter(each.tables), None), file=each.place.file, line=each.place.line, endpoint=each.endpoint
            ),
            message=f"{each.who} costs {each.times} afterwards" + (f", by {names}" if names else ""),
            evidence=(
                Evidence(
                    rung=Rung.ESTIMATED,
                    text=f"{each.label or each.statement}: cost {each.before:,.0f} before and {each.after:,.0f} after",
                    comparison=each.comparison,
                ),
            ),
            remedy=Remedy(text="Nothing to do."),
            wrong_if="its values are others than those drawn from statistics",
            severity=Severity.INFO,
            cause=each.place.cause,
            statements=(each.statement,),
        )
