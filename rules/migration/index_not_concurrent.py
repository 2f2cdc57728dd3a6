"""An index is built, dropped or rebuilt under a lock that stops writes, or reads as well.

## What it finds
CREATE INDEX, DROP INDEX and REINDEX (of an index, a table, a schema or all of the database) without CONCURRENTLY on
what was there before the pull request. On a table that is known to be small, and that few use, it is a word of
information.

## Why it matters
Writes wait until the index is built, minutes on a big table. REINDEX and DROP INDEX keep reads waiting too: the
one locks the index, which the planner looks at for each query; behind the other, that waits for every running query,
all new ones queue.

## What to do
Say CONCURRENTLY, in a migration of its own that runs outside a transaction.

## When to leave it
The table is small, or nothing uses it yet. A partitioned table's index cannot be built CONCURRENTLY as a whole: build
it on each partition, then attach.

## Source
https://www.postgresql.org/docs/current/sql-createindex.html#SQL-CREATEINDEX-CONCURRENTLY
"""

import re
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
    has_lock_timeout,
    how_long,
    lock_severity,
    migration_rule,
    quoted,
    script,
    table,
)

BAD = [
    Example(
        migration="CREATE INDEX orders_email_idx ON orders (email);",
        remedy="CREATE INDEX CONCURRENTLY orders_email_idx ON orders (email);",
    ),
    Example(
        migration="DROP INDEX IF EXISTS orders_email_idx;",
        remedy="DROP INDEX CONCURRENTLY IF EXISTS orders_email_idx;",
    ),
    Example(migration="REINDEX TABLE orders;", remedy="REINDEX TABLE CONCURRENTLY orders;"),
    Example(
        note="Made by an earlier migration: by now it is in use.",
        earlier="CREATE TABLE orders (id bigint PRIMARY KEY, email text);",
        migration="CREATE UNIQUE INDEX ON orders (email);",
        remedy="CREATE UNIQUE INDEX CONCURRENTLY ON orders (email);",
    ),
    Example(
        note="A big table of the snapshot.",
        tables=(table("orders", columns={"email": "text"}, rows=50_000_000),),
        migration="CREATE INDEX orders_email_idx ON orders (email);",
    ),
    Example(
        note="The snapshot says that the table is small: a word of information.",
        tables=(table("orders", columns={"email": "text"}, rows=5_000),),
        migration="CREATE INDEX orders_email_idx ON orders (email);",
    ),
    Example(
        note="An index that a broken build left behind would be taken for this one.",
        migration="CREATE INDEX IF NOT EXISTS orders_email_idx ON orders (email);",
        remedy="DROP INDEX CONCURRENTLY IF EXISTS orders_email_idx;\n"
        "CREATE INDEX CONCURRENTLY orders_email_idx ON orders (email);",
    ),
    Example(
        note="All tables of the schema, one after the other.",
        migration="REINDEX SCHEMA public;",
        remedy="REINDEX SCHEMA CONCURRENTLY public;",
    ),
    Example(note="Catalogs cannot be rebuilt CONCURRENTLY.", migration="REINDEX SYSTEM shop;"),
]
GOOD = [
    Example(
        note="It is built beside running writes.",
        migration="CREATE INDEX CONCURRENTLY orders_email_idx ON orders (email);",
    ),
    Example(
        note="The table is made by the same migration.",
        migration="CREATE TABLE orders (id bigint PRIMARY KEY, email text); CREATE INDEX ON orders (email);",
    ),
    Example(note="Beside reads and writes.", migration="REINDEX (VERBOSE, CONCURRENTLY) DATABASE shop;"),
    Example(
        note="It is there already: nothing is done.",
        tables=(table("orders", columns={"email": "text"}, indexes={"orders_email_idx": "email"}, rows=50_000_000),),
        migration="CREATE INDEX IF NOT EXISTS orders_email_idx ON orders (email);",
    ),
    Example(
        note="A partitioned table's index cannot be built CONCURRENTLY.",
        earlier="CREATE TABLE orders (id bigint, at date) PARTITION BY RANGE (at);",
        migration="CREATE INDEX ON ONLY orders (at);",
    ),
]

