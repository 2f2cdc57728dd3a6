"""A migration makes an index whose work another one does already.

## What it finds
New indexes that hold the same entries in the same order as one that is there when the migrations are done, or that are
the beginning of one. Unique indexes count only beside an equal unique one.

## Why it matters
Both are written by each INSERT and kept in memory, and one would do.

## What to do
Leave the new one out; or, where the new one is to replace the other, drop that one in the same pull request.

## When to leave it
The wide index is much bigger, and the narrow one serves very frequent look-ups from memory.

## Source
https://www.postgresql.org/docs/current/indexes-multicolumn.html
"""

from collections.abc import Iterator

from pgadvisor.rule import (
    ChangePlace,
    Evidence,
    Example,
    Finding,
    GateFacts,
    Index,
    IndexKey,
    MadeIndex,
    PlanChanges,
    Remedy,
    Rung,
    Severity,
    Where,
    change_rule,
    replace,
    size_text,
)

_SECOND = MadeIndex(
    index=Index(
        schema="public",
        name="orders_customer_id_idx1",
        keys=(IndexKey(text="customer_id", column="customer_id"),),
        definition="CREATE INDEX orders_customer_id_idx1 ON public.orders USING btree (customer_id)",
    ),
    table="public.orders",
    definition="CREATE INDEX orders_customer_id_idx1 ON public.orders USING btree (customer_id)",
    place=ChangePlace(file="2_change.sql", line=1, text="CREATE INDEX CONCURRENTLY ON orders (customer_id)"),
    size_bytes=31_000_000,
    used_by=("1",),
    covered_by="public.orders_customer_id_idx",
    is_equal=True,
)
BAD = [
    Example(
        sql="SELECT * FROM orders WHERE customer_id = $1",
        plan_changes=PlanChanges(tried_on="planner twin", planned=1, indexes=(_SECOND,)),
    ),
    Example(
        note="The beginning of a wider one.",
        sql="SELECT * FROM orders WHERE customer_id = $1",
        plan_changes=PlanChanges(
            tried_on="planner twin",
            planned=1,
            indexes=(replace(_SECOND, covered_by="public.orders_customer_id_placed_at_idx", is_equal=False),),
        ),
    ),
]
GOOD = [
    Example(
        note="No other index begins as it does.",
        sql="SELECT * FROM orders WHERE customer_id = $1",
        plan_changes=PlanChanges(tried_on="planner twin", planned=1, indexes=(replace(_SECOND, covered_by=None),)),
    )
]


@change_rule(severity=Severity.WARNING, since="0.2", needs=("catalog",))
def check(gate: GateFacts) -> Iterator[Finding]:
    for each in gate.plans.indexes if gate.plans else ():
        if each.covered_by is None:
            continue
        other = each.covered_by.removeprefix("public.")
        how = "holds what" if each.is_equal else "is the beginning of"
        size = f" ({size_text(each.size_bytes)})" if each.size_bytes else ""
        message = f"the new index {each.index.name}{size} {how} {other}"
        yield Finding(
            where=Where(table=each.table, index=each.index.name, file=each.place.file, line=each.place.line),
            message=f"{message} holds already" if each.is_equal else message,
            evidence=(Evidence(rung=Rung.INFERRED, text=f"{other} stands as well when the migrations are done"),),
            remedy=Remedy(text=f"Leave it out, or drop {other} in the same pull request if it is to be replaced."),
            wrong_if="the narrow index serves very frequent look-ups that must stay in memory",
            severity=Severity.WARNING,
            cause=f"{each.place.cause}: {each.index.name}",
        )
