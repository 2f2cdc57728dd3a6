"""Snapshot: all that was read, and all that could not be read and why. The boundary between collecting and advising."""

from datetime import datetime
from typing import Literal

from pgadvisor.model.activity import Activity
from pgadvisor.model.catalog import (
    Collation,
    CollationChange,
    Extension,
    Function,
    Replica,
    SecurityDefiner,
    Sequence,
    Server,
    Setting,
    Table,
    TextSearch,
    UserType,
    View,
)
from pgadvisor.model.log import Logs
from pgadvisor.model.plan import StatementPlan
from pgadvisor.model.record import Record
from pgadvisor.model.workload import Statement, WorkloadTotals

FORMAT = 1
"""Number of the snapshot's form; raised when an older pgadvisor could no longer read it."""

Area = Literal[
    "server",
    "settings",
    "catalog",
    "statistics",
    "counters",
    "statements",
    "plans",
    "replicas",
    "activity",
    "sessions",
    "analyze",
    "planner",
    "migrations",
    "trace",
    "logs",
]


class Gap(Record):
    """Something that could not be read, why, and what would cure it."""

    area: Area
    reason: str
    """What is missing and why, as a sentence without full stop."""
    cure: str
    """The next step, a command where there is one."""
    subject: str | None = None
    """The one table or statement it is about; None: the whole area, and rules that need it do not run."""


class Snapshot(Record):
    """What one collection found."""

    format: int
    pgadvisor: str
    """The version that made it."""
    collected_at: datetime
    server: Server | None = None
    """None: no database was asked (statements from a file alone)."""
    settings: tuple[Setting, ...] = ()
    search_path: tuple[str, ...] = ("public",)
    tables: tuple[Table, ...] = ()
    views: tuple[View, ...] = ()
    types: tuple[UserType, ...] = ()
    sequences: tuple[Sequence, ...] = ()
    functions: tuple[Function, ...] = ()
    security_definers: tuple[SecurityDefiner, ...] = ()
    collations: tuple[Collation, ...] = ()
    collation_changes: tuple[CollationChange, ...] = ()
    text_searches: tuple[TextSearch, ...] = ()
    extensions: tuple[Extension, ...] = ()
    replicas: tuple[Replica, ...] = ()
    activity: Activity | None = None
    """None: nobody looked (the file of an older version, or no database was asked)."""
    statements: tuple[Statement, ...] = ()
    """By total time, most first; statements of a file in their order."""
    totals: WorkloadTotals | None = None
    plans: tuple[StatementPlan, ...] = ()
    logs: Logs | None = None
    """None: no log file was given."""
    gaps: tuple[Gap, ...] = ()
    keeps_values: bool = False
    """Whether column statistics hold their values (`--keep-values`)."""

    @property
    def observed_ms(self) -> float:
        """All observed database time but pgadvisor's own: what shares of time are shares of."""
        seen = sum(statement.total_ms or 0.0 for statement in self.statements)
        return max(seen, self.totals.total_ms - self.totals.own_ms) if self.totals else seen
