"""What migrations did on a scratch server: locks, rewrites, scans, errors; and what their way back leaves behind."""

from typing import Literal

from pgadvisor.model.record import Record
from pgadvisor.model.snapshot import Gap

Direction = Literal["up", "down"]


class HeldLock(Record):
    """The strongest lock that the session holds on a relation once a statement has run."""

    relation: str
    """`schema.name`."""
    mode: str
    """As the documentation names it: `SHARE UPDATE EXCLUSIVE`."""
    kind: str = "table"
    """`table`, `partitioned table`, `materialized view`, `view`, `foreign table`, `index`, …"""
    taken: str | None = None
    """The strongest mode that the statement itself took; None: none beyond what its transaction already held."""
    table: str | None = None
    """Of an index: its table. Told only where the index is locked more strongly than its table."""


class TraceError(Record):
    """What the server refused."""

    message: str
    """The server's words."""
    sqlstate: str | None = None
    line: int | None = None
    """In the file: where the server points to, else where the statement begins."""


class Traced(Record):
    """What one statement of a migration did, run for real.

    Only what was there before the first judged migration is told in `locks`, `rewritten`, `rebuilt` and `scanned`:
    nobody waits for a table that came with the same pull request.
    """

    file: str
    migration: str
    """The migration's name."""
    place: int
    """Of the statement among those of its direction, from 0."""
    line: int
    direction: Direction = "up"
    locks: tuple[HeldLock, ...] = ()
    """Held after it, by name of the relation; outside a transaction those seen meanwhile."""
    rewritten: tuple[str, ...] = ()
    """Tables and materialized views with a new file."""
    rebuilt: tuple[str, ...] = ()
    """Indexes with a new file, those of rewritten tables too."""
    scanned: tuple[str, ...] = ()
    """Tables read from end to end."""
    in_transaction: bool = True
    """False: it cannot run in a transaction, or its migration has none; locks were then polled."""
    error: TraceError | None = None
    """It fails on a database with this schema."""
    not_run: str | None = None
    """Why nothing is known of it, as a clause: not a fault of the migration's. Later statements may want it."""
    passed_over: str | None = None
    """Why it was not tried, as a clause, where nothing in the schema depends on it: roles, rows of COPY."""
    after_error: bool = False
    """An earlier statement of its transaction failed: a tool would not have come so far."""
    duration_ms: float | None = None
    """On a scratch server with next to no rows: not the time that production would need."""


class Reversal(Record):
    """What running a migration's way back showed."""

    file: str
    migration: str
    is_reversible: bool | None = None
    """Whether the schema is as it was before; None: not tried, or not to be told."""
    reason: str | None = None
    """Why it is not known, as a clause."""
    left_over: tuple[str, ...] = ()
    """What the migration made and the way back did not remove: lines of the schema's description."""
    missing: tuple[str, ...] = ()
    """What the migration removed or changed and the way back did not restore."""
    changed_otherwise: tuple[str, ...] = ()
    """What the way back made or removed that the migration had not touched."""
    data_lost: tuple[str, ...] = ()
    """Tables, and columns as `schema.table.column`, that the migration dropped: no way back brings their rows again.
    Told where there is one."""
    data_lost_on_return: tuple[str, ...] = ()
    """Those that the way back drops, with what was written since."""


class Trace(Record):
    """What a scratch server showed of a pull request's migrations."""

    server: str
    """`scratch server, PostgreSQL 18.6`."""
    version_num: int
    statements: tuple[Traced, ...] = ()
    """Of the judged migrations in the order in which they ran: ups, then downs."""
    reversals: tuple[Reversal, ...] = ()
    """Of the judged migrations, in their own order."""
    gaps: tuple[Gap, ...] = ()
    """What could not be tried; area `planner`."""
