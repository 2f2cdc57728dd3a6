"""What the requests of one endpoint come to: sums and sketches that merge, whatever the order."""

from collections import Counter
from functools import lru_cache
from typing import Literal, NamedTuple

from pgadvisor.logs.executed import Executed
from pgadvisor.logs.figures import Figures
from pgadvisor.logs.requests_session import CONTROL, Part, is_end
from pgadvisor.logs.traces import Traces
from pgadvisor.model.log import EndpointStatement, LoggedEndpoint

ToldBy = Literal["trace", "tags", "transaction", "application_name"]

MOST_LINES = 50
"""Lines of code kept of one statement: tags that differ each time are no lines."""
SHOWN_LINES = 5
READS = frozenset(("SELECT", "WITH", "TABLE", "VALUES", "FETCH", "EXECUTE"))
"""What may be asked twice in vain; after any other query an answer may be another one."""
WRITES = frozenset(("INSERT", "UPDATE", "DELETE", "MERGE"))


class Shape(NamedTuple):
    """What the order of a request's queries tells, without their times and values: most requests are alike."""

    counts: dict[str, int]
    parents: tuple[tuple[str, str], ...]
    """For each statement that ran repeatedly, the last one before its first run that ran less often."""


@lru_cache(maxsize=1024)
def shape_of(keys: tuple[str, ...]) -> Shape:
    """The shape of a request with these queries."""
    counts = dict(Counter(keys))
    return Shape(counts, _parents(counts) if len(counts) < len(keys) else ())


class StatementSum:
    """One statement in the requests of an endpoint."""

    __slots__ = ("after_write", "duplicates", "lines", "most", "parents", "requests", "runs", "spent_us")

    def __init__(self) -> None:
        self.runs = self.requests = self.most = self.duplicates = self.after_write = self.spent_us = 0
        self.lines: dict[str, int] = {}
        self.parents: dict[str, int] = {}

    def merge(self, other: "StatementSum") -> None:
        """Add what the other counted."""
        self.runs += other.runs
        self.requests += other.requests
        self.most = max(self.most, other.most)
        self.duplicates += other.duplicates
        self.after_write += other.after_write
        self.spent_us += other.spent_us
        for mine, theirs in ((self.lines, other.lines), (self.parents, other.parents)):
            for name, count in theirs.items():
                mine[name] = mine.get(name, 0) + count

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

    def add(self, request: Part) -> None:
        """Count one request, which is one part."""
        steps = request.kept
        queries = [step for step in steps if step.kind not in CONTROL]
        database_us = sum([step.took_us or 0 for step in steps]) + request.rest_us
        duration_us = request.ended_us - steps[0].start_us
        shape = shape_of(tuple([step.key for step in queries]))
        counts, count = shape.counts, len(queries)
        if request.rest:
            counts = counts.copy()
            for key, (runs, spent) in request.rest.items():
                counts[key] = counts.get(key, 0) + runs
                count += runs
                self._statement(key).spent_us += spent
        self.queries.add(count)
        self.database.add(database_us)
        self.duration.add(duration_us)
        self.idle_us += request.idle_us
        self.lock_us += request.lock_us
        self.told_by[_told_by(request)] += 1
        self._add_steps(queries)
        self._add_counts(counts)
        if len(counts) < count:
            self._add_repeated(request, queries, shape)
        self.traces.add(request, count, duration_us, database_us)

    def _add_steps(self, queries: list[Executed]) -> None:
        statements = self.statements
        for _, _, took, key, _, _, _, line, _, _, _, rows, _ in queries:
            own = statements.get(key) or self._statement(key)
            if took:
                own.spent_us += took
            if line is not None and (line in own.lines or len(own.lines) < MOST_LINES):
                own.lines[line] = own.lines.get(line, 0) + 1
            if rows is not None:
                self.rows = (self.rows or 0) + rows

    def _add_counts(self, counts: dict[str, int]) -> None:
        statements = self.statements
        for key, runs in counts.items():
            own = statements[key]
            own.runs += runs
            own.requests += 1
            if runs > own.most:
                own.most = runs

    def _add_repeated(self, request: Part, queries: list[Executed], shape: Shape) -> None:
        for key in _asked_again(queries):
            self._statement(key).duplicates += 1
        for key in _read_after_write(request):
            self._statement(key).after_write += 1
        for child, parent in shape.parents:
            parents = self._statement(child).parents
            parents[parent] = parents.get(parent, 0) + 1

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


def name_of(request: Part) -> str | None:
    """The endpoint, else the application of a transaction; None: nobody could say what it is."""
    return request.endpoint or request.application or None


def _told_by(request: Part) -> ToldBy:
    """What made these statements one request."""
    if request.request is not None:
        return "trace"
    if request.endpoint is None:
        return "transaction"
    return "application_name" if request.endpoint == request.application else "tags"


def _by_count(counted: dict[str, int]) -> list[tuple[str, int]]:
    return sorted(counted.items(), key=lambda each: (-each[1], each[0]))


def _asked_again(queries: list[Executed]) -> list[str]:
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


def _read_after_write(request: Part) -> list[str]:
    """The reads before which, since the same read ran last in this transaction, something was written."""
    found: list[str] = []
    written = 0
    read_at: dict[str, int] = {}
    for step, inside in zip(request.kept, request.inside, strict=True):
        if not inside or is_end(step):
            written, read_at = 0, {}
        written += step.kind in WRITES
        if step.kind not in READS:
            continue
        if written > read_at.get(step.key, 0):
            found.append(step.key)
        read_at[step.key] = written
    return found


def _parents(counts: dict[str, int]) -> tuple[tuple[str, str], ...]:
    """Of statements in the order of their first runs."""
    found: list[tuple[str, str]] = []
    stack: list[str] = []
    for key, count in counts.items():
        while stack and counts[stack[-1]] >= count:
            stack.pop()
        if stack and count > 1:
            found.append((key, stack[-1]))
        stack.append(key)
    return tuple(found)
