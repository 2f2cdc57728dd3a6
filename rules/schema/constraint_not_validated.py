"""Constraints were added NOT VALID and never validated: older rows may break them, and the planner ignores them.

## What it finds
Foreign keys, CHECK and NOT NULL constraints that are not validated, all of the database in one finding; not those that
are declared NOT ENFORCED.

## Why it matters
NOT VALID is the first of two steps. Without the second nobody knows whether the rows that were there keep to it, a
dump may fail to load, and the planner does not use the constraint to leave out partitions, tests or joins.

## What to do
Validate them: it reads the table while reads and writes go on. Rows that break the constraint are named by the error.

## When to leave it
The older rows are known to break it, and are to stay.

## Source
https://www.postgresql.org/docs/current/sql-altertable.html#SQL-ALTERTABLE-DESC-VALIDATE-CONSTRAINT
"""

from collections.abc import Iterator

from pgadvisor.rule import (
    Constraint,
    Evidence,
    Example,
    Facts,
    Finding,
    Remedy,
    Rung,
    Severity,
    Table,
    Where,
    counted,
    foreign_key,
    listed,
    own_tables,
    quoted,
    quoted_table,
    replace,
    schema_rule,
    table,
)

OPEN = replace(foreign_key("customer_id", "customer"), is_validated=False)
BAD = [
    Example(
        tables=(table("customer"), table("orders", constraints=(OPEN,))),
        remedy="ALTER TABLE public.orders VALIDATE CONSTRAINT customer_id_fkey;",
    ),
]
GOOD = [
    Example(
        note="It is validated.",
        tables=(table("customer"), table("orders", constraints=(foreign_key("customer_id", "customer"),))),
    ),
    Example(
        note="It is not meant to be enforced.",
        tables=(
            table("customer"),
            table("orders", constraints=(replace(OPEN, definition=f"{OPEN.definition} NOT ENFORCED"),)),
        ),
    ),
]


@schema_rule(severity=Severity.INFO, since="0.2")
def check(table: Table, facts: Facts) -> Iterator[Finding]:
    found = facts.once(_found)
    if not found or found[0][0] is not table:
        return
    steps = (f"ALTER TABLE {quoted_table(each)} VALIDATE CONSTRAINT {quoted(key.name)};" for each, key in found)
    yield Finding(
        where=Where(table=table.qualified),
        message=f"{counted(len(found), 'constraint')} never validated: "
        f"{listed(f'{key.name} of {each.label}' for each, key in found)}",
        evidence=(Evidence(rung=Rung.INFERRED, text="pg_constraint.convalidated is false"),),
        remedy=Remedy(
            text="Validate them. Where rows break one, the error tells which: mend those first.",
            sql="\n".join(steps),
            lock="SHARE UPDATE EXCLUSIVE on each table, ROW SHARE on those referenced: reads and writes go on",
            cost="reads each table once",
        ),
        wrong_if="older rows break them and are meant to stay, or somebody is validating them right now",
        severity=Severity.INFO,
        cause="constraints not validated",
    )


def _found(facts: Facts) -> tuple[tuple[Table, Constraint], ...]:
    return tuple(
        (each, key)
        for each in own_tables(facts)
        for key in each.constraints
        if not key.is_validated and "NOT ENFORCED" not in key.definition
    )
