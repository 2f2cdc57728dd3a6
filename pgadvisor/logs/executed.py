"""One statement that a log says was executed: what reading gives, and what requests are made of."""

import re
from typing import NamedTuple

from pgadvisor.sql.endpoint_name import REQUEST_IDS, code_line, endpoint_name, request_id
from pgadvisor.sql.tags import Tags

OF_ONE_REQUEST = frozenset(("traceparent", "tracestate", *REQUEST_IDS))
"""Tags that differ from request to request."""
_REQUEST_LIKE = re.compile(r"(GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS) /")


class Sender(NamedTuple):
    """What the tags of a statement say of who sent it."""

    request: str | None = None
    """The trace's id, or the request's."""
    endpoint: str | None = None
    line: str | None = None


def sender_of(tags: Tags) -> Sender:
    """Who sent a statement with these tags."""
    return Sender(request_id(tags), endpoint_name(tags), code_line(tags))


def endpoint_of_application(application: str | None) -> str | None:
    """The application's name, where it is one of a request: `GET /orders`."""
    return application if application and _REQUEST_LIKE.match(application) else None


class Executed(NamedTuple):
    """One run of one statement. A run with both a duration and a plan is one; those inside functions are none."""

    session: str
    """What tells one connection from another: the session id, else the process with its database and user."""
    end_us: int
    """Microseconds since 1970: when the server logged it."""
    took_us: int | None
    """None: logged before it ran (log_statement), and its duration is not known."""
    key: str
    """Fingerprint of its text."""
    kind: str = "SELECT"
    """Its first word in capitals: SELECT, INSERT, BEGIN, COMMIT, …"""
    request: str | None = None
    endpoint: str | None = None
    line: str | None = None
    """What its tags, or else the application's name, say of who sent it."""
    transaction: bytes | None = None
    """The virtual transaction id, where the prefix or the column tells it."""
    application: str | None = None
    values: int | None = None
    """Hash of its constants and parameters, equal where they are equal; None: not known."""
    rows: int | None = None
    """Of its plan, where one was logged with ANALYZE."""
    place: int = 0
    """Where its record stands in the whole of the files, in bytes: keeps the order of equal times."""

    @property
    def start_us(self) -> int:
        """When it began; when it was logged, where its duration is not known."""
        return self.end_us - (self.took_us or 0)
