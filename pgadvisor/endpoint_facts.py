"""What rules of endpoints may ask: the requests of one endpoint, its statements as queries, what they cost a day."""

import re
from collections.abc import Iterator
from functools import cached_property

from pgadvisor.facts import DAY_S, Facts
from pgadvisor.model.budget import EndpointBudget
from pgadvisor.model.finding import Evidence, Finding, Remedy, Severity, Where
from pgadvisor.model.log import EndpointStatement, LoggedEndpoint, LoggedStatement, Logs
from pgadvisor.sql.query import Query
from pgadvisor.sql.reader import Schema, Unread, read_query

SHORTEST_WINDOW_S = 3_600.0
"""A log of less says nothing of a day."""
_PLACE = re.compile(r"(.+):(\d+)")


class SeenEndpoint:
    """The requests of one endpoint, as logs tell of them: what an endpoint rule receives."""

    def __init__(self, seen: LoggedEndpoint, texts: "LoggedTexts", days: float | None) -> None:
        """`days`: how long the logs are; None: too short to say what a day is like."""
        self.seen = seen
        self.name = seen.name
        self.requests = seen.requests
        self.statements = seen.statements
        self._texts = texts
        self._days = days

    def logged(self, key: str | None) -> LoggedStatement | None:
        """The statement of that key, over all endpoints."""
        return self._texts.logged.get(key) if key else None

    def query(self, key: str | None) -> Query | None:
        """What the statement of that key means; None: it is not understood."""
        return self._texts.query(key) if key else None

    @property
    def framework(self) -> str:
        """What the tags call the framework or the driver, in lower case; empty: nothing."""
        for each in self.statements:
            tags = dict(found.tags) if (found := self.logged(each.statement)) else {}
            if named := tags.get("framework") or tags.get("db_driver"):
                return named.lower()
        return ""

    def ms_per_day(self, ms_per_request: float | None) -> float | None:
        """So much a request, in milliseconds a day; None: it is not known."""
        return None if ms_per_request is None or self._days is None else ms_per_request * self.requests / self._days

    def finding(
        self,
        message: str,
        evidence: tuple[Evidence, ...],
        remedy: Remedy,
        *,
        severity: Severity,
        wrong_if: str,
        of: EndpointStatement | None = None,
        saves_ms: float | None = None,
        about: str = "",
    ) -> Finding:
        """A finding about this endpoint: of one of its statements, or of all (`about` then tells findings of one rule
        apart). `saves_ms`: a request."""
        place = _PLACE.fullmatch(of.lines[0]) if of and of.lines else None
        known = self._texts.known.get(of.statement) if of else None
        return Finding(
            where=Where(
                statement=known,
                endpoint=self.name,
                file=place[1] if place else None,
                line=int(place[2]) if place else None,
            ),
            message=message,
            evidence=evidence,
            remedy=remedy,
            wrong_if=wrong_if,
            severity=severity,
            cause=f"requests of {self.name}: {of.statement if of else about}",
            saves_ms_per_request=saves_ms,
            gain_ms_per_day=self.ms_per_day(saves_ms),
        )


class LoggedTexts:
    """The statements of logs by their keys, read when they are asked for."""

    def __init__(self, facts: Facts, logs: Logs) -> None:
        self.logged = {each.key: each for each in logs.statements}
        self.known = {each.fingerprint: each.key for each in reversed(facts.snapshot.statements)}
        """`Statement.key` by fingerprint."""
        snapshot = facts.snapshot
        self._schema = Schema(snapshot.tables, snapshot.views, snapshot.search_path)
        self._queries: dict[str, Query | None] = {}

    def query(self, key: str) -> Query | None:
        """What the statement means; None: it is not understood."""
        if key not in self._queries:
            found = read_query(self.logged[key].text, self._schema) if key in self.logged else None
            self._queries[key] = None if isinstance(found, Unread) else found
        return self._queries[key]


class _Seen:
    """The endpoints of a snapshot's logs."""

    def __init__(self, facts: Facts) -> None:
        self._facts = facts

    @cached_property
    def endpoints(self) -> tuple[SeenEndpoint, ...]:
        logs = self._facts.snapshot.logs
        if logs is None:
            return ()
        texts, days = LoggedTexts(self._facts, logs), None
        if logs.first_at is not None and logs.last_at is not None:
            window_s = (logs.last_at - logs.first_at).total_seconds()
            days = window_s / DAY_S if window_s >= SHORTEST_WINDOW_S else None
        return tuple(SeenEndpoint(each, texts, days) for each in logs.endpoints)


def seen_endpoints(facts: Facts) -> tuple[SeenEndpoint, ...]:
    """The endpoints of which logs tell requests, the most costly first."""
    return facts.once(_Seen).endpoints


def budgets_of(endpoint: str, facts: Facts) -> Iterator[EndpointBudget]:
    """The budgets that hold for the endpoint of that name."""
    for budget in facts.budgets:
        if budget.is_of(endpoint):
            yield budget
