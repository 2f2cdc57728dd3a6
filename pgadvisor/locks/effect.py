"""What one step locks, rewrites and scans: the row of the table of locks, with what depends on the schema decided."""

from typing import Literal

from pgadvisor.locks.modes import LockMode, blocks_reads, blocks_writes
from pgadvisor.model.record import Record

Answer = Literal["yes", "no", "unknown"]
"""`unknown`: the text and the known schema do not tell; a rule that is careful takes it for yes, and says so."""


class TableLock(Record):
    """A lock on a table."""

    table: str
    """`schema.table`."""
    mode: LockMode


class LockEffect(Record):
    """What one step does to tables while it holds its locks."""

    table: str | None = None
    """The table that `lock` is on, as `schema.table`: of CREATE INDEX the index's; None: none, or not known."""
    lock: LockMode | None = None
    """The lock on that table; None: none that matters, or `is_known` is False."""
    is_on_index: bool = False
    """The lock is on an index of the table alone; ACCESS EXCLUSIVE on it keeps queries from being planned as well."""
    others: tuple[TableLock, ...] = ()
    """Other tables: a foreign key's referenced table, a partition's parent, the others of a DROP of several."""
    rewrites: Answer = "no"
    """Whether the table's file is written anew, with all its indexes."""
    scans: Answer = "no"
    """Whether all rows are read."""
    builds_index: Answer = "no"
    """Whether an index is built, or built anew."""
    worked_table: str | None = None
    """The table that is rewritten, read or indexed, where that is not `table`: of ATTACH PARTITION the partition."""
    in_transaction: bool = True
    """Whether it may run in a transaction."""
    reason: str = ""
    """What `rewrites`, `scans` and `builds_index` rest on where they depend on something; a clause."""
    safe_form: str | None = None
    """The way that holds no lock for long, as a sentence."""
    is_known: bool = True
    """False: nothing is known of what it does."""

    @property
    def blocks_reads(self) -> bool:
        """Whether reads of the table wait until the transaction ends."""
        return blocks_reads(self.lock)

    @property
    def blocks_writes(self) -> bool:
        """Whether writes to the table wait until the transaction ends."""
        return blocks_writes(self.lock)

    @property
    def is_long(self) -> bool:
        """Whether it takes, or may take, the longer the bigger the table is."""
        return any(each != "no" for each in (self.rewrites, self.scans, self.builds_index))
