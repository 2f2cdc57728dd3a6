"""Statements as they ran, to requests and endpoints: streaming, in bounded memory, and chunks of a log merge.

`Requests` of one chunk after another, merged in their order, tell the same as one `Requests` over all of it: the
statements at a chunk's start of which it is not known where a request ends are kept (`Session.head`), and taken in when
the chunk before is known. What makes statements one request stands in `requests_session.py`.
"""

from collections.abc import Iterator

from pgadvisor.logs.executed import Executed
from pgadvisor.logs.requests_session import (
    LONGEST_REST_IN_TRANSACTION,
    SECOND,
    Part,
    Session,
    end_us,
    sender_of,
)
from pgadvisor.logs.requests_sums import EndpointSum, Request
from pgadvisor.model.log import LoggedEndpoint

SLACK = 2 * SECOND
"""So much earlier than the line before it may a line say that it was written."""
LONGEST_TRACE_REST = 10 * SECOND
"""Statements with one id in several sessions are one request unless nothing of it ended for so long."""
SWEEP_EVERY = 4_096
OWN = "pgadvisor"
"""Our own sessions call themselves so; they are no requests."""


class Requests:
    """The requests of a log, or of a chunk of it."""

    def __init__(self, *, at_start: bool = False) -> None:
        """`at_start`: nothing comes before, so nothing has to be kept for it."""
        self._at_start = at_start
        self._first_us: int | None = None
        self._now_us = 0
        self._sessions: dict[str, Session] = {}
        self._heads: dict[str, list[tuple[Executed, int]]] = {}
        """Of the chunk's first statements, by session."""
        self._traced: dict[tuple[str, str | None], list[Part]] = {}
        """Parts with an id whose request may have more parts yet."""
        self._endpoints: dict[str, EndpointSum] = {}
        self._until_sweep = SWEEP_EVERY

    def add(self, run: Executed) -> None:
        """Take the next statement of the log in."""
        if run.is_nested or (run.application or "").startswith(OWN):
            return
        self._take(run, 0)

    def add_lock_wait(self, session: str, ended: float, waited_ms: float) -> None:
        """The statement that the session runs had to wait for a lock: the log says so before the statement itself."""
        self._now_us = round(ended * SECOND)
        self._session(session).wait(self._now_us, round(waited_ms * 1000))

    def merge(self, other: "Requests") -> None:
        """Join what comes right after this in the log; `other` is used up."""
        if self._first_us is None:
            self._first_us = other._first_us
        before, self._until_sweep = self._now_us, 1 << 62
        for head in other._heads.values():
            for run, lock_us in head:
                self._take(run, lock_us)
        for name, session in other._sessions.items():
            self._continue(name, session)
        self._now_us = other._now_us or before
        for key, parts in other._traced.items():
            self._traced.setdefault(key, []).extend(parts)
        for endpoint, sums in other._endpoints.items():
            self._endpoint(endpoint).merge(sums)
        self._sweep()

    def endpoints(self) -> tuple[LoggedEndpoint, ...]:
        """All endpoints, the most costly first. What is open ends here: nothing can be added after it."""
        heads, self._heads, self._at_start = self._heads, {}, True
        rest, self._sessions = self._sessions, {}
        for head in heads.values():
            for run, lock_us in head:
                self._take(run, lock_us)
        for name, session in rest.items():
            self._continue(name, session)
        for name in [*self._sessions]:
            self._close(name)
        for parts in self._traced.values():
            self._count_traced(parts)
        self._traced = {}
        told = [sums.told(name) for name, sums in self._endpoints.items()]
        return tuple(sorted(told, key=lambda each: (-each.database_ms.total, each.name)))

    def _take(self, run: Executed, lock_us: int) -> None:
        self._now_us = end_us(run)
        if self._first_us is None:
            self._first_us = self._now_us
        part = self._session(run.session).take(run, self._now_us, lock_us)
        if part is not None:
            self._done(part)
        self._until_sweep -= 1
        if self._until_sweep <= 0:
            self._sweep()

    def _session(self, name: str) -> Session:
        session = self._sessions.get(name)
        if session is None:
            is_head = not self._at_start and name not in self._heads and self._is_early(LONGEST_REST_IN_TRANSACTION)
            session = self._sessions[name] = Session(self._now_us, is_head=is_head)
            if session.head is not None:
                self._heads[name] = session.head
        return session

    def _is_early(self, rest: int, at: int | None = None) -> bool:
        """Whether what comes before this chunk could still matter."""
        now = self._now_us if at is None else at
        return not self._at_start and (self._first_us is None or now - self._first_us <= rest + 2 * SLACK)

    def _continue(self, name: str, after: Session) -> None:
        """The session as the later chunk left it, when all of its head is taken in."""
        if after.head is not None:
            if after.lock_us:
                self._session(name).wait(after.waited_us, after.lock_us)
            return
        self._close(name)
        self._sessions[name] = after

    def _close(self, name: str) -> None:
        session = self._sessions.pop(name, None)
        part = session.closed() if session is not None else None
        if part is not None:
            self._done(part)

    def _done(self, part: Part) -> None:
        """Count a part that has ended, or keep it till its request has ended."""
        if part.first_key is None:
            return
        if part.request is None:
            self._count(Request([part]))
        else:
            self._traced.setdefault((part.request, part.endpoint), []).append(part)

    def _count_traced(self, parts: list[Part]) -> None:
        """Count the requests that parts with one id make up."""
        for together in _together(parts):
            self._count(Request(together))

    def _count(self, request: Request) -> None:
        if request.name is not None:
            self._endpoint(request.name).add(request)

    def _endpoint(self, name: str) -> EndpointSum:
        found = self._endpoints.get(name)
        if found is None:
            found = self._endpoints[name] = EndpointSum()
        return found

    def _sweep(self) -> None:
        """Forget the sessions and ids of which nothing was heard for so long that what comes is another request."""
        for name, session in [*self._sessions.items()]:
            if session.is_over(self._now_us, SLACK):
                self._close(name)
        still_open = {each.part.request for each in self._sessions.values() if each.part is not None}
        still_open |= {request for head in self._heads.values() for request in _ids_of(head)}
        for key, parts in [*self._traced.items()]:
            if self._now_us - parts[-1].ended_us > LONGEST_TRACE_REST + SLACK and key[0] not in still_open:
                self._forget(key, parts)
        self._until_sweep = SWEEP_EVERY + 2 * len(self._sessions) + 4 * len(self._traced)

    def _forget(self, key: tuple[str, str | None], parts: list[Part]) -> None:
        """Count the requests with this id, unless another part of them could still come, or came before the chunk."""
        rests = self._now_us - max(part.ended_us for part in parts)
        begun = min(part.known_us for part in parts)
        if rests > LONGEST_TRACE_REST + SLACK and not self._is_early(LONGEST_TRACE_REST, begun):
            self._count_traced(self._traced.pop(key))


def _ids_of(head: list[tuple[Executed, int]]) -> Iterator[str | None]:
    return (sender_of(run.tags).request for run, _ in head if run.tags)


def _together(parts: list[Part]) -> Iterator[list[Part]]:
    """The parts of each request: a long rest between two of them, and they are two requests."""
    together: list[Part] = []
    ended = 0
    for part in sorted(parts, key=lambda each: (each.known_us, each.kept[0].place)):
        if together and part.known_us - ended > LONGEST_TRACE_REST:
            yield together
            together = []
        together.append(part)
        ended = max(ended, part.ended_us)
    yield together
