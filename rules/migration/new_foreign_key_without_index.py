"""A new foreign key has no index on its own columns, so each delete of a referenced row reads the whole table.

## What it finds
A foreign key that is added, with its table, with a column or by itself, where no index of the table begins with its
columns and nothing that is judged with it makes one.

## Why it matters
DELETE of a referenced row, and UPDATE of its key, look for rows that reference it. Without an index each of them reads
the whole table, and keeps its locks meanwhile.

## What to do
Build the index CONCURRENTLY, in a migration of its own.

## When to leave it
Referenced rows are never deleted, or the table stays small.

## Source
https://www.postgresql.org/docs/current/ddl-constraints.html#DDL-CONSTRAINTS-FK
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
    columns_sql,
    index_for_key,
    migration_rule,
    script,
    table,
    timeout,
)

BAD = [
    Example(
        tables=(table("orders", columns={"user_id": "bigint"}, rows=50_000_000),),
        migration="ALTER TABLE orders ADD FOREIGN KEY (user_id) REFERENCES users NOT VALID;",
        remedy="CREATE INDEX CONCURRENTLY ON orders (user_id);",
    ),
    Example(
        migration="CREATE TABLE visits (id bigint PRIMARY KEY, user_id bigint REFERENCES users);",
        remedy="CREATE INDEX ON visits (user_id);",
    ),
    Example(
        migration="ALTER TABLE orders ADD COLUMN user_id bigint REFERENCES users;",
        remedy="CREATE INDEX CONCURRENTLY ON orders (user_id);",
    ),
]
GOOD = [
    Example(
        note="The index follows in the same pull request.",
        migration="ALTER TABLE orders ADD COLUMN user_id bigint REFERENCES users;"
        "CREATE INDEX CONCURRENTLY ON orders (user_id, id);",
    ),
    Example(
        note="There is one already, that begins with the column.",
        tables=(table("orders", indexes={"orders_user_idx": "user_id, id"}, rows=50_000_000),),
        migration="ALTER TABLE orders ADD FOREIGN KEY (user_id) REFERENCES users NOT VALID;",
    ),
    Example(
        note="The primary key begins with it.",
        migration="CREATE TABLE visits (user_id bigint REFERENCES users, at date, PRIMARY KEY (user_id, at));",
    ),
    Example(
        note="Which indexes the table has is not known.",
        migration="ALTER TABLE orders ADD FOREIGN KEY (user_id) REFERENCES users NOT VALID;",
    ),
    Example(
        note="The snapshot says that the table is small.",
        tables=(table("orders", columns={"user_id": "bigint"}, rows=5_000),),
        migration="ALTER TABLE orders ADD FOREIGN KEY (user_id) REFERENCES users NOT VALID;",
    ),
]


@migration_rule(severity=Severity.WARNING, since="0.2")
def check(step: MigrationStep, gate: GateFacts) -> Iterator[Finding]:
    for constraint in step.added_constraints:
        index = index_for_key(step, gate, constraint)
        if index is None:
            continue
        keys = columns_sql(constraint.columns)
        is_beside = "CONCURRENTLY" in index
        referenced = step.named(constraint.references or (None, "")).removeprefix("public.")
        yield Finding(
            where=Where(table=step.target, column=constraint.columns[0]),
            message=f"the new foreign key {step.label} ({keys}) has no index: each delete from {referenced} "
            f"reads all of {step.label}",
            evidence=(Evidence(rung=Rung.INFERRED, text="no index begins with its columns, and none is made here"),),
            remedy=Remedy(
                text="Build an index on its columns" + (", in a migration of its own." if is_beside else "."),
                sql=_with_statement(step, index),
                lock=f"SHARE UPDATE EXCLUSIVE on {step.label}: reads and writes go on" if is_beside else None,
            ),
            wrong_if="rows of the referenced table are never deleted, or the table stays small",
            severity=Severity.WARNING,
            cause=f"index for key {step.target} ({keys})",
        )


def _with_statement(step: MigrationStep, index: str) -> str:
    """The index after the statement, where that is one of the migration's own and not of a DO block."""
    text = step.statement.text.strip().rstrip(";")
    return script(*timeout(step), text, index) if text[:2].upper() != "DO" else script(index)
