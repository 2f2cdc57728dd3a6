"""What a server is doing at the moment it is looked at: sessions, locks, what keeps VACUUM back, ages of its rows."""

from datetime import datetime

from pgadvisor.model.record import Record


class OpenTransaction(Record):
    """A session of a client, or of a standby, that is in a transaction. Its statement is never told."""

    pid: int
    state: str
    """As `pg_stat_activity` has it: `active`, `idle in transaction`."""
    is_standby: bool = False
    """A standby receives through it, and keeps back VACUUM here for its own queries (`hot_standby_feedback`)."""
    application: str | None = None
    """What the client calls itself."""
    database: str | None = None
    transaction_s: float | None = None
    """How long its transaction has been open."""
    state_s: float | None = None
    """How long it has been in its state."""
    has_written: bool = False
    """It has a transaction ID: it has changed something."""
    snapshot_age: int | None = None
    """Transactions that began since the oldest one that it still needs to see; None: it holds nothing back now."""
    blocked_by: tuple[int, ...] = ()
    """The sessions whose locks it waits for; 0 is a prepared transaction."""
    waited_s: float | None = None
    waits_for: str | None = None
    """The table of the lock, as `schema.table`; None: it is of none, or of another database's."""


class ReplicationSlot(Record):
    """One row of `pg_replication_slots`."""

    name: str
    is_logical: bool = False
    is_active: bool = False
    snapshot_age: int | None = None
    """Transactions since the oldest whose dead rows it keeps; None: it keeps none."""
    catalog_age: int | None = None
    """The same of the system's catalogs alone."""
    retained_bytes: int | None = None
    """WAL that it keeps."""


class PreparedTransaction(Record):
    """A transaction that was prepared for a two-phase commit and waits for its end."""

    name: str
    """Its global identifier."""
    database: str
    age: int
    """Transactions that began since."""
    prepared_s: float


class FrozenAge(Record):
    """How old the oldest row versions of a database or a table may be that VACUUM has not frozen."""

    name: str
    """Of a table `schema.table`."""
    transactions: int
    multixacts: int


class DatabaseCounters(Record):
    """`pg_stat_database` of the audited database, since its counters were reset."""

    deadlocks: int = 0
    temp_files: int = 0
    temp_bytes: int = 0
    since: datetime | None = None
    """When they began at the earliest: what is counted came about in less time, if anything."""


class RoleSetting(Record):
    """A setting of a role, of a database, or of a role in a database (`pg_db_role_setting`)."""

    name: str
    value: str
    role: str | None = None
    """None: of all roles."""
    database: str | None = None
    """None: in all databases."""


class Activity(Record):
    """The whole server at one moment; `counters` and `frozen_tables` are of the audited database."""

    clients: int = 0
    """Sessions of clients, but ours."""
    idle_clients: int = 0
    """Those that wait for the client's next transaction."""
    vacuum_workers: int = 0
    """Autovacuum workers at work."""
    transactions: tuple[OpenTransaction, ...] = ()
    slots: tuple[ReplicationSlot, ...] = ()
    prepared: tuple[PreparedTransaction, ...] = ()
    frozen_databases: tuple[FrozenAge, ...] = ()
    """All of them, the oldest first."""
    frozen_tables: tuple[FrozenAge, ...] = ()
    """The oldest few, each with its TOAST table."""
    counters: DatabaseCounters | None = None
    role_settings: tuple[RoleSetting, ...] = ()
    """Of timeouts, of the planner and of memory alone: others may hold secrets."""
