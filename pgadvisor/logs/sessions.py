"""The sessions of a log, and when each of their entries was written."""

from collections.abc import Sequence

from pgadvisor.logs.clock import Fractions, Seconds
from pgadvisor.logs.entry import Entry, Form, Session
from pgadvisor.logs.executed import endpoint_of_application

MOST_SESSIONS = 20_000
OWN = "pgadvisor"
"""Our own sessions call themselves so; they are no requests."""


class Sessions(dict[bytes, Session]):
    """Sessions by how entries name them."""

    def __init__(self, form: Form) -> None:
        super().__init__()
        self._form = form
        self.seconds, self.fractions = Seconds(), Fractions()

    def __missing__(self, spelled: bytes) -> Session:
        """Read it, and remember."""
        if len(self) >= MOST_SESSIONS:
            self.clear()
        found = self._form.session(spelled)
        application = found.application or ""
        self[spelled] = found = found._replace(
            endpoint=endpoint_of_application(application), is_own=application.startswith(OWN)
        )
        return found

    def at(self, entry: Entry) -> float:
        """Microseconds since 1970; nan where the time is not known."""
        return self.seconds[entry[1]] + self.fractions[entry[2]] - self[entry[3]].ahead_us

    def ends_of(self, entries: Sequence[Entry]) -> tuple[list[Session], list[float]]:
        """The session of each, and when it was written."""
        seconds, fractions = self.seconds, self.fractions
        sessions = [self[entry[3]] for entry in entries]
        ends = [
            seconds[entry[1]] + fractions[entry[2]] - session[4]
            for entry, session in zip(entries, sessions, strict=True)
        ]
        return sessions, ends

    def is_in(self, spelled: bytes, database: str | None) -> bool:
        """Whether the session is in that database; those that tell none may be, and None is any."""
        return database is None or self[spelled].database in (None, database)
