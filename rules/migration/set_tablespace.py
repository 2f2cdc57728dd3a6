"""A table or index is copied to another tablespace, or access method, under lock.

## What it finds
ALTER TABLE and ALTER INDEX … SET TABLESPACE, and ALTER TABLE … SET ACCESS METHOD, of what was there before the pull
request.

## Why it matters
The whole file is copied under ACCESS EXCLUSIVE: every query on the table waits until it is done.

## What to do
An index: REINDEX INDEX CONCURRENTLY with TABLESPACE (PostgreSQL 14 and later). A table: pg_repack copies it beside
reads and writes.

## When to leave it
The table is small, or nothing uses it yet.

## Source
https://www.postgresql.org/docs/current/sql-altertable.html#SQL-ALTERTABLE-DESC-SET-TABLESPACE
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
    is_on_new_table,
    lock_finding,
    migration_rule,
    milder_if_quick,
    quoted,
    table,
)

BAD = [
    Example(migration="ALTER TABLE orders SET TABLESPACE fast;"),
    Example(
        migration="ALTER INDEX orders_email_idx SET TABLESPACE fast;",
        remedy="REINDEX (TABLESPACE fast) INDEX CONCURRENTLY orders_email_idx;",
    ),
    Example(migration="ALTER TABLE orders SET ACCESS METHOD columnar;"),
    Example(
        note="The snapshot says that the table is small: a word of information.",
        tables=(table("orders", rows=5_000),),
        migration="ALTER TABLE orders SET TABLESPACE fast;",
    ),
]
GOOD = [
    Example(
        note="The table is made by the same migration.",
        migration="CREATE TABLE orders (id bigint); ALTER TABLE orders SET TABLESPACE fast;",
    ),
    Example(
        note="It is built anew in the other tablespace beside reads and writes.",
        migration="REINDEX (TABLESPACE fast) INDEX CONCURRENTLY orders_email_idx;",
    ),
]

_TABLESPACE = re.compile(r"\bSET\s+TABLESPACE\s+(\"[^\"]+\"|[\w$]+)", re.IGNORECASE)


@migration_rule(severity=Severity.ERROR, since="0.2")
def check(step: MigrationStep, gate: GateFacts) -> Iterator[Finding]:
    if step.command not in ("set tablespace", "set index tablespace", "set access method"):
        return
    if is_on_new_table(step) or (step.command != "set index tablespace" and step.effect.rewrites == "no"):
        return
    if step.command != "set index tablespace":
        yield lock_finding(
            step,
            gate,
            f"{step.command.upper()} copies {step.label}",
            Remedy(text="Copy it beside reads and writes with pg_repack, or do it in a quiet hour."),
            cause=step.command,
        )
        return
    yield Finding(
        where=Where(table=step.target, index=step.step.name),
        message=f"SET TABLESPACE copies index {step.step.name} while queries on its table wait",
        evidence=(Evidence(rung=Rung.INFERRED, text="it takes ACCESS EXCLUSIVE on the index, which every plan locks"),),
        remedy=Remedy(
            text="Build it anew in the other tablespace CONCURRENTLY (PostgreSQL 14 and later).",
            sql=_rebuilt(step) if gate.version >= 14 else None,
            lock="SHARE UPDATE EXCLUSIVE: reads and writes go on",
        ),
        wrong_if="the index is small, or nothing uses its table",
        severity=milder_if_quick(Severity.ERROR, step, gate),
        cause=f"tablespace of {step.step.schema or ''}.{step.step.name}",
    )


def _rebuilt(step: MigrationStep) -> str | None:
    place = _TABLESPACE.search(step.statement.text)
    name = quoted(step.step.name or "")
    name = f"{quoted(step.step.schema)}.{name}" if step.step.schema else name
    return f"REINDEX (TABLESPACE {place[1]}) INDEX CONCURRENTLY {name};" if place else None
