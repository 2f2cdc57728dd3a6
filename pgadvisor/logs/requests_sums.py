"""What the requests of one endpoint come to: sums and sketches that merge, whatever the order."""

from collections import Counter
from typing import Literal

from pgadvisor.logs.figures import Figures
from pgadvisor.logs.requests_session import Part, Step
from pgadvisor.logs.traces import Traces
from pgadvisor.model.log import EndpointStatement, LoggedEndpoint

ToldBy = Literal["trace", "tags", "transaction", "application_name"]

MOST_LINES = 50
"""Lines of code kept of one statement: tags that differ each time are no lines."""
SHOWN_LINES = 5
READS = frozenset(("SELECT", "WITH", "TABLE", "VALUES", "FETCH", "EXECUTE"))
"""What may be asked twice in vain; after any other query an answer may be another one."""
WRITES = frozenset(("INSERT", "UPDATE", "DELETE", "MERGE"))


class Request:
    """The parts of one request, from whichever sessions."""

    def __init__(self, parts: list[Part]) -> None:
        self.parts = parts
        self.steps = parts[0].kept
        if len(parts) > 1:
            self.steps = sorted((step for part in parts for step in part.kept), key=_in_time)
        self.queries = [step for step in self.steps if step.is_query]
        self.application = parts[0].application
        self.endpoint = next((part.endpoint for part in parts if part.endpoint), None)

    @property
    def told_by(self) -> ToldBy:
        """What made these statements one request."""
        if self.parts[0].request is not None:
            return "trace"
        if self.endpoint is None:
            return "transaction"
        return "application_name" if self.endpoint == self.application else "tags"

    @property
    def name(self) -> str | None:
        """The endpoint, else the application of a transaction; None: nobody could say what it is."""
        return self.endpoint or (self.application or None)

    @property
    def database_us(self) -> int:
        """Time in the database."""
        spent = sum([step.end_us - step.start_us for step in self.steps])
        return spent + sum([part.rest_us for part in self.parts])

    @property
    def duration_us(self) -> int:
        """From the first statement's start to the last one's end."""
        return max([part.ended_us for part in self.parts]) - min([part.kept[0].start_us for part in self.parts])

    @property
    def count(self) -> int:
        """How many queries."""
        return len(self.queries) + sum(runs for part in self.parts for runs, _ in part.rest.values())


class StatementSum:
    """One statement in the requests of an endpoint."""

    __slots__ = ("after_write", "duplicates", "lines", "most", "parents", "requests", "runs", "spent_us")

    def __init__(self) -> None:
        self.runs = self.requests = self.most = self.duplicates = self.after_write = self.spent_us = 0
        self.lines: Counter[str] = Counter()
        self.parents: Counter[str] = Counter()

    def merge(self, other: "StatementSum") -> None:
        """Add what the other counted."""
        self.runs += other.runs
        self.requests += other.requests
        self.most = max(self.most, other.most)
        self.duplicates += other.duplicates
        self.after_write += other.after_write
        self.spent_us += other.spent_us
        self.lines += other.lines
        self.parents += other.parents

    def told(self, key: str) -> EndpointStatement:
        """As a record."""
        return EndpointStatement(
            statement=key,
            runs=self.runs,
            requests=self.requests,
            most_in_one=self.most,
            repeated_runs=self.runs - self.requests,
            duplicate_runs=self.duplicates,
            database_ms=self.spent_us / 1000,
            lines=tuple(line for line, _ in _by_count(self.lines)[:SHOWN_LINES]),
            after_write_runs=self.after_write,
            parent=_by_count(self.parents)[0][0] if self.parents else None,
        )


