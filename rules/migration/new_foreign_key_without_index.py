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
    DdlConstraint,
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
    is_partitioned,
    migration_rule,
    script,
    supports_foreign_key,
    table,
    table_sql,
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
    is_made = step.command.startswith("create table") and not step.step.is_temporary
    if not (is_made or step.command.startswith("add ")) or gate.is_small(step.target):
        return
    for constraint in step.added_constraints:
        if constraint.kind != "foreign key" or not constraint.columns or _is_indexed(step, constraint):
            continue
        if not is_made and not _is_known(step, constraint):
            continue
        keys = columns_sql(constraint.columns)
        how = "" if is_made or step.is_new or is_partitioned(step) else "CONCURRENTLY "
        referenced = step.named(constraint.references or (None, "")).removeprefix("public.")
        yield Finding(
            where=Where(table=step.target, column=constraint.columns[0]),
            message=f"the new foreign key {step.label} ({keys}) has no index: each delete from {referenced} "
            f"reads all of {step.label}",
            evidence=(Evidence(rung=Rung.INFERRED, text="no index begins with its columns, and none is made here"),),
            remedy=Remedy(
                text="Build an index on its columns" + (", in a migration of its own." if how else "."),
                sql=_with_statement(step, f"CREATE INDEX {how}ON {table_sql(step)} ({keys})"),
                lock=f"SHARE UPDATE EXCLUSIVE on {step.label}: reads and writes go on" if how else None,
            ),
            wrong_if="rows of the referenced table are never deleted, or the table stays small",
            severity=Severity.WARNING,
            cause=f"index for key {step.target} ({keys})",
        )


def _with_statement(step: MigrationStep, index: str) -> str:
    """The index after the statement, where that is one of the migration's own and not of a DO block."""
    text = step.statement.text.strip().rstrip(";")
    return script(text, index) if text[:2].upper() != "DO" else script(index)


def _is_known(step: MigrationStep, constraint: DdlConstraint) -> bool:
    """Whether an index that there was before would be known: the table is, or the columns are new."""
    added = {
        each.step.column.name
        for each in step.judged
        if each.command == "add column" and each.step.column and each.target == step.target
    }
    own = {step.step.column.name} if step.command == "add column" and step.step.column else set()
    return step.schema.is_whole(step.target) or set(constraint.columns) <= added | own


def _is_indexed(step: MigrationStep, constraint: DdlConstraint) -> bool:
    """Whether an index begins with the key's columns, by now or by what is judged."""
    known = step.table.indexes if step.table else ()
    made = [each.step.index for each in step.judged if each.target == step.target and each.step.index]
    if any(supports_foreign_key(each, constraint.columns) for each in (*known, *made)):
        return True
    count = len(constraint.columns)
    return any(
        other.kind in ("unique", "primary key") and set(other.columns[:count]) == set(constraint.columns)
        for each in (*step.judged, step)
        if each.target == step.target
        for other in each.added_constraints
    )
