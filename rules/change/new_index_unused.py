"""A migration makes an index that no statement of the workload would use.

## What it finds
New indexes that stand in no plan of the workload, nor of the queries that come with the pull request, when all of them
are planned with the index as big as it will be. Left out: unique indexes, those that a foreign key's check uses, those
on new or small tables, and tables with a statement that could not be planned.

## Why it matters
Each INSERT writes into it, each UPDATE of its columns can no longer be a HOT one, and VACUUM reads it: for nothing.

## What to do
Leave it out, or add the query that it is for with `--queries FILE`: then it is planned as well.

## When to leave it
It is for a query that comes with a later pull request, or for a rare job that the workload's window does not hold.

## Source
https://www.postgresql.org/docs/current/indexes-examine.html
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
    table,
)

_NOTE = MadeIndex(
    index=Index(
        schema="public",
        name="orders_note_idx",
        keys=(IndexKey(text="note", column="note"),),
        definition="CREATE INDEX orders_note_idx ON public.orders USING btree (note)",
    ),
    table="public.orders",
    definition="CREATE INDEX orders_note_idx ON public.orders USING btree (note)",
    place=ChangePlace(file="2_change.sql", line=1, text="CREATE INDEX CONCURRENTLY orders_note_idx ON orders (note)"),
    size_bytes=31_000_000,
)


def _example(made: MadeIndex, note: str = "") -> Example:
    return Example(
        note=note,
        sql="SELECT * FROM orders WHERE id = $1",
        tables=(table("orders", columns={"note": "text"}),),
        plan_changes=PlanChanges(tried_on="planner twin", planned=1, indexes=(made,)),
    )


BAD = [_example(_NOTE)]
GOOD = [
    _example(replace(_NOTE, used_by=("1",)), "A statement's plan uses it."),
    _example(replace(_NOTE, serves_foreign_key=True), "The check of a foreign key looks rows up in it."),
    _example(replace(_NOTE, is_on_new_table=True), "No workload knows the table yet."),
    _example(replace(_NOTE, index=replace(_NOTE.index, is_unique=True)), "It keeps values unique."),
    _example(
        replace(_NOTE, covered_by="public.orders_note_id_idx"), "Another index does its work: another rule says it."
    ),
    _example(replace(_NOTE, is_unplanned=True), "A statement on its table could not be planned."),
]


@change_rule(severity=Severity.WARNING, since="0.2", needs=("statements",))
def check(gate: GateFacts) -> Iterator[Finding]:
    plans = gate.plans
    if plans is None or not plans.planned + plans.untouched:
        return
    for each in plans.indexes:
        if each.used_by or each.index.is_unique or each.serves_foreign_key or each.covered_by:
            continue
        if each.is_on_new_table or each.is_unplanned or gate.facts is None or gate.facts.is_small(each.table):
            continue
        size = f" ({size_text(each.size_bytes)})" if each.size_bytes else ""
        yield Finding(
            where=Where(table=each.table, index=each.index.name, file=each.place.file, line=each.place.line),
            message=f"no statement of the workload uses the new index {each.index.name}{size}",
            evidence=(Evidence(rung=Rung.ESTIMATED, text=f"{_looked_at(plans)}: it stands in no plan"),),
            remedy=Remedy(text="Leave it out, or name the query that it is for with --queries FILE."),
            wrong_if="it is for a query that the workload does not hold yet",
            severity=Severity.WARNING,
            cause=f"{each.place.cause}: {each.index.name}",
        )


def _looked_at(plans: PlanChanges) -> str:
    if not plans.planned:
        return f"none of {plans.untouched:,} statements uses its table"
    return f"{plans.planned:,} statement{'' if plans.planned == 1 else 's'} planned with it on the {plans.tried_on}"