class EndpointSum:
    """The requests of one endpoint."""

    def __init__(self) -> None:
        self.queries, self.database, self.duration = Figures(), Figures(), Figures()
        self.rows: int | None = None
        self.idle_us = self.lock_us = 0
        self.told_by: Counter[ToldBy] = Counter()
        self.statements: dict[str, StatementSum] = {}
        self.traces = Traces()

    def add(self, request: Request) -> None:
        """Count one request."""
        database_us = request.database_us
        self.queries.add(request.count)
        self.database.add(database_us)
        self.duration.add(request.duration_us)
        rows = [step.rows for step in request.queries if step.rows is not None]
        if rows:
            self.rows = (self.rows or 0) + sum(rows)
        for part in request.parts:
            self.idle_us += part.idle_us
            self.lock_us += part.lock_us
        self.told_by[request.told_by] += 1
        self._add_statements(request)
        self.traces.add(request.steps, request.count, request.duration_us, database_us)

    def _add_statements(self, request: Request) -> None:
        in_this: Counter[str] = Counter()
        for step in request.queries:
            in_this[step.key] += 1
            own = self._statement(step.key)
            own.spent_us += step.end_us - step.start_us
            if step.line and (step.line in own.lines or len(own.lines) < MOST_LINES):
                own.lines[step.line] += 1
        for part in request.parts:
            for key, (runs, spent) in part.rest.items():
                in_this[key] += runs
                self._statement(key).spent_us += spent
        for key, runs in in_this.items():
            own = self._statement(key)
            own.runs += runs
            own.requests += 1
            own.most = max(own.most, runs)
        if len(in_this) < sum(in_this.values()):
            self._add_repeated(request, in_this)

    def _add_repeated(self, request: Request, in_this: Counter[str]) -> None:
        for key in _asked_again(request.queries):
            self._statement(key).duplicates += 1
        for key in _read_after_write(request):
            self._statement(key).after_write += 1
        for child, parent in _parents(request.queries, in_this):
            self._statement(child).parents[parent] += 1

    def _statement(self, key: str) -> StatementSum:
        own = self.statements.get(key)
        if own is None:
            own = self.statements[key] = StatementSum()
        return own

    def merge(self, other: "EndpointSum") -> None:
        """Add what the other counted."""
        self.queries.merge(other.queries)
        self.database.merge(other.database)
        self.duration.merge(other.duration)
        if other.rows is not None:
            self.rows = (self.rows or 0) + other.rows
        self.idle_us += other.idle_us
        self.lock_us += other.lock_us
        self.told_by += other.told_by
        for key, sums in other.statements.items():
            self._statement(key).merge(sums)
        self.traces.merge(other.traces)

    def told(self, name: str) -> LoggedEndpoint:
        """As a record."""
        database = self.database.spread(1000)
        ordered = sorted(self.statements.items(), key=lambda each: (-each[1].spent_us, each[0]))
        return LoggedEndpoint(
            name=name,
            requests=self.queries.count,
            queries=self.queries.spread(),
            database_ms=database,
            duration_ms=self.duration.spread(1000),
            rows=self.rows,
            statements=tuple(sums.told(key) for key, sums in ordered),
            typical=self.traces.nearest(database.median),
            slow=self.traces.at_least(database.p95),
            idle_in_transaction_ms=self.idle_us / 1000,
            lock_wait_ms=self.lock_us / 1000,
            told_by=max(sorted(self.told_by), key=self.told_by.__getitem__),
        )


def _by_count(counted: Counter[str]) -> list[tuple[str, int]]:
    return sorted(counted.items(), key=lambda each: (-each[1], each[0]))


def _asked_again(queries: list[Step]) -> list[str]:
    """The reads whose answer was there already: with equal parameters, and nothing was written since."""
    again: list[str] = []
    answered: set[tuple[str, int]] = set()
    for step in queries:
        if step.kind not in READS:
            answered.clear()
        elif step.values is not None:
            if (step.key, step.values) in answered:
                again.append(step.key)
            answered.add((step.key, step.values))
    return again


def _read_after_write(request: Request) -> list[str]:
    """The reads before which, since the same read ran last in this transaction, something was written."""
    found: list[str] = []
    written = 0
    read_at: dict[str, int] = {}
    for step in request.steps:
        if not step.inside or step.is_end:
            written, read_at = 0, {}
        written += step.kind in WRITES
        if step.kind not in READS:
            continue
        if written > read_at.get(step.key, 0):
            found.append(step.key)
        read_at[step.key] = written
    return found


def _parents(queries: list[Step], in_this: Counter[str]) -> list[tuple[str, str]]:
    """For each statement that ran repeatedly, the last one before its first run that ran less often."""
    found: list[tuple[str, str]] = []
    stack: list[str] = []
    seen: set[str] = set()
    for step in queries:
        if step.key in seen:
            continue
        seen.add(step.key)
        while stack and in_this[stack[-1]] >= in_this[step.key]:
            stack.pop()
        if stack and in_this[step.key] > 1:
            found.append((step.key, stack[-1]))
        stack.append(step.key)
    return found


def _in_time(step: Step) -> tuple[int, int]:
    return step.start_us, step.place
