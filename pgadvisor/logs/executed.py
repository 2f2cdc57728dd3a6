"""One statement that a log says was executed: what reading gives, and what requests are made of."""

from typing import NamedTuple

from pgadvisor.sql.tags import Tags


class Executed(NamedTuple):
    """One run of one statement. A run with both a duration and a plan is one."""

    session: str
    """What tells one connection from another: the session id, else the process with its database and user."""
    end: float
    """Seconds since 1970: when the server logged it."""
    duration_ms: float | None
    """None: logged before it ran (log_statement), and its duration is not known."""
    key: str
    """Fingerprint of its text."""
    tags: Tags = ()
    kind: str = "SELECT"
    """Its first word in capitals: SELECT, INSERT, BEGIN, COMMIT, …"""
    transaction: str | None = None
    """The virtual transaction id, where the prefix or the column tells it."""
    application: str | None = None
    database: str | None = None
    user: str | None = None
    values: int | None = None
    """Hash of its constants and parameters, equal where they are equal; None: not known."""
    rows: int | None = None
    """Of its plan, where one was logged with ANALYZE."""
    is_nested: bool = False
    """Inside a function: its time is the outer statement's too."""
    place: int = 0
    """Where its record stands in the whole of the files, in bytes: keeps the order of equal times."""
