"""VACUUM cannot remove dead rows, as something may still have to see them.

## What it finds
At the moment of the look, what has kept the rows that died in the last 100,000 transactions or more: a transaction that
idles for five minutes or is open for an hour, a replication slot that nobody reads, a prepared transaction; a standby
with `hot_standby_feedback` or a slot in use from a million on. A prepared transaction that is an hour old is told in
any case. An error from a billion transactions on: then the server will stop taking writes before long.

## Why it matters
A row version can go only when no snapshot may need it any more. One old snapshot keeps the dead rows of all tables:
VACUUM runs again and again without effect, tables and indexes grow, scans read what is dead, and the age of the oldest
transaction ID comes nearer to wraparound. A slot keeps WAL as well, until the disk is full.

## What to do
End the transaction; drop the slot when its reader is gone for good; commit or roll back what was prepared. On a standby
shorten its queries, or switch hot_standby_feedback off there and let long queries be cancelled.

## When to leave it
A backup or a migration that is about to end.

## Source
https://www.postgresql.org/docs/current/routine-vacuuming.html#VACUUM-FOR-WRAPAROUND
"""

from collections.abc import Iterator

from pgadvisor.rule import (
    Activity,
    Evidence,
    Example,
    Facts,
    Finding,
    Holder,
    OpenTransaction,
    PreparedTransaction,
    Remedy,
    ReplicationSlot,
    Rung,
    Severity,
    TableCounters,
    Where,
    end_prepared,
    end_session,
    holders,
    how_long_open,
    lasting,
    server_rule,
    session_label,
    size_text,
    table,
)

BILLION = 1_000_000_000
TOLD = 3
LEAST_DEAD = 10_000

IDLE = OpenTransaction(pid=4711, state="idle in transaction", transaction_s=9_000, state_s=9_000, snapshot_age=900_000)
BRIEF = OpenTransaction(pid=4711, state="active", transaction_s=90, state_s=90, snapshot_age=900_000)
ORDERS = table("orders", counters=TableCounters(live_rows=1_000_000, dead_rows=800_000, rows_updated=900_000))
BAD = [
    Example(
        tables=(ORDERS,),
        more={"activity": Activity(transactions=(IDLE,))},
        remedy="SELECT pg_catalog.pg_terminate_backend(4711);",
    ),
    Example(
        more={"activity": Activity(slots=(ReplicationSlot(name="old_copy", snapshot_age=70_000_000),))},
        remedy="SELECT pg_catalog.pg_drop_replication_slot('old_copy');",
    ),
    Example(
        more={
            "activity": Activity(prepared=(PreparedTransaction(name="pay-7", database="shop", age=9, prepared_s=9e4),))
        },
        remedy="ROLLBACK PREPARED 'pay-7';",
    ),
]
GOOD = [
    Example(note="It began a moment ago.", more={"activity": Activity(transactions=(BRIEF,))}),
    Example(
        note="A slot in use that is hardly behind.",
        more={"activity": Activity(slots=(ReplicationSlot(name="copy", is_active=True, snapshot_age=300_000),))},
    ),
    Example(
        note="It was prepared a moment ago.",
        more={
            "activity": Activity(prepared=(PreparedTransaction(name="pay-7", database="shop", age=9, prepared_s=0.2),))
        },
    ),
]


@server_rule(severity=Severity.ERROR, since="0.2", needs=("activity",))
def check(facts: Facts) -> Iterator[Finding]:
    found = holders(facts)
    if not found:
        return
    first = found[0]
    what = "all rows of the system's catalogs" if first.is_of_catalogs else "all rows"
    yield Finding(
        where=Where(),
        message=f"{_label(facts, first)} keeps {what} that died in the last {first.age:,} transactions",
        evidence=(*(_evidence(facts, each) for each in found[:TOLD]), *(() if first.is_of_catalogs else _dead(facts))),
        remedy=_remedy(facts, first),
        wrong_if="it is about to end by itself",
        severity=Severity.ERROR if first.age >= BILLION else Severity.WARNING,
        cause="vacuum held back",
    )


def _label(facts: Facts, holder: Holder) -> str:
    if holder.kind == "slot":
        slot = _slot(facts, holder)
        what = "logical replication slot" if slot.is_logical else "replication slot"
        return f'the {what} "{holder.name}"'
    if holder.kind == "prepared transaction":
        return f'the prepared transaction "{holder.name}"'
    if holder.kind == "standby":
        return f'the standby "{holder.name}"' if holder.name else "a standby"
    return session_label(_transaction(facts, holder))


def _evidence(facts: Facts, holder: Holder) -> Evidence:
    label = _label(facts, holder)
    if holder.kind == "slot":
        slot = _slot(facts, holder)
        text = f"{label} is {'in use' if slot.is_active else 'read by nobody'}"
        text += f" and keeps {size_text(slot.retained_bytes)} of WAL" if slot.retained_bytes else ""
    elif holder.kind == "session":
        text = f"{label} is {how_long_open(_transaction(facts, holder))}"
    elif holder.since_s is not None:
        text = f"{label} waits since {lasting(holder.since_s)}"
    else:
        text = f"{label} tells by hot_standby_feedback what its queries have to see"
    return Evidence(rung=Rung.MEASURED, text=f"{text}: {holder.age:,} transactions began since")


def _dead(facts: Facts) -> Iterator[Evidence]:
    found = sorted(
        ((each.counters.dead_rows, each.label) for each in facts.tables if each.counters is not None), reverse=True
    )
    named = [f"{rows:,} of {label}" for rows, label in found[:TOLD] if rows >= LEAST_DEAD]
    if named:
        yield Evidence(rung=Rung.MEASURED, text=f"dead rows now: {', '.join(named)}")


def _remedy(facts: Facts, holder: Holder) -> Remedy:
    if holder.kind == "session":
        return end_session(_transaction(facts, holder))
    if holder.kind == "prepared transaction":
        return end_prepared(holder.name)
    if holder.kind == "slot" and not _slot(facts, holder).is_active:
        name = holder.name.replace("'", "''")
        return Remedy(
            text="Start its reader again; where that is gone for good, drop the slot.",
            sql=f"SELECT pg_catalog.pg_drop_replication_slot('{name}');",
            lock="none",
            cost="whoever read it has to be set up anew",
        )
    return Remedy(
        text="Look for a query that runs long at the other end, and end it; on a standby, hot_standby_feedback = off "
        "lets long queries be cancelled instead of keeping dead rows here."
    )


def _slot(facts: Facts, holder: Holder) -> ReplicationSlot:
    slots = facts.snapshot.activity.slots if facts.snapshot.activity else ()
    return next(each for each in slots if each.name == holder.name)


def _transaction(facts: Facts, holder: Holder) -> OpenTransaction:
    transactions = facts.snapshot.activity.transactions if facts.snapshot.activity else ()
    return next(each for each in transactions if each.pid == holder.pid)
