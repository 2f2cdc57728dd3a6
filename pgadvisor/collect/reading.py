"""Runs the catalog queries of `queries/`; what the server refuses becomes a Gap, and the rest goes on."""

import time
from collections.abc import Callable, Mapping
from functools import cache
from importlib.resources import files
from typing import TypeVar

from psycopg import sql

from pgadvisor.collect.session import Row, Session, StatementError
from pgadvisor.model.progress import Progress
from pgadvisor.model.snapshot import Area, Gap

Made = TypeVar("Made")

SETTINGS: Mapping[str, str] = {"jit": "off", "max_parallel_workers_per_gather": "0", "TimeZone": "UTC"}
"""For catalog queries alone: compiling them costs seconds where they are costly on paper, and workers are not ours."""

ATTEMPTS = 3
PAUSE_S = 0.3
"""A query that ran into another session's lock is asked again: most such locks are short."""


class Reading:
    """One collection under way: the session, the gaps so far, and how far it has come."""

    def __init__(self, session: Session, progress: Progress, steps: int) -> None:
        self.session = session
        self.gaps: list[Gap] = []
        self._progress = progress
        self._done = 0
        self._steps = steps

    def step(self, stage: str) -> None:
        """Tells that the next stage begins."""
        self._progress(stage, self._done, self._steps)
        self._done = min(self._done + 1, self._steps)

    def rows(self, name: str, area: Area, what: str, *, subject: str | None = None) -> list[Row]:
        """The rows of a query; none, and a Gap, when it cannot be run. `what` it reads, for the Gap; `subject`: the
        part of the area that is lost without it; None: all of the area is worthless then."""
        return self.made(name, area, what, lambda row: row, subject=subject)

    def made(
        self, name: str, area: Area, what: str, make: Callable[[Row], Made], *, subject: str | None = None
    ) -> list[Made]:
        """The same, each row turned into what `make` makes of it as it comes: for results that are large."""
        try:
            return self.ask(query(name, self.session.version_num // 10_000), make)
        except StatementError as error:
            self.gaps.append(refused(error, self.session, area, what, subject))
            return []

    def ask(self, text: str, make: Callable[[Row], Made]) -> list[Made]:
        """Runs a text of ours, again when it ran into a lock; raises StatementError."""
        for attempt in range(1, ATTEMPTS + 1):
            try:
                with self.session.transaction(SETTINGS):
                    return [make(row) for row in self.session.stream(text)]
            except StatementError as error:
                if error.sqlstate != "55P03" or attempt == ATTEMPTS:
                    raise
                time.sleep(PAUSE_S)
        raise AssertionError("the last attempt returns or raises")


@cache
def query(name: str, major: int) -> str:
    """The text of `queries/NAME.sql`, or of the `NAME.pgNN.sql` with the highest NN that the version reaches."""
    folder = files("pgadvisor.collect.queries")
    versions = [
        int(number)
        for each in folder.iterdir()
        if each.name.startswith(f"{name}.pg") and (number := each.name[len(name) + 3 : -4]).isdigit()
    ]
    fitting = max((number for number in versions if number <= major), default=None)
    found = f"{name}.sql" if fitting is None else f"{name}.pg{fitting}.sql"
    return (folder / found).read_text(encoding="utf-8").strip().rstrip(";")


def refused(error: StatementError, session: Session, area: Area, what: str, subject: str | None = None) -> Gap:
    """The Gap that a refused query leaves."""
    if error.is_denied:
        reason, cure = error.message, grant(session)
    elif error.is_timeout:
        reason, cure = error.reason, "try again when the server is less busy and no other session changes tables"
    else:
        reason = f"{error.message} (SQLSTATE {error.sqlstate})" if error.sqlstate else error.message
        cure = "see the server's log, and report it with the server's version"
    return Gap(area=area, subject=subject, reason=f"{what} could not be read: {reason}", cure=cure)


def grant(session: Session) -> str:
    """The command that lets the role read all that pgadvisor reads."""
    role = sql.Identifier(session.role).as_string(None)
    if session.version_num >= 140_000:
        return f"GRANT pg_monitor, pg_read_all_data TO {role};"
    return f"GRANT pg_monitor TO {role}; GRANT SELECT ON ALL TABLES IN SCHEMA public TO {role};"
