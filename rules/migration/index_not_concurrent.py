"""An index is built, dropped or rebuilt under a lock that stops writes, or reads as well.

## What it finds
CREATE INDEX, DROP INDEX and REINDEX without CONCURRENTLY on a table that was there before the pull request.

## Why it matters
CREATE INDEX and REINDEX keep every INSERT, UPDATE and DELETE waiting until the index is built, minutes on a big table.
DROP INDEX takes no time itself, but waits for every running query, and all others queue behind it.

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
    NOTICED_MS,
    Evidence,
    Example,
    Finding,
    GateFacts,
    MigrationStep,
    Remedy,
    Rung,
    Severity,
    Where,
    migration_rule,
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
    Example(
        note="The snapshot says that the table is small.",
        tables=(table("orders", columns={"email": "text"}, rows=5_000),),
        migration="CREATE INDEX orders_email_idx ON orders (email);",
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
}
_PLACE = re.compile(
    r"\A(\s*(?:CREATE\s+(?:UNIQUE\s+)?INDEX|DROP\s+INDEX|REINDEX\s*(?:\([^)]*\)\s*)?(?:INDEX|TABLE)))\b",
    re.IGNORECASE,
)


@migration_rule(severity=Severity.ERROR, since="0.2")
def check(step: MigrationStep, gate: GateFacts) -> Iterator[Finding]:
    done = _COMMANDS.get(step.command)
    if done is None or step.is_new or gate.is_small(step.target) or _is_partitioned(step):
        return
    held, waiting = gate.held_ms(step), gate.queued_calls_per_s(step.target, step.effect.lock)
    stops = "reads and writes" if step.effect.blocks_reads else "writes"
    name = f"{step.step.name} on {step.label}" if step.step.kind == "index" and step.target else step.step.name
    yield Finding(
        where=Where(table=step.target, index=step.step.name if step.step.kind == "index" else None),
        message=f"{done} {name} stops {stops}" + _how_long(held, waiting),
        evidence=(Evidence(rung=Rung.INFERRED, text=f"{step.command} takes {step.effect.lock}"),),
        remedy=Remedy(
            text="Say CONCURRENTLY, in a migration of its own outside a transaction.",
            sql=_concurrent(step),
            lock=f"SHARE UPDATE EXCLUSIVE on {step.label}: reads and writes go on",
        ),
        wrong_if="the table is small, or nothing uses it",
        severity=Severity.WARNING if held is not None and held < NOTICED_MS and not waiting else Severity.ERROR,
        cause=f"{step.command} {step.step.schema or ''}.{step.step.name}",
    )


def _is_partitioned(step: MigrationStep) -> bool:
    return step.table is not None and step.table.kind == "partitioned table"


def _how_long(held_ms: float | None, calls: float | None) -> str:
    """For how long, and how many calls wait meanwhile, where that is known."""
    words = f" for about {held_ms / 1_000:,.0f} s" if held_ms is not None and held_ms >= NOTICED_MS else ""
    return words + (f", {calls:,.0f} calls a second queue behind it" if calls is not None and calls >= 1 else "")


def _concurrent(step: MigrationStep) -> str | None:
    """The statement with CONCURRENTLY; None where it does not begin as such a statement does (a DO block)."""
    text, count = _PLACE.subn(r"\1 CONCURRENTLY", step.statement.text)
    return f"{text};" if count else None
