"""A constraint is added NOT VALID and validated in the same transaction, which spares nothing.

## What it finds
VALIDATE CONSTRAINT in the transaction, or the very statement, that added the constraint NOT VALID.

## Why it matters
The strong lock of ADD CONSTRAINT is held until the transaction ends: every row is read under it after all.

## What to do
Validate in a migration of its own.

## When to leave it
The table is small, or nothing uses it yet.

## Source
https://www.postgresql.org/docs/current/sql-altertable.html#SQL-ALTERTABLE-NOTES
"""

from collections.abc import Iterator

from pgadvisor.rule import (
    Evidence,
    Example,
    Finding,
    GateFacts,
    MigrationStep,
    Remedy,
    Rung,
    Severity,
    Where,
    alter,
    constraint_name,
    how_long,
    is_on_new_table,
    keeps_reads_out,
    lock_severity,
    migration_rule,
    quoted,
    script,
    timeout,
    validated_steps,
)

BAD = [
    Example(
        migration="ALTER TABLE orders ADD CONSTRAINT bound CHECK (total > 0) NOT VALID;"
        "ALTER TABLE orders VALIDATE CONSTRAINT bound;",
        is_in_transaction=True,
        remedy="ALTER TABLE orders VALIDATE CONSTRAINT bound;",
    ),
    Example(
        note="One statement is one transaction.",
        migration="ALTER TABLE orders ADD CONSTRAINT bound CHECK (total > 0) NOT VALID, VALIDATE CONSTRAINT bound;",
    ),
    Example(
        note="A BEGIN of the migration's own.",
        migration="BEGIN; ALTER TABLE orders ADD FOREIGN KEY (user_id) REFERENCES users NOT VALID;"
        "ALTER TABLE orders VALIDATE CONSTRAINT orders_user_id_fkey; COMMIT;",
    ),
]
GOOD = [
    Example(
        note="Each statement commits by itself.",
        migration="ALTER TABLE orders ADD CONSTRAINT bound CHECK (total > 0) NOT VALID;"
        "ALTER TABLE orders VALIDATE CONSTRAINT bound;",
    ),
    Example(
        note="Added by an earlier migration.",
        earlier="ALTER TABLE orders ADD CONSTRAINT bound CHECK (total > 0) NOT VALID;",
        migration="ALTER TABLE orders VALIDATE CONSTRAINT bound;",
        is_in_transaction=True,
    ),
    Example(
        note="The table is new.",
        migration="CREATE TABLE orders (total numeric);"
        "ALTER TABLE orders ADD CONSTRAINT bound CHECK (total > 0) NOT VALID;"
        "ALTER TABLE orders VALIDATE CONSTRAINT bound;",
        is_in_transaction=True,
    ),
]


@migration_rule(severity=Severity.ERROR, since="0.2")
def check(step: MigrationStep, gate: GateFacts) -> Iterator[Finding]:
    if step.command != "validate constraint" or is_on_new_table(step):
        return
    together = [*step.before, *step.clauses]
    adding = next((each for each in together if _adds(each, step)), None)
    if adding is None:
        return
    name = step.step.constraint_name or ""
    waiting = "reads and writes" if keeps_reads_out(adding) else "writes"
    yield Finding(
        where=Where(table=step.target),
        message=f"constraint {name} of {step.label} is validated in the transaction that added it: {waiting} wait"
        + how_long(step, gate),
        evidence=(
            Evidence(rung=Rung.INFERRED, text=f"{adding.spelled} took {adding.effect.lock}, held while rows are read"),
        ),
        remedy=Remedy(
            text="Put VALIDATE CONSTRAINT into a migration of its own, after the one that adds the constraint.",
            sql=_apart(step, adding, name),
            lock=f"SHARE UPDATE EXCLUSIVE on {step.label}: reads and writes go on",
        ),
        wrong_if="the table is small, or nothing uses it",
        severity=lock_severity(step, gate),
        cause=f"validate {name} of {step.target}",
    )


def _apart(step: MigrationStep, adding: MigrationStep, name: str) -> str:
    """What goes into a migration of its own; of one statement that does both, both."""
    constraint = adding.step.constraint
    if adding.statement is step.statement and constraint and step.statement.text.lstrip()[:5].upper() == "ALTER":
        return script(*timeout(step), *validated_steps(adding, constraint))
    return script(alter(step, f"VALIDATE CONSTRAINT {quoted(name)}"))


def _adds(one: MigrationStep, step: MigrationStep) -> bool:
    """Whether that step added the constraint, NOT VALID."""
    return one.target == step.target and any(
        each.is_not_valid and constraint_name(one, each) == step.step.constraint_name for each in one.added_constraints
    )
