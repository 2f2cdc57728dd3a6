"""IF NOT EXISTS skips a statement, and what stands there instead is something else.

## What it finds
CREATE INDEX CONCURRENTLY IF NOT EXISTS, where nothing drops before it what a broken build left. Where the schema is
known also: an index of that name that is not valid or is on other columns, a column of that name with another type, a
table of that name without some of the columns.

## Why it matters
IF NOT EXISTS asks for the name alone. A build that was broken off leaves an index of that name which is not valid: it
slows down each write and serves no query. The second run of the migration finds the name, says nothing and counts as
done.

## What to do
Drop what is there before (DROP INDEX CONCURRENTLY IF EXISTS), or leave IF NOT EXISTS out: then the second run fails,
and someone looks.

## When to leave it
What stands there is known to be what the statement would make.

## Source
https://www.postgresql.org/docs/current/sql-createindex.html#SQL-CREATEINDEX-CONCURRENTLY
"""

from collections.abc import Iterator

from pgadvisor.rule import (
    Evidence,
    Example,
    Finding,
    GateFacts,
    Index,
    MigrationStep,
    Remedy,
    Rung,
    Severity,
    Table,
    Where,
    migration_rule,
    quoted,
    replace,
    script,
    table,
)

_ORDERS = table("orders", columns={"email": "text", "total": "integer"}, indexes={"orders_email_idx": "email"})
_BROKEN = replace(_ORDERS, indexes=tuple(replace(each, is_valid=False) for each in _ORDERS.indexes))
BAD = [
    Example(
        note="A first run may have been broken off.",
        migration="CREATE INDEX CONCURRENTLY IF NOT EXISTS orders_total_idx ON orders (total);",
        remedy="DROP INDEX CONCURRENTLY IF EXISTS orders_total_idx;\n"
        "CREATE INDEX CONCURRENTLY orders_total_idx ON orders (total);",
    ),
    Example(
        note="The snapshot has it, and it is not valid.",
        tables=(_BROKEN,),
        migration="CREATE INDEX CONCURRENTLY IF NOT EXISTS orders_email_idx ON orders (email);",
    ),
    Example(
        note="The name is taken by an index on another column.",
        tables=(_ORDERS,),
        migration="CREATE INDEX IF NOT EXISTS orders_email_idx ON orders (total);",
    ),
    Example(
        note="The column is there, and is narrower.",
        earlier="CREATE TABLE orders (id bigint PRIMARY KEY, total int);",
        migration="ALTER TABLE orders ADD COLUMN IF NOT EXISTS total bigint;",
    ),
    Example(
        note="The table is there, without the second column.",
        earlier="CREATE TABLE orders (id bigint PRIMARY KEY);",
        migration="CREATE TABLE IF NOT EXISTS orders (id bigint PRIMARY KEY, total int);",
    ),
]
GOOD = [
    Example(
        note="What a broken build left is dropped first.",
        migration="DROP INDEX CONCURRENTLY IF EXISTS orders_total_idx;"
        "CREATE INDEX CONCURRENTLY IF NOT EXISTS orders_total_idx ON orders (total);",
    ),
    Example(
        note="It is there, valid, and the same.",
        tables=(_ORDERS,),
        migration="CREATE INDEX CONCURRENTLY IF NOT EXISTS orders_email_idx ON orders (email);",
    ),
    Example(
        note="A second run fails, and someone looks.",
        migration="CREATE INDEX CONCURRENTLY orders_total_idx ON orders (total);",
    ),
    Example(
        note="The column is there with the same type, spelled otherwise.",
        earlier="CREATE TABLE orders (id bigint PRIMARY KEY, code varchar(20), number bigserial);",
        migration="ALTER TABLE orders ADD COLUMN IF NOT EXISTS code character varying(20),"
        " ADD COLUMN IF NOT EXISTS number int8;",
    ),
    Example(
        note="The table is there with all that it asks for.",
        earlier="CREATE TABLE orders (id bigint PRIMARY KEY, total int, note text);",
        migration="CREATE TABLE IF NOT EXISTS orders (id bigint PRIMARY KEY, total int);",
    ),
    Example(
        note="Nothing is known of what is there.",
        migration="CREATE TABLE IF NOT EXISTS orders (id bigint); ALTER TABLE visits ADD COLUMN IF NOT EXISTS at date;",
    ),
]


