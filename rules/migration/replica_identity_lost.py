"""A table loses what logical replication tells its rows apart by, and then refuses UPDATE and DELETE.

## What it finds
REPLICA IDENTITY NOTHING, and, where the snapshot says that wal_level is logical, a primary key dropped without another
in the same transaction from a table without another replica identity.

## Why it matters
In a publication that publishes updates or deletes, each UPDATE and DELETE of the table fails from then on.

## What to do
Drop the old key and add the new one, USING INDEX, in one ALTER TABLE; or name another unique index first, with REPLICA
IDENTITY USING INDEX.

## When to leave it
The table is in no publication, or is only inserted into.

## Source
https://www.postgresql.org/docs/current/logical-replication-publication.html#LOGICAL-REPLICATION-PUBLICATION-REPLICA-IDENTITY
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
    is_there,
    migration_rule,
    table,
)

BAD = [
    Example(migration="ALTER TABLE orders REPLICA IDENTITY NOTHING;"),
    Example(
        tables=(table("orders"),),
        settings={"wal_level": "logical"},
        migration="ALTER TABLE orders DROP CONSTRAINT orders_pkey;",
    ),
]
GOOD = [
    Example(
        note="Another key takes its place at once.",
        tables=(table("orders", indexes={"orders_pk_new": "UNIQUE id"}),),
        settings={"wal_level": "logical"},
        migration="ALTER TABLE orders DROP CONSTRAINT orders_pkey,"
        " ADD CONSTRAINT orders_pkey PRIMARY KEY USING INDEX orders_pk_new;",
    ),
    Example(
        note="All columns tell its rows apart.",
        tables=(table("orders"),),
        settings={"wal_level": "logical"},
        migration="ALTER TABLE orders REPLICA IDENTITY FULL; ALTER TABLE orders DROP CONSTRAINT orders_pkey;",
    ),
    Example(
        note="The server replicates nothing logically.",
        tables=(table("orders"),),
        settings={"wal_level": "replica"},
        migration="ALTER TABLE orders REPLICA IDENTITY NOTHING; ALTER TABLE orders DROP CONSTRAINT orders_pkey;",
    ),
    Example(
        note="The table is made by the same migration.",
        migration="CREATE TABLE orders (id bigint PRIMARY KEY); ALTER TABLE orders REPLICA IDENTITY NOTHING;",
    ),
]


@migration_rule(severity=Severity.WARNING, since="0.2")
def check(step: MigrationStep, gate: GateFacts) -> Iterator[Finding]:
    if step.command not in ("replica identity", "drop constraint") or not is_there(step, gate, step.target):
        return
    level = gate.facts.setting("wal_level") if gate.facts is not None else None
    is_nothing = step.command == "replica identity" and step.step.value == "nothing" and level in (None, "logical")
    if not is_nothing and not (level == "logical" and _loses_key(step)):
        return
    yield Finding(
        where=Where(table=step.target),
        message=f"{step.label} loses its replica identity: UPDATE and DELETE fail if it is published",
        evidence=(Evidence(rung=Rung.INFERRED, text="wal_level is logical" if level else "REPLICA IDENTITY NOTHING"),),
        remedy=Remedy(text="Add the new key in the same ALTER TABLE, or set REPLICA IDENTITY USING INDEX first."),
        wrong_if="the table is in no publication, or is only inserted into",
        severity=Severity.WARNING,
        cause=f"replica identity of {step.target}",
    )


def _loses_key(step: MigrationStep) -> bool:
    """Whether the step drops the primary key, nothing else tells rows apart, and no other key follows at once."""
    table = step.table
    if step.command != "drop constraint" or table is None or table.primary_key is None:
        return False
    if table.primary_key.name != step.step.constraint_name or any(each.is_replica_identity for each in table.indexes):
        return False
    own = step.siblings.on(step.target)
    if any(each.command == "replica identity" and each.step.value in ("full", "index") for each in own):
        return False
    keys = (each for each in own if each.command.startswith("add primary key"))
    return not any(
        each.statement is step.statement or (step.shares_transaction(each) and step.comes_before(each)) for each in keys
    )
