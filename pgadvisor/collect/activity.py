"""A momentary look at the server: sessions, locks, slots, prepared transactions, ages of rows, counters."""

from msgspec.structs import replace

from pgadvisor.collect.reading import Reading, grant
from pgadvisor.collect.session import Row
from pgadvisor.model.activity import (
    Activity,
    DatabaseCounters,
    FrozenAge,
    OpenTransaction,
    PreparedTransaction,
    ReplicationSlot,
    RoleSetting,
)
from pgadvisor.model.snapshot import Gap

MOST_TRANSACTIONS = 100
"""The oldest ones, and those of waiters and of whom they wait for, are enough to tell what is wrong."""


def read_activity(reading: Reading) -> Activity:
    """What the server is doing right now; what is hidden is a Gap."""
    rows = reading.rows("sessions", "sessions", "the sessions")
    _note_hidden(reading, rows)
    clients = [row for row in rows if row["kind"] in ("client backend", None)]
    counters = reading.rows("database_counters", "activity", "the database's counters", subject="database counters")
    ages = "the ages of rows"
    return Activity(
        clients=len(clients),
        idle_clients=sum(row["state"] == "idle" for row in clients),
        vacuum_workers=sum(row["kind"] == "autovacuum worker" for row in rows),
        transactions=_transactions(reading, rows),
        slots=tuple(
            ReplicationSlot(**row)
            for row in reading.rows("replication_slots", "activity", "the slots", subject="replication slots")
        ),
        prepared=tuple(
            PreparedTransaction(**row)
            for row in reading.rows(
                "prepared_transactions", "activity", "the prepared transactions", subject="prepared transactions"
            )
        ),
        frozen_databases=tuple(
            FrozenAge(**row) for row in reading.rows("frozen_databases", "activity", ages, subject="ages of rows")
        ),
        frozen_tables=tuple(
            FrozenAge(**row) for row in reading.rows("frozen_tables", "activity", ages, subject="ages of rows")
        ),
        counters=next((DatabaseCounters(**row) for row in counters), None),
        role_settings=tuple(
            RoleSetting(**row)
            for row in reading.rows("role_settings", "activity", "the roles' settings", subject="settings of roles")
        ),
    )


def _note_hidden(reading: Reading, rows: list[Row]) -> None:
    """A Gap where the role is not told what other roles' sessions do."""
    hidden = sum(row["kind"] is None for row in rows)
    if hidden:
        reading.gaps.append(
            Gap(
                area="sessions",
                reason=f"what other sessions do ({hidden} now) is hidden from the role",
                cure=grant(reading.session),
            )
        )


def _transactions(reading: Reading, rows: list[Row]) -> tuple[OpenTransaction, ...]:
    """The open transactions, the oldest first; not those of autovacuum, which gives way."""
    waits: dict[int, Row] = {}
    if any(row["is_blocked"] for row in rows):
        found = reading.rows("lock_waits", "sessions", "the waits for locks", subject="locks")
        waits = {row["pid"]: row for row in found if row["blocked_by"]}
    blockers = {pid for row in waits.values() for pid in row["blocked_by"]}
    open_rows = [row for row in rows if row["kind"] != "autovacuum worker" and _is_open(row)]
    kept = [
        row
        for at, row in enumerate(open_rows)
        if at < MOST_TRANSACTIONS or row["pid"] in waits or row["pid"] in blockers
    ]
    return tuple(_transaction(row, waits.get(row["pid"])) for row in kept)


def _is_open(row: Row) -> bool:
    if row["kind"] == "walsender":
        return row["snapshot_age"] is not None
    return row["state"] is not None and row["transaction_s"] is not None


def _transaction(row: Row, wait: Row | None) -> OpenTransaction:
    made = OpenTransaction(
        pid=row["pid"],
        state=row["state"] or "unknown",
        is_standby=row["kind"] == "walsender",
        application=row["application"],
        database=row["database"],
        transaction_s=row["transaction_s"],
        state_s=row["state_s"],
        has_written=row["has_written"],
        snapshot_age=row["snapshot_age"],
    )
    if wait is None:
        return made
    blocked_by = tuple(dict.fromkeys(wait["blocked_by"]))
    return replace(made, blocked_by=blocked_by, waited_s=wait["waited_s"], waits_for=wait["waits_for"])