@migration_rule(severity=Severity.WARNING, since="0.2")
def check(step: MigrationStep, gate: GateFacts) -> Iterator[Finding]:
    if not step.step.if_not_exists:
        return
    if step.command.startswith("create index"):
        found = _index(step)
    elif step.table is None or not step.schema.is_whole(step.target):
        found = None
    else:
        found = _column(step, step.table) if step.command == "add column" else _table(step, step.table)
    if found is None:
        return
    message, severity = found
    yield Finding(
        where=Where(table=step.target, index=step.step.name if step.step.kind == "index" else None),
        message=message,
        evidence=(Evidence(rung=Rung.INFERRED, text="IF NOT EXISTS looks at the name, and at nothing else"),),
        remedy=_remedy(step),
        wrong_if="what stands there is known to be what the statement would make",
        severity=severity,
        cause=f"if not exists {step.target} {step.step.column_name or step.step.name}",
    )


def _index(step: MigrationStep) -> tuple[str, Severity] | None:
    name, wanted = step.step.name, step.step.index
    there = next((each for each in (step.table.indexes if step.table else ()) if each.name == name), None)
    if there is not None and not there.is_valid:
        return f"index {name} is there and not valid: IF NOT EXISTS leaves it so", Severity.WARNING
    if there is not None and wanted is not None:
        if not _differs(there, wanted):
            return None
        columns = ", ".join(there.columns)
        return f"index {name} is there, on ({columns}): IF NOT EXISTS makes no other", Severity.WARNING
    if not step.step.is_concurrent or step.is_new or name is None:
        return None
    if any(each.command.startswith("drop index") and each.comes_before(step) for each in step.judged.naming(name)):
        return None
    return f"an index {name} that a broken build left would be taken for the new one", Severity.INFO


def _differs(one: Index, other: Index) -> bool:
    """Whether both are on plain columns, and not on the same ones; expressions can be spelled in many ways."""
    keys = (*one.keys, *other.keys)
    return all(each.column for each in keys) and (one.columns, one.is_unique) != (other.columns, other.is_unique)


def _column(step: MigrationStep, table: Table) -> tuple[str, Severity] | None:
    column = step.step.column
    there = table.column(column.name) if column else None
    if column is None or there is None or not there.type or not column.type:
        return None
    if there.type == column.type or "serial" in column.type + there.type:
        return None
    what = f"column {step.label}.{column.name} is there as {there.type}"
    return f"{what}: IF NOT EXISTS does not make it {column.type}", Severity.WARNING


def _table(step: MigrationStep, table: Table) -> tuple[str, Severity] | None:
    missing = [each.name for each in step.step.columns if table.column(each.name) is None]
    if step.command != "create table" or not missing:
        return None
    return f"table {step.label} is there without {', '.join(missing)}: IF NOT EXISTS adds nothing", Severity.WARNING


def _remedy(step: MigrationStep) -> Remedy:
    if not step.command.startswith("create index"):
        return Remedy(text="Say what is to be done with what is there, or leave IF NOT EXISTS out.")
    text = step.statement.text.strip().rstrip(";")
    name = ".".join(quoted(each) for each in (step.step.schema, step.step.name) if each)
    head, _, tail = text.partition(" IF NOT EXISTS ")
    return Remedy(
        text="Drop before it what a broken build left, or leave IF NOT EXISTS out: then the second run fails.",
        sql=script(f"DROP INDEX CONCURRENTLY IF EXISTS {name}", f"{head} {tail}")
        if tail and step.step.is_concurrent and text[:6].upper() == "CREATE"
        else None,
    )
