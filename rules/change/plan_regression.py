"""A statement gets a worse plan by the migrations.

## What it finds
Statements that the planner takes for a fifth dearer once the migrations are done, on production's statistics, and that
have, or then get, more than a thousandth of all database time; or that come to read a table of 100 MB and more whole.

## Why it matters
An index that is dropped may be the one that a frequent query lives on. A cost that is a hundred times as high is, more
often than not, a time that is too: the load of the database may double with one merge.

## What to do
Keep the index, or make the one that takes its place first. Both plans stand beside the finding.

## When to leave it
The statement is about to disappear, or the migration makes up for it elsewhere.

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
    WholeRead,
    change_rule,
    size_text,
)

LEAST_RISE = 1.2
"""The planner's own error is as large as less."""
LEAST_SHARE = 0.001
MUCH = 0.01
"""A hundredth more load of the whole database: nobody should merge that unknowingly."""
BIG_BYTES = 100 * 1024 * 1024

_PLACE = ChangePlace(file="2_change.sql", line=1, text="DROP INDEX orders_customer_id_idx")
_GONE = PlanChange(
    statement="1",
    place=_PLACE,
    label="SELECT * FROM orders WHERE customer_id = $1",
    before=8.5,
    after=4_000,
    share=0.02,
    tables=("public.orders",),
    gone_indexes=("public.orders_customer_id_idx",),
    whole_reads=(WholeRead(table="public.orders", size_bytes=250_000_000),),
)


def _example(change: PlanChange, note: str = "") -> Example:
    plans = PlanChanges(tried_on="planner twin", planned=1, statements=(change,))
    return Example(note=note, sql="SELECT * FROM orders WHERE customer_id = $1", plan_changes=plans)


BAD = [
    _example(_GONE),
    _example(
        PlanChange(statement="1", place=_PLACE, before=100, after=150, share=0.3, tables=("public.orders",)),
        "Half as dear again, with a third of all time.",
    ),
]
GOOD = [
    _example(
        PlanChange(statement="1", place=_PLACE, before=100, after=110, share=0.3, tables=("public.orders",)),
        "Within the planner's error.",
    ),
    _example(
        PlanChange(statement="1", place=_PLACE, before=100, after=300, share=0.0001, tables=("public.orders",)),
        "Nobody spends time in it, before or after.",
    ),
    _example(
        PlanChange(
            statement="1",
            place=_PLACE,
            before=100,
            after=900,
            share=0.3,
            tables=("public.orders",),
            lost_indexes=("public.orders_customer_id_idx",),
        ),
        "An index is there and no longer fits: another rule tells it.",
    ),
]


@change_rule(severity=Severity.ERROR, since="0.2", needs=("statements",))
def check(gate: GateFacts) -> Iterator[Finding]:
    for each in gate.plans.statements if gate.plans else ():
        if each.error is not None or each.lost_indexes or each.ratio <= LEAST_RISE or not _counts(each):
            continue
        yield Finding(
            where=Where(
                table=next(iter(each.tables), None),
                index=_bare(each.gone_indexes[0]) if each.gone_indexes else None,
                file=each.place.file,
                line=each.place.line,
                endpoint=each.endpoint,
            ),
            message=_message(each),
            evidence=(
                Evidence(
                    rung=Rung.ESTIMATED,
                    text=f"{each.label or each.statement}: cost {each.before:,.0f} before and {each.after:,.0f} after "
                    f"{each.place.text}, on the {gate.plans.tried_on if gate.plans else ''}",
                    comparison=each.comparison,
                ),
            ),
            remedy=Remedy(text=_remedy(each)),
            wrong_if="the statement is about to disappear, or its values are others than those drawn from statistics",
            severity=_severity(each),
            cause=each.place.cause,
            statements=(each.statement,),
        )


def _counts(change: PlanChange) -> bool:
    is_big = any(read.size_bytes >= BIG_BYTES for read in change.whole_reads)
    return change.weight > LEAST_SHARE or is_big


def _severity(change: PlanChange) -> Severity:
    """By the load that it adds; a big table that is read whole is an error whatever the share."""
    added = change.added
    if any(read.size_bytes >= BIG_BYTES for read in change.whole_reads) or (added is not None and added >= MUCH):
        return Severity.ERROR
    return Severity.WARNING


def _message(change: PlanChange) -> str:
    gone = ", ".join(map(_bare, change.gone_indexes))
    told = (
        f"without {gone}, {change.who} costs {change.times}"
        if gone
        else f"{change.who} costs {change.times} afterwards"
    )
    read = (f", reading {_bare(each.table)} ({size_text(each.size_bytes)}) whole" for each in change.whole_reads[:1])
    return told + "".join(read)


def _remedy(change: PlanChange) -> str:
    if change.gone_indexes:
        return f"Keep {', '.join(map(_bare, change.gone_indexes))}, or first make the index that takes its place."
    return "Look at both plans; make the index that the new one lacks in the same pull request."


def _bare(name: str) -> str:
    return name.removeprefix("public.")
