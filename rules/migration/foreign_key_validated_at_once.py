"""A foreign key reads every row of its table while writes to both tables wait.

## What it finds
ADD FOREIGN KEY without NOT VALID on a table that was there before the pull request.

## Why it matters
PostgreSQL looks up every row's reference under SHARE ROW EXCLUSIVE on both tables: every INSERT, UPDATE and DELETE on
either of them waits until it is done.

## What to do
Add it NOT VALID, which binds new rows at once; then VALIDATE CONSTRAINT in a migration of its own, which reads the old
rows while reads and writes go on.

## When to leave it
The table is small, or nothing uses it yet.

## Source
https://www.postgresql.org/docs/current/sql-altertable.html#SQL-ALTERTABLE-NOTES
"""

from collections.abc import Iterator

from pgadvisor.rule import (
    DdlConstraint,
    Example,
    Finding,
    GateFacts,
    MigrationStep,
    Remedy,
    Severity,
    column_script,
    columns_sql,
    constraint_name,
    constraints_to_check,
    index_for_key,
    is_partitioned,
    lock_finding,
    migration_rule,
    script,
    table,
    timeout,
    validated_steps,
)

BAD = [
    Example(
        migration="ALTER TABLE orders ADD FOREIGN KEY (user_id) REFERENCES users;",
        remedy="ALTER TABLE orders ADD CONSTRAINT orders_user_id_fkey "
        "FOREIGN KEY (user_id) REFERENCES users NOT VALID;\n"
        "ALTER TABLE orders VALIDATE CONSTRAINT orders_user_id_fkey;",
    ),
    Example(
        note="A default gives every old row a reference that is looked up.",
        migration="ALTER TABLE orders ADD COLUMN user_id bigint DEFAULT 1 REFERENCES users ON DELETE CASCADE;",
        remedy="FOREIGN KEY (user_id) REFERENCES users ON DELETE CASCADE NOT VALID;",
    ),
    Example(
        note="What happens to the rows belongs to the key.",
        migration="ALTER TABLE shop.orders ADD CONSTRAINT owner FOREIGN KEY (a, b) REFERENCES users (a, b)"
        " MATCH FULL ON DELETE SET NULL DEFERRABLE;",
        remedy="REFERENCES users (a, b) MATCH FULL ON DELETE SET NULL DEFERRABLE NOT VALID;",
    ),
    Example(
        note="In a DO block it locks all the same.",
        migration="DO $$ BEGIN ALTER TABLE orders ADD CONSTRAINT bound FOREIGN KEY (user_id) REFERENCES users; END $$;",
    ),
    Example(
        note="A big table of the snapshot.",
        tables=(table("orders", columns={"user_id": "bigint"}, rows=50_000_000),),
        migration="ALTER TABLE orders ADD FOREIGN KEY (user_id) REFERENCES users;",
    ),
    Example(
        note="The snapshot says that the table is small: a word of information.",
        tables=(table("orders", columns={"user_id": "bigint"}, rows=5_000),),
        migration="ALTER TABLE orders ADD FOREIGN KEY (user_id) REFERENCES users;",
    ),
]
GOOD = [
    Example(
        note="Old rows are not read.",
        migration="ALTER TABLE orders ADD CONSTRAINT orders_user_id_fkey"
        " FOREIGN KEY (user_id) REFERENCES users NOT VALID;",
    ),
    Example(
        note="Reads and writes go on while it is validated.",
        earlier="ALTER TABLE orders ADD CONSTRAINT orders_user_id_fkey"
        " FOREIGN KEY (user_id) REFERENCES users NOT VALID;",
        migration="ALTER TABLE orders VALIDATE CONSTRAINT orders_user_id_fkey;",
    ),
    Example(
        note="The new column is empty: there is nothing to look up.",
        migration="ALTER TABLE orders ADD COLUMN user_id bigint REFERENCES users;",
    ),
    Example(
        note="The table is made by the same migration.",
        migration="CREATE TABLE orders (user_id int); ALTER TABLE orders ADD FOREIGN KEY (user_id) REFERENCES users;",
    ),
]


@migration_rule(severity=Severity.ERROR, since="0.2")
def check(step: MigrationStep, gate: GateFacts) -> Iterator[Finding]:
    for constraint in constraints_to_check(step, "foreign key"):
        yield lock_finding(
            step,
            gate,
            f"adding a foreign key on ({columns_sql(constraint.columns)}) to {step.label} looks up every row",
            _remedy(step, gate, constraint),
            cause=f"foreign key {constraint_name(step, constraint)} of",
            column=constraint.columns[0] if len(constraint.columns) == 1 else None,
        )


def _remedy(step: MigrationStep, gate: GateFacts, constraint: DdlConstraint) -> Remedy:
    if is_partitioned(step):
        return Remedy(
            text="A partitioned table takes no foreign key NOT VALID before PostgreSQL 18: add and validate it on each "
            "partition, then on the partitioned table, which takes theirs for its own."
        )
    index = index_for_key(step, gate, constraint)
    lines = (*validated_steps(step, constraint), *((index,) if index else ()))
    return Remedy(
        text="Add it NOT VALID; put VALIDATE CONSTRAINT into a migration of its own, for in one transaction the locks "
        "would be held all the same.",
        sql="\n".join(filter(None, (column_script(step), index and script(index))))
        if step.command == "add column"
        else script(*timeout(step), *lines),
        lock=f"SHARE ROW EXCLUSIVE on both tables for a moment, then SHARE UPDATE EXCLUSIVE on {step.label}: "
        "reads and writes go on",
    )
