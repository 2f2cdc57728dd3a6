"""A statement of the workload is no longer valid after the migrations.

## What it finds
Statements that production runs and that the server would refuse once the migrations are done: a column or table that
they name is dropped, renamed, or has another type. Found on a planner twin with the new schema, in the server's words.

## Why it matters
Migrations and code do not go live at the same moment. Until the last old process is gone, and in every program that
nobody thought of, each call of such a statement fails.

## What to do
In two steps: first code that works with both schemas, and only when none of the old is running the migration that takes
the old away. A rename is a new column, both written, then the old one dropped.

## When to leave it
The statement is of code that is no longer running: the workload's counters still hold it.

## Source
https://martinfowler.com/bliki/ParallelChange.html
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

_PLACE = ChangePlace(file="2_change.sql", line=1, text="ALTER TABLE users RENAME COLUMN email TO mail")
BAD = [
    Example(
        sql="SELECT id FROM users WHERE email = $1",
        plan_changes=PlanChanges(
            tried_on="planner twin",
            planned=1,
            statements=(
                PlanChange(
                    statement="1",
                    place=_PLACE,
                    label="SELECT id FROM users WHERE email = $1",
                    error='column "email" does not exist',
                    share=0.4,
                    tables=("public.users",),
                ),
            ),
        ),
    )
]
GOOD = [
    Example(
        note="It is planned otherwise, and still runs.",
        sql="SELECT id FROM users WHERE email = $1",
        plan_changes=PlanChanges(
            tried_on="planner twin",
            planned=1,
            statements=(PlanChange(statement="1", place=_PLACE, before=8, after=9, share=0.4),),
        ),
    )
]


@change_rule(severity=Severity.ERROR, since="0.2", needs=("statements",))
def check(gate: GateFacts) -> Iterator[Finding]:
    for each in gate.plans.statements if gate.plans else ():
        if each.error is None:
            continue
        yield Finding(
            where=Where(
                table=next(iter(each.tables), None),
                file=each.place.file,
                line=each.place.line,
                endpoint=each.endpoint,
            ),
            message=f"{each.who} fails afterwards: {each.error}",
            evidence=(
                Evidence(
                    rung=Rung.MEASURED,
                    text=f"{each.label or each.statement}: taken as things are, refused after {each.place.text}",
                ),
            ),
            remedy=Remedy(
                text="First let code go live that works with both schemas; take the old away when none else is running."
            ),
            wrong_if="the code that sends it is no longer running",
            severity=Severity.ERROR,
            cause=f"{each.place.cause}: {each.error}",
            statements=(each.statement,),
        )
