"""Two foreign keys of a table promise the same.

## What it finds
Foreign keys of one table with the same columns that reference the same columns of the same table.

## Why it matters
Every INSERT looks the referenced row up twice, and every DELETE of a referenced row looks for rows that point to it
twice, with a lock each time. Where the two differ in ON DELETE, it is hard to say what happens.

## What to do
Drop the one whose action is not wanted; of two equal ones the younger.

## When to leave it
Never, but for the moment in which one replaces the other.

## Source
https://www.postgresql.org/docs/current/ddl-constraints.html#DDL-CONSTRAINTS-FK
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
    foreign_key,
    quoted,
    quoted_table,
    replace,
    schema_rule,
    table,
)

KEY = foreign_key("customer_id", "customer")
BAD = [
    Example(
        tables=(table("orders", constraints=(KEY, replace(KEY, name="customer_id_fkey1"))), table("customer")),
        remedy="ALTER TABLE public.orders DROP CONSTRAINT customer_id_fkey1;",
    ),
]
GOOD = [
    Example(
        note="Two columns reference the same table.",
        tables=(table("transfer", constraints=(foreign_key("from_id", "account"), foreign_key("to_id", "account"))),
                table("account")),
    ),
]  # fmt: skip


@schema_rule(severity=Severity.WARNING, since="0.2")
def check(table: Table, facts: Facts) -> Iterator[Finding]:
    if table.partition_of:
        return
    kept: dict[object, Constraint] = {}
    for constraint in sorted(table.constraints, key=_worth):
        if constraint.kind != "foreign key":
            continue
        pairs = zip(constraint.columns, constraint.referenced_columns, strict=False)
        first = kept.setdefault((constraint.references, frozenset(pairs)), constraint)
        if first is not constraint:
            yield _finding(table, constraint, first, facts)


def _worth(constraint: Constraint) -> tuple[bool, bool, str]:
    """What stays comes first: what is validated, what does something, what is older by name."""
    return not constraint.is_validated, constraint.on_delete == "no action", constraint.name


def _finding(table: Table, constraint: Constraint, first: Constraint, facts: Facts) -> Finding:
    name, drop = quoted_table(table), quoted(constraint.name)
    differs = constraint.on_delete != first.on_delete
    return Finding(
        where=Where(table=table.qualified, column=constraint.columns[0]),
        message=f"foreign key {constraint.name} of {table.label} repeats {first.name}"
        + (f", with ON DELETE {(constraint.on_delete or '').upper()} beside the other's" if differs else ""),
        evidence=(Evidence(rung=Rung.INFERRED, text=f"both are {first.definition}"),)
        if not differs
        else (Evidence(rung=Rung.INFERRED, text=f"{constraint.definition} and {first.definition}"),),
        remedy=Remedy(
            text=f"Drop {constraint.name}." + (" First decide which ON DELETE is meant." if differs else ""),
            sql=f"ALTER TABLE {name} DROP CONSTRAINT {drop};",
            undo=f"ALTER TABLE {name} ADD CONSTRAINT {drop} "
            f"{constraint.definition.removesuffix(' NOT VALID')} NOT VALID;",
            lock=f"ACCESS EXCLUSIVE on {table.label} and on the referenced table for an instant: set lock_timeout",
        ),
        wrong_if="one of the two is about to replace the other",
        severity=Severity.INFO if facts.is_small(table.qualified) else Severity.WARNING,
        cause=f"constraint {constraint.name} of {table.qualified}",
    )
