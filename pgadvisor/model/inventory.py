"""What an audit of many databases comes to: a row for each of them, audited or not."""

from datetime import datetime

from pgadvisor.model.record import Record
from pgadvisor.model.report import Verdict

OVERVIEW_FORMAT = 1
"""Number of the overview's JSON form."""


class AuditedDatabase(Record):
    """One database of an inventory, and what its audit came to."""

    name: str
    """In the inventory; its report's file is named after it."""
    failure: str | None = None
    """Why it could not be audited, as a clause; None: it was, and all that follows is known."""
    next_step: str | None = None
    """What to do about the failure, as a clause."""
    source: str | None = None
    """`shop on db-1, PostgreSQL 15.18`."""
    collected_at: datetime | None = None
    verdict: Verdict | None = None
    errors: int = 0
    warnings: int = 0
    info: int = 0
    """Findings by their severity."""
    failing: int = 0
    """Of these, at or above the database's `--fail-on`, and not known."""
    freed_ms_per_day: float | None = None
    """What all remedies together free, each statement's time once; None: it is not known."""
    freed_share: float | None = None
    """The same of all observed time, 0 to 1."""
    gaps: int = 0
    rules_not_run: int = 0
    report: str | None = None
    """The file of its report, beside the overview."""


class Overview(Record):
    """The databases of an inventory, in its order."""

    pgadvisor: str
    databases: tuple[AuditedDatabase, ...]
    format: int = OVERVIEW_FORMAT

    @property
    def failed(self) -> tuple[AuditedDatabase, ...]:
        """Those that could not be audited."""
        return tuple(each for each in self.databases if each.failure is not None)

    @property
    def audited(self) -> tuple[AuditedDatabase, ...]:
        """The others."""
        return tuple(each for each in self.databases if each.failure is None)
