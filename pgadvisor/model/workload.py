"""What ran: statements with their counters."""

from datetime import datetime

from pgadvisor.model.record import Record


class Statement(Record):
    """One statement of the workload, summed over users: a row of pg_stat_statements or one of a file."""

    key: str
    """Identity within a snapshot: the queryid as text, or `#3` for the third statement of a file."""
    text: str
    """As pg_stat_statements keeps it, constants as `$n`; of a file, as written."""
    fingerprint: str
    """Our own identity: the same for other literals, across databases and versions."""
    queryid: int | None = None
    position: int | None = None
    """1-based position in the file it came from."""
    line: int | None = None
    """1-based line in the file it came from."""
    column: int | None = None
    """1-based place in that line, in characters."""
    file: str | None = None
    """The file it came from."""
    name: str | None = None
    """What the workload file calls it."""
    calls: int | None = None
    total_ms: float | None = None
    mean_ms: float | None = None
    min_ms: float | None = None
    max_ms: float | None = None
    stddev_ms: float | None = None
    planning_ms: float | None = None
    """Total planning time, when pg_stat_statements tracks it."""
    rows: int | None = None
    shared_hit_blocks: int | None = None
    shared_read_blocks: int | None = None
    shared_dirtied_blocks: int | None = None
    temp_read_blocks: int | None = None
    temp_written_blocks: int | None = None
    io_ms: float | None = None
    """Block read and write time together, when track_io_timing is on."""
    wal_bytes: int | None = None
    jit_ms: float | None = None
    is_truncated: bool = False
    """The text was cut: no rule about what is missing from it may speak."""
    ignores: tuple[str, ...] = ()
    """Rules that a comment beside it silences."""
    tags: tuple[tuple[str, str], ...] = ()
    """sqlcommenter or marginalia tags: ("route", "/orders"), ("controller", "orders")."""
    since: datetime | None = None
    """When its counters began (PostgreSQL 17 and later)."""

    @property
    def rows_per_call(self) -> float | None:
        """Rows returned or changed by one call."""
        if self.rows is None or not self.calls:
            return None
        return self.rows / self.calls


class WorkloadTotals(Record):
    """Sums over all that pg_stat_statements holds for this database, also over what was left out."""

    statements: int = 0
    calls: int = 0
    total_ms: float = 0.0
    own_ms: float = 0.0
    """Time of pgadvisor's own statements, left out."""
    utility_ms: float = 0.0
    """Time of utility statements (VACUUM, SET, COMMIT, …), left out."""
    since: datetime | None = None
    """When pg_stat_statements was last reset (PostgreSQL 14 and later)."""
    evicted: int | None = None
    """Entries thrown away for lack of room (`dealloc`, PostgreSQL 14 and later)."""