_COMMANDS = {
    "create index": "building index",
    "drop index": "dropping index",
    "reindex index": "rebuilding index",
    "reindex table": "rebuilding all indexes of",
    "reindex schema": "rebuilding all indexes of schema",
    "reindex database": "rebuilding all indexes of the database",
    "reindex system": "rebuilding the indexes of the system catalogs",
}
_MANY = ("reindex schema", "reindex database", "reindex system")
_PLACE = re.compile(
    r"\A(\s*(?:CREATE\s+(?:UNIQUE\s+)?INDEX|DROP\s+INDEX|REINDEX\s*(?:\([^)]*\)\s*)?(?:INDEX|TABLE|SCHEMA|DATABASE)))\b",
    re.IGNORECASE,
)
_IF_NOT_EXISTS = re.compile(r"\s+IF\s+NOT\s+EXISTS\b", re.IGNORECASE)


@migration_rule(severity=Severity.ERROR, since="0.2")
def check(step: MigrationStep, gate: GateFacts) -> Iterator[Finding]:
    done = _COMMANDS.get(step.command)
    if done is None or step.is_new or _is_partitioned(step) or _is_there(step):
        return
    is_rebuilt = step.command.startswith("reindex")
    stops = "reads and writes" if step.effect.blocks_reads or is_rebuilt else "writes"
    locks = f"{step.spelled} takes {step.effect.lock or 'SHARE on one catalog after the other'}"
    yield Finding(
        where=Where(table=step.target, index=step.step.name if step.step.kind == "index" else None),
        message=f"{done}{_named(step)} stops {stops}{how_long(step, gate)}",
        evidence=(
            Evidence(
                rung=Rung.INFERRED,
                text=f"{locks}, and ACCESS EXCLUSIVE on the index, which every plan locks" if is_rebuilt else locks,
            ),
        ),
        remedy=_remedy(step),
        wrong_if="the table is small, or nothing uses it",
        severity=_severity(step, gate),
        cause=f"{step.command} {step.step.schema or ''}.{step.step.name}",
    )


def _is_partitioned(step: MigrationStep) -> bool:
    """Whether nothing can be built CONCURRENTLY on it; ON ONLY is written of partitioned tables alone."""
    return step.table.kind == "partitioned table" if step.table is not None else step.step.is_only


def _is_there(step: MigrationStep) -> bool:
    """Whether IF NOT EXISTS finds an index of that name and does nothing."""
    known = step.table.indexes if step.table is not None and step.step.if_not_exists else ()
    return any(each.name == step.step.name for each in known)


def _named(step: MigrationStep) -> str:
    if step.command == "reindex system" or step.step.name is None:
        return "" if step.command in _MANY else f" on {step.label}"
    return f" {step.step.name}" + (f" on {step.label}" if step.step.kind == "index" and step.target else "")


def _severity(step: MigrationStep, gate: GateFacts) -> Severity:
    """A drop takes no time, but as long as it waits for its lock, all that use the table wait behind it."""
    if step.command == "drop index" and not gate.is_small(step.target):
        calls = gate.queued_calls_per_s(step.target, step.effect.lock)
        return Severity.ERROR if calls and not has_lock_timeout(step) else Severity.WARNING
    return Severity.ERROR if step.command in _MANY else lock_severity(step, gate)


def _remedy(step: MigrationStep) -> Remedy:
    if step.command == "reindex system":
        return Remedy(text="Name the index that is broken, with REINDEX INDEX, and do it when nobody works.")
    return Remedy(
        text="Say CONCURRENTLY, in a migration of its own outside a transaction.",
        sql=_concurrent(step),
        lock=f"SHARE UPDATE EXCLUSIVE on {'one table after the other' if step.command in _MANY else step.label}: "
        "reads and writes go on",
    )


def _concurrent(step: MigrationStep) -> str | None:
    """The statement with CONCURRENTLY; None where it does not begin as such a statement does (a DO block)."""
    text, count = _PLACE.subn(r"\1 CONCURRENTLY", step.statement.text)
    if not count:
        return None
    if step.command == "create index" and step.step.if_not_exists and step.step.name:
        name = ".".join(quoted(each) for each in (step.step.schema, step.step.name) if each)
        # What a broken build left has the name, and is of no use: IF NOT EXISTS would keep it.
        return script(f"DROP INDEX CONCURRENTLY IF EXISTS {name}", _IF_NOT_EXISTS.sub("", text, count=1))
    return script(text)
