"""A table, view or schema is renamed, so programs that know its old name, or its new one, fail.

## What it finds
ALTER TABLE and ALTER VIEW … RENAME TO or SET SCHEMA, and ALTER SCHEMA … RENAME TO, of what was there before the pull
request. With a snapshot, only where statements of its workload use it.

## Why it matters
Program and schema never change in the same instant: whichever comes first, statements with the other name fail until
both are there, and again when one is rolled back.

## What to do
Rename it and make a view of the old name in the same transaction: a view of one table takes writes as well. Drop the
view when every program uses the new name.

## When to leave it
The program stops while the migration runs.

## Source
https://www.postgresql.org/docs/current/sql-createview.html#SQL-CREATEVIEW-UPDATABLE-VIEWS
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
    earlier,
    in_use_finding,
    is_there,
    makes,
    migration_rule,
    quoted,
    script,
    table,
    timeout,
    users_of,
)

BAD = [
    Example(
        migration="ALTER TABLE orders RENAME TO purchases;",
        remedy="CREATE VIEW orders AS SELECT * FROM purchases;",
    ),
    Example(
        migration="ALTER TABLE shop.orders SET SCHEMA sales;",
        remedy="CREATE VIEW shop.orders AS SELECT * FROM sales.orders;",
    ),
    Example(migration="ALTER SCHEMA shop RENAME TO sales;"),
    Example(
        note="Between the statements there is no table of the old name.",
        migration="ALTER TABLE orders RENAME TO purchases; CREATE VIEW orders AS SELECT * FROM purchases;",
    ),
    Example(
        note="A statement of the workload uses it.",
        sql="SELECT id FROM orders WHERE id = $1",
        tables=(table("orders"),),
        migration="ALTER TABLE orders RENAME TO purchases;",
    ),
]
GOOD = [
    Example(
        note="A view of the old name is made in the same transaction.",
        migration="ALTER TABLE orders RENAME TO purchases; CREATE VIEW orders AS SELECT * FROM purchases;",
        is_in_transaction=True,
    ),
    Example(
        note="Another table takes its place in the same transaction.",
        migration="ALTER TABLE orders RENAME TO orders_old; ALTER TABLE orders_new RENAME TO orders;",
        is_in_transaction=True,
    ),
    Example(
        note="The table is made by the same migration.",
        migration="CREATE TABLE orders (id bigint); ALTER TABLE orders RENAME TO purchases;",
    ),
    Example(
        note="No statement of the workload uses it.",
        sql="SELECT id FROM visits WHERE id = $1",
        tables=(table("orders"), table("visits")),
        migration="ALTER TABLE orders RENAME TO purchases;",
    ),
    Example(
        note="No program names an index, or a sequence by itself.",
        migration="ALTER INDEX orders_pkey RENAME TO purchases_pkey; ALTER SEQUENCE orders_id_seq RENAME TO s;",
    ),
]

_RENAMES = ("rename table", "rename view", "rename materialized view")
_RELATIONS = ("table", "view", "materialized view")


@migration_rule(severity=Severity.ERROR, since="0.2")
def check(step: MigrationStep, gate: GateFacts) -> Iterator[Finding]:
    if step.command == "rename schema":
        yield from _schema(step)
    is_moved = step.command == "set schema" and step.step.kind in _RELATIONS
    new = makes(step) if is_moved or step.command in _RENAMES else None
    if new is None or new == step.target or not is_there(step, gate, step.target):
        return
    if any(makes(each) == step.target for each in step.after) or _takes_a_place(step, new):
        return
    yield from in_use_finding(
        step,
        gate,
        users_of(gate, step.target),
        f"{step.step.kind} {step.label} is renamed to {new.removeprefix('public.')}",
        Remedy(
            text="Make a view of the old name in the same transaction, and drop it in a later migration, when every "
            "program uses the new name.",
            sql=_with_view(step),
            lock=f"ACCESS EXCLUSIVE on {step.label} for a moment",
        ),
        cause="rename",
        unseen=Severity.ERROR,
    )


def _takes_a_place(step: MigrationStep, new: str) -> bool:
    """Whether the new name became free in the same transaction: a swap, which programs do not see."""
    return any(
        each.target == new and (each.command in _RENAMES or each.command in ("drop table", "set schema"))
        for each in step.before
    )


def _with_view(step: MigrationStep) -> str:
    """The renaming and the view, in one transaction."""
    schema, old = step.step.schema, step.step.name or ""
    name = quoted(step.step.new_name or old)
    moved = quoted(step.step.new_schema) if step.step.new_schema else schema and quoted(schema)
    was = f"{quoted(schema)}.{quoted(old)}" if schema else quoted(old)
    now = f"{moved}.{name}" if moved else name
    kind = (step.step.kind if step.step.kind in _RELATIONS else "table").upper()
    action = f"SET SCHEMA {moved}" if step.step.new_schema else f"RENAME TO {name}"
    lines = (f"ALTER {kind} {was} {action}", f"CREATE VIEW {was} AS SELECT * FROM {now}")
    return (
        script(*timeout(step), *lines) if step.is_in_transaction else script(*timeout(step), "BEGIN", *lines, "COMMIT")
    )


def _schema(step: MigrationStep) -> Iterator[Finding]:
    old, new = step.step.name, step.step.new_name
    if any(each.command == "create schema" and each.step.name == old for each in earlier(step)):
        return
    yield Finding(
        where=Where(),
        message=f"schema {old} is renamed to {new}: every name in it changes",
        evidence=(Evidence(rung=Rung.INFERRED, text="statements and search paths that name the old schema fail"),),
        remedy=Remedy(
            text="Make the new schema, move table after table into it, each with a view of the old name in the same "
            "transaction.",
        ),
        wrong_if="no running program names the schema, nor has it in its search path",
        severity=Severity.ERROR,
        cause=f"rename schema {old}",
    )
